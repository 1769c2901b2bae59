"""Many runs: grids of settings, sweeps, leaderboards and comparisons."""

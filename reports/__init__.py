"""The generator of `docs/results.md`."""

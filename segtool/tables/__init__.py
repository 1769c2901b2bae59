"""Human-readable tables of the contents that commands print with --json."""

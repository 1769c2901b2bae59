"""Tables for people; each shows what the command prints with --json."""

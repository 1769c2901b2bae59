"""Tables for people: each shows the content that the command prints with --json."""

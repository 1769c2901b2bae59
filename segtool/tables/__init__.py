"""Tables on the terminal, made from the content that --json prints."""

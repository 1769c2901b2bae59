"""Training of heads: options, losses, and the loop over epochs."""

"""Training of heads: options, losses, the training loop, and adaptation."""

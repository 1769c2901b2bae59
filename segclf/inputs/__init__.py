"""What heads read: windows, examples and batches of them."""

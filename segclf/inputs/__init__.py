"""Inputs of heads: examples, windows and training batches."""

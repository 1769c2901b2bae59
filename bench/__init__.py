"""Benchmarks; each script answers one question."""

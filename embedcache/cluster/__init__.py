"""Distributed encoding on a Ray cluster."""

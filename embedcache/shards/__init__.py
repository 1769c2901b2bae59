"""Distributed encoding, one file at a time: what a task reads, and the shards that it writes."""

"""Shards of a distributed encoding: the files that its tasks read and write, and their merge."""

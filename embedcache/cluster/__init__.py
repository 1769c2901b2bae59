"""Distributed encoding on a Ray cluster; only this package imports ray."""

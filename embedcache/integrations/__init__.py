"""Adapters that let other libraries use the store.

Each library is imported only by its own module.
"""

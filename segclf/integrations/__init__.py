"""Adapters that let other libraries use the segmentation.

Each library is imported only by its own module.
"""

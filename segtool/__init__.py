"""The command line of segtool."""

__version__ = "0.1.0"

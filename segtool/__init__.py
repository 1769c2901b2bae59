"""The command line's parts, beside `cli.py`."""

__version__ = "0.1.0"

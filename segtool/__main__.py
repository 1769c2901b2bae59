"""Run the command line: `python -m segtool`."""

from segtool.app import main

main()

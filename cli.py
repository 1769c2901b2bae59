"""Run the command line from a checkout: `python cli.py`. Installed, it is the command `segtool`."""

from segtool.app import main

if __name__ == "__main__":
    main()

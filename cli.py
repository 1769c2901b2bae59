"""Run the command-line interface from a checkout: `python cli.py`.

The installed command is `segtool`.
"""

from segtool.app import main

if __name__ == "__main__":
    main()

"""Tasks, one in each module: the functions behind the commands and the Python interface."""

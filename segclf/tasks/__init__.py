"""The use cases, one in each module: called by the command line and from Python."""

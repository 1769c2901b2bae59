"""The commands. Each is a function that calls the library and prints the result."""

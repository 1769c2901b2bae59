"""The commands, one function each: parse, call the library, print."""

"""The quality of the tests: branch coverage and mutation testing. See docs/reliability.md."""

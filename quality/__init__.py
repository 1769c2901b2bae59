"""How good the tests are: branch coverage, and mutation testing. See docs/reliability.md."""

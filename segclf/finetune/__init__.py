"""Systems trained end to end, encoder and all: what the heads are compared with."""

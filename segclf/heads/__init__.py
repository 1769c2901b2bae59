"""Heads: small networks on cached vectors, one in each module, listed in the registry."""

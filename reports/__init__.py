"""Generators of `docs/results.md`, `docs/unseen-authors.md` and `docs/adaptation.md`."""

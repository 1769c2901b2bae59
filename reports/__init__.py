"""The generators of `docs/results.md` and `docs/unseen-authors.md`."""

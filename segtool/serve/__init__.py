"""The page and the JSON API of `segtool serve`."""

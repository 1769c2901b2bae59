"""Other methods of text segmentation, compared with the ready models on unseen authors.

Each method is a module with `segment(work, **parameters)`, which returns (n,) bool: whether each
sentence of a work begins a segment; and GRID, the parameters from which the best are chosen on the
dev authors.
"""

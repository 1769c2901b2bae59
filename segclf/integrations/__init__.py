"""Segmentation behind the interfaces of other libraries, each of which its module alone imports."""

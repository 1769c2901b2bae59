"""Systems trained end to end, encoder and all: what the heads are compared with."""

from segclf.finetune.options import CrossSegmentOptions, FinetuneOptions, HierarchicalOptions
from segclf.finetune.runs import finetune

__all__ = ["CrossSegmentOptions", "FinetuneOptions", "HierarchicalOptions", "finetune"]

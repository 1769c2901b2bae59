"""Fine-tuning: systems that train the encoder too, for comparison with heads."""

from segclf.finetune.options import CrossSegmentOptions, FinetuneOptions, HierarchicalOptions
from segclf.finetune.runs import finetune

__all__ = ["CrossSegmentOptions", "FinetuneOptions", "HierarchicalOptions", "finetune"]

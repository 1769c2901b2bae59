"""Fine-tuning: systems that also train the encoder, for comparison with heads."""

from typing import TYPE_CHECKING, Any

from segclf.finetune.options import CrossSegmentOptions, FinetuneOptions, HierarchicalOptions

if TYPE_CHECKING:
    from segclf.finetune.runs import finetune

__all__ = ["CrossSegmentOptions", "FinetuneOptions", "HierarchicalOptions", "finetune"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import `finetune` when it is first used, so that the options do not import torch."""
    if name == "finetune":
        from segclf.finetune.runs import finetune

        return finetune
    raise AttributeError(f"module 'segclf.finetune' has no attribute {name!r}")

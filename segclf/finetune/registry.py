"""Construction of fine-tuned systems from their options, with new or trained weights."""

import torch
from torch import Tensor

from embedcache.encoders import TransformerEncoder
from segclf.finetune.backbone import Backbone
from segclf.finetune.cross_segment import CrossSegment
from segclf.finetune.hierarchical import Hierarchical
from segclf.finetune.options import CrossSegmentOptions, FinetuneOptions, HierarchicalOptions
from segclf.finetune.system import System


def make_system(encoder: TransformerEncoder, options: FinetuneOptions) -> System:
    """Make a system with a pretrained encoder and a classifier with random weights, on the CPU.

    Args:
        encoder: Encoder whose model is fine-tuned.
        options: Options of the system.

    Raises:
        UserError: The model is not supported, or it does not support an option.
        TypeError: The options are of an unknown class.
    """
    torch.manual_seed(options.seed)
    backbone = Backbone(
        encoder, checkpointing=options.checkpointing, attention_dropout=options.attention_dropout
    )
    if options.freeze is not None:
        backbone.freeze(options.freeze)
    if isinstance(options, CrossSegmentOptions):
        return CrossSegment(backbone, options)
    if isinstance(options, HierarchicalOptions):
        return Hierarchical(backbone, options)
    raise TypeError(f"unknown options: {type(options).__name__}")


def restore_system(
    encoder: TransformerEncoder, options: FinetuneOptions, state: dict[str, Tensor]
) -> System:
    """Make a system with trained weights, on the device of its encoder and in evaluation mode.

    Args:
        encoder: Encoder whose model was fine-tuned.
        options: Options with which the system was trained.
        state: Weights that `System.trained_state` returned.

    Raises:
        UserError: The model is not supported, it does not support an option, or the weights do not
            fit the system.
    """
    system = make_system(encoder, options)
    if options.freeze is None:
        (tokens,) = (tensor for name, tensor in state.items() if name.endswith("word_tokens"))
        system.backbone.train_embeddings_of(tokens)
    system.load_trained_state(state)
    return system.to(encoder.device).eval()

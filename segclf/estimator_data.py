"""Checks of the data of the scikit-learn classifier, and the choice of its validation part."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from segclf.inputs.examples import Examples


def readable_by_torch(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors (n, d), copied if they are read-only or have negative strides.

    torch does not support such arrays.
    """
    is_readable = vectors.flags.writeable and min(vectors.strides) >= 0
    return vectors if is_readable else vectors.copy()


def two_classes(targets: NDArray[Any]) -> NDArray[Any]:
    """Return the two classes (2,) of targets (n,), in ascending order.

    Raises:
        ValueError: There are fewer or more than two classes, or the targets are not classes.
    """
    check_classification_targets(targets)
    if type_of_target(targets, input_name="y", raise_unknown=True) != "binary":
        raise ValueError("Only binary classification is supported: pass labels of two classes.")
    classes: NDArray[Any] = np.unique(targets)
    if len(classes) < 2:
        raise ValueError(f"Classifier can't train when only one class is present: {classes[0]}")
    return classes


def hold_out(examples: Examples, fraction: float) -> tuple[Examples, Examples]:
    """Hold out the end of each document for validation.

    Args:
        examples: Examples to divide.
        fraction: Share of the sentences of each document that is held out.

    Returns:
        The training part and the validation part. Both are `examples` itself if the fraction is 0,
        or, with a warning, if one of the parts would lack candidates of a class.
    """
    held_out = examples.layout.mark_last(fraction)
    parts = examples.select(~held_out), examples.select(held_out)
    if all(part.layout.has_both_classes for part in parts):
        return parts
    if fraction > 0:
        warnings.warn(
            "With this validation_fraction, the training or the validation part would contain "
            "only one class. The model is therefore trained and validated on the same data, so "
            "the choice of epoch, temperature and threshold_ is biased. Pass longer documents "
            "or change validation_fraction.",
            UserWarning,
            stacklevel=3,  # the caller of `BoundaryClassifier.fit`
        )
    return examples, examples

"""Heads as a scikit-learn classifier."""

import warnings
from dataclasses import asdict
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import f1_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from embedcache import UserError
from embedcache.encoders.devices import check_device
from embedcache.encoders.threads import limit_threads
from segclf.corpus.layout import Layout
from segclf.heads.names import HeadName
from segclf.inputs.examples import Examples
from segclf.scoring.calibration import calibrate
from segclf.tasks.export import write_model
from segclf.training.loop import train_head
from segclf.training.options import LossName, TrainingOptions
from segclf.workspace.provenance import versions
from segclf.workspace.records import RunRecord
from segclf.workspace.runs import WEIGHTS, read_run
from segclf.workspace.weights import save_weights


class BoundaryClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Says before which sentences of a text a paragraph begins, from the sentences' vectors.

    Rows are sentences in the order of the text, so they must not be shuffled; split data by
    documents, with `groups` and `sklearn.model_selection.GroupKFold`. A search or a
    cross-validation hands `groups` on to the classifier only under
    `sklearn.set_config(enable_metadata_routing=True)`; else each part is one document to it.

    Args:
        head: see `segclf.training.options.TrainingOptions`, as all up to `patience`.
        window: see there.
        reach: see there.
        crop: see there.
        loss: see there.
        gamma: see there.
        learning_rate: see there.
        weight_decay: see there.
        batch_size: see there.
        epochs: see there.
        patience: see there.
        validation_fraction: share of each document, its end, that is not learned from but decides
            about epoch, temperature and threshold. At 0, or with a warning if one side would have
            a single class, everything is learned from and decides.
        threshold: probability at which a paragraph begins; None for the one that gives the held-out
            sentences the highest F1.
        random_state: seeds weights, dropout and order.
        device: "cpu", "cuda", "cuda:1", ... or "mps".
        threads: that a CPU computes with.

    Attributes:
        classes_: (2,) labels; the second is that of a boundary.
        n_features_in_: length of a vector.
        options_: how it was trained.
        head_: the trained network.
        threshold_: probability at which a paragraph begins.
        temperature_: what calibrates the probabilities, see `segclf.scoring.calibration`.
        validated_on_training_: whether no sentence was held out.

    Example:
        >>> classifier = BoundaryClassifier(head="bilstm", window=4)
        >>> classifier.fit(vectors, begins, groups=documents).predict(more_vectors)
    """

    # what scikit-learn's metadata routing hands on without being asked
    __metadata_request__fit: ClassVar = {"groups": True}
    __metadata_request__score: ClassVar = {"groups": True}

    def __init__(
        self,
        head: HeadName | None = None,
        *,
        window: int | None = None,
        reach: int | None = None,
        crop: int | None = None,
        loss: LossName = TrainingOptions.loss,
        gamma: float = TrainingOptions.gamma,
        learning_rate: float = TrainingOptions.learning_rate,
        weight_decay: float = TrainingOptions.weight_decay,
        batch_size: int | None = None,
        epochs: int = TrainingOptions.epochs,
        patience: int = TrainingOptions.patience,
        validation_fraction: float = 0.1,
        threshold: float | None = 0.5,
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        self.head = head
        self.window = window
        self.reach = reach
        self.crop = crop
        self.loss = loss
        self.gamma = gamma
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.threshold = threshold
        self.random_state = random_state
        self.device = device
        self.threads = threads

    def fit(
        self,
        X: ArrayLike,  # noqa: N803
        y: ArrayLike,
        groups: ArrayLike | None = None,
    ) -> "BoundaryClassifier":
        """Train the head.

        Args:
            X: (n, d) vectors of sentences.
            y: (n,) two labels; the larger one where a paragraph begins.
            groups: (n,) the document of each sentence, sentences of one side by side; None for one
                document.

        Raises:
            ValueError: not two labels, a document in pieces, or parameters out of range.
        """
        vectors, targets = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(targets)
        if type_of_target(targets, input_name="y", raise_unknown=True) != "binary":
            raise ValueError("Only binary classification is supported: boundary or none.")
        self.classes_ = np.unique(targets)
        if len(self.classes_) < 2:
            raise ValueError(f"Classifier can't train when only one class is present: {targets[0]}")
        labels = targets == self.classes_[1]
        layout = Layout(labels, _offsets_of(groups, len(vectors)))
        train, validation = self._hold_out(vectors, layout)
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError("threshold must be a probability, 0 to 1")
        self.options_ = self._options()
        trained = train_head(
            train, validation, self.options_, device=self.device, threads=self.threads
        )
        self.head_ = trained.head
        self.temperature_ = trained.best.temperature
        best = calibrate(np.float32(trained.best.threshold), trained.best.temperature)
        self.threshold_ = float(best if self.threshold is None else self.threshold)
        return self

    def predict_proba(self, X: ArrayLike, groups: ArrayLike | None = None) -> NDArray[np.float32]:  # noqa: N803
        """Return the calibrated probabilities (n, 2) of the two classes.

        A document begins with a paragraph: that of its first sentence is 1.

        Args:
            X: (n, d) vectors of sentences.
            groups: (n,) the document of each; None for one.
        """
        check_is_fitted(self)
        vectors = validate_data(self, X, dtype=np.float32, reset=False)
        layout = Layout.unlabelled(_offsets_of(groups, len(vectors)))
        head = self.head_.to(check_device(self.device))
        with limit_threads(self.threads):
            begins = calibrate(head.predict(Examples(vectors, layout)), self.temperature_)
        begins = layout.mark_document_starts(begins)
        return np.stack([1 - begins, begins], axis=1)

    def predict(self, X: ArrayLike, groups: ArrayLike | None = None) -> NDArray[Any]:  # noqa: N803
        """Return the labels (n,) of sentences; see `predict_proba`."""
        begins = self.predict_proba(X, groups)[:, 1]
        labels: NDArray[Any] = self.classes_[(begins >= self.threshold_).astype(int)]
        return labels

    def score(
        self,
        X: ArrayLike,  # noqa: N803
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> float:
        """Return the F1 of boundaries: accuracy says little where most sentences begin nothing.

        The first sentence of a document does not count, it is no decision.

        Args:
            X: (n, d) vectors of sentences.
            y: (n,) labels.
            sample_weight: (n,) of the sentences.
            groups: (n,) the document of each; None for one.
        """
        predicted = self.predict(X, groups)
        is_candidate = Layout.unlabelled(_offsets_of(groups, len(predicted))).is_candidate
        weights = None if sample_weight is None else np.asarray(sample_weight)[is_candidate]
        return float(
            f1_score(
                np.asarray(y)[is_candidate],
                predicted[is_candidate],
                pos_label=self.classes_[1],
                sample_weight=weights,
                zero_division=0,
            )
        )

    def save_pretrained(self, directory: str | PathLike[str]) -> None:
        """Write the trained head into a new folder: see `segclf.tasks.export`.

        Raises:
            UserError: there is something in the directory.
        """
        check_is_fitted(self)
        record = RunRecord(
            encoder=None,
            options=asdict(self.options_),
            threshold=self.threshold_,
            temperature=self.temperature_,
            dim=self.n_features_in_,
            clip_sigma=self.head_.clip_sigma,
            classes=tuple(self.classes_.tolist()),
            versions=versions(),
        )
        state = self.head_.state_dict()
        write_model(
            directory, record.to_dict(), lambda folder: save_weights(folder / WEIGHTS, state)
        )

    @classmethod
    def from_pretrained(cls, directory: str | PathLike[str]) -> "BoundaryClassifier":
        """Read what `save_pretrained` or `segtool export` wrote.

        Raises:
            UserError: it is no such folder, or its model does not read one vector a sentence.
        """
        run = read_run(Path(directory))
        if run is None:
            raise UserError(f"{directory} has no model: name a folder of segtool export")
        head = run.load_head() if run.kind == "head" else None
        if head is None or head.reads_words:
            raise UserError(f"{run.name} does not read one vector a sentence")
        options = TrainingOptions(**run.record.options)  # type: ignore[arg-type]
        same = {name: value for name, value in asdict(options).items() if name in _SAME}
        classifier = cls(**same, threshold=None, random_state=options.seed)
        classifier.options_ = options
        classifier.head_ = head
        classifier.classes_ = np.array(run.record.classes or (False, True))
        classifier.n_features_in_ = run.record.dim
        classifier.threshold_ = run.threshold
        classifier.temperature_ = run.temperature
        return classifier

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _options(self) -> TrainingOptions:
        same = {  # plain numbers, as a grid of numpy's would not go into JSON
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in self.get_params().items()
            if name in _SAME
        }
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(2**31)
        return TrainingOptions(**same, seed=int(seed))

    def _hold_out(self, vectors: NDArray[np.float32], layout: Layout) -> tuple[Examples, Examples]:
        """Part the end of each document from the rest."""
        if not 0 <= self.validation_fraction < 1:
            raise ValueError("validation_fraction must be at least 0 and below 1")
        everything = Examples(vectors, layout)
        held_out = np.zeros(len(layout), dtype=np.bool_)
        for start, stop in layout.documents:
            held_out[stop - round((stop - start) * self.validation_fraction) : stop] = True
        documents = np.repeat(np.arange(len(layout.documents)), np.diff(layout.offsets))
        parts = tuple(
            Examples(
                vectors[part],
                Layout(layout.labels[part], _offsets_of(documents[part], int(part.sum()))),
            )
            for part in (~held_out, held_out)
        )
        self.validated_on_training_ = not all(_has_both(part) for part in parts)
        if not self.validated_on_training_:
            return parts[0], parts[1]
        if self.validation_fraction > 0:
            warnings.warn(
                "Holding out validation_fraction of each document would leave a single class on "
                "one side: the model is trained and validated on all of the data, so the epoch, "
                "temperature and threshold_ are chosen too optimistically. Pass longer documents "
                "or another validation_fraction.",
                UserWarning,
                stacklevel=3,
            )
        return everything, everything


_SAME = frozenset(asdict(TrainingOptions())) - {"seed"}


def _has_both(examples: Examples) -> bool:
    labels = examples.layout.labels[examples.layout.is_candidate]
    return bool(labels.any() and not labels.all())


def _offsets_of(groups: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """Return where documents begin, and n at the end."""
    if groups is None:
        return np.array([0, n], dtype=np.int64)
    names = np.asarray(groups)
    if names.shape != (n,):
        raise ValueError(f"groups has shape {names.shape}, and there are {n} sentences")
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1])) if n else np.zeros(0)
    if len(np.unique(names)) != len(starts):
        raise ValueError("the sentences of a group must stand side by side, in their order")
    return np.append(starts, n).astype(np.int64)

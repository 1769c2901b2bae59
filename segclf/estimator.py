"""A scikit-learn classifier that trains heads."""

from dataclasses import asdict
from numbers import Integral
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import f1_score
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from typing_extensions import Self

from embedcache import UserError
from embedcache.encoders.devices import check_device
from embedcache.encoders.threads import limit_threads
from segclf.corpus.layout import Layout, offsets_of
from segclf.estimator_data import hold_out, readable_by_torch, two_classes
from segclf.heads.names import HeadName
from segclf.inputs.examples import Examples
from segclf.scoring.calibration import calibrate
from segclf.tasks.export import export_head
from segclf.training.loop import train_head
from segclf.training.options import LossName, TrainingOptions
from segclf.workspace.hub import model_folder, push_to_hub
from segclf.workspace.records import RunRecord
from segclf.workspace.runs import read_run


class BoundaryClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts which sentences of a text begin a paragraph, from their vectors.

    Rows are sentences in the order of the text, so they must not be shuffled. Split the data by
    documents, with `groups` and `sklearn.model_selection.GroupKFold`. A search or a
    cross-validation passes `groups` to the classifier only after
    `sklearn.set_config(enable_metadata_routing=True)`; otherwise the classifier treats each
    training set and each test set as one document.

    Args:
        head: Name of the head; None for the default. This parameter and those up to `patience` are
            described in `segclf.training.options.TrainingOptions`.
        window: Number of sentences on each side of a candidate (window heads only).
        reach: Number of sentences on each side that a layer attends to (local-transformer only).
        crop: Maximum number of sentences in a crop of a document (document heads only).
        loss: Loss function.
        gamma: Exponent of the focal loss.
        learning_rate: Maximum learning rate of the one-cycle schedule.
        weight_decay: Weight decay of AdamW.
        batch_size: Number of candidates in a training step; None for a number that depends on the
            size of the data.
        epochs: Maximum number of epochs.
        patience: Number of epochs without an improvement in F1 after which training stops.
        validation_fraction: Share of the sentences of each document, at its end, that is held out
            to choose the epoch, the temperature and the threshold. If it is 0, all sentences are
            used for both training and validation. The same happens, with a warning, if the training
            or the held-out part would contain only one class.
        threshold: Minimum probability at which a sentence is predicted to begin a paragraph; None
            for the threshold with the highest F1 on the held-out sentences.
        random_state: Random seed for weights, dropout and shuffling, or a generator from which the
            seed is drawn; None for the global generator of NumPy.
        device: Name of the device: "cpu", "cuda", "cuda:1", ... or "mps".
        threads: Number of CPU threads.

    Attributes:
        classes_: (2,) labels of the classes; the second marks a boundary.
        n_features_in_: Length of a sentence vector.
        options_: Training options.
        head_: Trained network.
        threshold_: Minimum probability at which a sentence is predicted to begin a paragraph.
        temperature_: Calibration temperature; see `segclf.scoring.calibration`.
        validated_on_training_: Whether the model was validated on its training data because no
            sentences were held out. Only `fit` sets it.

    Example:
        >>> classifier = BoundaryClassifier(head="bilstm", window=4)
        >>> classifier.fit(vectors, begins, groups=documents).predict(more_vectors)
    """

    # scikit-learn's metadata routing passes these by default
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

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Train the head.

        Args:
            X: (n, d) vectors of sentences.
            y: (n,) labels of two classes; the larger label marks the beginning of a paragraph.
            groups: (n,) document of each sentence; the sentences of a document must be
                consecutive. None for a single document.

        Returns:
            The classifier itself.

        Raises:
            ValueError: An array has the wrong shape or contains NaN or infinity, there are not two
                classes, the sentences of a document are not consecutive, `validation_fraction` or
                `threshold` is out of range, or `random_state` cannot be used as a seed.
            UserError: Another parameter is invalid, the head reads words, this machine does not
                have the device, there are no candidates of one of the classes, or the loss is not
                finite.
        """
        vectors, targets = validate_data(self, X, y, dtype=np.float32)
        vectors = readable_by_torch(vectors)
        self.classes_ = two_classes(targets)
        self._check_parameters()
        layout = Layout(targets == self.classes_[1], offsets_of(groups, len(vectors)))
        training, validation = hold_out(Examples(vectors, layout), self.validation_fraction)
        self.validated_on_training_ = validation is training
        self.options_ = self._options()
        trained = train_head(
            training, validation, self.options_, device=self.device, threads=self.threads
        )
        self.head_ = trained.head
        self.temperature_ = trained.best.temperature
        best = trained.best.calibrated_threshold
        self.threshold_ = float(best if self.threshold is None else self.threshold)
        return self

    def predict_proba(self, X: ArrayLike, groups: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return the calibrated probabilities (n, 2) of the two classes.

        The first sentence of a document always begins a paragraph, so its probability is 1.

        Args:
            X: (n, d) vectors of sentences.
            groups: (n,) document of each sentence; None for a single document.

        Raises:
            ValueError: The classifier is not fitted, an array has the wrong shape or contains NaN
                or infinity, or the sentences of a document are not consecutive.
            UserError: This machine does not have the device, or the number of threads is invalid.
        """
        check_is_fitted(self)
        vectors = readable_by_torch(validate_data(self, X, dtype=np.float32, reset=False))
        layout = Layout.unlabelled(offsets_of(groups, len(vectors)))
        head = self.head_.to(check_device(self.device))
        with limit_threads(self.threads):
            begins = calibrate(head.predict(Examples(vectors, layout)), self.temperature_)
        begins = layout.mark_document_starts(begins)
        return np.stack([1 - begins, begins], axis=1)

    def predict(self, X: ArrayLike, groups: ArrayLike | None = None) -> NDArray[Any]:
        """Return the labels (n,) of sentences; see `predict_proba`."""
        begins = self.predict_proba(X, groups)[:, 1]
        labels: NDArray[Any] = self.classes_[(begins >= self.threshold_).astype(int)]
        return labels

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> float:
        """Return the F1 of boundaries.

        Accuracy would be misleading, since few sentences are boundaries. The first sentence of a
        document is not scored, since it always begins a paragraph.

        Args:
            X: (n, d) vectors of sentences.
            y: (n,) labels.
            sample_weight: (n,) weights of the sentences; None for equal weights.
            groups: (n,) document of each sentence; None for a single document.

        Raises:
            ValueError: The lengths differ, or no document has more than one sentence; see also
                `predict_proba`.
            UserError: See `predict_proba`.
        """
        predicted = self.predict(X, groups)
        check_consistent_length(predicted, y, sample_weight)
        is_candidate = Layout.unlabelled(offsets_of(groups, len(predicted))).is_candidate
        weights = None if sample_weight is None else np.asarray(sample_weight)[is_candidate]
        true, found = np.asarray(y)[is_candidate], predicted[is_candidate]
        options = {"pos_label": self.classes_[1], "sample_weight": weights, "zero_division": 0}
        return float(f1_score(true, found, **options))

    def save_pretrained(self, directory: str | PathLike[str]) -> None:
        """Write the trained head to a new folder; see `segclf.tasks.export`.

        Args:
            directory: Folder to create. An existing folder must be empty.

        Raises:
            ValueError: The classifier is not fitted.
            UserError: The path is a file or a non-empty folder.
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
        )
        export_head(self.head_, record, directory)

    def push_to_hub(
        self, repo_id: str, *, private: bool | None = None, token: str | None = None
    ) -> str:
        """Upload the trained head to the Hugging Face Hub; see `segclf.workspace.hub.push_to_hub`.

        Returns:
            URL of the commit.

        Raises:
            UserError: See `segclf.workspace.hub.push_to_hub`.
        """
        with TemporaryDirectory() as scratch:
            folder = Path(scratch) / repo_id.rpartition("/")[2]
            self.save_pretrained(folder)
            return push_to_hub(folder, repo_id, private=private, token=token)

    @classmethod
    def from_pretrained(
        cls, directory: str | PathLike[str], *, revision: str | None = None
    ) -> Self:
        """Read a model that `save_pretrained` or `segtool export` wrote.

        Args:
            directory: Folder, or a repository on the Hugging Face Hub, such as "user/model".
            revision: Branch, tag or commit of the repository; None for the main branch.

        Raises:
            UserError: The folder contains no model, the model is damaged or does not read sentence
                vectors, or the repository cannot be downloaded.
        """
        run = read_run(model_folder(directory, revision=revision))
        if run is None:
            raise UserError(f"{directory} contains no model: pass a folder exported by segtool")
        head = run.load_head()
        if head.reads_words:
            raise UserError(f"{run.name} reads words: use it with segtool segment --run")
        options = run.record.training_options
        shared = {name: value for name, value in asdict(options).items() if name in _SHARED_OPTIONS}
        classifier = cls(**shared, threshold=None, random_state=options.seed)
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
        shared = {  # Python numbers, since those of NumPy are not JSON-serializable
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in self.get_params().items()
            if name in _SHARED_OPTIONS
        }
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(2**31)
        return TrainingOptions(**shared, seed=int(seed))

    def _check_parameters(self) -> None:
        if not 0 <= self.validation_fraction < 1:
            raise ValueError("validation_fraction must be at least 0 and below 1")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError("threshold must be a probability between 0 and 1")


_SHARED_OPTIONS = frozenset(asdict(TrainingOptions())) - {"seed", "boundary_type"}

"""The scikit-learn classifier: scikit-learn's own checks, and typical use."""

import copy
import json
import pickle
import warnings
from datetime import datetime, timezone

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.utils.estimator_checks import check_estimator

from embedcache import UserError
from segclf import BoundaryClassifier

A_SEQUENCE = "a sentence is judged by its neighbours, so what stands beside it matters"
EXPECTED = {
    "check_methods_subset_invariance": A_SEQUENCE,
    "check_methods_sample_order_invariance": A_SEQUENCE,
}


@pytest.mark.filterwarnings("ignore:With this validation_fraction")
def test_scikit_learns_own_checks_pass():
    classifier = BoundaryClassifier("mlp", window=1, epochs=3)
    results = check_estimator(classifier, expected_failed_checks=EXPECTED, on_skip=None)
    failed = {result["check_name"] for result in results if result["status"] == "xfail"}
    assert failed == set(EXPECTED)


def documents(seed, count=8, length=120, dim=12):
    """Make vectors that change at the beginning of each paragraph."""
    random = np.random.default_rng(seed)
    n = count * length
    begins = random.random(n) < 0.2
    begins[::length] = True
    topics = random.standard_normal((begins.sum(), dim))
    vectors = topics[np.cumsum(begins) - 1] + 0.2 * random.standard_normal((n, dim))
    return vectors, begins, np.repeat(np.arange(count), length)


@pytest.fixture(scope="module")
def fitted():
    vectors, begins, groups = documents(0)
    classifier = BoundaryClassifier("mlp", window=2, threshold=None, random_state=0)
    return classifier.fit(vectors, begins, groups=groups)


def test_it_finds_boundaries_of_new_documents(fitted):
    vectors, begins, groups = documents(1, count=3)
    assert fitted.score(vectors, begins, groups=groups) > 0.75
    assert fitted.predict(vectors, groups=groups)[::120].all()
    probabilities = fitted.predict_proba(vectors, groups=groups)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", ["reversed", "read-only", "columns", "one reversed"])
def test_arrays_that_torch_cannot_read_are_copied(fitted, form):
    vectors, _, _ = documents(1, count=1)
    vectors = vectors.astype(np.float32)
    view = {
        "reversed": vectors[::-1],
        "read-only": np.broadcast_to(vectors, vectors.shape),
        "columns": np.asfortranarray(vectors)[:, ::-1],
        "one reversed": vectors[:1][::-1],
    }[form]
    expected = fitted.predict_proba(view.astype(np.float64))
    assert (fitted.predict_proba(view) == expected).all()
    if len(view) > 1:
        begins = np.arange(len(view)) % 5 == 0
        classifier = BoundaryClassifier("mlp", window=1, epochs=1, validation_fraction=0)
        assert classifier.fit(view, begins).predict(view).shape == begins.shape


def test_documents_do_not_influence_each_other(fitted):
    vectors, _, groups = documents(1, count=3)
    whole = fitted.predict_proba(vectors, groups=groups)
    second = fitted.predict_proba(vectors[120:240])
    np.testing.assert_allclose(whole[120:240], second, atol=1e-6)


def test_labels_may_be_strings():
    vectors, begins, groups = documents(0, count=2)
    words = np.where(begins, "new", "again")
    classifier = BoundaryClassifier("mlp", window=1, epochs=2).fit(vectors, words, groups=groups)
    assert set(classifier.predict(vectors)) <= {"new", "again"}
    assert classifier.classes_.tolist() == ["again", "new"]


def test_a_pickled_classifier_predicts_the_same_and_a_clone_has_its_parameters(fitted):
    vectors, _, groups = documents(1, count=2)
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.predict(vectors, groups) == fitted.predict(vectors, groups)).all()
    assert clone(fitted).get_params() == fitted.get_params()


def test_a_grid_search_passes_the_documents_to_the_classifier(tmp_path):
    vectors, begins, groups = documents(0, count=4, length=60)
    classifier = BoundaryClassifier("mlp", epochs=2, random_state=0)
    folds = GroupKFold(2)
    search = GridSearchCV(classifier, {"window": np.arange(1, 3)}, cv=folds)
    with config_context(enable_metadata_routing=True):
        search.fit(vectors, begins, groups=groups)
    for number, (learned, held_out) in enumerate(folds.split(vectors, begins, groups)):
        alone = clone(classifier).set_params(window=1)
        alone.fit(vectors[learned], begins[learned], groups=groups[learned])
        score = alone.score(vectors[held_out], begins[held_out], groups=groups[held_out])
        assert search.cv_results_[f"split{number}_test_score"][0] == score
    search.best_estimator_.save_pretrained(tmp_path / "best")


def test_the_first_sentence_of_a_document_is_not_scored(fitted):
    vectors, begins, groups = documents(1, count=3)
    begins = begins.copy()
    score = fitted.score(vectors, begins, groups=groups)
    begins[::120] = False
    assert fitted.score(vectors, begins, groups=groups) == score
    assert (fitted.predict_proba(vectors, groups=groups)[::120, 1] == 1).all()


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"threads": 2}, 2)])
def test_it_computes_with_one_thread_by_default(threads_used, given, expected):
    vectors, begins, groups = documents(0, count=2)
    classifier = BoundaryClassifier("mlp", window=1, epochs=1, **given)
    classifier.fit(vectors, begins, groups=groups)
    assert threads_used == {expected}
    threads_used.clear()
    classifier.predict(vectors, groups=groups)
    assert threads_used == {expected}


def test_the_same_seed_gives_the_same_probabilities(fitted):
    vectors, begins, groups = documents(0)
    again = clone(fitted).fit(vectors, begins, groups=groups)
    assert (again.predict_proba(vectors) == fitted.predict_proba(vectors)).all()


def test_a_classifier_is_saved_and_read_again(fitted, tmp_path):
    vectors, _, groups = documents(1, count=2)
    fitted.save_pretrained(tmp_path / "model")
    again = BoundaryClassifier.from_pretrained(tmp_path / "model")
    assert (again.predict_proba(vectors, groups) == fitted.predict_proba(vectors, groups)).all()
    assert again.predict(vectors).dtype == bool
    assert again.get_params() == fitted.get_params()
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "README.md",
        "config.json",
        "weights.safetensors",
    ]
    with pytest.raises(UserError, match="empty"):
        fitted.save_pretrained(tmp_path / "model")


def test_damaged_weights_are_not_read(fitted, tmp_path):
    fitted.save_pretrained(tmp_path / "model")
    path = tmp_path / "model" / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.safetensors is damaged"):
        BoundaryClassifier.from_pretrained(tmp_path / "model")


def test_the_record_of_a_classifier_has_the_time_at_which_it_was_saved(fitted, tmp_path):
    before = datetime.now(timezone.utc)
    fitted.save_pretrained(tmp_path / "model")
    record = json.loads((tmp_path / "model" / "config.json").read_text())
    assert datetime.fromisoformat(record["created"]) >= before


def test_a_model_that_does_not_clip_is_saved_and_read_again(fitted, tmp_path):
    vectors, _, _ = documents(1, count=1)
    vectors *= 100  # far beyond the vectors of training
    unclipped = copy.deepcopy(fitted)
    unclipped.head_.clip_sigma = None
    expected = unclipped.predict_proba(vectors)
    assert (fitted.predict_proba(vectors) != expected).any()
    model = unclipped
    for name in ("first", "second"):
        model.save_pretrained(tmp_path / name)
        model = BoundaryClassifier.from_pretrained(tmp_path / name)
        assert (model.predict_proba(vectors) == expected).all()


def test_validation_on_the_training_data_gives_a_warning(fitted):
    vectors, _, _ = documents(0, count=1, length=40)
    begins = np.arange(40) % 40 == 20  # no boundary in the tenth that would be held out
    classifier = BoundaryClassifier("mlp", window=1, epochs=1)
    with pytest.warns(UserWarning, match="trained and validated on the same data"):
        classifier.fit(vectors, begins)
    assert classifier.validated_on_training_
    assert not fitted.validated_on_training_
    with warnings.catch_warnings():  # no warning if nothing is held out on purpose
        warnings.simplefilter("error")
        classifier.set_params(validation_fraction=0).fit(vectors, begins)
    assert classifier.validated_on_training_


def test_invalid_arguments_are_reported(fitted, tmp_path):
    vectors, begins, _ = documents(0, count=2)
    with pytest.raises(ValueError, match="must be consecutive"):
        fitted.predict(vectors, groups=np.arange(len(vectors)) % 2)
    with pytest.raises(ValueError, match="groups has shape"):
        fitted.predict(vectors, groups=[1, 2])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted.score(vectors, begins[:-1])
    with pytest.raises(UserError, match=r"head: must be .*, not 'rnn'"):
        BoundaryClassifier("rnn").fit(vectors, begins)
    with pytest.raises(UserError, match="reads words"):
        BoundaryClassifier("wordlstm").fit(vectors, begins)
    with pytest.raises(ValueError, match="a probability"):
        BoundaryClassifier(threshold=2).fit(vectors, begins)
    with pytest.raises(UserError, match="epochs: must be greater than 0, not 0"):
        BoundaryClassifier(epochs=0).fit(vectors, begins)
    with pytest.raises(ValueError, match="validation_fraction"):
        BoundaryClassifier(validation_fraction=1).fit(vectors, begins)
    with pytest.raises(UserError, match="--device cuda:99"):
        BoundaryClassifier(device="cuda:99").fit(vectors, begins)
    with pytest.raises(UserError, match="--threads 0"):
        BoundaryClassifier(threads=0).fit(vectors, begins)
    with pytest.raises(UserError, match="contains no model"):
        BoundaryClassifier.from_pretrained(tmp_path)

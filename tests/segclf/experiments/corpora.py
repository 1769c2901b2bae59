"""A grid, an embedded corpus to sweep it on, and copies of a workspace."""

import shutil

import numpy as np

from embedcache import encode_sentences
from segclf.corpus import Corpus, Document
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.workspace import Workspace
from tests.conftest import HashEncoder

GRID = {"head": ["mlp", "bilstm"], "window": 1, "epochs": 2, "seed": [0, 1, 2]}


def embed_hashes(workspace, name="stories", encoder_name="hash"):
    """Embed texts in which the first letter of a sentence shows whether a paragraph begins."""
    random = np.random.default_rng(0)
    documents = []
    for split, count in (("train", 4), ("dev", 2), ("test", 3)):
        for i in range(count):
            labels = random.random(60) < 0.25
            sentences = [f"{'A' if label else 'b'}{random.integers(9**6)}" for label in labels]
            documents.append(Document(f"{split}/{i}", sentences, labels, split=split))
    corpus = Corpus.of(documents, [document.split for document in documents])
    encoder = HashEncoder()
    encode_sentences(corpus.sentences, encoder, workspace.store(create=True))
    reference = EncoderReference(encoder_name, None, encoder.fingerprint)
    workspace.save_corpus(name, corpus, "line", reference)


def copied(workspace, folder):
    """Copy a workspace."""
    shutil.copytree(workspace.path, folder / "copy")
    return Workspace(folder / "copy")

"""A toy task: each sentence that begins with 雨 begins a paragraph."""

import numpy as np

from embedcache import load_encoder
from segclf.corpus import Corpus
from segclf.corpus.documents import Document
from segclf.finetune.options import CrossSegmentOptions, HierarchicalOptions
from segclf.finetune.registry import make_system

CHARACTERS = list("夜人手目時日見今前家")
_FAST = {"learning_rate": 3e-3, "batch_size": 16}
SYSTEMS = [
    CrossSegmentOptions(**_FAST),
    CrossSegmentOptions(sides="tokens:4", **_FAST),
    HierarchicalOptions(upper_learning_rate=3e-3, **_FAST),
    HierarchicalOptions(upper="bilstm", sentences=2, pooling="mean", **_FAST),
]
NAMES = [options.run_name for options in SYSTEMS]
TOLERANCES = {"float32": {"atol": 1e-5, "rtol": 1e-4}, "bfloat16": {"atol": 0.02, "rtol": 0.02}}
PRECISIONS = list(TOLERANCES)  # every machine computes both; bfloat16 may be slow


def corpus(seed=0, documents=4, length=100, split="train"):
    random = np.random.default_rng(seed)
    texts = []
    for number in range(documents):
        labels = random.random(length) < 0.3
        labels[0] = True
        sentences = [
            ("雨" if label else "") + "".join(random.choice(CHARACTERS, random.integers(1, 9)))
            for label in labels
        ]
        texts.append(Document(f"{split}/{number}", sentences, labels))
    return Corpus.of(texts, [split] * documents)


def system_and_text(model, options, text=None, precision="float32"):
    system = make_system(load_encoder(model, precision=precision), options)
    text = text or corpus()
    return system, system.backbone.tokenize(text.sentences, text.layout)

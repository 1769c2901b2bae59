"""Helpers that write texts to files and read them again."""

from segclf.corpus import ReadOptions, read_corpus

INDENTED = "　雨が降る。風も吹く。\n「寒い」\n「本当に」\n　夜になった。\n"


def write(tmp_path, text, name="corpus.txt"):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return tmp_path / name


def read(path, **options):
    return read_corpus(path, options=ReadOptions(**options), split="train")


def labelled(corpus):
    return list(zip(corpus.sentences, corpus.labels.tolist(), strict=True))

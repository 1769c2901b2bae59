"""Warnings: overlapping splits, few boundaries, a text in another language."""

import json
import shutil

from tests.conftest import SURFACE
from tests.segtool.texts import UNSEEN

ENGLISH = (
    "It was late, and the rain had not stopped since noon. The lamps were lit early. A woman stood "
    "at the window and watched the water run down the pane. She was waiting for a letter."
)


def warnings_in(done):
    assert done.returncode == 0, done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("warning: ")]


def test_embed_and_stats_warn_about_overlapping_and_small_splits(tmp_path, cli):
    for split in ("train", "test"):
        (tmp_path / "texts" / split).mkdir(parents=True)
        text = "".join(f"　{number}番目の文だ。次の文だ。\n" for number in range(60))
        (tmp_path / "texts" / split / "a.txt").write_text(text)
    expected = (
        "warning: the test split shares 120 of its 120 sentences with train, so its scores may be "
        "too high: remove duplicate texts, or keep them in one split"
    )
    done = cli(tmp_path, "embed", "texts", *SURFACE, "--json")
    assert warnings_in(done) == [expected]
    assert json.loads(done.stdout)["warnings"] == [expected.removeprefix("warning: ")]
    assert warnings_in(cli(tmp_path, "stats")) == [expected]
    shutil.rmtree(tmp_path / "texts/test")
    (tmp_path / "texts/dev").mkdir()
    (tmp_path / "texts/dev/b.txt").write_text("　雨だ。\n　風だ。\n")
    few = "warning: the dev split has only 2 boundaries, so scores on it are uncertain: "
    (line,) = warnings_in(cli(tmp_path, "embed", "texts", *SURFACE))
    assert line.startswith(few)


def test_eval_warns_about_few_boundaries(trained, tmp_path, cli):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    assert warnings_in(cli(tmp_path, "eval", "mlp-w1-001")) == []
    (tmp_path / "small.txt").write_text("　雨だ。風だ。\n　雪だ。\n" * 5)
    embedding = ("embed", "small.txt", "--split", "test", *SURFACE)
    assert len(warnings_in(cli(tmp_path, *embedding))) == 1
    scored = cli(tmp_path, "eval", "mlp-w1-001", "--corpus", "small", "--json")
    (line,) = warnings_in(scored)
    assert line.startswith("warning: the test split has only 10 boundaries")


def test_a_text_in_another_language_gives_a_warning(trained, tmp_path, cli):
    shutil.copytree(trained / ".segtool", tmp_path / ".segtool")
    for name, text in (("ja.txt", UNSEEN), ("en.txt", ENGLISH), ("short.txt", "Bon. Oui.")):
        (tmp_path / name).write_text(text)
    expected = "warning: the language of the text is en, but mlp-w1-001 was trained on ja: "
    (line,) = warnings_in(cli(tmp_path, "segment", "en.txt"))
    assert line.startswith(expected)
    assert warnings_in(cli(tmp_path, "segment", "ja.txt")) == []
    assert warnings_in(cli(tmp_path, "segment", "short.txt")) == []  # it is not certain
    (line,) = warnings_in(cli(tmp_path, "segment", "en.txt", "ja.txt", "--output-dir", "out"))
    assert line.startswith("warning: en.txt: the language of the text is en")
    (tmp_path / "en-corpus.txt").write_text("".join(f"\t{ENGLISH}\n" for _ in range(60)))
    embedding = ("embed", "en-corpus.txt", "--split", "test", *SURFACE)
    assert warnings_in(cli(tmp_path, *embedding)) == []
    scored = cli(tmp_path, "eval", "mlp-w1-001", "--corpus", "en-corpus", "--json")
    (line,) = warnings_in(scored)
    assert line.startswith(expected)
    # a corpus with the name of the one that the model was trained on
    encoder = ("--name", "japanese-fast", "--encoder", "static-paragraphs+surface")
    assert cli(tmp_path, *embedding[:-2], *encoder).returncode == 0
    (line,) = warnings_in(cli(tmp_path, "eval", "japanese-fast", "--corpus", "japanese-fast"))
    assert "en, but japanese-fast was trained on ja" in line

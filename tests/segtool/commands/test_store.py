"""`segtool store ...`"""

import json

from embedcache import EmbeddingStore, encode_sentences
from tests.conftest import HashEncoder
from tests.embedcache.store.stores import make_format_1

SENTENCES = [*map(str, range(1500))]


def test_a_store_is_shown_and_upgraded(segtool, tmp_path):
    in_workspace = ["--workspace", str(tmp_path / "w")]
    path = tmp_path / "w/store"
    encode_sentences(SENTENCES, HashEncoder(), EmbeddingStore(path))
    make_format_1(path)

    shown = json.loads(segtool(tmp_path, "store", "info", *in_workspace, "--json").stdout)
    assert shown["format"] == 1
    (space,) = shown["spaces"]
    assert space.pop("fingerprint") == HashEncoder().fingerprint
    assert space == {
        "encoder": "hash",
        "rows": 1500,
        "dim": 32,
        "dtype": "float32",
        "bytes": 1500 * 32 * 4,
        "precisions": {"float32": 1500},
    }
    upgraded = segtool(tmp_path, "store", "upgrade", *in_workspace)
    assert upgraded.stdout == "Upgraded the store to format 2: 4 values rewritten.\n"
    assert upgraded.stderr == ""
    again = json.loads(segtool(tmp_path, "store", "upgrade", *in_workspace, "--json").stdout)
    assert again == {"from": 2, "to": 2, "values_rewritten": 0}
    table = segtool(tmp_path, "store", "info", *in_workspace).stdout
    assert "1,500" in table
    assert table.count("float32") == 2
    assert "format 2" in table
    report = encode_sentences([*SENTENCES, "new"], HashEncoder(), EmbeddingStore(path))
    assert (report.encoded, report.cached) == (1, 1500)


def test_a_missing_store_is_reported_in_one_line(segtool, tmp_path):
    for command in ("info", "upgrade"):
        done = segtool(tmp_path, "store", command)
        assert done.returncode == 2
        assert done.stderr.startswith("error: nothing is embedded in .segtool yet")
        assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []

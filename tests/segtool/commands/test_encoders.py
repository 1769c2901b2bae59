"""`segtool encoders`."""

import json

from segclf.workspace.encoders import DEFAULT_ENCODER


def test_encoders_are_listed_and_shown(cli, tmp_path):
    listed = json.loads(cli(tmp_path, "encoders", "--json").stdout)
    assert {"e5-small", "minilm"} <= listed.keys()
    shown = json.loads(cli(tmp_path, "encoders", "show", "minilm+surface", "--json").stdout)
    assert [encoder["name"] for encoder in shown["encoders"]] == ["minilm", "surface"]
    shown = shown["encoders"][0]
    assert shown["dim"] == 384
    assert shown["max_tokens"] == 256
    assert shown["parameters"] == shown["trainable_parameters"] == 22_713_216
    assert len(shown["fingerprint"]) == 32
    assert shown["stored"] is None
    assert (
        "all-MiniLM" in cli(tmp_path, "encoders").stdout == cli(tmp_path, "encoders", "list").stdout
    )


def test_the_stored_vectors_of_each_part_are_shown(trained_by_default, cli):
    name = DEFAULT_ENCODER
    show = ("encoders", "show", name, "--json")
    shown = json.loads(cli(trained_by_default, *show).stdout)["encoders"]
    counted = json.loads(cli(trained_by_default, "stats", "--json").stdout)["encoders"]
    assert [encoder["name"] for encoder in shown] == name.split("+")
    for encoder, other in zip(shown, counted, strict=True):
        assert (encoder["name"], encoder["stored"]) == (other["name"], other["stored"])
        rows = encoder["stored"]["rows"]
        assert rows > 0
        assert encoder["stored"]["dtype"] == "float32"
        computation = encoder.get("precision", "float32")
        if encoder.get("backend") == "openvino":
            computation += " with openvino"
        assert encoder["stored"]["precisions"] == {computation: rows}
    line = f"surface: {rows:,} vectors stored as float32, computed in float32"
    assert line in cli(trained_by_default, "stats").stdout
    (trained_by_default / "elsewhere").mkdir()
    elsewhere = ("encoders", "show", "surface", "--workspace", "elsewhere")
    assert "no vectors in the store" in cli(trained_by_default, *elsewhere).stdout

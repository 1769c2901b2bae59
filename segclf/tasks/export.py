"""A trained model as a folder to hand on: no workspace needed, no pickle in it.

DIR/config.json          how it was made and what it needs, as `segclf.workspace.runs` keeps it
DIR/weights.safetensors  its weights
DIR/FINGERPRINT.json     what its encoder was fitted to, if it was fitted
DIR/encoder-FINGERPRINT/ the model of its encoder, if it was exported with it
DIR/README.md            its model card
"""

import shutil
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from embedcache import UserError
from embedcache.files import publish, scratch_folder, write_json, write_text
from segclf.tasks.evaluate import SCORED_SPLITS, read_evaluation
from segclf.workspace.encoders import copy_encoder, state_path
from segclf.workspace.runs import CONFIGURATION, WEIGHTS, Run
from segclf.workspace.workspace import Workspace

_PRIVATE = ("history", "machine")  # of a record: of interest where it was trained


def export(
    run: Run,
    directory: str | PathLike[str],
    workspace: Workspace,
    *,
    with_encoder: bool = False,
) -> Path:
    """Copy a run into a folder that any `segtool segment --run DIR` reads.

    Args:
        run: of any kind.
        directory: to create; it may exist if it is empty.
        workspace: keeps what the run's encoder was fitted to.
        with_encoder: copy the encoder's model too, so that the folder needs no download and no
            package. Word vectors are not copied.

    Raises:
        UserError: the directory is not empty, or the encoder cannot be copied.
    """
    scores = {split: read_evaluation(run, split) for split in SCORED_SPLITS}
    record = run.record.to_dict()
    config = {name: value for name, value in record.items() if name not in _PRIVATE}
    config["kind"] = run.kind
    config["has_encoder"] = with_encoder
    if any(scores.values()):
        config["scores"] = {split: _figures(record) for split, record in scores.items() if record}

    def fill(folder: Path) -> None:
        shutil.copyfile(run.path / WEIGHTS, folder / WEIGHTS)
        for part in run.encoder.parts:
            if state := state_path(part, workspace.encoders, run.path):
                shutil.copyfile(state, folder / state.name)
            if with_encoder:
                copy_encoder(part, folder)

    return write_model(directory, config, fill)


def write_model(
    directory: str | PathLike[str], config: dict[str, Any], fill: Callable[[Path], object]
) -> Path:
    """Write the folder of a model whole or not at all.

    Args:
        directory: made here; it must be empty if it is there.
        config: what config.json holds, and the model card tells.
        fill: writes the weights, and what else there is, into the folder.

    Raises:
        UserError: there is something in the directory.
    """
    path = Path(directory).absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is there and not empty: name a new folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(path.parent, path) as scratch:
        fill(scratch)
        write_json(scratch / CONFIGURATION, config, indent=1)
        write_text(scratch / "README.md", model_card(path.name, config))
        if path.exists():
            path.rmdir()
        publish(scratch, path)
    return path


def _figures(record: dict[str, Any]) -> dict[str, float]:
    names = ("precision", "recall", "f1", "pk", "window_diff")
    figures: dict[str, float] = {name: record[name] for name in names}
    return figures


def model_card(name: str, config: dict[str, Any]) -> str:
    """Return a model's README.md, as the Hugging Face Hub shows it: use, encoder, data, scores."""
    named = ((key, value) for key, value in config["options"].items() if value is not None)
    options = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in named)
    parts = [
        f"---\nlibrary_name: segtool\ntags:\n- text-segmentation\n---\n\n# {name}\n",
        "Says where paragraphs begin in a text whose layout is lost. Made with segtool "
        f"{config['versions']['segtool']}.\n",
    ]
    if config["encoder"]:
        parts.append(
            f"## Use\n\n```\nsegtool segment new.txt --run {name}\n```\n\n"
            "A head on sentence vectors is also read by `BoundaryClassifier.from_pretrained`.\n"
        )
    else:
        parts.append(
            f'## Use\n\n```python\nBoundaryClassifier.from_pretrained("{name}")\n```\n\n'
            "on vectors like those that it was fitted on; it does not know their encoder.\n"
        )
    parts.append(f"## Model\n\nOptions: {options}.\n")
    if encoder := config["encoder"]:
        pooling = f", pooling {encoder['pooling']}" if encoder["pooling"] else ""
        place = (
            "Its model is in this folder; no download is needed"
            if config.get("has_encoder")
            else "Its model is not in this folder; segtool loads it by its name and refuses another"
        )
        parts.append(
            f"Encoder: `{encoder['name']}`{pooling}, fingerprint `{encoder['fingerprint']}`. "
            f"{place}.\n"
        )
    parts += [_data(config), _scores(config)]
    return "\n".join(filter(None, parts))


def _data(config: dict[str, Any]) -> str:
    if not config.get("counts"):
        return ""
    rows = [
        f"| {split} | {counts['sentences']:,} | {counts['boundaries']:,} |"
        for split, counts in config["counts"].items()
    ]
    return "\n".join(
        [
            f"## Data\n\nThe corpus {config['corpus']}, sentences by the rule "
            f"{config['sentence_rule']}.\n",
            "| split | sentences | boundaries |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _scores(config: dict[str, Any]) -> str:
    if not config.get("scores"):
        return ""
    rows = [
        f"| {split} | " + " | ".join(f"{figure:.3f}" for figure in figures.values()) + " |"
        for split, figures in config["scores"].items()
    ]
    return "\n".join(
        [
            f"## Scores\n\nAt the threshold {config['threshold']:.3f}, chosen on dev; Pk and "
            "WindowDiff are the better the lower.\n",
            "| split | precision | recall | F1 | Pk | WindowDiff |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )

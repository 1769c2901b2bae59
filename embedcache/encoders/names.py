"""Names of encoders: "e5-small:7" (7 layers), "static:NAME", "wordvec:FILE"; "+" joins encoders."""

import os
import re
from pathlib import Path

from embedcache.errors import UserError
from embedcache.store import JOIN

VECTOR_FILE_PREFIX = "wordvec:"  # before the path of a file of word vectors
STATIC_PREFIX = "static:"  # before the name of a Transformer from which vectors are distilled
_FINGERPRINT = re.compile("[0-9a-f]{32}")
_LAYER = re.compile(r"(?P<model>(?!wordvec:).+):(?P<layer>\d+)")


def split_layer(name: str) -> tuple[str, int | None]:
    """Split the name of one encoder into its model and its layer.

    Args:
        name: Name of an encoder, for example "e5-small:7".

    Returns:
        The name of the model and the number after the last colon. The whole name and None if there
        is no such number, if the whole name is a folder, or if it begins with "wordvec:".
    """
    match = _LAYER.fullmatch(name)
    if match is None or Path(name).is_dir():
        return name, None
    return match["model"], int(match["layer"])


def join_layer(model: str, layer: int | None) -> str:
    """Return the name of a model truncated after a layer; the reverse of `split_layer`."""
    return model if layer is None else f"{model}:{layer}"


def split_joined(name: str) -> list[str]:
    """Split the name of a joined encoder at each "+" that is not in the path of a file or folder.

    Raises:
        UserError: A name is empty, or a path that contains "+" does not come first. In the record
            of a run, such a path would look like two names once the path has been deleted.
    """
    names, pieces = [], name.split(JOIN)
    while pieces:
        longest_first = range(len(pieces), 0, -1)
        count = next((count for count in longest_first if _is_path(JOIN.join(pieces[:count]))), 1)
        names.append(JOIN.join(pieces[:count]))
        pieces = pieces[count:]
    if not all(names):
        raise UserError(f"invalid encoder {name!r}: give a name on each side of {JOIN}")
    if with_join := next((other for other in names[1:] if JOIN in other), None):
        raise UserError(f"{with_join}: a path that contains {JOIN} can only be the first encoder")
    return names


def split_recorded(name: str, fingerprint: str) -> list[tuple[str, str]]:
    """Split the recorded name and fingerprint of an encoder into those of its parts.

    Unlike `split_joined`, this does not depend on which files exist now.

    Args:
        name: Name that was given to `load_encoder`.
        fingerprint: Fingerprint of the encoder at that time.

    Returns:
        Name and fingerprint of each part; those of the encoder itself if it is not joined.
    """
    fingerprints = fingerprint.split(JOIN)
    names = name.rsplit(JOIN, len(fingerprints) - 1)
    return list(zip(names, fingerprints, strict=False))


def is_fingerprint(text: str) -> bool:
    """Return whether a text has the form of the fingerprint of an encoder, joined or not."""
    return all(_FINGERPRINT.fullmatch(part) for part in text.split(JOIN))


def _is_path(name: str) -> bool:
    if name.startswith(VECTOR_FILE_PREFIX):
        return os.path.exists(os.path.expanduser(name.removeprefix(VECTOR_FILE_PREFIX)))
    model = re.sub(r":\d+$", "", name.removeprefix(STATIC_PREFIX))
    return bool(model) and (Path(model).exists() or Path(name).exists())

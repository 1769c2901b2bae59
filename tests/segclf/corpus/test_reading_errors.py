"""Errors of reading a corpus: files, folders and options."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from embedcache import UserError
from segclf.corpus import ReadOptions, read_corpus
from tests.conftest import HANG
from tests.segclf.corpus.texts import INDENTED, write


def test_files_without_text_are_errors(tmp_path):
    (tmp_path / "folder").mkdir()
    for path, message in [
        (tmp_path / "none.txt", "no such file"),
        (tmp_path / "folder", r"no .*\.txt.* file in this folder"),
        (write(tmp_path, "", "empty.txt"), "contains no sentences"),
        (write(tmp_path, "\n \n", "blank.txt"), "contains no sentences"),
    ]:
        with pytest.raises(UserError, match=message):
            read_corpus(path)


def test_an_unknown_format_is_an_error(tmp_path):
    with pytest.raises(UserError, match="unknown format 'x'"):
        read_corpus(write(tmp_path, "a", "a.txt"), format_name="x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boundary": "x"}, "boundary: must be .*, not 'x'"),
        ({"sentences": "x"}, "unknown sentence rule 'x': choose from sentencex, kuten, line"),
        ({"language": "xx"}, "no rules for the language 'xx'.* ja, "),
        ({"language": "JA"}, "no rules for the language 'JA'"),
        ({"language": "english"}, "no rules for the language 'english'"),
        ({"language": ""}, "no rules for the language ''"),
        ({"text_encoding": "latin-99"}, "unknown text encoding 'latin-99': use a name such as"),
        ({"text_encoding": "hex"}, "unknown text encoding 'hex'"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(options, message):
    with pytest.raises(UserError, match=message) as caught:
        ReadOptions(**options)
    assert "\n" not in str(caught.value)


def read_as_nobody(path):
    """Read a corpus in a process without root permissions."""
    code = (
        "import os, sys; from segclf.corpus import read_corpus; os.getuid() or os.setuid(65534)\n"
        "try: print(read_corpus(sys.argv[1], split='train').document_ids)\n"
        "except ValueError as error: sys.exit(f'{type(error).__name__}: {error}')"
    )
    # the process could not write the coverage that `make quality` would have it measure
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG, env=environment)


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="permissions are those of POSIX")
@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_folder_without_read_permission_is_an_error(mode):
    with tempfile.TemporaryDirectory() as place:  # other users may enter it, unlike tmp_path
        folder = Path(place)
        folder.chmod(0o755)
        write(folder, INDENTED, "a.txt")
        write(folder, INDENTED, "more/b.txt")
        assert read_as_nobody(folder).stdout == "['a.txt', 'more/b.txt']\n"
        (folder / "more").chmod(mode)
        done = read_as_nobody(folder)
        (folder / "more").chmod(0o755)
    assert re.fullmatch(r"UserError: \S*/more\S*: permission denied\n", done.stderr), done.stderr


def test_broken_links_cycles_and_pipes_in_a_folder_are_errors(tmp_path):
    folder = tmp_path / "corpus"
    write(folder, INDENTED, "a.txt")
    (folder / ".hidden").symlink_to("nowhere")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"linked is a broken link"):
        read_corpus(folder)
    write(tmp_path / "elsewhere", INDENTED, "b.txt")
    assert read_corpus(folder, split="train").document_ids == ["a.txt", "linked/b.txt"]
    (folder / "linked/back").symlink_to(folder)
    with pytest.raises(UserError, match=r"back is a link to a folder that contains it"):
        read_corpus(folder)
    (folder / "linked/back").unlink()
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.txt")
        with pytest.raises(UserError, match=r"pipe.txt is not a regular file"):
            read_corpus(folder)


def test_links_and_folders_that_cannot_be_read_are_skipped_on_request(tmp_path):
    folder = tmp_path / "corpus"
    write(folder, INDENTED, "a.txt")
    write(folder, INDENTED, "more/b.txt")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "more/back").symlink_to(folder)
    corpus = read_corpus(folder, split="train", strict=False)
    assert corpus.document_ids == ["a.txt", "more/b.txt"]
    broken, cycle = corpus.skipped
    assert "linked is a broken link" in broken
    assert "back is a link to a folder that contains it" in cycle
    with pytest.raises(UserError, match="no such file"):
        read_corpus(tmp_path / "elsewhere", strict=False)


def test_a_bad_file_in_a_folder_is_skipped_on_request(tmp_path):
    write(tmp_path, INDENTED, "a.txt")
    write(tmp_path, b"\xff\xd8\xff", "b.txt")
    write(tmp_path, "{", "c.jsonl")
    write(tmp_path, "", "d.txt")
    with pytest.raises(UserError, match=r"b\.txt is a JPEG image"):
        read_corpus(tmp_path, split="train")
    corpus = read_corpus(tmp_path, split="train", strict=False)
    assert corpus.document_ids == ["a.txt"]
    assert [re.search(r"(\w+\.\w+)[: ]", message)[1] for message in corpus.skipped] == [
        "b.txt",
        "c.jsonl",
        "d.txt",
    ]
    assert corpus.skipped[-1] == "d.txt contains no sentences"
    with pytest.raises(UserError, match="JPEG"):
        read_corpus(tmp_path / "b.txt", strict=False)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(UserError, match=r"contains no sentences: .*b\.txt is a JPEG image"):
        read_corpus(tmp_path, strict=False)

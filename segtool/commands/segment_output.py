"""Output of `segtool segment`: one text to standard output or a file, or many to a folder."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from embedcache import UserError
from embedcache.errors import reason_of
from embedcache.files import write_bytes
from segclf.corpus import read_unsegmented
from segclf.tasks.read_text import LAYOUT_IGNORED
from segclf.tasks.segment import ModelError, Segmenter
from segclf.tasks.segment_files import FilePair
from segclf.tasks.segment_options import SegmentOptions
from segclf.tasks.segmentation import Segmentation
from segclf.workspace.choices import describe_choice
from segclf.workspace.runs import Run
from segtool.output import describe_used_model, encode_like, note, report


@dataclass(frozen=True)
class SegmentWriter:
    """Segments texts and writes them.

    Attributes:
        segmenter: Segmenter, which keeps the loaded models.
        options: Options of the segmentation.
        input_format: Format of the texts; see `read_unsegmented`.
        output_format: Format of the output.
        text_encoding: Encoding of the texts; None to detect it.
        by_default: Whether the run was chosen by its scores, not by the user.
    """

    segmenter: Segmenter
    options: SegmentOptions
    input_format: Literal["auto", "plain", "aozora"]
    output_format: Literal["page", "text", "html", "json"]
    text_encoding: str | None = None
    by_default: bool = False
    _noted: set[str] = field(default_factory=set)

    def write(self, path: str, output: Path | None) -> None:
        """Segment one text, and write it to a file, or to standard output if `output` is None.

        Raises:
            UserError: The text cannot be read or segmented, or the model cannot be loaded.
            OSError: The file cannot be written.
        """
        found, result = self._segment(path)
        if output:
            write_bytes(output, result)
        else:
            sys.stdout.buffer.write(result)
        for text in found.notes:
            note(f"notice: {text}")
        for text in found.warnings:
            report(f"warning: {text}")
        self._report_model(found)

    def write_all(self, pairs: Sequence[FilePair], *, strict: bool) -> list[str]:
        """Segment several texts, and report each of them. Texts with errors are skipped.

        Args:
            pairs: Files to read and to write.
            strict: Whether to stop at the first text with an error.

        Returns:
            The paths of the texts that were not written.

        Raises:
            ModelError: A model cannot be loaded.
            UserError: A text cannot be read, segmented or written, and `strict` is True.
        """
        skipped = []
        for number, pair in enumerate(pairs, 1):
            try:
                found, result = self._segment(str(pair.source))
                write_bytes(pair.target, result)
            except ModelError:
                raise
            except (UserError, OSError) as error:
                if strict:
                    raise UserError(_message(error, pair)) from error
                report(f"error: {_message(error, pair)}")
                skipped.append(str(pair.source))
                continue
            self._report_model(found)
            self._report_notes(found, pair)
            count = int(np.count_nonzero(found.boundaries & ~found.is_heading))
            paragraphs = "1 paragraph" if count == 1 else f"{count:,} paragraphs"
            note(f"{number}/{len(pairs)} {pair.target}: {paragraphs}")
        return skipped

    def _segment(self, path: str) -> tuple[Segmentation, bytes]:
        source = read_unsegmented(path, format_name=self.input_format, encoding=self.text_encoding)
        found = self.segmenter.segment(source.text, self.options)
        if self.output_format == "json":
            return found, (json.dumps(found.to_dict(), ensure_ascii=False) + "\n").encode()
        write = {"page": found.to_page, "text": found.to_text, "html": found.to_html}
        return found, encode_like(source.encoding, write[self.output_format]())

    def _report_model(self, found: Segmentation) -> None:
        """Print the name and the threshold of the model, once for each model."""
        model = self.segmenter.model
        kind, chosen = "model", None
        if isinstance(model, Run):
            kind, chosen = "run", describe_choice(model) if self.by_default else None
        self._note_once(describe_used_model(kind, found.model, found.threshold, chosen=chosen))

    def _report_notes(self, found: Segmentation, pair: FilePair) -> None:
        for text in found.notes:
            # this notice is the same for all files, so it is printed only once
            if text == LAYOUT_IGNORED:
                self._note_once(f"notice: {text}")
            else:
                note(f"notice: {pair.source}: {text}")
        for text in found.warnings:
            report(f"warning: {pair.source}: {text}")

    def _note_once(self, message: str) -> None:
        if message not in self._noted:
            self._noted.add(message)
            note(message)


def _message(error: UserError | OSError, pair: FilePair) -> str:
    """Return the message of an error, beginning with the name of the file in which it occurred."""
    if isinstance(error, OSError):
        return f"{error.filename or pair.target}: {reason_of(error)}"
    message = str(error)
    return message if message.startswith(str(pair.source)) else f"{pair.source}: {message}"

"""Output on a terminal: progress bars, and text that is safe to print."""

import re
import sys

from tqdm import tqdm

# Control characters, which begin escape sequences; marks that change the direction of writing;
# line separators; and surrogates, which represent bytes of a file name that are not UTF-8.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_INTERVAL = 10  # seconds between two lines of progress, at first

_is_silent = False


def silence_progress() -> None:
    """Show no progress in this process from now on."""
    global _is_silent
    _is_silent = True


def printable(text: str) -> str:
    r"""Replace characters that may disturb a terminal, such as line breaks, with escapes like \x1b.

    Example:
        >>> print(printable("a\x1b[31mb\nc"))
        a\x1b[31mb\nc
    """
    return _UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)


def progress_bar(
    total: int,
    unit: str,
    *,
    show: bool,
    description: str | None = None,
    done: int = 0,
    leave: bool = True,
    delay: float = 2,
) -> "tqdm[None]":
    """Return a progress bar on standard error, with the rate and the remaining time.

    If standard error is not a terminal, a line is written instead of the bar: every ten seconds at
    first, and less often in long tasks.

    Args:
        total: Number of units.
        unit: Name of the units; "B" for bytes, which are shown as kB, MB and so on.
        show: Whether to show the bar, unless `silence_progress` was called.
        description: Text before the bar.
        done: Number of units that are done already.
        leave: Whether to keep the bar on the screen at the end.
        delay: Seconds after which the bar appears on a terminal, so that short tasks show none.
    """
    is_bytes = unit == "B"
    is_terminal = sys.stderr.isatty()
    bar_class = tqdm if is_terminal else _ProgressLines
    return bar_class(
        total=total,
        unit=unit if is_bytes else f" {unit}",
        unit_scale=is_bytes,
        desc=description,
        initial=done,
        leave=leave,
        delay=delay if is_terminal else 0,
        mininterval=0.1 if is_terminal else _INTERVAL,
        disable=_is_silent or not show,
    )


class _ProgressLines(tqdm):  # type: ignore[misc] # tqdm has no type hints
    """Progress as plain lines, for a file or a pipe."""

    mininterval: float
    disable: bool

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write a line if any unit is done.

        The next line comes after at least a tenth of the elapsed time.
        """
        elapsed = self.format_dict["elapsed"]
        if self.total and self.n > self.initial:
            rate = (self.n - self.initial) / elapsed
            remaining = self.format_interval((self.total - self.n) / rate)
            prefix = f"{self.desc.removesuffix(': ')}: " if self.desc else ""
            unit = "" if self.unit_scale else self.unit
            sys.stderr.write(
                f"{prefix}{self._count(self.n)} of {self._count(self.total)}{unit} "
                f"({self.n / self.total:.0%}), {self._count(rate)}{unit}/s, {remaining} left\n"
            )
        self.mininterval = max(self.mininterval, elapsed / 10)

    def _count(self, number: float) -> str:
        if self.unit_scale:
            return f"{self.format_sizeof(number)}{self.unit}"
        return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.2g}"

    def set_description(self, desc: str | None = None, refresh: bool = True) -> None:
        """Change the description without writing a line."""
        super().set_description(desc, refresh=False)

    def close(self) -> None:
        """Close without writing a line."""
        if not self.disable:
            self.disable = True
            self._decr_instances(self)

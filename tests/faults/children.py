"""Runs actions and commands in child processes, and reports how they ended."""

import faulthandler
import io
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from threading import RLock

from tqdm import tqdm

from embedcache import UserError

HANG = 120  # seconds, far longer than any action takes

RIGHT, CLEAR, LOST, WRONG, HUNG, CRASHED, UNCLEAR, KILLED = (
    "right", "clear", "lost", "wrong", "hung", "crashed", "unclear", "killed",
)  # fmt: skip
BAD = (LOST, WRONG, HUNG, CRASHED, UNCLEAR)

Outcome = tuple[str, str]
"""How an action ended: one of the words above, and a message."""


class LostError(AssertionError):
    """Something that was committed is missing, and no message reports this."""


class WrongError(AssertionError):
    """A vector or a result is wrong."""


def run_in_child(action: Callable[[], object], kill: tuple[float, int] | None = None) -> Outcome:
    """Run an action in a fork of this process, in its own process group.

    Args:
        action: Function to run. It raises UserError, with one clear line, for an expected failure.
        kill: Seconds after which the child gets a signal, and the signal; None to let it end.
    """
    reading, writing = os.pipe()
    trace = tempfile.TemporaryFile("w+")  # noqa: SIM115 - where a child hangs
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        tqdm.set_lock(RLock())  # this process would keep the default lock if it were killed
        os.close(reading)
        faulthandler.dump_traceback_later(HANG * 0.9, file=trace)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # LMDB prints failed assertions
        outcome, message = _outcome(action)
        os.write(writing, f"{outcome} {message}".encode(errors="backslashreplace")[:4000])
        os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], kill[0] if kill else HANG)
    if not ready:
        os.kill(child, kill[1] if kill else signal.SIGKILL)
        if kill:
            ready, _, _ = select.select([reading], [], [], HANG)  # or until the child ends
    message = os.read(reading, 5000).decode() if ready else ""
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if not ready or not _group_is_gone(child):
        trace.seek(0)
        return HUNG, trace.read() or f"processes of the group {child} are left"
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return (KILLED if kill else CRASHED), name
    outcome, _, text = message.partition(" ")
    return outcome, text


def _group_is_gone(group: int) -> bool:
    deadline = time.monotonic() + HANG
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.005)
    return False


def _outcome(action: Callable[[], object]) -> Outcome:
    try:
        action()
    except UserError as error:
        return (CLEAR if len(str(error).splitlines()) == 1 else UNCLEAR), str(error)
    except LostError as error:
        return LOST, str(error)
    except WrongError as error:
        return WRONG, str(error)
    except BaseException:
        return UNCLEAR, "".join(traceback.format_exception(*sys.exc_info())[-4:])
    return RIGHT, ""


def command(folder: Path, *arguments: str) -> str:
    """Run a command of segtool in this process, and return what it prints.

    Raises:
        UserError: The command has printed one line with an error, and maybe warnings before it.
    """
    from segtool.app import main

    os.chdir(folder)
    random.seed(os.getpid())
    sys.argv = ["segtool", *arguments]
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    finally:
        printed, errors = (_text(stream) for stream in (sys.stdout, sys.stderr))
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    if code:
        *warnings, last = errors.splitlines() or [""]
        is_clear = last.startswith("error: ") and all(w.startswith("warning: ") for w in warnings)
        if code == 2 and is_clear:
            raise UserError(last)
        raise AssertionError(f"exit status {code}: {errors}")
    return printed


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()

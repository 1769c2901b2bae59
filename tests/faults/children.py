"""Runs an action in a child process, and says how it ended."""

import os
import select
import signal
import sys
import traceback
from collections.abc import Callable

from embedcache import UserError

HANG = 60  # seconds, far longer than any action takes

RIGHT, CLEAR, LOST, WRONG, HUNG, CRASHED, UNCLEAR = (
    "right", "clear", "lost", "wrong", "hung", "crashed", "unclear",
)  # fmt: skip
BAD = (LOST, WRONG, HUNG, CRASHED, UNCLEAR)


class LostError(AssertionError):
    """Something that was committed is missing, and no message says so."""


class WrongError(AssertionError):
    """A vector or a result is wrong."""


def run_in_child(action: Callable[[], object]) -> tuple[str, str]:
    """Run an action in a fork of this process.

    Returns:
        How it ended: "right" if it returned, "clear" if it raised a UserError of one line, or one
        of `BAD`; and the message, if any.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # LMDB prints failed assertions
        os.write(writing, _outcome(action).encode(errors="backslashreplace")[:4000])
        os._exit(0)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], HANG)
        if not ready:
            os.kill(child, signal.SIGKILL)
        message = os.read(reading, 5000).decode() if ready else ""
    finally:
        os.close(reading)
        _, status = os.waitpid(child, 0)
    if not ready:
        return HUNG, ""
    if os.WIFSIGNALED(status):
        return CRASHED, signal.Signals(os.WTERMSIG(status)).name
    outcome, _, text = message.partition(" ")
    return outcome, text


def _outcome(action: Callable[[], object]) -> str:
    try:
        action()
    except UserError as error:
        return f"{CLEAR if len(str(error).splitlines()) == 1 else UNCLEAR} {error}"
    except LostError as error:
        return f"{LOST} {error}"
    except WrongError as error:
        return f"{WRONG} {error}"
    except BaseException:
        return f"{UNCLEAR} " + "".join(traceback.format_exception(*sys.exc_info())[-3:])
    return RIGHT

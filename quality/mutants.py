"""Mutation testing: the share of small changes to the code that make a test fail.

mutmut changes one thing in a function: a number, an operator, a string, an argument. Then it runs
the tests that call this function. A change that no test notices is a mutant that survives.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

import libcst
from mutmut.configuration import config
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import get_mutant_name

BOUND = 85  # percent
DEFAULT_SAMPLE = 300
SEED = 0
ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".mutants"  # a copy of the code, in which mutmut works
MUTATED = FOLDER / "mutants"  # where mutmut writes the code with the mutants, and runs the tests
COPIED = ("embedcache", "segclf", "segtool", "tests", "quality", "examples", "pyproject.toml")
# mutmut reports the last status if a mutant does not handle the Ctrl-C that a test simulates
KILLED = ("killed", "timeout", "segfault", "suspicious", "check was interrupted by user")


class _Undecorated(libcst.CSTTransformer):
    """Rewrites some decorators as calls, since mutmut does not change functions that have them.

    `@property` before `def f` becomes `f = property(_undecorated_f)` after `def _undecorated_f`.
    """

    DECORATORS = ("cache", "contextmanager", "property")

    def leave_FunctionDef(  # noqa: N802 - a name of libcst
        self, original_node: libcst.FunctionDef, updated_node: libcst.FunctionDef
    ) -> libcst.BaseStatement | libcst.FlattenSentinel[libcst.BaseStatement]:
        """Return the function without its decorator, and the call of the decorator.

        A function with several decorators, or with another one, is returned unchanged.
        """
        names = [node.decorator for node in updated_node.decorators]
        if len(names) != 1 or not isinstance(names[0], libcst.Name):
            return updated_node
        decorator, name = names[0].value, updated_node.name.value
        if decorator not in self.DECORATORS:
            return updated_node
        plain = updated_node.with_changes(decorators=[], name=libcst.Name(f"_undecorated_{name}"))
        call = libcst.parse_statement(f"{name} = {decorator}(_undecorated_{name})")
        return libcst.FlattenSentinel([plain, call])


def copy_code() -> None:
    """Copy the code and the tests into FOLDER."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    MUTATED.mkdir(parents=True)  # Python must find the folder in PYTHONPATH when it starts
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, FOLDER / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, FOLDER / name)


def list_mutants() -> list[str]:
    """Rewrite the decorators in the copied code, and return the names of all mutants.

    The working directory must be FOLDER.
    """
    names = []
    for path in sorted(walk_mutatable_files()):
        code = libcst.parse_module(path.read_text(encoding="utf-8")).visit(_Undecorated()).code
        path.write_text(code, encoding="utf-8")
        mutants = mutate_file_contents(str(path), code).mutant_names
        names += [get_mutant_name(path, name) for name in mutants]
    return names


def run_mutants(names: list[str]) -> None:
    """Run mutmut on some mutants, or on all if there are no names.

    All processes that mutmut has started are killed at the end.

    Raises:
        SystemExit: mutmut has failed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    environment = os.environ | {"PYTHONPATH": str(MUTATED), "OMP_NUM_THREADS": "1"}
    command = [str(Path(sys.executable).parent / "mutmut"), "run", "--max-children", "2", *names]
    with (
        (FOLDER / "mutmut.log").open("w") as log,
        subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise SystemExit(f"mutmut has failed: see {FOLDER / 'mutmut.log'}")


def read_results(names: list[str]) -> dict[str, str]:
    """Return the status of each mutant by name."""
    codes: dict[str, int | None] = {}
    for path in walk_mutatable_files():
        content = Path(MUTATED, f"{path}.meta").read_text(encoding="utf-8")
        codes |= json.loads(content)["exit_code_by_key"]
    return {name: status_by_exit_code[codes[name]] for name in names}


def area_of(name: str) -> str:
    """Return the package or module to which a mutant belongs, such as embedcache.store."""
    module = re.split(r"\.x[_ǁ]", name)[0]
    return module if module.count(".") == 1 else module.rpartition(".")[0]


def print_results(results: dict[str, str], total: int) -> float:
    """Print the survivors and the share of killed mutants, which is returned in percent."""
    areas: dict[str, Counter[bool]] = defaultdict(Counter)
    for name, status in results.items():
        areas[area_of(name)][status in KILLED] += 1
        if status not in KILLED:
            print(f"{status}: {name}")
    for area, counts in sorted(areas.items()):
        print(f"{area}: {counts[True]} of {counts.total()} mutants killed")
    killed = sum(counts[True] for counts in areas.values())
    share = 100 * killed / len(results)
    timeouts = sum(status == "timeout" for status in results.values())
    print(
        f"Mutants killed: {share:.1f}% ({killed} of {len(results)}, {timeouts} of them by a "
        f"timeout, of {total} in all; at least {BOUND}%)"
    )
    return share


def main() -> None:
    """Test a sample of the mutants.

    The environment variable MUTANTS is their number, or "all"; the default is DEFAULT_SAMPLE.

    Raises:
        SystemExit: mutmut has failed, or the share of killed mutants is below BOUND.
    """
    copy_code()
    os.chdir(FOLDER)
    config()
    names = list_mutants()
    wanted = os.environ.get("MUTANTS") or str(DEFAULT_SAMPLE)
    number = len(names) if wanted == "all" else min(int(wanted), len(names))
    sample = random.Random(SEED).sample(names, number)
    run_mutants(sample if number < len(names) else [])
    if print_results(read_results(sample), len(names)) < BOUND:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

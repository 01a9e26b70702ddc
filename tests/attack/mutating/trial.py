"""Runs the tests of a module that was changed, in a process of their own."""

from __future__ import annotations

import contextlib
import doctest
import enum
import importlib
import os
import signal
import sys
import time
import types
from pathlib import Path
from typing import TYPE_CHECKING

from mutating.changes import source_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mutating.changes import Change

LIBRARIES = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "scipy.stats",
    "torch",
    "pytest",
    "hypothesis",
    "pydantic",
    "rich",
)
PAUSE_S = 0.02


class Outcome(enum.Enum):
    """What tests make of a change."""

    KILLED = "killed"
    SURVIVED = "survived"
    TOO_SLOW = "too slow"


def load_libraries() -> None:
    """Import what takes long, so that forked processes have it."""
    for name in LIBRARIES:
        importlib.import_module(name)


def tried(path: str, change: Change | None, tests: Sequence[str], limit_s: float) -> Outcome:
    """Return what the tests make of a module with a change.

    Args:
        path: of the module.
        change: None for none.
        tests: files.
        limit_s: the tests are ended after so many seconds, which counts as noticed.
    """
    process = os.fork()
    if process == 0:
        code = 1
        with contextlib.suppress(BaseException):
            os.setsid()
            code = _run(path, change, tests)
        os._exit(code)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return Outcome.SURVIVED if status == 0 else Outcome.KILLED
        time.sleep(PAUSE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return Outcome.TOO_SLOW


def _run(path: str, change: Change | None, tests: Sequence[str]) -> int:
    """Load the module with its change and run its tests; return 0 if all pass."""
    import hypothesis
    import pytest

    hypothesis.settings.register_profile("few", max_examples=25, database=None, derandomize=True, deadline=None)
    hypothesis.settings.load_profile("few")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    module = put(path, change)
    if doctest.testmod(module).failed:
        return 1
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore", *tests]))


def put(path: str, change: Change | None) -> types.ModuleType:
    """Put the module with a change in the place of the one that would be imported."""
    name = path.removeprefix("plugins/").removesuffix(".py").replace("/", ".")
    package, _, last = name.rpartition(".")
    parent = importlib.import_module(package)
    module = types.ModuleType(name)
    module.__file__, module.__package__ = str(Path(path).absolute()), package
    sys.modules[name] = module
    setattr(parent, last, module)
    code = compile(source_with(Path(path).read_text(encoding="utf-8"), change), module.__file__, "exec")
    exec(code, module.__dict__)
    return module

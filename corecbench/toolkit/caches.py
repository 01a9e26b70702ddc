"""Files of a cache: for the user alone, never half written, and named where they are damaged."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
import warnings
from typing import TYPE_CHECKING

from corecbench.api.errors import CorecbenchWarning
from corecbench.toolkit.system import birth, is_gone, machine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNFINISHED = re.compile(r"\.unfinished-(?P<machine>.+)-(?P<pid>\d+)-(?P<born>\w+)-[^-]+")
"""The name of a workspace. It says which process works there."""
LONGEST_S = 24 * 3600
"""Seconds after which the workspace of a process on another machine is taken for left behind."""


def private_folder(folder: Path) -> Path:
    """Create a folder, and those above it that are missing, for the user alone; return the folder."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextlib.contextmanager
def workspace(parent: Path) -> Iterator[Path]:
    """Make a folder inside another one for files that are not finished, and remove it at the end of the context.

    A finished file is moved to its place by `os.replace`. What killed processes have left there is removed first.

    Args:
        parent: the folder in which the finished file is going to be; it need not exist.
    """
    remove_left_behind(private_folder(parent))
    pid = os.getpid()
    made = tempfile.mkdtemp(prefix=f".unfinished-{machine()}-{pid}-{birth(pid)}-", dir=parent)
    try:
        yield parent / os.path.basename(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def remove_left_behind(parent: Path) -> None:
    """Remove the workspaces in a folder whose processes are gone; the folder need not exist."""
    for path in parent.glob(".unfinished-*"):
        if is_left_behind(path):
            shutil.rmtree(path, ignore_errors=True)


def is_left_behind(path: Path) -> bool:
    """Return whether the process that worked in a folder is gone. One of another machine is, after a day."""
    named = UNFINISHED.fullmatch(path.name)
    if named is None:
        return False
    if named["machine"] == machine():
        return is_gone(named["machine"], int(named["pid"]), named["born"])
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > LONGEST_S
    return False


def set_aside(path: Path, reason: str) -> None:
    """Rename a file or folder of a cache that cannot be used to NAME.damaged, and warn of it in one line.

    An earlier one of this name is removed. What was in the cache can be made again.
    """
    aside = path.with_name(f"{path.name}.damaged")
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):  # another process has set it aside
        os.replace(path, aside)
    message = f"{path} {reason}; it is kept as {aside.name} and made again"
    warnings.warn(message, CorecbenchWarning, stacklevel=2)

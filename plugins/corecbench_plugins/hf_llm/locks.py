"""Lets one process compute what several need: the others wait, and then find it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from filelock import FileLock

from corecbench.toolkit import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock of a file or folder that is going to be written, in the context.

    The lock ends with its process. Work may be done twice on a file system without locks, and after a failure in
    another process.

    Args:
        path: what is going to be written; meanwhile an empty file "NAME.lock" lies beside it.
    """
    private_folder(path.parent)
    lock = path.with_name(f"{path.name}.lock")
    held = FileLock(lock)
    with contextlib.suppress(OSError, NotImplementedError):
        held.acquire()
    try:
        yield
    finally:
        held.release()
        with contextlib.suppress(OSError):  # another process waits for it, on Windows
            lock.unlink(missing_ok=True)

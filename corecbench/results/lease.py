"""Claims of cells by runs that share a results folder, also of several machines.

A lease is a file beside the folder of a cell: `.seed0-1a2b3c4d.lease`. It says who trains the cell, and its owner
writes to it every `HEARTBEAT_S` seconds. Others leave the cell alone until the owner removes the lease, or is dead:
its process on this machine is gone, or the lease is older than `EXPIRES_S` seconds.

Everything rests on two operations that are atomic on network folders, too: a file is made if there is none, and is
renamed. Ages are differences between two times of the file system, so clocks of machines need not agree.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import socket
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from corecbench.results.packed import contents_of, is_regular, remove
from corecbench.results.record import ResultsError
from corecbench.toolkit.system import birth, is_gone, machine

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HEARTBEAT_S = 20.0
EXPIRES_S = 120.0
FULL = errno.ENOSPC, errno.EDQUOT


@dataclass(frozen=True)
class Owner:
    """A process that has claimed a cell."""

    host: str
    machine: str
    """Which machine, since its last start, and in which container."""
    pid: int
    born: str
    """When the process began, as the machine counts: another process may get the same number later."""
    token: str
    """A random text that no other lease has."""
    since: str
    """When the cell was claimed."""

    @property
    def is_gone(self) -> bool:
        return is_gone(self.machine, self.pid, self.born)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True)
class Lease:
    """The claim of a cell by this process."""

    path: Path
    owner: Owner

    @classmethod
    def take(cls, folder: Path, token: str | None = None) -> Self | None:
        """Claim a cell; return None if another process has it.

        A token names the work, where whoever does it may change: a lease with the same token is taken over. Where
        nothing can be written, such as on a full disk, the cell is this process's without a file that says so.
        """
        path = lease_of(folder)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        pid = os.getpid()
        owner = Owner(socket.gethostname(), machine(), pid, birth(pid), token or secrets.token_hex(8), now)
        for _ in range(3):  # an owner may go and another one come meanwhile
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
                try:
                    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                        json.dump(asdict(owner), file)
                except OSError:
                    path.unlink()
                    raise
            except FileExistsError:
                if not remove_dead(path, owner.token):
                    return None
                continue
            except OSError as error:
                if error.errno not in FULL:
                    raise
            return cls(path, owner)
        return None

    def renew(self) -> None:
        if self.is_held():
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def release(self) -> None:
        if self.is_held():
            self.path.unlink(missing_ok=True)

    def is_held(self) -> bool:
        return owner_of(self.path) == self.owner


def lease_of(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lease")


def is_shared(folders: Iterable[Path]) -> bool:
    owners = [owner_of(lease_of(folder)) for folder in folders]
    return len({owner and (owner.machine, owner.pid, owner.born) for owner in owners}) == 1 and None not in owners


def owner_of(path: Path) -> Owner | None:
    try:
        return Owner(**json.loads(contents_of(path)))
    except (ResultsError, ValueError, TypeError):
        return None


def is_dead(path: Path) -> bool:
    """Return whether the owner of a lease has ended, or has not written to it for long.

    What is dated far ahead was not written to by the clock of this file system, and would never expire. What is no
    file, such as a pipe or a link, is of no owner.
    """
    if os.path.lexists(path) and not is_regular(path):
        return True
    seen = owner_of(path)
    return (seen is not None and seen.is_gone) or abs(age_s(path)) > EXPIRES_S


def remove_dead(path: Path, token: str) -> bool:
    """Remove a lease if its owner is dead, and return whether there is none now.

    Of several processes that see the same dead owner, one renames its lease. It looks at what it got, since another
    one may have been quicker and have claimed the cell.
    """
    seen = owner_of(path)
    if not is_dead(path) and (seen is None or seen.token != token):
        return not os.path.lexists(path)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return True
    is_that = owner_of(aside) == seen
    if not is_that:
        with contextlib.suppress(OSError):
            os.link(aside, path)
    remove(aside)
    return is_that


def age_s(path: Path) -> float:
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.") as now:
            return os.fstat(now.fileno()).st_mtime - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0

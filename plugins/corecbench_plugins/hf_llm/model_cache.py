"""Model folders in the cache: written with a manifest, and checked against it before they are used."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from corecbench.api import UsageError
from corecbench.toolkit import set_aside
from corecbench_plugins.hf_llm.packaged_weights import sha256

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
"""Name of the file that states size and sha256 of each other file of a folder."""
ROOT = 0
"""The user who may change everything anyway."""


class Version(NamedTuple):
    """A file as it is now; any change makes another one."""

    path: Path
    inode: int
    size: int
    modified_ns: int


def write_manifest(folder: Path) -> None:
    """State size and sha256 of each file of a folder that is complete."""
    files = {path.name: entry(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    (folder / MANIFEST).write_text(json.dumps({"files": files}, indent=2) + "\n", encoding="utf-8", newline="\n")


def entry(path: Path) -> dict[str, Any]:
    """Return what a manifest states of a file."""
    return {"size_bytes": path.stat().st_size, "sha256": checksum(version(path))}


def version(path: Path) -> Version:
    """Return a file as it is now."""
    found = path.stat()
    return Version(path, found.st_ino, found.st_size, found.st_mtime_ns)


@functools.cache
def checksum(file: Version) -> str:
    """Return the sha256 of a file, which every process reads: the toolkit's `checksum` would find no damage."""
    return sha256(file.path)


def is_whole(folder: Path) -> bool:
    """Return whether a folder of the cache can be used. One whose files have changed is set aside.

    A folder of a version that wrote no manifest is taken as it is, and gets one.

    Raises:
        UsageError: other users can change the folder.
    """
    if not folder.exists():
        return False
    check_owner(folder)
    if not (folder / MANIFEST).exists():
        with contextlib.suppress(OSError):  # a folder that may only be read
            write_manifest(folder)
        return True
    if fault := first_fault(folder):
        set_aside(folder, fault)
        return False
    return True


def first_fault(folder: Path) -> str:
    """Return what differs from the manifest of a folder; "" if nothing does."""
    try:
        stated = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        for path in sorted(folder.iterdir()):
            if path.name not in stated and path.name != MANIFEST:
                return f"has the file {path.name}, which its manifest does not have"
        for name, of_file in stated.items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != of_file["size_bytes"] or entry(path) != of_file:
                return f"is damaged: {name} is not what its manifest says"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"is damaged: its {MANIFEST} cannot be read"
    return ""


def check_owner(folder: Path) -> None:
    """Make sure that nobody but the user can have changed what is in a folder of the cache.

    A group may write if it is the user's own, which many systems make for each user. Windows has other rights,
    which are not looked at.

    Raises:
        UsageError: another user, or any user, can write there.
    """
    if not hasattr(os, "geteuid"):
        return
    for path in (folder.parent, folder, *folder.iterdir()):
        found = path.stat()
        fault = ""
        if found.st_uid not in (os.geteuid(), ROOT):
            fault = f"belongs to another user ({found.st_uid})"
        elif found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid != os.getegid()):
            fault = "can be written by other users"
        if fault:
            raise UsageError(
                f"{path} {fault}, so its weights are not used; remove it, or set CORECBENCH_CACHE to another folder"
            )

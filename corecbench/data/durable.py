"""Writes files that others may look at or meddle with: waits until data are on the disk, and follows no link."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def no_link(path: str, flags: int) -> int:
    """Open a file for `open(opener=...)`, but no link, which may lead to any file of the user."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def unlinked(path: Path) -> Path:
    """Return a place to write to, without the link that may lie there: it might lead to any file of the user."""
    if path.is_symlink():
        path.unlink()
    return path


def write_text(path: Path, text: str) -> None:
    """Write a file of text, in place of a link that may lie there."""
    unlinked(path).write_text(text, encoding="utf-8", newline="\n")


def sync(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk. Windows cannot do this."""
    if os.name == "nt":  # Windows syncs neither folders nor files that are open for reading
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

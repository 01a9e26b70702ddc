"""Writes files that others may look at or meddle with: waits until data are on the disk, and follows no link."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def unlinked(path: Path) -> Path:
    if path.is_symlink():
        path.unlink()
    return path


def write_text(path: Path, text: str) -> None:
    unlinked(path).write_text(text, encoding="utf-8", newline="\n")


def sync(path: Path) -> None:
    if os.name == "nt":  # Windows syncs neither folders nor files that are open for reading
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Checksums of files, such as an LLM's weights."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def checksum(path: Path, cache: Path) -> str:
    """Return the sha256 of a file, in hex.

    The cache keeps it as long as the file has the same path, size, times and inode, so that a large file is read
    once. A cache that cannot be written is not used.

    Args:
        path: the file.
        cache: the folder of what is expensive to compute.

    Raises:
        OSError: the file cannot be read.
    """
    place = path.resolve()
    found = place.stat()
    key = (str(place), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    kept = cache / "checksums" / hashlib.sha256(repr(key).encode()).hexdigest()[:32]
    with contextlib.suppress(OSError, ValueError):
        if re.fullmatch(r"[0-9a-f]{64}", known := kept.read_text(encoding="ascii")):
            return known
    with place.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(digest, encoding="ascii", newline="\n")
        os.replace(temporary, kept)
    return digest

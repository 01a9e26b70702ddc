"""Run files: a path, or the name of one that comes with corecbench."""

from __future__ import annotations

import os
from pathlib import Path

import corecbench.benchmarks
from corecbench.settings.configure import unknown

FOLDER = Path(next(iter(corecbench.benchmarks.__path__)))


def packaged() -> dict[str, Path]:
    """Return the run files that come with corecbench, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def find(config: str | Path) -> Path:
    """Return the run file of a name or path.

    Args:
        config: a path wins where it is a file, holds a separator or ends in .toml; anything else is a name.

    Raises:
        UsageError: no benchmark has this name.
    """
    path = Path(config)
    if path.is_file() or path.suffix == ".toml" or any(mark in str(config) for mark in (os.sep, os.altsep) if mark):
        return path
    known = packaged()
    if str(config) not in known:
        raise unknown("benchmark", str(config), known)
    return known[str(config)]


def summary(path: Path) -> str:
    """Return the first line of a run file, which says in a comment what it shows."""
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("#").strip()

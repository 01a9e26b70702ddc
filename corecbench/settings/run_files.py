"""Run files, which are TOML: a path, or the name of one that comes with corecbench.

They may include others, and may be anyone's: what is read is limited.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import corecbench.benchmarks
from corecbench.api import UsageError
from corecbench.settings.configure import unknown
from corecbench.settings.values import over
from corecbench.toolkit import ordinary_file

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(next(iter(corecbench.benchmarks.__path__)))
MOST_FILES = 100
"""Most files that are read for a run; one that is included twice counts twice."""
MOST_BYTES = 1 << 18
"""Largest run file."""
MOST_DOTS = 1000
"""Most dots in a line; `tomllib` takes time in the square of the parts of a key."""
DEEPEST = 50
"""Most tables and lists within each other."""


def packaged() -> dict[str, Path]:
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
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("#").strip()


def read_files(path: Path) -> dict[str, Any]:
    """Return the settings of a TOML file and of the files that it includes by its key `include`.

    The settings of the file win over those of included files, and a later included file over an earlier one.

    Raises:
        UsageError: a file cannot be read, is no TOML, includes itself, or includes too many files.
    """
    return Reading(path).merged(path)


class Reading:
    """The files that are read for one run file."""

    def __init__(self, first: Path) -> None:
        self.first, self.n_files = first, 0
        self.plugins: list[Path] = []
        """The files of plugins that they name, whose code is going to run."""

    def merged(self, path: Path, including: tuple[Path, ...] = ()) -> dict[str, Any]:
        """Return the settings of a file over those that it includes."""
        if path.resolve() in including:
            raise UsageError(
                f"{path} includes itself; remove it from its own `include` or from that of a file it includes"
            )
        self.n_files += 1
        if self.n_files > MOST_FILES:
            raise UsageError(f"{self.first} includes more than {MOST_FILES} files, counted with what they include")
        values = read_toml(path)
        included = files_in(values, path, "include", "tuned.toml")
        self.plugins += [path.parent / file for file in files_in(values, path, "plugins", "mine.py")]
        low: dict[str, Any] = {}
        for file in included:
            low = over(low, self.merged(path.parent / file, (*including, path.resolve())))
        return over(low, values)


def plugins_of(configs: Iterable[str | Path]) -> list[Path]:
    """Return the files of plugins that run files, given by name or path, and those that they include name.

    Raises:
        UsageError: as `read_files`.
    """
    found: list[Path] = []
    for path in map(find, configs):
        reading = Reading(path)
        reading.merged(path)
        found += reading.plugins
    return list(dict.fromkeys(found))


def files_in(values: dict[str, Any], path: Path, key: str, example: str) -> list[str]:
    """Take a list of files out of the settings of a run file, and return it.

    Raises:
        UsageError: it is something else.
    """
    files = values.pop(key, [])
    if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
        raise UsageError(f"{path}: {key} is {files!r}, must be a list of files such as ['{example}']")
    return files


def read_toml(path: Path) -> dict[str, Any]:
    """Return the settings of a TOML file.

    Raises:
        UsageError: the file cannot be read, is no TOML, or is larger or deeper than a run file can be.
    """
    try:
        with ordinary_file(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        _check_size(path, data)
        values = tomllib.loads(data.decode())
        too_deep = _is_deeper(values, DEEPEST)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # tomllib.TOMLDecodeError and UnicodeDecodeError
        raise UsageError(f"{path} is no TOML file: {error}") from error
    except RecursionError:
        too_deep = True
    if too_deep:
        raise UsageError(f"{path}: more than {DEEPEST} tables or lists within each other, which no setting has")
    return values


def _check_size(path: Path, data: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path}: more than {MOST_BYTES:,} bytes, the most of a run file")
    for number, line in enumerate(data.splitlines(), start=1):
        if line.count(b".") > MOST_DOTS:
            raise UsageError(f"{path}:{number}: more than {MOST_DOTS:,} dots, the most of a line")


def _is_deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deeper(each, levels - 1) for each in inner)

"""Where a report is written. A view of a part of the results never replaces the tables of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from corecbench.api import UsageError
from corecbench.cli.options import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class View:
    """A report, and what makes it another one than the report of all results."""

    options: tuple[str, ...]
    """The options that were given and that do so; none for the report of all results."""
    out: Path | None
    """The folder to write to, as it was given."""

    @property
    def is_written(self) -> bool:
        """Whether files are written."""
        return self.out is not None or not self.options

    def tell(self, folder: Path, paths: Sequence[Path]) -> None:
        """Say where the tables were written, or why they were not."""
        if not self.is_written:
            shown = " and ".join(self.options)
            say(f"nothing was written, since this is a view ({shown}); --out DIR writes it", err=True)
        elif paths:
            say(f"written to {folder}: {len(paths)} files", err=True)


def view_of(given: Mapping[str, object], out: Path | None, writing: Mapping[str, bool]) -> View:
    """Return the view that the options ask for.

    Args:
        given: option -> whether it makes the report another one than that of all results.
        out: the folder to write to.
        writing: option that writes a file -> whether it was given.

    Raises:
        UsageError: a view is to be written where results are stored, or it is not said where.
    """
    view = View(tuple(option for option, is_given in given.items() if is_given), out)
    shown = " and ".join(view.options)
    if not view.is_written and (files := [option for option, is_given in writing.items() if is_given]):
        raise UsageError(
            f"{' and '.join(files)} would write a view ({shown}) beside all results; say where by --out DIR"
        )
    if view.options and out is not None and holds_results(out):
        raise UsageError(f"{out}: holds results, and a view ({shown}) would replace their tables; choose another")
    return view


def holds_results(folder: Path) -> bool:
    """Return whether a folder is that of a benchmark, or holds some."""
    return any(any(folder.glob(f"{below}*/*/seed*/result.json")) for below in ("", "*/"))

"""Tables of stored results on stdout, and what several verbs say beside them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from corecbench.api import UsageError
from corecbench.cli.saying import say, say_reasons

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from corecbench.api import CorecbenchError
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.store import Store
    from corecbench.stats.effect_sizes import Method

INCOMPLETE = 5
"""Exit code where a table lacks something."""
TEXT = "text"
"""The format that is made to fit a terminal; others are for files."""

Test = Literal["users-and-seeds", "t", "wilcoxon", "permutation", "bootstrap"]
Correction = Literal["holm", "hochberg", "bh", "none"]


@dataclass(frozen=True)
class MethodConfig:
    """How rows are compared: settings of every verb that tests."""

    test: Test = "users-and-seeds"
    """Test of a difference. All but the default speak of these trained models only."""
    correction: Correction = "holm"
    """Correction of the p values for the number of tests."""
    margin: float = 0.05
    """Rows that differ by less than this share of the mean are equivalent."""
    find: float | None = None
    """Show the users and seeds that it takes to find a change of this share, too (80 % power)."""

    @property
    def method(self) -> Method:
        from corecbench.stats.effect_sizes import Method

        return Method(self.test, self.correction, self.margin, self.find)


def show_table(texts: Mapping[str, str], errors: Mapping[str, CorecbenchError], format_: str) -> None:
    if format_ not in texts:
        raise errors[format_]
    say_reasons("warning", map(str, errors.values()))
    say(texts[format_].rstrip())


# --- on a terminal ------------------------------------------------------------------------------------------------


def show_results(evidence: Evidence, whole: str | None = None) -> None:
    """Print the rows of each data set with four figures, or the whole table if one is given, then the answers."""
    from corecbench.report.page.answers import answers_in_lines, heading

    if whole is not None:
        say(whole.rstrip())
    for dataset in evidence.datasets:
        lines = list(answers_in_lines(evidence, dataset))
        if whole is None:
            say("", heading(evidence, dataset))
            draw(evidence, dataset)
        elif lines:
            say("", heading(evidence, dataset))
        say(*lines)


def draw(evidence: Evidence, dataset: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from corecbench.report.views import short

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(short.columns(evidence)):
        drawn.add_column(name, justify="right" if place else "left", overflow="fold", min_width=6 if place else 30)
    for row in short.rows(evidence, dataset):
        drawn.add_row(*map(Text, row))
    Console().print(drawn)


# --- folders and damage ------------------------------------------------------------------------------------------


MARK = ".corecbench"
"""The file by which a folder is known that corecbench writes."""


def own_folder(folder: Path) -> Path:
    """Return a folder to write to, marked as one that corecbench writes, so that it may be written again.

    Raises:
        UsageError: it holds files, but no mark and no results.
    """
    if holds_results(folder):
        return folder
    if folder.exists() and not (folder.is_dir() and ((folder / MARK).is_file() or not any(folder.iterdir()))):
        raise UsageError(f"{folder}: holds what corecbench did not write; choose a new or an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("`corecbench` wrote this folder and writes it again.\n", encoding="utf-8")
    return folder


def holds_results(folder: Path) -> bool:
    return any(any(folder.glob(f"{below}*/*/seed*/result.json")) for below in ("", "*/"))


@contextlib.contextmanager
def telling_damage(stores: Sequence[Store]) -> Iterator[None]:
    try:
        yield
    finally:
        say_reasons("left out", (reason for store in stores for reason in store.damaged.values()))

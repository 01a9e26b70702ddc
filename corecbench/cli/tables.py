"""Tables of stored results on stdout, and what several verbs say beside them."""

from __future__ import annotations

import contextlib
import shutil
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from corecbench.api import UsageError
from corecbench.cli.saying import say, say_reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from corecbench.api import CorecbenchError, Report
    from corecbench.plugin.host import Host
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


# --- the width of a terminal --------------------------------------------------------------------------------------


def fitted(host: Host, texts: Mapping[str, str], report: Report, wide: bool) -> Mapping[str, str]:
    from corecbench.report.formats import render

    if wide or TEXT not in texts or not sys.stdout.isatty():
        return texts
    width = shutil.get_terminal_size().columns
    return {**texts, TEXT: fit(report, width, lambda narrower: render(host, TEXT, narrower)[1])}


NOTES = "notes"
LEFT_OUT = ("users", "95% interval", "p", "train s", "ms/user", "trainable", "parameters", "peak GiB", "seeds")
"""The columns that are left out first, in this order; then metrics are, from the right, but for the tested one."""


def fit(report: Report, width: int, render: Callable[[Report], str]) -> str:
    """Return a table as text with lines of at most `width` characters where that is possible.

    A line below the table names the columns that are left out. Columns that say what a row is always stay. The
    first lines that `render` returns, until an empty one, are the rows.
    """
    text, notes, missing = render(report), "", []
    metrics = [name for name in report.higher_is_better if name in report.frame]
    tested = [name for name in metrics if any(column.startswith(f"{name} ") for column in report.frame)]
    spare = [name for name in reversed(metrics) if name != (*tested, *metrics)[0]]
    candidates = [name for name in (NOTES, *LEFT_OUT, *spare) if name in report.frame]
    for name in candidates:
        if width_of(text) <= width:
            break
        if name == NOTES:
            notes = below(report)
        else:
            missing.append(name)
        report = without(report, name)
        text = render(report)
    hint = "(`corecbench report --set report.wide=true` shows all)"
    said = [f"left out to fit {width} columns: {', '.join(missing)} {hint}"] if missing else []
    return "\n".join(filter(None, [text.rstrip(), notes, *said])) + "\n"


def width_of(text: str) -> int:
    return max(map(len, text.split("\n\n")[0].splitlines()), default=0)


def without(report: Report, column: str) -> Report:
    marks = {place: each for place, each in report.marks.items() if place[1] != column}
    return replace(report, frame=report.frame.drop(columns=column), marks=marks)


def below(report: Report) -> str:
    """Return the notes of a table as lines, each with what its row is."""
    from corecbench.report.views.layout import NONE
    from corecbench.toolkit.printable import one_line

    names = [name for name in ("data set", "model", "side", "sharing", "control") if name in report.frame]
    rows: Sequence[dict[str, str]] = report.frame.to_dict("records")
    return "\n".join(
        one_line(f"note on {', '.join(row[name] for name in names if row[name] != NONE)}: {row[NOTES]}")
        for row in rows
        if row[NOTES] not in ("", NONE)
    )


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

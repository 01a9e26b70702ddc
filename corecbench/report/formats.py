"""A table in the format of every reporter, and what a reporter must give for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from corecbench.api import CorecbenchError, PluginError, Report
from corecbench.data.durable import write_text
from corecbench.plugin.discovery import reason
from corecbench.plugin.guard import named_fault
from corecbench.results.record import ResultsError
from corecbench.toolkit.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from corecbench.plugin.host import Host


SUFFIX = re.compile(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)*")
"""The form of the suffix of a file: letters, digits and single dots between them."""


@dataclass(frozen=True)
class WrittenTable:
    """A table in the format of every reporter, and the files that it was written to."""

    texts: Mapping[str, str]
    """reporter -> the table, for every reporter that did not fail."""
    errors: Mapping[str, CorecbenchError]
    """reporter -> why it failed; the tables of other reporters are written all the same."""
    paths: Sequence[Path]


def write(host: Host, report: Report, folder: Path | None) -> WrittenTable:
    """Write a table into a folder, once for each reporter. Without a folder no file is written.

    A reporter that fails loses only its own file. If the folder cannot be written, the texts are returned all the
    same.
    """
    texts: dict[str, str] = {}
    errors: dict[str, CorecbenchError] = {}
    owners: dict[str, str] = {}  # suffix, as a file system that ignores case tells it -> reporter
    paths: list[Path] = []
    for component, _ in host.list("reporters"):
        name = component.name
        try:
            suffix, text = render(host, name, report)
            owner = owners.setdefault(suffix.lower(), name)
            if owner != name:
                chosen = host.select("reporters", name, {})
                raise PluginError(f"{chosen}: its suffix {suffix!r} is that of reporter '{owner}'")
        except CorecbenchError as error:
            errors[name] = error
            continue
        texts[name] = text
        if folder is None:
            continue
        path = folder / f"{report.name}.{suffix}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_text(path, text)
        except OSError as error:
            errors[name] = ResultsError(f"{folder}: tables cannot be written ({error.strerror})")
            continue
        paths.append(path)
    return WrittenTable(texts, errors, paths)


def render(host: Host, name: str, report: Report) -> tuple[str, str]:
    """Return the suffix of a reporter's files, and a table in its format, ending in one newline.

    The reporter works on a copy, so that it cannot change the table for other reporters. Names and reasons in it
    may come from anywhere; they hold no character that controls a terminal.

    Raises:
        UsageError: there is no such reporter.
        PluginError: the reporter failed, or gave no text or no suffix of a file. The message names the plugin.
    """
    chosen = host.select("reporters", name, {})
    try:
        reporter = host.build(chosen)
        suffix, text = reporter.suffix, reporter.render(_shown_report(report))
        if not isinstance(suffix, str) or not SUFFIX.fullmatch(suffix):
            raise PluginError(f"its suffix must be letters, digits and dots, such as 'md'; got {suffix!r}")
        if not isinstance(text, str):
            raise PluginError(f"render must return text, got {type(text).__name__}")
        text.encode("utf-8")
    except PluginError as error:
        if error.named:
            raise
        raise named_fault(f"{chosen}: {error}") from error
    except Exception as error:
        raise named_fault(f"{chosen} failed: {reason(error)}") from error
    return suffix, text.rstrip("\n") + "\n"


def _shown_report(report: Report) -> Report:
    """Return a copy of a table without characters that control a terminal."""
    return replace(
        report,
        frame=_table(report.frame),
        values=_table(report.values),
        caption=_shown(report.caption),
        marks={(row, _shown(column)): list(marks) for (row, column), marks in report.marks.items()},
        legend={mark: _shown(meaning) for mark, meaning in report.legend.items()},
        higher_is_better={_shown(column): higher for column, higher in report.higher_is_better.items()},
    )


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    columns = {
        _shown(name): pd.Series(map(_shown, column), index=frame.index, dtype=column.dtype)
        for name, column in frame.items()
    }
    return pd.DataFrame(columns, index=frame.index)


def _shown(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value

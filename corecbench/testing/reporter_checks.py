"""Checks of reporters, on a small set of tables."""

from __future__ import annotations

import csv
import functools
import html.parser
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from corecbench.api import Mark, Report
from corecbench.testing import kit
from corecbench.testing.kit import CheckError, NotApplicableError, require, settings_survive_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


MARKUP = r"<b>&_%|\~^#${}[`*"
"""Characters that mean something in one format or another."""


def toy_report(models: Sequence[str] = ("sasrec", "sasrec + llama"), caption: str = "A caption.") -> Report:
    """Return a table with a row for each model, the last of which is the best; the first one has no test."""
    n_rows = len(models)
    frame = pd.DataFrame(
        {
            "data set": ["toy"] * n_rows,
            "model": list(models),
            "MRR": [f".{row:04}" for row in range(n_rows)],
            "95% interval": ["[.1, .2]"] * n_rows,
            "p": ["-", *["<.001"] * (n_rows - 1)][:n_rows],
        },
        dtype=str,
    )
    values = pd.DataFrame(
        {
            "data set": frame["data set"],
            "model": frame["model"],
            "MRR": [row / 10_000 for row in range(n_rows)],
            "from": [0.1] * n_rows,
            "to": [0.2] * n_rows,
            "p": [None, *[1e-9] * (n_rows - 1)][:n_rows],
        },
        dtype=object,
    )
    marks: dict[tuple[int, str], list[Mark]] = (
        {(n_rows - 1, "MRR"): ["best"], (n_rows - 1, "p"): ["significant"]} if n_rows > 1 else {}
    )
    legend: dict[Mark, str] = {"best": "the highest", "significant": "p below .05"} if marks else {}
    return Report("table", frame, values, caption, marks, legend, {"MRR": True})


def toy_reports() -> dict[str, Report]:
    """Return tables by what is special about them."""
    return {
        "two rows and marks": toy_report(),
        "no row": toy_report(models=()),
        "one row": toy_report(models=["sasrec"]),
        "80 rows": toy_report([f"model{row}" for row in range(80)]),
        "markup": toy_report([f"markup {MARKUP}", "plain"], caption=f"A caption with {MARKUP}."),
        "other alphabets": toy_report(["модель", "模型"], caption="Größe ≤ 1."),
    }


class Bench(kit.Bench):
    """A reporter to be checked."""

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield what is special about a table, and what is written for it."""
        for what, report in toy_reports().items():
            yield what, self.built.render(report)


def the_suffix_is_that_of_a_file(bench: Bench) -> None:
    """Letters and digits without a dot, such as "md"."""
    suffix = bench.built.suffix
    sane = isinstance(suffix, str) and re.fullmatch("[A-Za-z0-9]{1,12}", suffix)
    require(sane, f"suffix is {suffix!r}, must be letters and digits without a dot, such as 'md'")


def every_table_is_written(bench: Bench) -> None:
    """As text that holds every row."""
    for what, text in bench.texts():
        require(isinstance(text, str), f"for a table with {what} it gives {type(text).__name__}, must be str")
        names = [name for name in toy_reports()[what].frame["model"] if MARKUP not in name and name.isascii()]
        lost = [name for name in names if name not in text]
        require(not lost, f"of a table with {what} it leaves out {len(lost)} rows, such as {lost[:1]}")


def the_same_table_is_the_same_text(bench: Bench) -> None:
    """Nothing of the day or the process is in it."""
    require(dict(bench.texts()) == dict(bench.texts()), "the same table is written in two ways")


def a_table_is_not_changed(bench: Bench) -> None:
    """The next reporter is given the same one."""
    for what, before in toy_reports().items():
        report = toy_reports()[what]
        bench.built.render(report)
        for name in ("frame", "values"):
            same = getattr(report, name).equals(getattr(before, name))
            require(same, f"it changes the {name} of a table with {what}")
        require((report.marks, report.legend) == (before.marks, before.legend), "it changes the marks of a table")


def markup_is_escaped(bench: Bench) -> None:
    """A name with characters that mean something in the format reads there as it is."""
    suffix = bench.built.suffix
    if suffix not in READERS:
        raise NotApplicableError(f"what is markup in a .{suffix} file is not known here")
    report = toy_reports()["markup"]
    try:
        READERS[suffix](bench.built.render(report), report.frame)
    except CheckError:
        raise
    except Exception as error:
        raise CheckError(f"with {MARKUP} in a name it is no valid .{suffix}: {error}") from error


class Cells(html.parser.HTMLParser):
    """The texts of a page, tag by tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.found.append(data)


def read_html(text: str, frame: pd.DataFrame) -> None:
    """Find the name as a text between tags."""
    require_name(Cells(text).found, frame)


def read_csv(text: str, frame: pd.DataFrame, delimiter: str = ",") -> None:
    """Find the name as a value."""
    require_name([cell for row in csv.reader(io.StringIO(text), delimiter=delimiter) for cell in row], frame)


def read_json(text: str, frame: pd.DataFrame) -> None:
    """Find the name as a text somewhere inside."""

    def strings(content: Any) -> Iterator[str]:
        if isinstance(content, str):
            yield content
        elif isinstance(content, dict | list):
            for part in content.values() if isinstance(content, dict) else content:
                yield from strings(part)

    require_name(list(strings(json.loads(text))), frame)


def require_name(found: list[str], frame: pd.DataFrame) -> None:
    """Raise a CheckError if the name with markup is not among the texts."""
    name = frame["model"].iloc[0]
    require(any(name in text for text in found), f"the name {name!r} does not read there as it is")


def read_markdown(text: str, frame: pd.DataFrame) -> None:
    """Find as many cells in the row as there are columns, and no tag."""
    row = row_of_markup(text)
    n_cells = len(re.findall(r"(?<!\\)\|", row)) - 1
    require(n_cells == frame.shape[1], f"a name with '|' makes {n_cells} cells of a row of {frame.shape[1]}")
    require(not re.search(r"(?<!\\)<b>", text), "a name with '<b>' becomes a tag")


def read_latex(text: str, frame: pd.DataFrame) -> None:
    """Find as many cells in the row as there are columns, and no comment, mathematics or lower index."""
    row = re.sub(r"\\[&%$#_{}]|\$(\\[a-z]+|\^\{\*\}|-)\$", "", row_of_markup(text))
    n_cells = row.count("&") + 1
    require(n_cells == frame.shape[1], f"a name with '&' makes {n_cells} cells of a row of {frame.shape[1]}")
    left = [character for character in "%$#_^" if character in row]
    require(not left, f"a name with {' '.join(left)} is not escaped")


def row_of_markup(text: str) -> str:
    """Return the line of the row whose name has markup."""
    lines = [line for line in text.splitlines() if re.search(r"\bmarkup\b", line) and "toy" in line]
    require(len(lines) == 1, f"the row with markup in its name is on {len(lines)} lines, must be on one")
    return lines[0]


READERS: dict[str, Callable[[str, pd.DataFrame], None]] = {
    "html": read_html,
    "htm": read_html,
    "md": read_markdown,
    "tex": read_latex,
    "csv": read_csv,
    "tsv": functools.partial(read_csv, delimiter="\t"),
    "json": read_json,
}
"""Suffix -> what reads a text of that format, and finds the name with markup."""

CHECKS = (
    the_suffix_is_that_of_a_file,
    every_table_is_written,
    the_same_table_is_the_same_text,
    a_table_is_not_changed,
    markup_is_escaped,
    settings_survive_json,
)

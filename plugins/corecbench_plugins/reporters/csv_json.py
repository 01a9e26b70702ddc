"""Tables for other programs, with numbers that are not rounded: CSV and JSON."""

import json
import re

from corecbench.api import Report

FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20].", re.DOTALL)
"""How a text begins that a spreadsheet would compute (CWE-1236)."""


def harmless(value: object) -> object:
    """Return a value of a table; a text that a spreadsheet would take for a formula has an apostrophe in front.

    >>> harmless("=1+1"), harmless("ml-100k"), harmless("-"), harmless(-0.5)
    ("'=1+1", 'ml-100k', '-', -0.5)
    """
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


class Csv:
    """Comma-separated values, without the caption. Texts are such that a spreadsheet computes nothing."""

    suffix = "csv"

    def __init__(self, config: None = None) -> None:
        pass

    def render(self, report: Report) -> str:
        """Return the text, ending in a newline."""
        values = report.values.map(harmless).rename(columns=harmless)
        text: str = values.to_csv(index=False, lineterminator="\n")
        return text


class Json:
    """An object with name, caption, legend, rows and marks."""

    suffix = "json"

    def __init__(self, config: None = None) -> None:
        pass

    def render(self, report: Report) -> str:
        """Return the text, ending in a newline."""
        marked_cells = [
            {"row": row, "column": column, "mark": mark}
            for (row, column), marks in report.marks.items()
            for mark in marks
        ]
        content = {
            "name": report.name,
            "caption": report.caption,
            "legend": dict(report.legend),
            "higher_is_better": dict(report.higher_is_better),
            "rows": report.values.to_dict("records"),  # not to_json, which rounds after 15 digits
            "marks": marked_cells,
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"

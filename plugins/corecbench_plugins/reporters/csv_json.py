"""Tables for other programs, with numbers that are not rounded: CSV and JSON."""

import json

from corecbench.api import Report


class Csv:
    """Comma-separated values, without the caption."""

    suffix = "csv"

    def __init__(self, config: None = None) -> None:
        pass

    def render(self, report: Report) -> str:
        """Return the text, ending in a newline."""
        text: str = report.values.to_csv(index=False, lineterminator="\n")
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

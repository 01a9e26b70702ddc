"""Tables for other programs: every number as it was computed."""

import json

from corecbench.api import Report


class Csv:
    """Comma-separated values in UTF-8; the caption is in the other formats."""

    suffix = "csv"

    def __init__(self, config: None = None):
        pass

    def render(self, report: Report) -> str:
        """Return the text, ending in a newline."""
        return report.values.to_csv(index=False, lineterminator="\n")


class Json:
    """An object with name, caption, legend, rows and marks."""

    suffix = "json"

    def __init__(self, config: None = None):
        pass

    def render(self, report: Report) -> str:
        """Return the text, ending in a newline."""
        marks = [
            {"row": row, "column": column, "mark": mark}
            for (row, column), found in report.marks.items()
            for mark in found
        ]
        content = {
            "name": report.name,
            "caption": report.caption,
            "legend": dict(report.legend),
            "higher_is_better": dict(report.higher_is_better),
            "rows": report.values.to_dict("records"),  # not to_json, which rounds after 15 digits
            "marks": marks,
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"

"""Reporters: formats of tables, written by tabulate, pandas and the standard library."""

from __future__ import annotations

from corecbench.api import ReporterComponent, hookimpl


@hookimpl
def corecbench_reporters() -> list[ReporterComponent]:
    """Offer text, Markdown, LaTeX, HTML, CSV and JSON."""
    package = "corecbench_plugins.reporters"
    return [
        ReporterComponent("text", f"{package}.text_markdown:Text", summary="aligned columns for a terminal"),
        ReporterComponent("markdown", f"{package}.text_markdown:Markdown", summary="a Markdown table"),
        ReporterComponent(
            "latex", f"{package}.latex_html:Latex", summary="a LaTeX table for booktabs and graphicx"
        ),
        ReporterComponent("html", f"{package}.latex_html:Html", summary="a web page of its own"),
        ReporterComponent("csv", f"{package}.csv_json:Csv", summary="numbers that are not rounded"),
        ReporterComponent(
            "json", f"{package}.csv_json:Json", summary="numbers that are not rounded, with caption and marks"
        ),
    ]

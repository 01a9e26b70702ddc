"""Reporters through the writers of tabulate, pandas and the standard library."""

from corecbench.api import ReporterComponent, hookimpl


@hookimpl
def corecbench_reporters():
    """Offer text, Markdown, LaTeX, HTML, CSV and JSON."""
    package = "corecbench_plugins.reporters"
    return [
        ReporterComponent("text", f"{package}.tabulated:Text", summary="aligned columns for a terminal"),
        ReporterComponent("markdown", f"{package}.tabulated:Markdown", summary="a Markdown table"),
        ReporterComponent("latex", f"{package}.styled:Latex", summary="a LaTeX table for booktabs and graphicx"),
        ReporterComponent("html", f"{package}.styled:Html", summary="a web page of its own"),
        ReporterComponent("csv", f"{package}.exact:Csv", summary="numbers that are not rounded"),
        ReporterComponent(
            "json", f"{package}.exact:Json", summary="numbers that are not rounded, with caption and marks"
        ),
    ]

"""Reporters through the writers of tabulate, pandas and the standard library."""

from corecbench.api import Component, hookimpl


@hookimpl
def corecbench_reporters():
    """Offer text, Markdown, LaTeX, HTML, CSV and JSON."""
    package = "corecbench_plugins.reporters"
    return [
        Component("text", f"{package}.tabulated:Text", summary="aligned columns for a terminal"),
        Component("markdown", f"{package}.tabulated:Markdown", summary="a Markdown table"),
        Component("latex", f"{package}.styled:Latex", summary="a LaTeX table for booktabs and graphicx"),
        Component("html", f"{package}.styled:Html", summary="a web page of its own"),
        Component("csv", f"{package}.exact:Csv", summary="numbers that are not rounded"),
        Component("json", f"{package}.exact:Json", summary="numbers that are not rounded, with caption and marks"),
    ]

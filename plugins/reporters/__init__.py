"""Reporters that write the table through tabulate."""

from corecbench.api import Component, hookimpl


@hookimpl
def corecbench_reporters():
    """Offer plain text and Markdown."""
    module = "corecbench_plugins.reporters.tabulated"
    return [
        Component("text", f"{module}:Text", summary="aligned columns for a terminal"),
        Component("markdown", f"{module}:Markdown", summary="a Markdown table"),
    ]

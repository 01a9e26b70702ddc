"""old-reporter: tab-separated values, to be replaced by your format."""

from corecbench.api import Component, Report, Style, hookimpl


class OldReporter:
    """The cells as they are read, with marks and directions, and the caption as the last line."""

    suffix = "tsv"
    style = Style(best="1st {}", second="2nd {}")

    def __init__(self, config: None):
        pass

    def render(self, report: Report) -> str:
        """Return the text."""
        cells, caption = report.styled(self.style)
        return cells.to_csv(sep="\t", index=False, lineterminator="\n") + f"# {caption}\n"


@hookimpl
def corecbench_reporters():
    """Offer the format."""
    return [Component("old-reporter", OldReporter, summary="tab-separated values")]

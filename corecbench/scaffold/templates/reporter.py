"""plugname: tab-separated values, to be replaced by your format."""

from corecbench.api import Report, ReporterComponent, Style, hookimpl


class PlugnameReporter:
    """The cells of a table with their marks, and the caption as the last line."""

    suffix = "tsv"
    style = Style(best="1st {}", second="2nd {}")

    def __init__(self, config: None) -> None:
        pass

    def render(self, report: Report) -> str:
        """Return the table as text."""
        cells, caption = report.styled(self.style)
        return cells.to_csv(sep="\t", index=False, lineterminator="\n") + f"# {caption}\n"


@hookimpl
def corecbench_reporters() -> list[ReporterComponent]:
    """Offer the format."""
    return [ReporterComponent("plugname", PlugnameReporter, summary="tab-separated values")]

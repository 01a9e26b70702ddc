"""What exactly helps, as blocks of the page: each pair against its controls, in words, as a plot and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.report.page.blocks import Heading, Statement
from corecbench.report.page.folding import folded, stated
from corecbench.report.page.grids import grid, note, on
from corecbench.report.page.pictures import plot_blocks
from corecbench.report.views.findings import finding, harm_sentence, sentence, telling
from corecbench.report.views.tables import ledger_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.report.evidence.ledger import Ledger
    from corecbench.report.evidence.reading import Evidence
    from corecbench.report.page.blocks import Block, Picture, Verdict
    from corecbench.report.plots.registry import PlotOutcome
    from corecbench.report.views.findings import Finding

VERDICTS: Mapping[Finding, Verdict] = {
    "gain": "gain",
    "loss": "loss",
    "nothing": "unclear",
    "same": "unclear",
    "out of reach": "unclear",
    "few seeds": "few-seeds",
    "open": "unclear",
}


def blocks(ledgers: Sequence[Ledger], table: Evidence, plots: Sequence[PlotOutcome[Picture]]) -> Iterator[Block]:
    """Yield the findings, then the plot and the table of each data set that has ledgers."""
    yield from stated([statement for each in ledgers for statement in _statement(each, table)])
    report = ledger_table(table, in_words=False)
    datasets = list(dict.fromkeys(each.pair.dataset for each in ledgers))
    for dataset in datasets:
        if len(datasets) > 1:
            yield Heading(dataset)
        yield from plot_blocks(plots, ["ledger", "llms"], dataset)
        yield folded(grid(on(report, dataset), f"what exactly helps on {dataset}"))
    yield note(report)


def _statement(ledger: Ledger, table: Evidence) -> Iterator[Statement]:
    higher, harm, contrast = table.higher_is_better, harm_sentence(ledger), telling(ledger)
    text = sentence(ledger, table.tested, higher, table.method)
    if text is not None and contrast is not None:
        yield Statement(VERDICTS[finding(contrast, higher)], text, [harm] if harm else [])

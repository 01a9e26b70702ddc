"""The sections of the page, from the evidence of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corecbench.report.page import answers, origin, recommended
from corecbench.report.page.blocks import Code, Heading, Section, Statement, Text
from corecbench.report.page.grids import folded, grid, note, on, part, stated
from corecbench.report.page.pictures import plot_blocks
from corecbench.report.plots.registry import prepare
from corecbench.report.views.captions import of_costs
from corecbench.report.views.columns import COST
from corecbench.report.views.findings import finding, harm_sentence, sentence, telling
from corecbench.report.views.tables import board_table, ledger_table, main_table, slice_table
from corecbench.report.wording import sentences
from corecbench.results.run_files import run_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from corecbench.api import CellResult
    from corecbench.report.evidence.leaderboard import Leaderboard
    from corecbench.report.evidence.ledger import Ledger
    from corecbench.report.evidence.reading import Evidence
    from corecbench.report.page.blocks import Block, Verdict
    from corecbench.report.plots.registry import Prepared
    from corecbench.report.recommendation import Recommendation
    from corecbench.report.views.findings import Finding

    Plots = Sequence[Prepared]

VERDICTS: Mapping[Finding, Verdict] = {"gain": "gain", "loss": "loss", "few seeds": "few-seeds"}
"""The verdicts on findings of a ledger; all others show no significant difference."""


@dataclass(frozen=True, eq=False)
class Results:
    """The results of a benchmark that the page shows."""

    benchmark: str
    evidence: Evidence
    board: Leaderboard | None
    """The leaderboard; None where fewer than two data sets have results."""
    effects: bool = False
    """Whether the main table has columns of effect sizes."""
    recommendations: Mapping[str, Sequence[Recommendation] | str] = field(default_factory=dict)
    """data set -> the recommendations to the users of `recommended.WHO`, or why there are none."""
    ledgers: Sequence[Ledger] = ()
    """What the gain of each pair that has controls is made of."""
    first: Sequence[Statement] = ()
    """Findings that stand before all else."""

    @property
    def records(self) -> Sequence[CellResult]:
        """The records of all cells."""
        return self.evidence.records()

    def by_dataset(self, blocks: Callable[[str], Iterable[Block]]) -> Iterator[Block]:
        """Yield the blocks of each data set, under its name if there are several."""
        for dataset in self.evidence.datasets:
            if len(self.evidence.datasets) > 1:
                yield Heading(dataset)
            yield from blocks(dataset)


def sections(results: Results) -> Iterator[Section]:
    """Yield the sections in their order: the answer with one plot, and the rest, folded."""
    plots, records = prepare(results.evidence), results.records
    first, *more = plot_blocks(plots, ["gain"])
    yield Section("answer", "The answer", [*stated(results.first), *answers.blocks(results.evidence), first, *more])
    rest = {
        ("ledger", "What exactly helps"): _ledger(results, plots) if results.ledgers else (),
        ("results", "Results"): _results(results),
        ("pictures", "Results in pictures"): _pictures(results, plots),
        ("leaderboard", "Over the data sets"): _over_datasets(results.board, plots) if results.board else (),
        ("slices", "Whom it helps"): _slices(results, plots),
        ("recommended", "What is recommended"): _recommended(results),
        ("cost", "What it takes"): _cost(results, plots),
        ("training", "Training"): results.by_dataset(lambda dataset: plot_blocks(plots, ["learning"], dataset)),
        ("settings", "Settings"): origin.settings(records),
        ("environment", "Data and environment"): origin.environment(records),
        ("reproduce", "How to reproduce"): _reproduce(results),
    }
    for (name, title), blocks in rest.items():
        if found := list(blocks):
            yield Section(name, title, found, folded=True)


def subtitle(records: Sequence[CellResult]) -> str:
    """Return the number of cells and the days on which they were run."""
    days = sorted({record["started"][:10] for record in records})
    n_failed = sum(record["status"] == "failed" for record in records)
    failed = f", {n_failed} of them failed" if n_failed else ""
    cells = f"{len(records)} stored cell{'s' if len(records) > 1 else ''}"
    return f"{cells}{failed}, run {' to '.join(dict.fromkeys((days[0], days[-1])))}"


def _ledger(results: Results, plots: Plots) -> Iterator[Block]:
    """Yield the findings, then the plot and the table of each data set that has ledgers."""
    ledgers, evidence = results.ledgers, results.evidence
    yield from stated([statement for each in ledgers for statement in _finding(each, evidence)])
    report = ledger_table(evidence, in_words=False)
    with_ledgers = {each.pair.dataset for each in ledgers}

    def blocks(dataset: str) -> Iterator[Block]:
        yield from plot_blocks(plots, ["ledger", "llms"], dataset)
        if dataset in with_ledgers:
            yield folded(grid(on(report, dataset), f"what exactly helps on {dataset}"))

    yield from results.by_dataset(blocks)
    yield note(report)


def _finding(ledger: Ledger, evidence: Evidence) -> Iterator[Statement]:
    higher, harm, contrast = evidence.higher_is_better, harm_sentence(ledger), telling(ledger)
    text = sentence(ledger, evidence.tested, higher, evidence.method)
    if text is not None and contrast is not None:
        yield Statement(VERDICTS.get(finding(contrast, higher), "unclear"), text, [harm] if harm else [])


def _results(results: Results) -> Iterator[Block]:
    report = main_table(results.evidence, effects=results.effects)
    if missing := answers.missing(results.evidence):
        yield from stated(missing)
    yield from results.by_dataset(lambda dataset: [grid(on(report, dataset), f"results on {dataset}")])
    yield note(report)


def _pictures(results: Results, plots: Plots) -> Iterator[Block]:
    yield from results.by_dataset(lambda dataset: plot_blocks(plots, ["cutoffs", "pairs", "rank-change"], dataset))


def _over_datasets(board: Leaderboard, plots: Plots) -> Iterator[Block]:
    report = board_table(board)
    yield grid(report, "all rows over all data sets")
    yield note(report)
    yield from plot_blocks(plots, ["critical-difference"])


def _slices(results: Results, plots: Plots) -> Iterator[Block]:
    report = slice_table(results.evidence)

    yield from plot_blocks(plots, ["train-share"])

    def blocks(dataset: str) -> Iterator[Block]:
        yield from plot_blocks(plots, ["slices", "target-slices"], dataset)
        if len((own := on(report, dataset)).frame):
            yield folded(grid(own, f"gains on slices of the users of {dataset}"))

    yield from results.by_dataset(blocks)
    yield note(report)


def _recommended(results: Results) -> Iterator[Block]:
    def blocks(dataset: str) -> Iterator[Block]:
        stated = results.recommendations.get(dataset, "No pair is stored.")
        yield from [Text(stated)] if isinstance(stated, str) else recommended.blocks(stated)

    yield from results.by_dataset(blocks)


def _cost(results: Results, plots: Plots) -> Iterator[Block]:
    report = main_table(results.evidence, cost=True)
    costs = [column.name for column in COST]
    wanted = ["data set", "model", "side", "sharing", "control", results.evidence.tested, *costs, "seeds"]
    shortened = part(report, range(len(report.frame)), [column for column in report.frame if column not in wanted])
    yield from results.by_dataset(
        lambda dataset: [
            *plot_blocks(plots, ["cost"], dataset),
            folded(grid(on(shortened, dataset), f"what training and inference take on {dataset}")),
        ]
    )
    yield Text(sentences(of_costs(results.evidence.rows.values())), is_note=True)


def _reproduce(results: Results) -> Iterator[Block]:
    trained = [record for record in results.records if "imported" not in record]
    versions = {record["versions"].get("corecbench") for record in trained} - {None}
    which = f"=={versions.pop()}" if len(versions) == 1 else ""
    files = run_files(results.benchmark, trained)
    names = ["run.toml"] if len(files) == 1 else [f"run-{number}.toml" for number in range(1, len(files) + 1)]
    runs = [f"corecbench run --config {name}" for name in names]
    yield Code("command", "\n".join([f"pip install 'corecbench{which}'", *runs]))
    for name, text in zip(names, files, strict=True):
        yield Code(name, text)
    yield Text(
        "The same settings, versions, machine and seeds give the same ranks; other machines round differently. A "
        "data set that is a folder of one's own stands here by its name: give its path instead.",
        is_note=True,
    )
    yield folded(origin.cells(results.records))

"""The sections of the page, from the tables and plots of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corecbench.report.page import ledger, origin, recommended, summary
from corecbench.report.page.blocks import Code, Heading, Section, Text
from corecbench.report.page.folding import folded
from corecbench.report.page.grids import grid, note, on, part
from corecbench.report.page.pictures import draw, plot_blocks
from corecbench.report.views.captions import of_costs
from corecbench.report.views.columns import COST
from corecbench.report.views.tables import board_table, main_table, slice_table
from corecbench.report.wording import sentences
from corecbench.results.run_files import run_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from corecbench.api import CellResult
    from corecbench.report.evidence.leaderboard import Leaderboard
    from corecbench.report.evidence.ledger import Ledger
    from corecbench.report.evidence.reading import Evidence
    from corecbench.report.page.blocks import Block, Picture
    from corecbench.report.plots.registry import PlotOutcome
    from corecbench.report.plots.study import Study
    from corecbench.report.recommendation import Recommendation

    Pictures = Sequence[PlotOutcome[Picture]]


@dataclass(frozen=True, eq=False)
class Results:
    """The results of a benchmark that the page shows."""

    benchmark: str
    study: Study
    board: Leaderboard | None
    """The leaderboard; None where fewer than two data sets have results."""
    effects: bool = False
    """Whether the main table has columns of effect sizes."""
    recommendations: Mapping[str, Sequence[Recommendation] | str] = field(default_factory=dict)
    """data set -> the recommendations to the users of `recommended.WHO`, or why there are none."""

    ledgers: Sequence[Ledger] = ()
    """What the gain of each pair that has controls is made of."""

    @property
    def evidence(self) -> Evidence:
        """The rows and their contrasts."""
        return self.study.evidence

    @property
    def records(self) -> Sequence[CellResult]:
        """The records of all cells."""
        return self.evidence.records()

    def by_dataset(self, blocks: Callable[[str], Iterable[Block]]) -> Iterator[Block]:
        """Yield the blocks of each data set, under its name if there are several."""
        for dataset in self.study.datasets:
            if len(self.study.datasets) > 1:
                yield Heading(dataset)
            yield from blocks(dataset)


def sections(results: Results) -> Iterator[Section]:
    """Yield the sections in their order."""
    plots = draw(results.study)
    if results.ledgers:
        found = list(ledger.blocks(results.ledgers, results.evidence, plots))
        yield Section("ledger", "What exactly helps", found)
    yield Section("summary", "Summary", list(_summary(results, plots)))
    yield Section("results", "Results", list(_results(results)))
    yield Section("pictures", "Results in pictures", list(_pictures(results, plots)))
    if results.board is not None:
        yield Section("leaderboard", "Over the data sets", list(_over_datasets(results.board, plots)))
    yield Section("slices", "Whom it helps", list(_slices(results, plots)))
    yield Section("recommended", "What is recommended", list(_recommended(results)))
    yield Section("cost", "What it takes", list(_cost(results, plots)))
    yield Section("training", "Training", list(_training(results, plots)), folded=True)
    yield Section("settings", "Settings", list(origin.settings(results.records)), folded=True)
    yield Section("environment", "Data and environment", list(origin.environment(results.records)), folded=True)
    yield Section("reproduce", "How to reproduce", list(_reproduce(results)))


def _summary(results: Results, plots: Pictures) -> Iterator[Block]:
    """Yield how many rows gained, the plot of the gains, and the finding of each row."""
    headline, *statements = summary.blocks(results.evidence, results.ledgers)
    first, *more = plot_blocks(plots, ["gain"])
    yield from [headline, first, *more, *statements]


def subtitle(records: Sequence[CellResult]) -> str:
    """Return the number of cells and the days on which they were run."""
    days = sorted({record["started"][:10] for record in records})
    n_failed = sum(record["status"] == "failed" for record in records)
    failed = f", {n_failed} of them failed" if n_failed else ""
    cells = f"{len(records)} stored cell{'s' if len(records) > 1 else ''}"
    return f"{cells}{failed}, run {' to '.join(dict.fromkeys((days[0], days[-1])))}"


def _results(results: Results) -> Iterator[Block]:
    report = main_table(results.evidence, effects=results.effects)
    yield from results.by_dataset(lambda dataset: [grid(on(report, dataset), f"results on {dataset}")])
    yield note(report)


def _pictures(results: Results, plots: Pictures) -> Iterator[Block]:
    yield from results.by_dataset(lambda dataset: plot_blocks(plots, ["cutoffs", "pairs", "rank-change"], dataset))


def _over_datasets(board: Leaderboard, plots: Pictures) -> Iterator[Block]:
    report = board_table(board)
    yield grid(report, "all rows over all data sets")
    yield note(report)
    yield from plot_blocks(plots, ["critical-difference"])


def _slices(results: Results, plots: Pictures) -> Iterator[Block]:
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


def _cost(results: Results, plots: Pictures) -> Iterator[Block]:
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


def _training(results: Results, plots: Pictures) -> Iterator[Block]:
    yield from results.by_dataset(lambda dataset: plot_blocks(plots, ["learning"], dataset))


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

"""The page: sections from the evidence of a benchmark become one file that loads nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
from itertools import zip_longest
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from corecbench.api import CellResult, Report
from corecbench.report.evidence.leaderboard import board_of
from corecbench.report.page import answers, origin
from corecbench.report.page.blocks import (
    Block,
    Code,
    Folded,
    Heading,
    Picture,
    Section,
    Statement,
    Text,
    folded,
    grid,
    note,
    number_of,
    on,
    stated,
)
from corecbench.report.plots.figure import Chart, to_svg
from corecbench.report.plots.registry import Prepared, prepare
from corecbench.report.views.findings import harm_sentence, sentence, telling
from corecbench.report.views.tables import board_table, cost_table, ledger_table, main_table, slice_table
from corecbench.results.recommendation import HELD_OUT, LEGEND, Recommendation, Recommended
from corecbench.results.run_files import run_files
from corecbench.toolkit.printable import one_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from corecbench.report.evidence.evidence import Evidence

    Recommendations = Mapping[str, Sequence[Recommendation] | str]
    """data set -> the recommendations to the users of `WHO`, or why there are none."""

PACKAGE = "corecbench.report.page"
SCRIPTS = ("sort.js", "fold.js")
MOST_COLUMNS = 60
"""The most columns of a table whose numbers stand to the right."""
NUMBERS = ",".join(f".n{place} td:nth-child({place})" for place in range(1, MOST_COLUMNS + 1))
"""The cells of the columns of numbers, as a style names them: a class for each of thousands of cells is long."""


def render(
    benchmark: str,
    evidence: Evidence,
    recommendations: Recommendations,
    effects: bool = False,
    first: Sequence[Statement] = (),
) -> str:
    """Return the report of a benchmark, the same for the same results: the answer with one plot, the rest folded.

    With `effects` the main table has columns of effect sizes. The findings in `first` stand before all else.
    """
    plots = prepare(evidence)
    on_each = functools.partial(_on_each, plots, evidence)
    main, slices = main_table(evidence, effects=effects), slice_table(evidence)
    rest = {
        ("ledger", "What exactly helps"): _ledger(evidence, on_each),
        ("results", "Results"): (*stated(answers.missing(evidence)), *on_each([], main, "results on")),
        ("leaderboard", "Over the data sets"): _over_datasets(benchmark, evidence, plots),
        ("slices", "Whom it helps"): (
            *plot_blocks(plots, ["train-share"]),
            *on_each(["slices", "target-slices"], slices, "gains on slices of the users of"),
        ),
        ("recommended", "What is recommended"): _recommended(evidence, recommendations),
        ("cost", "What it takes"): on_each([], cost_table(evidence), "what training and inference take on"),
        ("training", "Training"): on_each(["learning"]),
        ("settings", "Settings"): origin.settings(evidence.records()),
        ("environment", "Data and environment"): origin.environment(evidence.records()),
        ("reproduce", "How to reproduce"): _reproduce(benchmark, evidence.records()),
    }
    answer = [*stated(first), *answers.blocks(evidence), *plot_blocks(plots, ["gain"])]
    more = [Section(*place, found, folded=True) for place, blocks in rest.items() if (found := list(blocks))]
    title = f"{benchmark}: does training with an LLM help?"
    return page(title, subtitle(evidence.records()), [Section("answer", "The answer", answer), *more])


def page(
    title: str, subtitle: str, sections: Sequence[Section], home: str = "", scripts: Sequence[str] = SCRIPTS
) -> str:
    """Return a page; text is escaped, controls no terminal that shows it, and no script runs but its own.

    `home` is the address of the page that this one belongs to, and `scripts` are files of the folder `templates`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader(PACKAGE)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, *programs = (loader.get_source(environment, name)[0] for name in ("style.css", *scripts))
    style += f"{NUMBERS} {{ text-align: right; }}\n"
    allowed = " ".join(f"'{_digest(program)}'" for program in programs)
    text = environment.get_template("page.html").render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        home=home,
        style=style,
        scripts=programs,
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src {allowed}",
    )
    return printable(text, kept="\n\t\xa0")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


# --- the sections -------------------------------------------------------------------------------------------------


def _on_each(
    plots: Sequence[Prepared],
    evidence: Evidence,
    kinds: Sequence[str],
    report: Report | None = None,
    label: str = "",
) -> Iterator[Block]:
    """Yield the plots of each data set and its part of a table, folded behind plots; then the table's caption."""
    for dataset in evidence.datasets:
        if len(evidence.datasets) > 1:
            yield Heading(dataset)
        yield from plot_blocks(plots, kinds, dataset)
        if report is not None and len((own := on(report, dataset)).frame):
            drawn = grid(own, f"{label} {dataset}")
            yield folded(drawn) if kinds else drawn
    if report is not None:
        yield note(report)


def subtitle(records: Sequence[CellResult]) -> str:
    days = sorted({record["started"][:10] for record in records})
    n_failed = sum(record["status"] == "failed" for record in records)
    failed = f", {n_failed} of them failed" if n_failed else ""
    cells = f"{len(records)} stored cell{'s' if len(records) > 1 else ''}"
    return f"{cells}{failed}, run {' to '.join(dict.fromkeys((days[0], days[-1])))}"


def _ledger(evidence: Evidence, on_each: Callable[..., Iterator[Block]]) -> Iterator[Block]:
    if ledgers := evidence.ledgers():
        statements = []
        for each in ledgers:
            harm, contrast, text = harm_sentence(each), telling(each), sentence(each, evidence)
            if text is not None and contrast is not None:
                statements.append(Statement(contrast.finding, text, [harm] if harm else []))
        yield from stated(statements)
        yield from on_each(["ledger", "llms"], ledger_table(evidence, in_words=False), "what exactly helps on")


def _over_datasets(benchmark: str, evidence: Evidence, plots: Sequence[Prepared]) -> Iterator[Block]:
    if len({key.dataset for key, row in evidence.rows.items() if row.seeds}) > 1:
        report = board_table(board_of(evidence, benchmark))
        yield grid(report, "all rows over all data sets")
        yield note(report)
        yield from plot_blocks(plots, ["critical-difference"])


def _recommended(evidence: Evidence, recommendations: Recommendations) -> Iterator[Block]:
    for dataset in evidence.datasets:
        if len(evidence.datasets) > 1:
            yield Heading(dataset)
        found = recommendations.get(dataset, "No pair is stored.")
        yield from [Text(found)] if isinstance(found, str) else recommended_to_users(found)


def _reproduce(benchmark: str, records: Sequence[CellResult]) -> Iterator[Block]:
    trained = [record for record in records if "imported" not in record]
    versions = {record["versions"].get("corecbench") for record in trained} - {None}
    which = f"=={versions.pop()}" if len(versions) == 1 else ""
    files = run_files(benchmark, trained)
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
    yield folded(origin.cells(records))


# --- plots --------------------------------------------------------------------------------------------------------


MOST_PAGES = 4
"""Of a plot of more pages only the first is shown: hundreds of rows make dozens, which nobody looks through."""


def plot_blocks(plots: Sequence[Prepared], kinds: Sequence[str], dataset: str | None = None) -> list[Block]:
    """Return the plots of some kinds, or why they are missing, in the order of the kinds.

    Of each plot the first page is seen at once; further ones are folded.
    """
    blocks: list[Block] = []
    for kind in kinds:
        for plot in plots:
            if (plot.kind, plot.dataset) == (kind, dataset):
                blocks += _pages(plot)
    return blocks


def _pages(plot: Prepared) -> list[Block]:
    if plot.reason is not None:
        return [Text(f"No plot {plot.name}: {plot.reason}.", is_note=True)]
    first, *more = plot.pages
    if len(plot.pages) > MOST_PAGES:
        shown = f"The first of the {len(plot.pages)} pages of this plot"
        left_out = Text(f"{shown}; `corecbench report --plots` draws all of them.", is_note=True)
        return [picture(first), left_out]
    folded = Folded(f"{number_of(len(more), 'more page')} of this plot", [picture(chart) for chart in more])
    return [picture(first), folded] if more else [picture(first)]


def picture(chart: Chart) -> Picture:
    return Picture(chart.title, Markup(to_svg(chart)), chart.caption)  # noqa: S704  # `to_svg` escapes all text


# --- what is recommended ------------------------------------------------------------------------------------------


N_PAST = 5
"""The number of items of a history that are named, the latest ones."""
LONGEST = 60
"""The most characters of a title."""
WHO = {
    "best": "The largest gain",
    "worst": "The largest loss",
    "coldest": "The shortest history",
}
"""The users who are shown: the name that `StoredLists.pick` knows -> a heading."""


def recommended_to_users(recommendations: Sequence[Recommendation]) -> Iterator[Block]:
    """Yield a table for each user, in the order of `WHO`."""
    for who, one in zip(WHO.values(), recommendations, strict=True):
        past = "; ".join(short(str(item)) for item in one.history[-N_PAST - 1 : -1])
        yield Heading(f"{who}: user {one_line(one.user_id)}")
        yield Text(
            f"The latest of {len(one.history) - 1:,} items before the held-out one: {past}. "
            f"Held out: {short(str(one.held_out))}."
        )
        yield grid(lists(one), f"lists of user {one_line(one.user_id)} of {one.dataset}")
    first = recommendations[0]
    yield Text(f"{one_line(first.cell)}, seed {first.seed}. {LEGEND}.", is_note=True)


def lists(recommendation: Recommendation) -> Report:
    columns = {one_line(top.name): [top.standing, *map(marked_title, top.items)] for top in recommendation.lists}
    rows = list(zip_longest(*columns.values(), fillvalue=""))
    places = ["", *map(str, range(1, len(rows)))]
    frame = pd.DataFrame(rows, columns=list(columns))
    frame.insert(0, "place", places)
    values = frame.assign(place=[None, *range(1, len(rows))])
    return Report("recommended", frame, values, caption="")


def marked_title(item: Recommended) -> str:
    marks = f"{HELD_OUT if item.is_held_out else ''} {item.moved}".split()
    return " ".join([*marks, short(str(item))])


def short(title: str) -> str:
    """Return a title, cut where it is long.

    >>> short("Building Set " * 9)
    'Building Set Building Set Building Set Building Set Buildin…'
    """
    return title if len(title) <= LONGEST else title[: LONGEST - 1].rstrip() + "…"

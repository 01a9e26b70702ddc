"""What helps with one LLM and with another: pairs and their controls over the LLMs, the scale curve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from corecbench.report.evidence.ledger_plan import PAIR, pairs_with_controls
from corecbench.report.plots import curves
from corecbench.report.plots.canvas import MINUS, SIDE_NAMES, figure, plain
from corecbench.report.plots.curves import Curve, Panels
from corecbench.report.plots.pages import paged
from corecbench.report.plots.study import NothingToShow, Study, shorten
from corecbench.report.views.captions import t_intervals
from corecbench.report.views.findings import row_name
from corecbench.report.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matplotlib.figure import Figure

    from corecbench.report.evidence.ledger import Ledger, Line
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey

MOST = 4
"""The most rows of panels on a page."""


@dataclass(frozen=True)
class OverLlms:
    """The numbers of the plot: a row of panels for each side of a domain model and sharing module."""

    dataset: str
    panels: tuple[Panels, ...]
    tested: str
    extent: str
    intervals: str
    """Over what the intervals are, in words."""
    page: str = ""
    """The end of the title, where there are several pages."""


def has_several(rows: Mapping[RowKey, Row], tested: str, unshared: Collection[str] = ()) -> bool:
    """Return whether any pair with controls differs from another one in the LLM only."""
    pairs = pairs_with_controls(rows, tested, unshared)
    return len({_without_llm(pair) for pair in pairs}) < len(pairs)


def _without_llm(pair: RowKey) -> RowKey:
    return replace(pair, llm=None)


def prepare(study: Study) -> OverLlms:
    """Return pairs and controls of one data set over the LLMs.

    Raises:
        NothingToShow: no two pairs with controls differ in the LLM only.
    """
    (dataset,) = study.datasets
    groups: dict[RowKey, list[Ledger]] = {}
    for ledger in study.evidence.ledgers():
        if ledger.of_kind("contrast"):
            groups.setdefault(_without_llm(ledger.pair), []).append(ledger)
    shown = [
        sorted(of, key=lambda ledger: _parameters(study.rows[ledger.pair])) for of in groups.values() if len(of) > 1
    ]
    if not shown:
        raise NothingToShow("no two pairs with controls differ in the LLM only")
    contrasts = [each for ledgers in shown for ledger in ledgers for each in ledger.of_kind("contrast")]
    return OverLlms(
        dataset,
        tuple(_panels(study, of) for of in shown),
        study.tested,
        study.extent(),
        t_intervals(each.comparison.lacks_seeds for each in contrasts),
    )


def _parameters(pair: Row) -> int:
    """Return how many parameters the LLM's side of a pair has; 0 where that was not stored."""
    sides = [side for record in pair.records for name, side in record["sides"].items() if name == "llm"]
    return max((side.get("parameters", 0) for side in sides), default=0)


def _names(ledgers: Sequence[Ledger]) -> tuple[str, ...]:
    """Return the names of the LLMs, short enough to stand side by side below axes, many of them on two lines."""
    n_lines = 1 if len(ledgers) < 4 else 2
    size = max(7, min(14, n_lines * 28 // len(ledgers)))
    names = [plain(shorten(ledger.pair.llm or "", size)) for ledger in ledgers]
    return tuple("\n" * (place % n_lines) + name for place, name in enumerate(names))


def _panels(study: Study, ledgers: Sequence[Ledger]) -> Panels:
    """Return the curves of one side: the pair, then each control, with the pair minus that control."""
    pair = ledgers[0].pair
    contrasts: dict[str, dict[int, Line]] = {}
    for place, ledger in enumerate(ledgers):
        for each in ledger.of_kind("contrast"):
            contrasts.setdefault(row_name(each.planned.lower, ledger.pair), {})[place] = each
    solos = {place: ledger.pair.solo for place, ledger in enumerate(ledgers)}
    alone = {place: study.mean(key) for place, key in solos.items() if key in study.present()}
    of_pair = Curve(PAIR, False, {place: study.mean(each.pair) for place, each in enumerate(ledgers)}, {}, {})
    title = f"{shorten(pair.domain or '')}, {shorten(pair.sharing or '')} ({SIDE_NAMES[pair.side]})"
    of_controls = (_curve(name, found) for name, found in contrasts.items())
    return Panels(title, _names(ledgers), alone, (of_pair, *of_controls))


def _curve(control: str, found: Mapping[int, Line]) -> Curve:
    intervals = {place: each.comparison.sizes.interval for place, each in found.items()}
    return Curve(
        f"{control}: {next(iter(found.values())).planned.tells}",
        True,
        {place: each.comparison.means[1] for place, each in found.items()},
        {place: each.comparison.difference for place, each in found.items()},
        {place: interval for place, interval in intervals.items() if interval},
    )


def pages(shown: OverLlms) -> list[OverLlms]:
    """Return the numbers of each page."""
    return paged(shown, "panels", MOST)


def draw(shown: OverLlms) -> Figure:
    """Draw a row of panels for each side: the metric at the left, the pair minus each control at the right."""
    made = figure(
        sum(row.height for row in shown.panels) + 0.35,
        f"{plain(shown.dataset)}: {shown.tested} of pairs and their controls over the LLMs{shown.page}",
        sentences(
            [
                shown.extent,
                "LLMs by the number of parameters that their sides hold. Left: the pair (filled) and its controls "
                "(open). Right: the pair minus each control. Bars: 95% intervals of the difference "
                f"({shown.intervals}), not adjusted for the number of contrasts",
            ]
        ),
    )
    names = "LLM", shown.tested, f"pair {MINUS} control"
    curves.draw(made, shown.panels, names)
    return made

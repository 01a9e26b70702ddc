"""What exactly helps: the gain of each pair in steps and compared with controls, over LLMs and under protocols."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from corecbench.report.evidence.contrasts import FEWEST_SEEDS, Contrast
from corecbench.report.evidence.controls import pairs_with_controls
from corecbench.report.evidence.ledger import PAIR, Kind, Ledger
from corecbench.report.evidence.protocols import LEAVE_ONE_OUT, TIME, Found, Protocols
from corecbench.report.labels import label, shorten
from corecbench.report.plots.curves import ALONE, Series, compared, look_of, of_contrasts
from corecbench.report.plots.figure import Band, Chart, NothingToShow, charts, paged
from corecbench.report.plots.forest import Forest, Group, Line
from corecbench.report.plots.shown_rows import MINUS, SIDE_NAMES, extent, mean
from corecbench.report.views.findings import row_name, rows_of
from corecbench.report.views.statistics import intervals_in_words
from corecbench.report.wording import percent, sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.ledger import Line as LedgerLine
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey

MOST_LINES = 56
"""The most lines of text on a page."""
MOST = 4
"""The most pairs of panels on a page."""
FEW = "°"
"""The mark of a line with too few seeds for a verdict."""
KINDS: Mapping[Kind, Literal["bar", "whole", "marker"]] = {"step": "bar", "whole": "whole", "contrast": "marker"}


# --- steps --------------------------------------------------------------------------------------------------------


def waterfall(evidence: Evidence) -> list[Chart]:
    if not with_controls(evidence):
        raise NothingToShow("no pair has a control")
    shown = [(each, group(each)) for each in evidence.ledgers() if all(of.comparison.base for of in each.contrasts)]
    if not shown:
        raise NothingToShow("no control can be compared with its pair")
    most = max(1, int(MOST_LINES / max(each.height for _, each in shown)))
    return [_chart(evidence, part, page) for page, part in paged(shown, most)]


def with_controls(evidence: Evidence) -> Sequence[RowKey]:
    return pairs_with_controls(evidence.rows, evidence.tested, evidence.controls.unshared)


def group(ledger: Ledger) -> Group:
    steps: list[Line] = []
    for each in ledger.of_kind("step"):
        steps.append(_line(each, steps[-1].value if steps else 0.0))
    others = (*ledger.of_kind("whole"), *ledger.of_kind("contrast"))
    heading = f"{label(ledger.pair)} ({SIDE_NAMES[ledger.pair.side]})"
    return Group(heading, (*steps, *map(_line, others)))


def _line(contrast: LedgerLine, start: float = 0.0) -> Line:
    comparison, kind = contrast.comparison, contrast.kind
    upper, lower = (row_name(key, contrast.pair) for key in (comparison.row, comparison.other))
    change, ends = comparison.difference / abs(comparison.base), comparison.sizes.change_ends
    return Line(
        label=f"{upper}: {contrast.tells}" if kind == "step" else f"{upper} {MINUS} {lower}: {contrast.tells}",
        side=contrast.pair.side,
        value=start + 100 * change,
        interval=ends and (start + 100 * ends[0], start + 100 * ends[1]),
        text=percent(change).replace("-", MINUS) + FEW * comparison.lacks_seeds,
        is_open=kind == "contrast",
        kind=KINDS[kind],
        start=start,
    )


def _chart(evidence: Evidence, shown: Sequence[tuple[Ledger, Group]], page: str) -> Chart:
    """The ledgers of each side on an axis of their own, as the sides can gain very different amounts."""
    by_side = [[each for _, each in of] for _, of in groupby(shown, lambda each: each[0].pair.side)]
    contrasts = [each.comparison for ledger, _ in shown for each in ledger.contrasts]
    caption = sentences(
        extent(evidence),
        "Coloured bars: steps from the model alone to the pair, each named by the row it leads to; white where "
        "the metric falls",
        "Grey: the whole gain. Markers: the pair compared with one control",
        _of_lines(evidence, contrasts),
        *([f"{FEW}: a verdict needs {FEWEST_SEEDS} seeds"] if any(each.lacks_seeds for each in contrasts) else []),
    )
    title = f"{evidence.datasets[0]}: what exactly helps, change in {evidence.tested}{page}"
    return Chart(title, caption, [Forest(of_side, _axis(evidence)).band for of_side in by_side])


def _axis(evidence: Evidence) -> str:
    better = "right" if evidence.higher_is_better else "left"
    return f"change in {evidence.tested}, % of the model alone ({better}: better)"


def _of_lines(evidence: Evidence, contrasts: Sequence[Contrast]) -> str:
    intervals = intervals_in_words(evidence.method, contrasts)
    return f"Lines: 95% intervals of the change ({intervals}), not adjusted for their number"


# --- over LLMs ----------------------------------------------------------------------------------------------------


def has_several_llms(evidence: Evidence) -> bool:
    pairs = with_controls(evidence)
    return len({replace(pair, llm=None) for pair in pairs}) < len(pairs)


def over_llms(evidence: Evidence) -> list[Chart]:
    """Pairs and controls of one data set over the LLMs, the scale curve."""
    by_rest: dict[RowKey, list[Ledger]] = {}
    for ledger in evidence.ledgers():
        if ledger.of_kind("contrast"):
            by_rest.setdefault(replace(ledger.pair, llm=None), []).append(ledger)
    several = [of for of in by_rest.values() if len(of) > 1]
    if not several:
        raise NothingToShow("no two pairs with controls differ in the LLM only")
    shown = [sorted(of, key=lambda each: _parameters(evidence.rows[each.pair])) for of in several]
    contrasts = [each.comparison for of in shown for ledger in of for each in ledger.of_kind("contrast")]
    kind = intervals_in_words(evidence.method, contrasts)
    caption = sentences(
        extent(evidence),
        "LLMs by the number of parameters that their sides hold",
        "Left: the pair (filled) and its controls (open). Right: the pair compared with each control",
        f"Bars: 95% intervals of the difference ({kind}), not adjusted for the number of contrasts",
    )
    title = f"{evidence.datasets[0]}: {evidence.tested} of pairs and their controls over the LLMs"
    return charts(title, caption, [_panels(evidence, of) for of in shown], MOST)


def _parameters(pair: Row) -> int:
    sides = [record["sides"]["llm"] for record in pair.records if "llm" in record["sides"]]
    ranked, read = (
        (side.get("parameters", 0) for side in sides),
        (each.get("llm_parameters", 0) for each in pair.records),
    )
    return max([*ranked, *read])


def names_of(ledgers: Sequence[Ledger]) -> list[str]:
    lines = 1 if len(ledgers) < 4 else 2
    size = max(7, min(14, lines * 28 // len(ledgers)))
    names = [shorten(ledger.pair.llm or "", size) for ledger in ledgers]
    return ["\n" * (place % lines) + name for place, name in enumerate(names)]


def _panels(evidence: Evidence, ledgers: Sequence[Ledger]) -> Band:
    """Both panels of one side: the pair, then each control, with the pair compared with that control."""
    pair = ledgers[0].pair
    contrasts: dict[str, list[tuple[float, LedgerLine]]] = {}
    for place, ledger in enumerate(ledgers):
        for each in ledger.of_kind("contrast"):
            contrasts.setdefault(row_name(each.comparison.other, ledger.pair), []).append((float(place), each))
    rows, gains = [], []
    solos = [(float(place), ledger.pair.solo) for place, ledger in enumerate(ledgers)]
    if known := [(x, mean(evidence, key)) for x, key in solos if evidence.has(key)]:
        rows.append(Series("alone", ALONE, known))
    means = [(float(place), mean(evidence, each.pair)) for place, each in enumerate(ledgers)]
    rows.append(Series(PAIR, look_of(0), means))
    for number, (control, found) in enumerate(contrasts.items(), start=1):
        name, look = f"{control}: {found[0][1].tells}", look_of(number, is_open=True)
        rows.append(Series(name, look, [(x, each.comparison.means[1]) for x, each in found]))
        gains.append(of_contrasts([each.comparison for _, each in found], name, look, [x for x, _ in found]))
    title = f"{shorten(pair.domain or '')}, {shorten(pair.sharing or '')} ({SIDE_NAMES[pair.side]})"
    metrics = evidence.tested, f"Δ {evidence.tested}"
    return compared(title, "LLM", names_of(ledgers), rows, gains, metrics)


# --- under two protocols ------------------------------------------------------------------------------------------


MOST_FOUND = 12
"""The most findings on a page."""


def under_protocols(protocols: Protocols) -> list[Chart]:
    found = [each for each in protocols.found if each.leave_one_out.base and each.time.base]
    if not found:
        raise NothingToShow("no contrast is stored under both protocols")
    return [_found_chart(protocols, part, page) for page, part in paged(found, MOST_FOUND)]


def _found_chart(protocols: Protocols, found: Sequence[Found], page: str) -> Chart:
    groups = [
        Group(
            f"{label(pair)} ({SIDE_NAMES[pair.side]})",
            tuple(line for each in of_pair for line in _found_lines(each)),
        )
        for pair, of_pair in groupby(found, lambda each: each.pair)
    ]
    first = protocols.leave_one_out
    sides = dict.fromkeys(each.pair.side for each in found)
    legend = [
        (f"{name} ({SIDE_NAMES[side]})" if len(sides) > 1 else name, side, is_open)
        for side in sides
        for name, is_open in ((LEAVE_ONE_OUT, True), (TIME, False))
    ]
    contrasts = [contrast for each in found for contrast in (each.leave_one_out, each.time)]
    caption = sentences(
        *(f"{name}: {extent(each)}" for name, each in zip((LEAVE_ONE_OUT, TIME), protocols.both, strict=True)),
        _of_lines(first, contrasts),
        "At the right, what becomes of the finding under time",
    )
    title = f"{protocols.datasets[0]}: findings in {first.tested} under both protocols{page}"
    return Chart(title, caption, [Forest(groups, _axis(first), legend).band])


def _found_lines(found: Found) -> tuple[Line, Line]:
    """A finding under both protocols."""
    upper, lower = rows_of(found)

    def line(name: str, contrast: Contrast, text: str, is_open: bool) -> Line:
        change, ends = contrast.difference / abs(contrast.base), contrast.sizes.change_ends
        words = f"{percent(change).replace('-', MINUS)}{text}"
        return Line(name, found.pair.side, 100 * change, ends and (100 * ends[0], 100 * ends[1]), words, is_open)

    name = f"{upper} {MINUS} {lower}: {found.tells}"
    return line(name, found.leave_one_out, "", True), line("", found.time, f" {found.verdict}", False)

"""Findings under leave-one-out and under the split by time, one below the other."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from corecbench.report.evidence.protocols import LEAVE_ONE_OUT, TIME
from corecbench.report.plots.canvas import MINUS, SIDE_NAMES
from corecbench.report.plots.chart import Chart, NothingToShow, extent, label, paged
from corecbench.report.plots.forest import Forest, Group, Line, side_look
from corecbench.report.views.captions import t_intervals
from corecbench.report.views.findings import row_name
from corecbench.report.wording import percent, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.protocols import Found, Protocols

MOST = 12
"""The most findings on a page."""


def forest(protocols: Protocols) -> list[Chart]:
    """Return the findings of one data set, each under leave-one-out (open) and under time (filled)."""
    found = [each for each in protocols.found if each.leave_one_out.base and each.time.base]
    if not found:
        raise NothingToShow("no contrast is stored under both protocols")
    return [_chart(protocols, part, page) for page, part in paged(found, MOST)]


def _chart(protocols: Protocols, found: Sequence[Found], page: str) -> Chart:
    groups = [
        Group(f"{label(pair)} ({SIDE_NAMES[pair.side]})", tuple(line for each in of_pair for line in _lines(each)))
        for pair, of_pair in groupby(found, lambda each: each.pair)
    ]
    first = protocols.leave_one_out
    sides = dict.fromkeys(each.pair.side for each in found)
    legend = [
        (f"{name} ({SIDE_NAMES[side]})" if len(sides) > 1 else name, side_look(side, is_open))
        for side in sides
        for name, is_open in ((LEAVE_ONE_OUT, True), (TIME, False))
    ]
    better = "right" if first.higher_is_better else "left"
    axis = f"change in {first.tested}, % of the model alone ({better}: better)"
    lacking = [contrast.lacks_seeds for each in found for contrast in (each.leave_one_out, each.time)]
    caption = sentences(
        [
            *(f"{name}: {extent(each)}" for name, each in zip((LEAVE_ONE_OUT, TIME), protocols.both, strict=True)),
            f"Lines: 95% intervals of the change ({t_intervals(lacking)}), not adjusted for their number",
            "At the right, what becomes of the finding under time",
        ]
    )
    title = f"{protocols.datasets[0]}: findings in {first.tested} under both protocols{page}"
    return Chart(title, caption, (Forest(tuple(groups), axis, tuple(legend)),))


def _lines(found: Found) -> tuple[Line, Line]:
    """Return a finding under both protocols."""
    upper, lower = (row_name(key, found.pair) for key in (found.leave_one_out.row, found.leave_one_out.other))

    def line(name: str, contrast: Contrast, text: str, is_open: bool) -> Line:
        change, ends = contrast.difference / abs(contrast.base), contrast.sizes.change_ends
        words = f"{percent(change).replace('-', MINUS)}{text}"
        return Line(name, found.pair.side, 100 * change, ends and (100 * ends[0], 100 * ends[1]), words, is_open)

    name = f"{upper} {MINUS} {lower}: {found.tells}"
    return line(name, found.leave_one_out, "", True), line("", found.time, f" {found.verdict}", False)

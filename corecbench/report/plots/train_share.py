"""The gain of training together over the share of the users that train, with intervals."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from corecbench.data.reduction import in_percent
from corecbench.report.evidence.reading import at_full_share
from corecbench.report.plots import curves
from corecbench.report.plots.canvas import SIDE_NAMES, figure, plain
from corecbench.report.plots.curves import Panels
from corecbench.report.plots.pages import evenly, paged
from corecbench.report.plots.study import NothingToShow, Study, partner, shorten
from corecbench.report.views.captions import extent, t_intervals
from corecbench.report.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

    from corecbench.report.evidence.contrasts import Contrast

MOST, MOST_PANELS = 6, 4
"""The most joint rows in a pair of panels, and the most such pairs on a page."""


@dataclass(frozen=True)
class Line:
    """A joint row at several shares."""

    label: str
    is_control: bool
    effects: tuple[Contrast, ...]
    """From the smallest share to the largest."""

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares, ascending."""
        return tuple(effect.row.reduction.train_share for effect in self.effects)


@dataclass(frozen=True)
class ShareGains:
    """The numbers of the plot: a pair of panels for each model on one data set."""

    dataset: str
    panels: tuple[tuple[str, tuple[Line, ...]], ...]
    tested: str
    extent: str
    more: tuple[ShareGains, ...] = ()
    """The same on further data sets."""
    page: str = ""
    """The end of the title, where there are several pages."""


def prepare(study: Study) -> ShareGains:
    """Return the gains at every share.

    Raises:
        NothingToShow: no joint row can be compared with its solo row at two shares.
    """
    found = study.evidence.shares()
    if not found:
        raise NothingToShow("needs a joint row that can be compared with its solo row at two train shares")
    first, *more = (
        ShareGains(
            dataset,
            tuple(_panels(study, here)),
            study.tested,
            extent(f"{dataset}: ", functools.reduce(operator.iadd, here, [])),
        )
        for dataset, here in (
            (name, list(of)) for name, of in groupby(found, lambda each: at_full_share(each[0].row).dataset)
        )
    )
    return replace(first, more=tuple(more))


def pages(gains: ShareGains) -> list[ShareGains]:
    """Return the numbers of each page: those of one data set after the other."""
    return [page for each in (gains, *gains.more) for page in paged(replace(each, more=()), "panels", MOST_PANELS)]


def _panels(study: Study, found: Sequence[Sequence[Contrast]]) -> Iterator[tuple[str, tuple[Line, ...]]]:
    for solo, of_model in groupby(found, lambda each: at_full_share(each[0].row).solo):
        title = f"{shorten(solo.own or '')} ({SIDE_NAMES[solo.side]})"
        for part in evenly(list(of_model), MOST):
            lines = [Line(partner(each[0].row), study.is_control(each[0].row), tuple(each)) for each in part]
            yield title, tuple(lines)


def draw(gains: ShareGains) -> Figure:
    """Draw a row of panels for each model: the metric alone and together, the gain, and the legend."""
    rows = [_row(title, lines) for title, lines in gains.panels]
    lacking = [each.lacks_seeds for _, lines in gains.panels for line in lines for each in line.effects]
    made = figure(
        sum(row.height for row in rows) + 0.35,
        f"{plain(gains.dataset)}: {gains.tested} and the gain of training together over the users that train"
        f"{gains.page}",
        sentences(
            [
                gains.extent,
                "All users are ranked at every share; alone and together train on the same users",
                f"Bars: 95% intervals of the difference ({t_intervals(lacking)}), not adjusted for the number of "
                "shares. Open: controls",
            ]
        ),
    )
    curves.draw(made, rows, ("users that train", gains.tested, f"Δ {gains.tested}"))
    return made


def _row(title: str, lines: Sequence[Line]) -> Panels:
    """Return a row of panels. The model alone is drawn once: its joint rows have mostly the same seeds as it."""
    shares = sorted({share for line in lines for share in line.shares})
    effects = [[(shares.index(each.row.reduction.train_share), each) for each in line.effects] for line in lines]
    return Panels(
        title,
        tuple(map(in_percent, shares)),
        dict(sorted((place, each.base) for of_line in effects for place, each in of_line)),
        tuple(
            curves.Curve(
                line.label,
                line.is_control,
                {place: each.own for place, each in of_line},
                {place: each.difference for place, each in of_line},
                {place: each.sizes.interval for place, each in of_line if each.sizes.interval},
            )
            for line, of_line in zip(lines, effects, strict=True)
        ),
    )

"""The gain of training together over the share of the users that train, with intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.data.reduction import in_percent
from corecbench.report import train_shares
from corecbench.report.plots.canvas import (
    COLOURS,
    DASHES,
    INK,
    MARKERS,
    SIDE_NAMES,
    figure,
    legend_beside,
    legend_height,
    plain,
    title_row,
)
from corecbench.report.plots.pages import evenly, paged
from corecbench.report.plots.study import NothingToShow, Study, partner, shorten
from corecbench.report.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from corecbench.report.slice_effects import Effect
    from corecbench.report.train_shares import Curve

MOST, MOST_PANELS = 6, 4
"""The most joint rows in a pair of panels, and the most such pairs on a page."""


@dataclass(frozen=True)
class Line:
    """A joint row at several shares."""

    label: str
    is_control: bool
    effects: tuple[Effect, ...]
    """From the smallest share to the largest."""

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares, ascending."""
        return tuple(effect.key.reduction.train_share for effect in self.effects)


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
    found = train_shares.curves(study.rows, study.tested)
    if not found:
        raise NothingToShow("needs a joint row that can be compared with its solo row at two train shares")
    first, *more = (
        ShareGains(dataset, tuple(_panels(study, list(here))), study.tested, train_shares.extent(here))
        for dataset, here in ((name, list(of)) for name, of in groupby(found, lambda curve: curve.key.dataset))
    )
    return replace(first, more=tuple(more))


def pages(gains: ShareGains) -> list[ShareGains]:
    """Return the numbers of each page: those of one data set after the other."""
    return [page for each in (gains, *gains.more) for page in paged(replace(each, more=()), "panels", MOST_PANELS)]


def _panels(study: Study, curves: Sequence[Curve]) -> Iterator[tuple[str, tuple[Line, ...]]]:
    for solo, of_model in groupby(curves, lambda curve: curve.key.solo):
        title = f"{shorten(solo.own or '')} ({SIDE_NAMES[solo.side]})"
        for part in evenly(list(of_model), MOST):
            lines = [Line(partner(each.key), study.is_control(each.key), each.effects) for each in part]
            yield title, tuple(lines)


def draw(gains: ShareGains) -> Figure:
    """Draw a row of panels for each model: the metric alone and together, the gain, and the legend."""
    heights = [max(1.5, 0.3 + legend_height(["alone", *(line.label for line in of)])) for _, of in gains.panels]
    made = figure(
        sum(heights) + 0.35,
        f"{plain(gains.dataset)}: {gains.tested} and the gain of training together over the users that train"
        f"{gains.page}",
        sentences(
            [
                gains.extent,
                "All users are ranked at every share; alone and together train on the same users",
                "Bars: 95% paired t intervals of the difference over users, not adjusted for the number of shares. "
                "Open: controls",
            ]
        ),
    )
    shape = {"width_ratios": [1, 1, 0.68], "height_ratios": heights}
    grid = made.subplots(len(gains.panels), 3, squeeze=False, gridspec_kw=shape)
    for (title, lines), row in zip(gains.panels, grid, strict=True):
        title_row(row[0], row[1], title)
        shares = sorted({share for line in lines for share in line.shares})
        handles = [_draw_alone(row[0], lines, shares)]
        row[1].axhline(0, color=INK, linewidth=0.8)
        for number, line in enumerate(lines):
            handles.append(_draw_line(row[0], row[1], line, number, len(lines), shares))
        for axes in row[:2]:
            axes.set_xticks(range(len(shares)), [in_percent(share) for share in shares])
            axes.set_xlim(-0.4, len(shares) - 0.6)
        row[0].set_ylim(bottom=0)
        row[0].set_ylabel(gains.tested)
        row[1].set_ylabel(f"Δ {gains.tested}")
        legend_beside(row[2], handles, ["alone", *(line.label for line in lines)])
    for axes in grid[-1, :2]:
        axes.set_xlabel("users that train")
    return made


def _draw_alone(axes: Axes, lines: Sequence[Line], shares: Sequence[float]) -> Any:
    """Draw the model alone, once for all its joint rows: they have seeds in common with it, mostly all."""
    solo = {share: effect.solo for line in lines for share, effect in zip(line.shares, line.effects, strict=True)}
    (handle,) = axes.plot(range(len(shares)), [solo[share] for share in shares], color=INK, linewidth=1.8)
    return handle


def _draw_line(metric: Axes, gain: Axes, line: Line, number: int, n_lines: int, shares: Sequence[float]) -> Any:
    colour, marker = COLOURS[number], MARKERS[number]
    style: dict[str, Any] = {
        "color": colour,
        "marker": marker,
        "markerfacecolor": "white" if line.is_control else colour,
        "linestyle": DASHES[1 + number],
    }
    at = np.array([shares.index(share) for share in line.shares])
    (handle,) = metric.plot(at, [effect.joint for effect in line.effects], **style)
    aside = at + 0.06 * (number - (n_lines - 1) / 2)  # so that the bars of several rows can be told apart
    gain.plot(aside, [effect.difference for effect in line.effects], **style)
    for x, effect in zip(aside, line.effects, strict=True):
        if effect.interval:
            gain.plot((x, x), effect.interval, color=colour)
    return handle

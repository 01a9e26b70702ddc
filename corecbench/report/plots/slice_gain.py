"""Gains on slices of the users, which show whom training together helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.report.evidence.groups import stored_slicings
from corecbench.report.plots.canvas import (
    COLOURS,
    DASHES,
    FAINT,
    INK,
    MARKERS,
    figure,
    legend_beside,
    legend_height,
    plain,
    title_row,
)
from corecbench.report.plots.pages import paged
from corecbench.report.plots.study import NothingToShow, Study, titled
from corecbench.report.views.captions import t_intervals
from corecbench.report.wording import sentences
from corecbench.results.frames import COUNTS, SIMILARITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from corecbench.results.rows import RowKey
    from corecbench.stats.intervals import Interval

MOST, MOST_PANELS = 6, 5
"""The most joint rows in a pair of panels, and the most such pairs on a page."""
LONGEST_RANGE = 5
"""The most characters below one slice."""
AXIS = {
    "history length": "training interactions of the user\n(last line: number of users)",
    "target frequency": "training interactions of the held-out item\n(last line: number of users)",
    "target frequency in bins": "training interactions of the held-out item\n(last line: number of users)",
    "word overlap": "words shared with the history\n(last line: number of users)",
}


@dataclass(frozen=True)
class Kind:
    """Two slicings side by side, and what title and caption say of them."""

    slicings: tuple[str, str]
    columns: tuple[str, ...]
    """The columns of stored ranks that they need."""
    title: str
    caption: str


FIFTHS = Kind(
    ("history length", "target frequency"),
    COUNTS,
    "by history length and item frequency",
    "Fifths of the users, uneven where counts are equal; 0: the item is never in training",
)
TARGETS = Kind(
    ("target frequency in bins", "word overlap"),
    ("target_frequency", SIMILARITY),
    "by item frequency and word overlap",
    "0: the item is never in training; cosine: of the TF-IDF vectors of the held-out item's text and the most "
    "similar text of the history",
)


@dataclass(frozen=True)
class Point:
    """A joint row on one slice."""

    label: str
    n_users: int
    difference: float
    interval: Interval | None
    lacks_seeds: bool


@dataclass(frozen=True)
class Series:
    """A joint row on all slices."""

    label: str
    is_control: bool
    points: dict[str, tuple[Point, ...]]
    """slicing -> its slices, in the order of their counts."""


@dataclass(frozen=True)
class SliceGains:
    """The numbers of the plot: a pair of panels for each model, with its joint rows."""

    dataset: str
    panels: tuple[tuple[str, tuple[Series, ...]], ...]
    tested: str
    extent: str
    kind: Kind = FIFTHS
    page: str = ""
    """The end of the title, where there are several pages."""


def prepare(study: Study, kind: Kind = FIFTHS) -> SliceGains:
    """Return the differences on slices of one data set.

    Raises:
        NothingToShow: there is no comparable joint row, or no counts were stored.
    """
    (dataset,) = study.datasets
    groups = list(titled(study.groups(MOST)))
    if not set(kind.slicings) <= set(stored_slicings(study.facts[dataset])):
        raise NothingToShow(f"the stored ranks lack {' and '.join(kind.columns)}")
    panels = []
    for title, names in groups:
        panels.append((title, tuple(_series(study, kind, *each) for each in names.items())))
    return SliceGains(dataset, tuple(panels), study.tested, study.extent(), kind)


def pages(gains: SliceGains) -> list[SliceGains]:
    """Return the numbers of each page."""
    return paged(gains, "panels", MOST_PANELS)


def _series(study: Study, kind: Kind, key: RowKey, name: str) -> Series:
    effects = study.effects(key, sliced=True)
    points = {
        name: tuple(
            Point(effect.group.label, effect.n_users, effect.difference, effect.sizes.interval, effect.lacks_seeds)
            for effect in effects
            if effect.group.slicing == name
        )
        for name in kind.slicings
    }
    return Series(name, study.is_control(key), points)


def draw(gains: SliceGains) -> Figure:
    """Draw a row of panels for each model: one for each slicing, and the legend."""
    heights = [max(1.35, 0.3 + legend_height([each.label for each in panel])) for _, panel in gains.panels]
    made = figure(
        sum(heights) + 0.9,
        f"{plain(gains.dataset)}: gain in {gains.tested} {gains.kind.title}{gains.page}",
        sentences(
            [
                gains.extent,
                gains.kind.caption,
                f"Bars: 95% intervals ({_basis(gains)}), not adjusted for the number of slices, none where fewer "
                "than 5 users differ. Open: controls",
            ]
        ),
    )
    shape = {"width_ratios": [1, 1.1, 0.72], "height_ratios": heights}
    grid = made.subplots(len(gains.panels), 3, sharey="row", squeeze=False, gridspec_kw=shape)
    for number, ((title, series), row) in enumerate(zip(gains.panels, grid, strict=True)):
        title_row(row[0], row[1], title)
        for axes, slicing in zip(row, gains.kind.slicings, strict=False):
            handles = _draw_panel(axes, series, slicing)
            if number == len(gains.panels) - 1:
                axes.set_xlabel(AXIS[slicing])
            else:
                axes.tick_params(labelbottom=False)
        row[0].set_ylabel(f"Δ {gains.tested}")
        legend_beside(row[2], handles, [each.label for each in series])
    return made


def _basis(gains: SliceGains) -> str:
    points = [point for _, panel in gains.panels for each in panel for of in each.points.values() for point in of]
    return t_intervals(point.lacks_seeds for point in points)


def _draw_panel(axes: Axes, series: tuple[Series, ...], slicing: str) -> list[Any]:
    axes.axhline(0, color=INK, linewidth=0.8)
    step = 0.62 / max(len(series), 1)
    handles = []
    for number, each in enumerate(series):
        points, colour = each.points[slicing], COLOURS[number]
        at = np.arange(len(points)) + (number - (len(series) - 1) / 2) * step
        known = [(x, *point.interval) for x, point in zip(at, points, strict=True) if point.interval]
        if known:
            axes.vlines(*zip(*known, strict=True), color=colour, linestyle=DASHES[2] if each.is_control else "-")
        (handle,) = axes.plot(
            at,
            [point.difference for point in points],
            linestyle="",
            marker=MARKERS[number],
            color=colour,
            markerfacecolor="white" if each.is_control else colour,
        )
        handles.append(handle)
    slices = series[0].points[slicing]
    axes.set_xticks(
        range(len(slices)),
        [f"{text}\n{point.n_users:,}" for text, point in zip(_broken(slices), slices, strict=True)],
    )
    for border in range(1, len(slices)):
        axes.axvline(border - 0.5, color=FAINT, linewidth=0.3)
    axes.set_xlim(-0.5, len(slices) - 0.5)
    axes.grid(False, axis="x")
    return handles


def _broken(slices: Sequence[Point]) -> list[str]:
    """Return the counts of slices, all in two lines if there are ranges that are too long for one."""
    counts = [point.label.removesuffix(" (never in training)") for point in slices]
    if not any("-" in count and len(count) > LONGEST_RANGE for count in counts):
        return counts
    return ["-\n".join(count.split("-")) if "-" in count else f"{count}\n" for count in counts]

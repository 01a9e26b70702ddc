"""Hit rate and NDCG at every cutoff, alone against together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corecbench.report.plots.canvas import (
    COLOURS,
    DASHES,
    INK,
    MARKERS,
    figure,
    legend_beside,
    legend_height,
    plain,
    title_row,
)
from corecbench.report.plots.pages import paged
from corecbench.report.plots.study import Study, titled
from corecbench.report.wording import sentences

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from corecbench.results.rows import RowKey

DEEPEST = 50
MOST, MOST_PANELS = 6, 5
"""The most joint rows in a pair of panels, and the most such pairs on a page."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One row at the cutoffs 1 to DEEPEST."""

    label: str
    is_control: bool
    hit_rate: np.ndarray
    """float64 [DEEPEST], HR@k."""
    ndcg: np.ndarray
    """float64 [DEEPEST], NDCG@k."""


@dataclass(frozen=True)
class Curves:
    """The numbers of the plot: a pair of panels for each model, with the curve of the model alone first."""

    dataset: str
    panels: tuple[tuple[str, tuple[Curve, ...]], ...]
    extent: str
    page: str = ""
    """The end of the title, where there are several pages."""


def at_cutoffs(rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return HR@k and NDCG@k for k from 1 to DEEPEST, each float64 [DEEPEST].

    Of two users one has rank 2:

    >>> hit_rate, ndcg = at_cutoffs(np.array([2, 99]))
    >>> hit_rate[:3].tolist(), round(ndcg[1] * np.log2(3), 6)
    ([0.0, 0.5, 0.5], np.float64(0.5))

    Args:
        rank: int64 or float64 [n], from 1; users, or users and seeds.
    """
    whole = rank.astype(np.int64)
    share = np.bincount(whole[whole <= DEEPEST], minlength=DEEPEST + 1)[1:] / len(rank)
    return np.cumsum(share), np.cumsum(share / np.log2(np.arange(2, DEEPEST + 2)))


def prepare(study: Study) -> Curves:
    """Return the curves of one data set.

    Raises:
        NothingToShow: there is no comparable joint row whose ranks are all known.
    """
    (dataset,) = study.datasets
    panels = []
    known = set(study.with_ranks(study.joint()))
    for title, all_names in titled(study.groups(MOST)):
        names = {key: name for key, name in all_names.items() if key in known}
        if not names:
            continue
        alone = next(iter(names)).solo
        panels.append((title, tuple(_curve(study, *each) for each in {alone: "alone", **names}.items())))
    return Curves(dataset, tuple(panels), study.extent())


def pages(curves: Curves) -> list[Curves]:
    """Return the numbers of each page."""
    return paged(curves, "panels", MOST_PANELS)


def _curve(study: Study, key: RowKey, name: str) -> Curve:
    row = study.rows[key]
    return Curve(name, study.is_control(key), *at_cutoffs(row.ranks(row.seeds).ravel()))


def draw(curves: Curves) -> Figure:
    """Draw a row of panels for each model: hit rate, NDCG and the legend."""
    heights = [max(1.6, 0.3 + legend_height([curve.label for curve in panel])) for _, panel in curves.panels]
    made = figure(
        sum(heights) + 0.25,
        f"{plain(curves.dataset)}: hit rate and NDCG at every cutoff, trained alone and together{curves.page}",
        sentences([curves.extent, "Means over users and seeds; open markers: controls"]),
    )
    shape = {"width_ratios": [1, 1, 0.68], "height_ratios": heights}
    grid = made.subplots(len(curves.panels), 3, squeeze=False, gridspec_kw=shape)
    cutoffs = np.arange(1, DEEPEST + 1)
    for (title, panel), row in zip(curves.panels, grid, strict=True):
        title_row(row[0], row[1], title)
        for axes, name, metric in zip(row, ("hit_rate", "ndcg"), ("HR@k", "NDCG@k"), strict=False):
            handles = []
            for number, curve in enumerate(panel):
                colour = INK if number == 0 else COLOURS[number - 1]
                (handle,) = axes.plot(
                    cutoffs,
                    getattr(curve, name),
                    color=colour,
                    linestyle=DASHES[number],
                    marker="" if number == 0 else MARKERS[number - 1],
                    markerfacecolor="white" if curve.is_control else colour,
                    markevery=(4 + 2 * number, 12),
                    linewidth=1.8 if number == 0 else 1.2,
                )
                handles.append(handle)
            axes.set_ylabel(metric)
            axes.set_xlim(1, DEEPEST)
            axes.set_ylim(bottom=0)
            axes.set_xticks([1, 10, 20, 30, 40, 50])
        legend_beside(row[2], handles, [curve.label for curve in panel])
    for axes in grid[-1, :2]:
        axes.set_xlabel("cutoff k (items)")
    return made

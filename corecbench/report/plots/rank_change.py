"""The rank of each user's held-out item, alone and together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.report.evidence.contrasts import common_seeds
from corecbench.report.plots.canvas import INK, figure, log_ticks, plain, wrap
from corecbench.report.plots.pages import paged
from corecbench.report.plots.study import FIRST_NAMED, Study, label
from corecbench.report.wording import sentences
from corecbench.stats.effect import Shares, shares

if TYPE_CHECKING:
    from collections.abc import Collection

    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    from corecbench.report.evidence.rows import Row

COLUMNS = 3
MOST = 12
"""The most panels on a page."""
GRID = 22
"""The number of hexagons along an axis."""


@dataclass(frozen=True, eq=False)
class Change:
    """One joint row."""

    label: str
    is_control: bool
    alone: np.ndarray
    """float64 [U], the geometric mean rank of each user over the seeds that both have."""
    together: np.ndarray
    """float64 [U]."""
    shares: Shares
    """Shares of users whose item is nearer to the top together, further from it, or at the same rank."""


@dataclass(frozen=True)
class Changes:
    """The numbers of the plot."""

    dataset: str
    rows: tuple[Change, ...]
    extent: str
    page: str = ""
    """The end of the title, where there are several pages."""


def prepare(study: Study) -> Changes:
    """Return the ranks of one data set.

    Raises:
        NothingToShow: there is no comparable joint row whose ranks are all known.
    """
    (dataset,) = study.datasets
    rows = []
    for key in study.with_ranks(study.joint()):
        row, solo = study.rows[key], study.rows[key.solo]
        common = common_seeds(row, solo)
        together, alone = (_log_rank(each, common) for each in (row, solo))
        of_users = shares(-together, -alone)
        rows.append(Change(label(key), study.is_control(key), np.exp(alone), np.exp(together), of_users))
    return Changes(dataset, tuple(rows), study.extent())


def pages(changes: Changes) -> list[Changes]:
    """Return the numbers of each page."""
    return paged(changes, "rows", MOST)


def _log_rank(row: Row, seeds: Collection[int]) -> np.ndarray:
    """Return the logarithm of each user's rank, float64 [U], averaged over seeds."""
    return np.asarray(np.mean(list(np.log(row.ranks(seeds).T)), axis=0))


def draw(changes: Changes) -> Figure:
    """Draw a panel of hexagons for each joint row, all in the same shades."""
    n_lines = -(-len(changes.rows) // COLUMNS)
    made = figure(
        2.2 * n_lines + 0.8,
        f"{plain(changes.dataset)}: rank of each user's held-out item, trained alone and together{changes.page}",
        sentences(
            [
                changes.extent,
                "Geometric mean ranks over seeds; below the diagonal the item is nearer to the top together (▼), "
                "above it further away (▲)",
                FIRST_NAMED,
            ]
        ),
    )
    grid = made.subplots(n_lines, COLUMNS, squeeze=False, sharex=True, sharey=True)
    top = max(float(ranks.max()) for row in changes.rows for ranks in (row.alone, row.together))
    hexagons = [_draw_panel(axes, row, top) for axes, row in zip(grid.flat, changes.rows, strict=False)]
    for axes in grid.flat[len(changes.rows) :]:
        axes.axis("off")
    for number, axes in enumerate(grid.flat[: len(changes.rows)]):
        if number % COLUMNS == 0:
            axes.set_ylabel("rank together")
        if number + COLUMNS >= len(changes.rows):
            axes.set_xlabel("rank alone")
            axes.tick_params(labelbottom=True)
    _shade(made, grid, hexagons)
    return made


def _draw_panel(axes: Axes, row: Change, top: float) -> PolyCollection:
    start, end = -0.1, np.log10(max(top, 10)) + 0.1
    hexagons = axes.hexbin(
        row.alone,
        row.together,
        xscale="log",
        yscale="log",
        gridsize=(GRID, int(GRID / np.sqrt(3))),
        extent=(start, end, start, end),
        mincnt=1,
        cmap="cividis_r",
        linewidths=0.1,
    )
    limits = 10**start, 10**end
    axes.plot(limits, limits, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.set(xlim=limits, ylim=limits, box_aspect=1)
    for axis in (axes.xaxis, axes.yaxis):
        log_ticks(axis, 1, limits[1])
    axes.set_title(wrap(f"{row.label}{' (control)' if row.is_control else ''}", 30))
    better, worse = (f"{share:.0%}" for share in row.shares[:2])
    look: dict[str, Any] = {
        "transform": axes.transAxes,
        "fontweight": "bold",
        "bbox": {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
    }
    axes.text(0.97, 0.03, f"▼ {better}", ha="right", va="bottom", **look)
    axes.text(0.03, 0.97, f"▲ {worse}", va="top", **look)
    return hexagons


def _shade(made: Figure, grid: np.ndarray, hexagons: list[PolyCollection]) -> None:
    from matplotlib.colors import LogNorm

    counts = [np.asarray(panel.get_array()) for panel in hexagons]
    most = max(float(np.max(count)) for count in counts)
    highest = max(most, 2)
    norm = LogNorm(1, highest)
    for panel in hexagons:
        panel.set_norm(norm)
    place: dict[str, Any] = {"location": "bottom", "shrink": 0.5, "aspect": 35, "pad": 0.1 / made.get_figheight()}
    bar = made.colorbar(hexagons[0], ax=grid, label="users in a hexagon", **place)
    log_ticks(bar.ax.xaxis, 1, highest)

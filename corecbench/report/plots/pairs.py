"""Every row of a data set against every other: differences and p values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from corecbench.report.evidence.contrasts import ALPHA, STANDARD, adjust_families
from corecbench.report.plots.canvas import MINUS, figure, plain, wrap
from corecbench.report.plots.study import FIRST_NAMED, NothingToShow, Study, label, labels
from corecbench.report.views.captions import of_p
from corecbench.report.wording import decimal, p_value, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_READ, MOST_SIGNED, MOST = 10, 40, 100
"""The most rows with numbers in the cells, with signs in the cells, and that fit at all."""
LABEL_WIDTH = 48


@dataclass(frozen=True, eq=False)
class Matrix:
    """The numbers of the plot."""

    dataset: str
    labels: tuple[str, ...]
    difference: np.ndarray
    """float64 [K, K], the row's mean minus the column's over the seeds of both; NaN where there is none."""
    p: np.ndarray
    """float64 [K, K], adjusted p values; NaN on the diagonal and where there is none."""
    is_significant: np.ndarray
    """bool [K, K], which differences are called significant."""
    tests: str
    """What p is of, as a caption states it."""
    tested: str
    extent: str


def prepare(study: Study) -> Matrix:
    """Return all pairs of one data set.

    Raises:
        NothingToShow: there are fewer than 2 rows, or too many.
    """
    (dataset,) = study.datasets
    keys = study.present()
    if not 2 <= len(keys) <= MOST:
        raise NothingToShow(f"needs 2 to {MOST} rows, got {len(keys)}")
    difference, p = (np.full((len(keys), len(keys)), np.nan) for _ in range(2))
    np.fill_diagonal(difference, 0)
    is_significant = np.zeros(p.shape, dtype=bool)
    comparisons = {}
    for first, second in combinations(range(len(keys)), 2):
        if found := study.evidence.contrast(keys[first], keys[second]):
            comparisons[first, second] = found
    if not comparisons:
        raise NothingToShow("no two rows have a seed in common")
    for (first, second), each in adjust_families(comparisons, STANDARD).items():
        difference[first, second], difference[second, first] = each.difference, -each.difference
        p[first, second] = p[second, first] = each.p_adjusted
        is_significant[first, second] = is_significant[second, first] = each.is_significant
    names = labels(keys, LABEL_WIDTH) if len(keys) > MOST_SIGNED else map(label, keys)
    tests = of_p(comparisons.values(), STANDARD)
    return Matrix(dataset, tuple(names), difference, p, is_significant, tests, study.tested, study.extent())


def draw(matrix: Matrix) -> Figure:
    """Draw differences in colour; with few rows their numbers, and p values in the lower half."""
    n_rows = len(matrix.labels)
    names = [wrap(name, LABEL_WIDTH) for name in matrix.labels]
    n_lines = 1 + max(name.count("\n") for name in names)
    row_height = max(0.04 + 0.13 * n_lines, 0.3 if n_rows <= MOST_READ else 0)
    made = figure(
        max(row_height * n_rows, 1.2) + 0.75,
        f"{plain(matrix.dataset)}: difference in {matrix.tested} between all rows (row {MINUS} column)",
        sentences(
            [
                matrix.extent,
                matrix.tests,
                f"Holm-adjusted over the matrix; significant: below {decimal(ALPHA, 2)}",
                _meaning(n_rows),
                FIRST_NAMED,
            ]
        ),
    )
    _draw_matrix(made, matrix, names)
    return made


def _meaning(n_rows: int) -> str:
    if n_rows <= MOST_READ:
        return "Upper half: differences, bold where significant. Lower half: their p"
    if n_rows <= MOST_SIGNED:
        return "Signs: significant differences"
    return "Triangles: significant differences, upwards where the row has more"


def _draw_matrix(made: Figure, matrix: Matrix, names: Sequence[str]) -> None:
    n_rows = len(names)
    axes = made.subplots()
    is_hidden = np.tril(np.ones((n_rows, n_rows), bool)) & (n_rows <= MOST_READ)
    limit = np.nanmax(np.abs(matrix.difference)) or 1
    mesh = axes.pcolormesh(
        np.where(is_hidden, np.nan, matrix.difference),
        cmap="PuOr",
        vmin=-limit,
        vmax=limit,
        edgecolors="white",
        linewidth=0.5 if n_rows <= MOST_SIGNED else 0,
    )
    is_dark = (np.abs(matrix.difference) > 0.65 * limit) & ~is_hidden
    (_draw_cells if n_rows <= MOST_SIGNED else _draw_triangles)(axes, matrix, is_dark)
    places = np.arange(n_rows) + 0.5
    every = 1 if n_rows <= 18 else 2 if n_rows <= MOST_SIGNED else 5  # two digits are wider than a narrow cell
    axes.set_xticks(places[every - 1 :: every], [str(number) for number in range(every, n_rows + 1, every)])
    axes.set_yticks(places, [f"{name}  {number}" for number, name in enumerate(names, start=1)])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.grid(False)
    for side in axes.spines.values():
        side.set_visible(False)
    made.colorbar(mesh, ax=axes, label=f"Δ {matrix.tested}", aspect=25, shrink=min(0.9, 4 / made.get_figheight()))


def _draw_triangles(axes: Axes, matrix: Matrix, is_dark: np.ndarray) -> None:
    """Draw significant differences where a sign would be wider than its cell."""
    for marker, has_sign in (("^", matrix.difference > 0), ("v", matrix.difference < 0)):
        for colour, has_shade in (("white", is_dark), ("black", ~is_dark)):
            rows, columns = np.nonzero(matrix.is_significant & has_sign & has_shade)
            axes.plot(
                columns + 0.5, rows + 0.5, marker, linestyle="", color=colour, markersize=2.2, markeredgewidth=0
            )


def _draw_cells(axes: Axes, matrix: Matrix, is_dark: np.ndarray) -> None:
    """Write numbers, or only the signs of significant differences."""
    is_read = len(matrix.labels) <= MOST_READ
    for row, column in np.argwhere(~np.isnan(matrix.p)):
        difference, p = matrix.difference[row, column], matrix.p[row, column]
        is_significant = bool(matrix.is_significant[row, column])
        sign = "+" if difference > 0 else MINUS
        if not is_read:
            text = sign if is_significant else ""
        else:
            text = sign + decimal(abs(difference), 3) if column > row else p_value(p)
        axes.text(
            column + 0.5,
            row + 0.5,
            text,
            ha="center",
            va="center",
            color="white" if is_dark[row, column] else "black",
            fontweight="bold" if is_significant else "normal",
        )

"""Every row of a data set against every other: differences and p values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from corecbench.report.comparison import ALPHA, common_seeds
from corecbench.report.plots.canvas import MINUS, figure, plain, wrap
from corecbench.report.plots.study import FIRST_NAMED, NothingToShow, Study, label
from corecbench.report.wording import decimal, p_value, sentences
from corecbench.stats.correction import holm
from corecbench.stats.paired import paired_test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_READ, MOST = 10, 40
"""Rows with numbers in the cells, and rows that fit at all."""
LABEL_WIDTH = 46


@dataclass(frozen=True, eq=False)
class Matrix:
    """The plot's numbers."""

    dataset: str
    labels: tuple[str, ...]
    difference: np.ndarray
    """float64 [K, K], the row's mean minus the column's over the seeds of both; NaN where there is none."""
    p: np.ndarray
    """float64 [K, K], adjusted; NaN on the diagonal and where there is none."""
    test: str
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
    found, tests = [], []
    for first, second in combinations(range(len(keys)), 2):
        lines = [study.lines[keys[number]] for number in (first, second)]
        common = common_seeds(*lines)
        if common:
            own, base = (line.mean_over_seeds(common)[study.tested].to_numpy() for line in lines)
            found.append((first, second))
            tests.append(paired_test(own, base, "t"))
    if not tests:
        raise NothingToShow("no two rows have a seed in common")
    for (first, second), test, adjusted in zip(found, tests, holm([test.p for test in tests]), strict=True):
        difference[first, second], difference[second, first] = test.mean_difference, -test.mean_difference
        p[first, second] = p[second, first] = adjusted
    labels = tuple(label(key) for key in keys)
    return Matrix(dataset, labels, difference, p, tests[0].name, study.tested, study.extent())


def draw(matrix: Matrix) -> Figure:
    """Draw differences in colour; with few rows their numbers, and p values in the lower half."""
    n_rows = len(matrix.labels)
    is_read = n_rows <= MOST_READ
    meaning = (
        "Upper half: differences, bold where significant. Lower half: their p"
        if is_read
        else "Signs: significant differences"
    )
    names = [wrap(name, LABEL_WIDTH) for name in matrix.labels]
    n_lines = 1 + max(name.count("\n") for name in names)
    row_height = max(0.04 + 0.13 * n_lines, 0.3 if is_read else 0)
    made = figure(
        max(row_height * n_rows, 1.2) + 0.75,
        f"{plain(matrix.dataset)}: difference in {matrix.tested} between all rows (row {MINUS} column)",
        sentences(
            [
                matrix.extent,
                f"p: {matrix.test}, Holm-adjusted over the matrix; significant: below {decimal(ALPHA, 2)}",
                meaning,
                FIRST_NAMED,
            ]
        ),
    )
    _draw_matrix(made, matrix, names, is_read)
    return made


def _draw_matrix(made: Figure, matrix: Matrix, names: Sequence[str], is_read: bool) -> None:
    n_rows = len(names)
    axes = made.subplots()
    shown = np.where(np.tril(np.ones((n_rows, n_rows), bool)), np.nan, matrix.difference) if is_read else None
    limit = np.nanmax(np.abs(matrix.difference)) or 1
    drawn = axes.pcolormesh(
        matrix.difference if shown is None else shown,
        cmap="PuOr",
        vmin=-limit,
        vmax=limit,
        edgecolors="white",
        linewidth=0.5,
    )
    _draw_cells(axes, matrix, limit, is_read)
    places = np.arange(n_rows) + 0.5
    every = 1 if n_rows <= 18 else 2  # two digits are wider than a narrow cell
    axes.set_xticks(places[::every], [str(number) for number in range(1, n_rows + 1, every)])
    axes.set_yticks(places, [f"{name}  {number}" for number, name in enumerate(names, start=1)])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.grid(False)
    for side in axes.spines.values():
        side.set_visible(False)
    made.colorbar(drawn, ax=axes, label=f"Δ {matrix.tested}", aspect=25, shrink=0.9)


def _draw_cells(axes: Axes, matrix: Matrix, limit: float, is_read: bool) -> None:
    for row, column in np.argwhere(~np.isnan(matrix.p)):
        difference, p = matrix.difference[row, column], matrix.p[row, column]
        is_significant = p < ALPHA
        if not is_read:
            text = ("+" if difference > 0 else MINUS) if is_significant else ""
        elif column > row:
            sign = "+" if difference > 0 else MINUS
            text = sign + decimal(abs(difference), 3)
        else:
            text = p_value(p)
        is_dark = abs(difference) > 0.65 * limit and (column > row or not is_read)
        axes.text(
            column + 0.5,
            row + 0.5,
            text,
            ha="center",
            va="center",
            color="white" if is_dark else "black",
            fontweight="bold" if is_significant else "normal",
        )

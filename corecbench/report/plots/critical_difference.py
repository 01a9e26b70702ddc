"""Critical-difference diagram: average ranks of rows over data sets, and which rows are told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corecbench.data.reduction import largest_parts
from corecbench.report.evidence.contrasts import FEWEST_DATASETS, FEWEST_ROWS
from corecbench.report.plots.canvas import COLOURS, FAINT, INK, figure, wrap
from corecbench.report.plots.study import FIRST_NAMED, NothingToShow, Study, label
from corecbench.report.wording import p_value, sentences
from corecbench.stats.friedman import critical_difference, friedman

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVEL = 0.6
"""The distance between two labels of one line, in units of the bars."""
LABEL_WIDTH = 30


@dataclass(frozen=True, eq=False)
class Diagram:
    """The numbers of the plot, rows from the best average rank to the worst."""

    labels: tuple[str, ...]
    average_ranks: np.ndarray
    """float64 [K], ascending."""
    critical_difference: float
    p: float
    """The p value of Friedman's test."""
    n_datasets: int
    alike: tuple[tuple[int, int], ...]
    """The first and last row of each group of rows within a critical difference."""
    tested: str
    extent: str


def prepare(study: Study) -> Diagram:
    """Return average ranks of the rows that are on every data set and are no controls.

    Of several parts of a data set only the largest counts.

    Raises:
        NothingToShow: there are fewer than 2 data sets, or 3 such rows.
    """
    counted = largest_parts((key.dataset, key.reduction) for key in study.rows)
    datasets = [dataset for dataset in study.datasets if dataset in counted]
    if len(datasets) < FEWEST_DATASETS:
        raise NothingToShow(f"needs {FEWEST_DATASETS} data sets, got {len(datasets)}")
    present = set(study.present())
    common = [
        key
        for key in study.present()
        if key.dataset == datasets[0]
        and not study.is_control(key)
        and all(key.on(dataset) in present for dataset in datasets)
    ]
    if len(common) < FEWEST_ROWS:
        raise NothingToShow(f"needs {FEWEST_ROWS} rows that are on every data set, got {len(common)}")
    scores = np.array(
        [[study.mean(key.on(dataset)) for key in common] for dataset in datasets]  # [D, K]
    )
    test = friedman(scores, study.higher_is_better)
    order = np.argsort(test.average_ranks, kind="stable")
    ranks = test.average_ranks[order]
    gap = critical_difference(len(common), len(datasets))
    labels = tuple(label(common[number]) for number in order)
    groups = alike(ranks, gap)
    return Diagram(labels, ranks, gap, test.p, len(datasets), groups, study.tested, study.extent())


def alike(ranks: np.ndarray, gap: float) -> tuple[tuple[int, int], ...]:
    """Return the groups, as large as possible, of rows whose average ranks lie within a critical difference.

    >>> alike(np.array([1.0, 1.5, 2.2, 4.0]), 1.0)
    ((0, 1), (1, 2))

    Args:
        ranks: float64 [K], ascending.
        gap: the critical difference.
    """
    groups: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = int(np.searchsorted(ranks, rank + gap, side="right")) - 1
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return tuple(groups)


def draw(diagram: Diagram) -> Figure:
    """Draw the axis of ranks, rows hanging from it at both ends, and a bar over each group that is alike."""
    n_models = len(diagram.labels)
    left = (n_models + 1) // 2
    names = [wrap(name, LABEL_WIDTH) for name in diagram.labels]
    level = LEVEL * (1 + max(name.count("\n") for name in names))
    depth = 1 + 0.35 * len(diagram.alike) + level * left
    made = figure(
        0.27 * depth + 0.95,
        f"Average ranks by {diagram.tested} over {diagram.n_datasets} data sets, and which are not shown to differ",
        sentences(
            [
                diagram.extent,
                f"Rank 1 is best. Friedman's test: p = {p_value(diagram.p)}".replace("= <", "< "),
                "Bars join rows that are not shown to differ by Nemenyi's test at .05, rough for few data sets; "
                "CD: the critical difference. Without controls",
                FIRST_NAMED,
            ]
        ),
    )
    axes = made.subplots()
    axes.set_xlim(1 - 0.15, n_models + 0.15)
    axes.set_ylim(-depth, 1.3)
    axes.axis("off")
    axes.plot((1, n_models), (0, 0), color=INK, linewidth=0.9)
    every = next(step for step in (1, 2, 5, 10, n_models) if n_models <= 10 * step)
    for rank in range(1, n_models + 1):
        axes.plot((rank, rank), (0, 0.18), color=INK, linewidth=0.9)
        if (rank - 1) % every == 0:
            axes.text(rank, 0.28, str(rank), ha="center", va="bottom")
    for number, (first, last) in enumerate(diagram.alike):
        ends = diagram.average_ranks[first] - 0.04, diagram.average_ranks[last] + 0.04
        axes.plot(ends, [-0.4 - 0.35 * number] * 2, color=COLOURS[0], linewidth=3.5, solid_capstyle="butt")
    _draw_labels(axes, diagram, names, level)
    _draw_gap(axes, diagram)
    return made


def _draw_labels(axes: Axes, diagram: Diagram, names: Sequence[str], step: float) -> None:
    n_models = len(names)
    left = (n_models + 1) // 2
    top = -1 - 0.35 * len(diagram.alike)
    for number, (name, rank) in enumerate(zip(names, diagram.average_ranks, strict=True)):
        is_left = number < left
        level = top - step * (number if is_left else n_models - 1 - number)
        edge = 1 - 0.15 if is_left else n_models + 0.15
        axes.plot((rank, rank, edge), (0, level, level), color=FAINT, linewidth=0.8)
        axes.plot(rank, 0, "o", color=INK, markersize=3)
        text = f"{name} ({rank:.2f})" if is_left else f"({rank:.2f}) {name}"
        axes.annotate(
            text,
            (edge, level),
            xytext=(-3 if is_left else 3, 0),
            textcoords="offset points",
            ha="right" if is_left else "left",
            va="center",
        )


def _draw_gap(axes: Axes, diagram: Diagram) -> None:
    width = min(diagram.critical_difference, len(diagram.labels) - 1)
    more = "" if width == diagram.critical_difference else ", wider than the axis"
    axes.plot((1, 1 + width), (1, 1), color=COLOURS[0], linewidth=1.2, marker="|", markersize=6)
    axes.annotate(
        f"CD = {diagram.critical_difference:.2f}{more}",
        (1 + width / 2, 1),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
    )

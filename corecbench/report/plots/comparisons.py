"""All rows against each other: the differences of a data set, and average ranks over data sets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from corecbench.drawing.canvas import LEADING, MINUS, NARROW, Canvas, n_lines, text_width, wrap
from corecbench.drawing.chart import Chart, NothingToShow
from corecbench.drawing.forest import Forest, Group, Line
from corecbench.report.evidence import leaderboard
from corecbench.report.evidence.contrasts import ALPHA, STANDARD, adjust_families
from corecbench.report.plots.shown_rows import FIRST_NAMED, extent, label, present
from corecbench.report.views.statistics import of_p
from corecbench.report.wording import decimal, p_value, sentences

if TYPE_CHECKING:
    from corecbench.report.evidence.evidence import Evidence

MOST = 100
"""The most rows that fit."""
CROWDED, SHORT = 20, 11
"""With more rows than that, parts of names are shortened to so many letters, where names still differ."""
READ, SIGNED = 34.0, 9.0
"""The width of a cell, in pixels, from which on it holds numbers, or a sign."""
PURPLE, ORANGE = (84, 39, 136), (179, 88, 6)
"""The darkest colours, of differences above and below 0."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """The numbers of the plot."""

    labels: tuple[str, ...]
    difference: np.ndarray
    """float64 [K, K], the row's mean minus the column's over the seeds of both; NaN where there is none."""
    p: np.ndarray
    """float64 [K, K], adjusted p values; NaN on the diagonal and where there is none."""
    is_significant: np.ndarray
    """bool [K, K], which differences are called significant."""

    def draw(self, canvas: Canvas) -> None:
        """Draw differences in colour, where there is room with numbers; on narrow paper names stand below."""
        is_narrow, count = canvas.width < 1.5 * NARROW, len(self.labels)
        names = [f"{number}  {name}" for number, name in enumerate(self.labels, start=1)]
        width = 24.0 if is_narrow else min(max(map(text_width, names)) + 8, 0.46 * canvas.width)
        side = (canvas.width - width) / count
        texts = [str(number) if is_narrow else wrap(name, width - 6) for number, name in enumerate(names, start=1)]
        y = canvas.height + LEADING
        for number, text in enumerate(texts):
            height = max(LEADING * n_lines(text) + 3, min(side, 20.0))
            x = width + side * (number + 0.5)
            if side >= 16 or (number + 1) % 5 == 0:
                canvas.text(x, canvas.height + LEADING / 2, str(number + 1), "middle")
            canvas.text(width - 6, y + height / 2 - LEADING * (n_lines(text) - 1) / 2, text, "end")
            for column in range(count):
                self.draw_cell(canvas, number, column, (width + side * column, y, side, height))
            y += height
        canvas.height = y + 4
        notes = [*names, self.meaning(side)] if is_narrow else [self.meaning(side)]
        for note in notes:
            lines = wrap(note, canvas.width)
            canvas.text(0, canvas.height + LEADING / 2, lines)
            canvas.height += LEADING * n_lines(lines) + 1

    def draw_cell(self, canvas: Canvas, row: int, column: int, place: tuple[float, float, float, float]) -> None:
        """Draw the cell of two rows: its colour, and what fits of its numbers."""
        x, y, width, height = place
        difference, p = float(self.difference[row, column]), float(self.p[row, column])
        is_read, found = width >= READ, bool(self.is_significant[row, column])
        shade = 0.0 if np.isnan(difference) or (is_read and row > column) else difference / self.largest
        if shade:
            canvas.box(x, y, width - 0.5, height - 0.5, colour_of(shade))
        sign = "+" if difference > 0 else MINUS
        if np.isnan(p) or not (is_read or (found and width >= SIGNED)):
            return
        text = sign if not is_read else sign + decimal(abs(difference), 3) if column > row else p_value(p)
        colour = "#ffffff" if abs(shade) > 0.65 else "#000000"
        size = 11.0 if not is_read else min(11.0, 11.0 * (width - 2) / text_width("+.0000"))
        canvas.text(x + width / 2, y + height / 2, text, "middle", found, colour, size)

    @property
    def largest(self) -> float:
        """The largest difference, whose colour is the darkest."""
        return float(np.nanmax(np.abs(self.difference))) or 1.0

    def meaning(self, side: float) -> str:
        """Return what cells of a width show, in words."""
        if side >= READ:
            return "Upper half: differences, bold where significant. Lower half: their p."
        scale = f"Colour: the difference, purple above 0, orange below, at most {decimal(self.largest, 3)}."
        return f"{scale} Signs: significant differences." if side >= SIGNED else scale


def colour_of(shade: float) -> str:
    """Return the colour of a difference from -1 to 1.

    >>> colour_of(0.0), colour_of(1.0)
    ('#ffffff', '#542788')
    """
    full = PURPLE if shade > 0 else ORANGE
    return "#" + "".join(f"{round(255 + (each - 255) * abs(shade)):02x}" for each in full)


def matrix(evidence: Evidence) -> list[Chart]:
    """Return all pairs of rows of one data set."""
    body, tests = compared(evidence)
    caption = sentences(
        extent(evidence),
        tests,
        f"Holm-adjusted over the matrix; significant: below {decimal(ALPHA, 2)}",
        FIRST_NAMED,
    )
    title = f"{evidence.datasets[0]}: difference in {evidence.tested} between all rows (row {MINUS} column)"
    return [Chart(title, caption, (body,))]


def compared(evidence: Evidence) -> tuple[Matrix, str]:
    """Return all pairs of rows of one data set, and what p is of, as a caption states it."""
    keys = present(evidence)
    if not 2 <= len(keys) <= MOST:
        raise NothingToShow(f"needs 2 to {MOST} rows, got {len(keys)}")
    difference, p = (np.full((len(keys), len(keys)), np.nan) for _ in range(2))
    np.fill_diagonal(difference, 0)
    is_significant = np.zeros(p.shape, dtype=bool)
    comparisons = {}
    for first, second in combinations(range(len(keys)), 2):
        if contrast := evidence.contrast(keys[first], keys[second]):
            comparisons[first, second] = contrast
    if not comparisons:
        raise NothingToShow("no two rows have a seed in common")
    for (first, second), each in adjust_families(comparisons, STANDARD).items():
        difference[first, second], difference[second, first] = each.difference, -each.difference
        p[first, second] = p[second, first] = each.p_adjusted
        is_significant[first, second] = is_significant[second, first] = each.is_significant
    tests = of_p(comparisons.values(), STANDARD)
    names, shorter = [label(key) for key in keys], [label(key, SHORT) for key in keys]
    is_crowded = len(keys) > CROWDED and len(set(shorter)) == len(keys)
    return Matrix(tuple(shorter if is_crowded else names), difference, p, is_significant), tests


# --- over data sets -----------------------------------------------------------------------------------------------


def average_ranks(evidence: Evidence) -> list[Chart]:
    """Return average ranks of the rows that are on every data set and are no controls.

    Two rows differ by Nemenyi's test where lines as long as the critical difference around them do not overlap.
    """
    found = leaderboard.average_ranks(evidence)
    if isinstance(found, str):
        raise NothingToShow(found)
    lines = []
    for number in np.argsort(found.test.average_ranks, kind="stable").tolist():
        key, rank = found.keys[number], float(found.test.average_ranks[number])
        ends = max(1.0, rank - found.gap / 2), min(float(len(found.keys)), rank + found.gap / 2)
        lines.append(Line(label(key), key.side, rank, ends, f"{rank:.2f}"))
    caption = sentences(
        extent(evidence),
        f"Rank 1 is best. Friedman's test: p = {p_value(found.test.p)}".replace("= <", "< "),
        f"Lines: the critical difference of Nemenyi's test at .05, {found.gap:.2f}. Rows whose lines overlap "
        "do not differ significantly; with few data sets that is rough",
        "Without controls",
        FIRST_NAMED,
    )
    title = f"Average ranks by {evidence.tested} over {found.n_datasets} data sets, and which rows differ"
    return [Chart(title, caption, (Forest((Group("", tuple(lines)),), "average rank", zero=False),))]

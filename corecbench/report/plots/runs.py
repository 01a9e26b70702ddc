"""What training took: validation over the epochs of each cell, and quality against time."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from corecbench.api import SIDES, CellResult, Side
from corecbench.drawing.canvas import FAINT, INK, SIDE_COLOURS, SIDE_MARKERS, SIDE_NAMES, powers, short
from corecbench.drawing.chart import Chart, NothingToShow, paged
from corecbench.drawing.panels import Axis, Look, Panel, Panels, Series, around, look_of
from corecbench.report.plots.shown_rows import FIRST_NAMED, cell_label, extent, label, mean, present
from corecbench.report.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey


# --- epochs -------------------------------------------------------------------------------------------------------


MOST = 10
"""The most cells on a page."""
BANDS: Mapping[Side, str] = {"domain": "#deecf5", "llm": "#f6dcc9"}
DOTS: Mapping[Side, str] = {"domain": "1.5 1.5", "llm": "6 2"}
"""The dashes of a model trained alone."""
NEEDED = {"turn", "side", "epoch", "validation", "duration_s"}


def learning(evidence: Evidence) -> list[Chart]:
    """Return the learning curves of one data set, of each cell's first seed, in the order of the table."""
    caption = sentences(
        extent(evidence),
        "The first seed of each cell; bands: training phases; ringed: the weights that were kept",
        "Dotted and dashed: the kept weights of the same domain model and LLM trained alone",
    )
    title = f"{evidence.datasets[0]}: validation NDCG@10 over the epochs, and which side trained when"
    sides = [side for side in BANDS if any(getattr(key, side) for key in evidence.rows)]
    legend = [
        item
        for side in sides
        for item in (
            (SIDE_NAMES[side], Look(SIDE_COLOURS[side], SIDE_MARKERS[side], "")),
            (f"{SIDE_NAMES[side]} trains", Look(BANDS[side], is_band=True)),
        )
    ]
    return [
        Chart(title + page, caption, (Panels(tuple(part), tuple(legend), height=95, beside=False),))
        for page, part in paged(courses(evidence), MOST)
    ]


def courses(evidence: Evidence) -> list[Panel]:
    """Return a panel for each cell."""
    alone = {
        (key, record["cell"]["seed"]): side["validation"]
        for key, row in evidence.rows.items()
        if key.is_solo
        for record, side in row.own_sides()
    }
    first: dict[str, tuple[RowKey, CellResult]] = {}
    for key, row in evidence.rows.items():
        epochs = row.records[0]["epochs"] if row.records else []
        if epochs and all(epoch.keys() >= NEEDED for epoch in epochs):
            first.setdefault(key.cell, (key, row.records[0]))
    if not first:
        raise NothingToShow("no epochs are stored")
    return [_course(key, record, alone) for key, record in first.values()]


def _course(key: RowKey, record: CellResult, alone: Mapping[tuple[RowKey, int], float | None]) -> Panel:
    """Return validation over the epochs of a cell, counted over both sides from 1, with a band for each phase."""
    numbered, seed = list(enumerate(record["epochs"], start=1)), record["cell"]["seed"]
    lines, rings, rules = [], [], []
    for side in dict.fromkeys(epoch["side"] for _, epoch in numbered):
        of_side = [(float(place), epoch) for place, epoch in numbered if epoch["side"] == side]
        points = tuple((place, epoch["validation"]) for place, epoch in of_side)
        marker = SIDE_MARKERS[side] * (len(points) <= 40)
        lines.append(Series(side, Look(SIDE_COLOURS[side], marker, "", radius=2), points))
        best = record["sides"][side]["best_epoch"] if side in record["sides"] else None
        kept = [(place, epoch["validation"]) for place, epoch in of_side if epoch["epoch"] == best][-1:]
        rings.append(Series("kept", Look(SIDE_COLOURS[side], "o", is_open=True, radius=5), tuple(kept)))
        value = alone.get((replace(key, side=side).solo, seed)) if key.sharing else None
        rules += [] if value is None else [(value, Look(SIDE_COLOURS[side], dash=DOTS[side]))]
    phases = [list(of) for _, of in groupby(numbered, lambda each: (each[1]["turn"], each[1]["side"]))]
    duration_s = sum(epoch["duration_s"] for _, epoch in numbered)
    highest = max(*(y for line in lines for _, y in line.points), *(value for value, _ in rules), 1e-9)
    last = len(numbered)
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, last) if last <= 6 * step)
    ticks = tuple((float(epoch), str(epoch)) for epoch in range(step, last + 1, step))
    return Panel(
        Axis("epoch of the cell, both sides counted", 0.5, last + 0.5, ticks),
        Axis("", 0, 1.15 * highest),
        (*rings, *lines),
        f"{cell_label(key)}: seed {seed}, {duration_s:,.{0 if duration_s >= 10 else 1}f} s",
        tuple(rules),
        tuple((of[0][0] - 0.5, of[-1][0] + 0.5, BANDS[of[0][1]["side"]]) for of in phases),
    )


# --- time ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """One row; costs are means over seeds."""

    label: str
    is_joint: bool
    quality: float
    train_s: float
    """Seconds of training of both sides of a pair."""
    inference_ms: float | None
    """Milliseconds per user; None where they were not stored."""


def cost(evidence: Evidence) -> list[Chart]:
    """Return quality and costs of the rows of one data set."""
    rows = costs(evidence)
    if not rows:
        raise NothingToShow("no row that was trained here succeeded")
    panels = [_panel(evidence, rows, [row.train_s for row in rows], "training time (s)")]
    times = [row.inference_ms for row in rows if row.inference_ms is not None]
    if len(times) == len(rows):
        panels.append(_panel(evidence, rows, times, "inference time (ms per user)"))
    names = ((row.label, _look(number, row)) for number, row in enumerate(rows))
    caption = sentences(
        extent(evidence),
        "Training time: of both sides of a pair, without the models that it starts from; means over seeds",
        "Filled: trained together. Line and rings: the Pareto front. Without controls",
        *(["Inference times are not stored for all rows"] if len(panels) == 1 else []),
        FIRST_NAMED,
    )
    title = f"{evidence.datasets[0]}: {evidence.tested} against what training and inference take"
    return [Chart(title, caption, (Panels(tuple(panels), tuple(names), height=200, beside=False),))]


def costs(evidence: Evidence) -> list[Cost]:
    """Return the rows of one data set, without controls, imported ones and those whose cell failed in part."""
    found = []
    for key in present(evidence):
        row, trained = evidence.rows[key], {side for side in SIDES if getattr(key, side)}
        is_whole = all(each["sides"].keys() >= trained and "imported" not in each for each in row.records)
        if is_whole and not evidence.is_control(key):
            train_s = statistics.mean(
                sum(each["sides"][side]["train_s"] for side in trained) for each in row.records
            )
            quality = mean(evidence, key)
            found.append(Cost(label(key), not key.is_solo, quality, train_s, row.costs["inference_ms_per_user"]))
    return found


def front(costs: Sequence[float], qualities: Sequence[float], higher_is_better: bool = True) -> list[int]:
    """Return the Pareto front, the cheapest first: points that no other point beats in both cost and quality.

    >>> front([1.0, 2.0, 3.0, 3.0], [0.2, 0.1, 0.4, 0.3])
    [0, 2]
    """
    sign = 1 if higher_is_better else -1
    best: list[int] = []
    for number in sorted(range(len(costs)), key=lambda each: (costs[each], -sign * qualities[each])):
        if not best or sign * qualities[number] > sign * qualities[best[-1]]:
            best.append(number)
    return best


def _panel(evidence: Evidence, rows: Sequence[Cost], taken: Sequence[float], name: str) -> Panel:
    best = front(taken, [row.quality for row in rows], evidence.higher_is_better)
    corners: list[tuple[float, float]] = []
    for number in best:  # a step to the right, then up
        corners += [(taken[number], corners[-1][1])] if corners else []
        corners.append((taken[number], rows[number].quality))
    points = [(x, row.quality) for x, row in zip(taken, rows, strict=True)]
    series = [Series("front", Look(FAINT, dash="", width=1), tuple(corners))]
    series += [Series("best", Look(INK, "o", is_open=True, radius=6.5), (points[number],)) for number in best]
    series += [Series(row.label, _look(at, row), (points[at],)) for at, row in enumerate(rows)]
    y = around(evidence.tested, [row.quality for row in rows], pad=0.15)
    return Panel(_scale(taken, name), y, tuple(series))


def _look(number: int, row: Cost) -> Look:
    return look_of(number, is_open=not row.is_joint, has_line=False)


def _scale(taken: Sequence[float], name: str) -> Axis:
    """Return a logarithmic axis of costs, with a place for 0 where there is one."""
    positive = [x for x in taken if x > 0]
    if not positive:
        return around(name, taken, zero=True)
    low, high = min(positive) / 1.6, max(positive) * 1.8
    ticks = [(place, short(place)) for place in powers(low, high)]
    if len(positive) < len(taken):
        low /= 1.5
        ticks = [(low, "0"), *ticks]
    return Axis(name, low, high, tuple(ticks), is_log=True)

"""Validation over the epochs of each cell, and which side trained when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from corecbench.api import SIDES
from corecbench.report.labels import cell_label
from corecbench.report.plots.figure import Band, Chart, NothingToShow, paged
from corecbench.report.plots.forest import look_of
from corecbench.report.plots.shown_rows import SIDE_NAMES, extent
from corecbench.report.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from corecbench.api import CellResult, EpochRecord, Side
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey

MOST_LETTERS = 54
"""Letters of a title that are as wide as its plot; longer titles are set smaller."""
MOST = 10
"""The most cells on a page."""
NEEDED = {"turn", "side", "epoch", "validation", "duration_s"}
DASHES: Mapping[Side, str] = {"domain": ":", "llm": "--"}
"""The dashes of a model trained alone."""


def learning(evidence: Evidence) -> list[Chart]:
    """The learning curves of one data set, of each cell's first seed, in the order of the table."""
    caption = sentences(
        extent(evidence),
        "The first seed of each cell, over the epochs of both sides; shaded: that side trains; ringed: the weights "
        "that were kept",
        "Dotted and dashed: the kept weights of the same domain model and LLM trained alone",
    )
    title = f"{evidence.datasets[0]}: validation NDCG@10 over the epochs, and which side trained when"
    return [Chart(title + page, caption, _bands(part)) for page, part in paged(courses(evidence), MOST)]


def _bands(of_page: Sequence[Course]) -> list[Band]:
    sides = [side for side in SIDES if any(side in each.sides for each in of_page)]

    def first(axes: Axes) -> None:
        of_page[0].draw(axes)
        samples = [axes.plot([], [], **look_of(side))[0] for side in sides]
        axes.legend(
            samples, [SIDE_NAMES[side] for side in sides], loc="lower left", bbox_to_anchor=(0, 1.2), ncols=2
        )

    panels = [first, *(each.draw for each in of_page[1:])]
    pairs = [panels[start : start + 2] for start in range(0, len(panels), 2)]
    tops = [0.6, *[0.3] * len(pairs[1:])]
    return [Band(pair, top + 1.1, 0.5, 0.1, top, 0.25, n_columns=2) for pair, top in zip(pairs, tops, strict=True)]


@dataclass(frozen=True)
class Course:
    """The epochs of a cell."""

    key: RowKey
    record: CellResult
    alone: Mapping[Side, float]
    """The validation of each side trained alone."""

    @property
    def sides(self) -> Sequence[Side]:
        return list(dict.fromkeys(epoch["side"] for epoch in self.record["epochs"]))

    @property
    def title(self) -> str:
        duration_s = sum(epoch["duration_s"] for epoch in self.record["epochs"])
        seconds = f"{duration_s:,.{0 if duration_s >= 10 else 1}f} s"
        return f"{cell_label(self.key)}: seed {self.record['cell']['seed']}, {seconds}"

    def draw(self, axes: Axes) -> None:
        """Draw a curve for each side, over epochs that are counted from 1, and a shade for each phase."""
        from matplotlib.ticker import MaxNLocator

        numbered: list[tuple[int, Any]] = list(enumerate(self.record["epochs"], start=1))
        for (_, side), phase in groupby(numbered, lambda each: (each[1]["turn"], each[1]["side"])):
            places = [place for place, _ in phase]
            axes.axvspan(places[0] - 0.5, places[-1] + 0.5, color=look_of(side)["color"], alpha=0.15, linewidth=0)
        for side in self.sides:
            self.draw_side(axes, side, {place: epoch for place, epoch in numbered if epoch["side"] == side})
        for side, value in self.alone.items():
            axes.axhline(value, color=look_of(side)["color"], linestyle=DASHES[side], label=f"{side} alone")
        highest = max([*(epoch["validation"] for _, epoch in numbered), *self.alone.values(), 1e-9])
        axes.set(xlim=(0.5, len(numbered) + 0.5), ylim=(0, 1.15 * highest))
        axes.set_title(self.title, fontsize=6.5 * min(1, MOST_LETTERS / len(self.title)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    def draw_side(self, axes: Axes, side: Side, epochs: Mapping[int, EpochRecord]) -> None:
        validation = [epoch["validation"] for epoch in epochs.values()]
        axes.plot(list(epochs), validation, label=side, **look_of(side) | {"markersize": 2.5})
        best = self.record["sides"][side]["best_epoch"] if side in self.record["sides"] else None
        for place, epoch in [each for each in epochs.items() if each[1]["epoch"] == best][-1:]:
            ring = {"color": look_of(side)["color"], "marker": "o", "markerfacecolor": "none", "markersize": 8}
            axes.plot([place], [epoch["validation"]], label=f"{side}, kept", **ring)


def courses(evidence: Evidence) -> list[Course]:
    """The first seed of each cell."""
    alone = {
        (key, record["cell"]["seed"]): side["validation"]
        for key, row in evidence.rows.items()
        if key.is_solo
        for record, side in row.own_sides()
    }
    first: dict[str, Course] = {}
    for key, row in evidence.rows.items():
        record = row.records[0] if row.records else None
        if record is None or not record["epochs"] or not all(each.keys() >= NEEDED for each in record["epochs"]):
            continue
        solos = {side: replace(key, side=side).solo for side in SIDES} if key.sharing else {}
        values = {side: alone.get((solo, record["cell"]["seed"])) for side, solo in solos.items()}
        known = {side: value for side, value in values.items() if value is not None}
        first.setdefault(key.cell, Course(key, record, known))
    if not first:
        raise NothingToShow("no epochs are stored")
    return list(first.values())

"""The rank of each user's held-out item, alone and together: at every cutoff, and user by user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corecbench.drawing.canvas import DASHES, INK
from corecbench.drawing.chart import Chart, charts, paged
from corecbench.drawing.panels import ALONE, Axis, Look, Panel, Panels, Series, around, look_of
from corecbench.report.evidence.contrasts import common_seeds
from corecbench.report.plots.shown_rows import FIRST_NAMED, extent, groups, label, with_ranks
from corecbench.report.wording import sentences
from corecbench.stats.differences import Shares
from corecbench.stats.differences import shares as shares_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey


# --- cutoffs ------------------------------------------------------------------------------------------------------


DEEPEST = 50
MOST, MOST_PANELS = 6, 5
"""The most joint rows in a pair of panels, and the most such pairs on a page."""
CUTOFFS = Axis("cutoff k (items)", 1, DEEPEST, tuple((float(k), str(k)) for k in (1, 10, 20, 30, 40, 50)))


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


def cutoffs(evidence: Evidence) -> list[Chart]:
    """Return hit rate and NDCG of one data set at every cutoff."""
    known = set(with_ranks(evidence))
    of_models = [
        (title, {key: name for key, name in names.items() if key in known})
        for title, names in groups(evidence, MOST)
    ]
    bodies = [_curves(evidence, title, names) for title, names in of_models if names]
    caption = sentences(extent(evidence), "Means over users and seeds; open markers: controls")
    title = f"{evidence.datasets[0]}: hit rate and NDCG at every cutoff, trained alone and together"
    return charts(title, caption, bodies, MOST_PANELS)


def _curves(evidence: Evidence, title: str, names: Mapping[RowKey, str]) -> Panels:
    """Return a panel of each metric, with the curve of the model alone first."""
    rows = {next(iter(names)).solo: ("alone", ALONE)}
    rows |= {key: (name, look_of(at, evidence.is_control(key))) for at, (key, name) in enumerate(names.items())}
    found = {key: at_cutoffs(evidence.rows[key].ranks(evidence.rows[key].seeds).ravel()) for key in rows}
    panels = []
    for which, metric in enumerate(("HR@k", "NDCG@k")):
        series = [
            Series(*rows[key], tuple(enumerate(of[which].tolist(), start=1)), every=(4 + 2 * place, 12))
            for place, (key, of) in enumerate(found.items())
        ]
        y = around(metric, [float(of[which][-1]) for of in found.values()], zero=True)
        panels.append(Panel(CUTOFFS, y, tuple(series)))
    return Panels(tuple(panels), tuple(rows.values()), title)


# --- users --------------------------------------------------------------------------------------------------------


MOST_ROWS = 9
"""The most joint rows on a page."""
SQUARES = 24
"""The number of squares along an axis."""
SHADES = ("#f3e9bd", "#d9c466", "#a69d75", "#7c7b78", "#515c6e", "#12305f")
"""From few users to many, told apart in grey."""


@dataclass(frozen=True, eq=False)
class Change:
    """One joint row."""

    label: str
    alone: np.ndarray
    """float64 [U], the geometric mean rank of each user over the seeds that both have."""
    together: np.ndarray
    """float64 [U]."""
    shares: Shares
    """Shares of users whose item is nearer to the top together, further from it, or at the same rank."""


def changes(evidence: Evidence) -> list[Chart]:
    """Return the ranks of the users of one data set."""
    caption = sentences(
        extent(evidence),
        "Geometric mean ranks over seeds; below the diagonal the item is nearer to the top together (▼), above "
        "it further away (▲)",
        FIRST_NAMED,
    )
    title = f"{evidence.datasets[0]}: rank of each user's held-out item, trained alone and together"
    return [
        Chart(title + page, caption, (_squares(part),)) for page, part in paged(list(changed(evidence)), MOST_ROWS)
    ]


def changed(evidence: Evidence) -> Iterator[Change]:
    """Yield the ranks of the joint rows of one data set."""
    for key in with_ranks(evidence):
        row, solo = evidence.rows[key], evidence.rows[key.solo]
        common = common_seeds(row, solo)
        together, alone = (_log_rank(each, common) for each in (row, solo))
        name = label(key) + " (control)" * evidence.is_control(key)
        yield Change(name, np.exp(alone), np.exp(together), shares_of(-together, -alone))


def _log_rank(row: Row, seeds: Collection[int]) -> np.ndarray:
    """Return the logarithm of each user's rank, float64 [U], averaged over seeds."""
    return np.asarray(np.mean(list(np.log(row.ranks(seeds).T)), axis=0))


def _squares(rows: Sequence[Change]) -> Panels:
    """Return a panel of squares for each joint row, all in the same shades."""
    top = max(float(ranks.max()) for row in rows for ranks in (row.alone, row.together))
    borders = np.geomspace(0.8, 1.25 * max(top, 10), SQUARES + 1)
    counts = [np.histogram2d(row.alone, row.together, bins=(borders, borders))[0] for row in rows]
    limits = np.geomspace(1, max(2.0, *(float(count.max()) for count in counts)), len(SHADES) + 1)[:-1]
    legend = tuple(
        (f"{int(np.ceil(limit)):,} users or more in a square", Look(shade, is_band=True))
        for limit, shade in zip(limits, SHADES, strict=True)
    )
    panels = tuple(_panel(row, count, borders, limits) for row, count in zip(rows, counts, strict=True))
    return Panels(panels, legend, columns=(3, 2), height=0, beside=False)


def _panel(row: Change, counts: np.ndarray, borders: np.ndarray, limits: np.ndarray) -> Panel:
    low, high = float(borders[0]), float(borders[-1])
    level = np.searchsorted(limits, counts[counts > 0], side="right") - 1
    order = np.argsort(level, kind="stable")  # squares of one shade are one mark
    squares = tuple(
        (*borders[x : x + 2].tolist(), *borders[y : y + 2].tolist(), SHADES[at])
        for (x, y), at in zip(np.argwhere(counts)[order].tolist(), level[order].tolist(), strict=True)
    )
    better, worse = (f"{share:.0%}" for share in row.shares[:2])
    return Panel(
        Axis("rank alone", low, high, is_log=True),
        Axis("rank together", low, high, is_log=True),
        (Series("diagonal", Look(INK, dash=DASHES[1], width=0.9), ((low, low), (high, high))),),
        row.label,
        shades=squares,
        notes=((0.97, 0.06, f"▼ {better}"), (0.03, 0.94, f"▲ {worse}")),
    )

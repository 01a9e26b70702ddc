"""Rows minus their model alone, on slices of the users and over the users that train, and ranks over data sets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from corecbench.data.reduction import in_percent
from corecbench.report.evidence import leaderboard
from corecbench.report.evidence.users import stored_slicings
from corecbench.report.labels import label, partner, shorten
from corecbench.report.plots.curves import ALONE, Curves, Series, compared, look_of, of_contrasts, side_by_side
from corecbench.report.plots.figure import Band, Chart, NothingToShow, charts, evenly, paged
from corecbench.report.plots.forest import Forest, Group, Line
from corecbench.report.plots.shown_rows import FIRST_NAMED, MINUS, SIDE_NAMES, extent, extents, groups, joint
from corecbench.report.views import slice_captions
from corecbench.report.views.layout import NONE
from corecbench.report.views.statistics import intervals_in_words
from corecbench.report.wording import p_value, percent, sentences
from corecbench.results.frames import COUNTS, SIMILARITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey

    Curve = Sequence[Contrast]

MOST_LINES = 58
"""The most lines of text of all rows on a page."""
MOST, MOST_SLICED, MOST_SHARED = 6, 5, 4
"""The most joint rows in a pair of panels, and the most such pairs on a page."""


# --- all joint rows -----------------------------------------------------------------------------------------------


def forest(evidence: Evidence) -> list[Chart]:
    rows = [(key, _line(evidence, key)) for key in joint(evidence)]
    return [_forest(evidence, part, page) for page, part in _pages(rows)]


def _line(evidence: Evidence, key: RowKey) -> Line:
    gain = evidence.over_alone[key]
    change = NONE if gain.change is None else percent(gain.change).replace("-", MINUS)
    return Line(label(key), key.side, gain.difference, gain.sizes.interval, change, evidence.is_control(key))


def _pages(rows: Sequence[tuple[RowKey, Line]]) -> Iterator[tuple[str, Sequence[tuple[RowKey, Line]]]]:
    """Yield the rows of each page with the end of its title: all, or first the pairs, then those of a data set."""
    most = int(MOST_LINES / max(line.height for _, line in rows))
    datasets = list(dict.fromkeys(key.dataset for key, _ in rows))
    if len(rows) + len(datasets) <= most:
        yield "", rows
        return
    parts = {f", {dataset}": [row for row in rows if row[0].dataset == dataset] for dataset in datasets}
    pairs = [row for row in rows if not row[1].is_open]
    if 0 < len(pairs) < len(rows):
        parts = {", without controls": pairs, **parts}
    for name, part in parts.items():
        for page, on_page in paged(part, most):
            yield name + page, on_page


def _forest(evidence: Evidence, rows: Sequence[tuple[RowKey, Line]], page: str) -> Chart:
    datasets = list(dict.fromkeys(key.dataset for key, _ in rows))
    better = "right" if evidence.higher_is_better else "left"
    kinds = sorted({(line.side, line.is_open) for _, line in rows})
    body = Forest(
        [Group(name, [line for key, line in rows if key.dataset == name]) for name in datasets],
        f"{evidence.tested} together {MINUS} {evidence.tested} alone ({better} of 0: together is better)",
        [(SIDE_NAMES[side] + ", control" * is_open, side, is_open) for side, is_open in kinds],
    )
    intervals = intervals_in_words(evidence.method, (evidence.over_alone[key] for key, _ in rows))
    caption = sentences(
        "; ".join(extents(evidence)[dataset] for dataset in datasets),
        f"Lines: 95% intervals ({intervals}), not adjusted for their number. At the right: the relative change",
        FIRST_NAMED,
    )
    return Chart(f"Gain in {evidence.tested} of training together over training alone{page}", caption, [body.band])


# --- on slices ----------------------------------------------------------------------------------------------------


LONGEST_RANGE = 5
"""The most characters below one slice."""
ITEM = "training interactions of the held-out item; number of users"
AXIS = {
    "history length": "training interactions of the user; number of users",
    "target frequency": ITEM,
    "target frequency in bins": ITEM,
    "word overlap": "words shared with the history; number of users",
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
    "0: the item is never in training. Cosine: of the TF-IDF vectors of the held-out item's text and the most "
    "similar text of the history",
)


def slices(evidence: Evidence, kind: Kind = FIFTHS) -> list[Chart]:
    """The differences on slices of one data set."""
    (dataset,) = evidence.datasets
    shown = list(groups(evidence, MOST))
    if not set(kind.slicings) <= set(stored_slicings(evidence.facts(dataset))):
        raise NothingToShow(f"the stored ranks lack {' and '.join(kind.columns)}")
    gains: dict[RowKey, list[Contrast]] = {}
    for each in evidence.slices():
        gains.setdefault(each.row, []).append(each)
    sliced = (each for of in gains.values() for each in of if each.group.slicing in kind.slicings)
    intervals = intervals_in_words(evidence.method, sliced)
    caption = sentences(
        extent(evidence),
        kind.caption,
        f"Bars: 95% intervals ({intervals}), not adjusted for the number of slices",
        "No bar: fewer than 5 users differ. Open: controls",
    )
    bodies = [_sliced(evidence, kind, title, names, gains) for title, names in shown]
    return charts(f"{dataset}: gain in {evidence.tested} {kind.title}", caption, bodies, MOST_SLICED)


def _sliced(
    evidence: Evidence, kind: Kind, title: str, names: Mapping[RowKey, str], gains: Mapping[RowKey, Curve]
) -> Band:
    """A panel for each slicing, with markers for the joint rows side by side."""
    looks = [look_of(place, evidence.is_control(key), has_line=False) for place, key in enumerate(names)]
    panels = []
    for place, slicing in enumerate(kind.slicings):
        of_rows = [[each for each in gains[key] if each.group.slicing == slicing] for key in names]
        series = [
            of_contrasts(of, name, look, range(len(of)))
            for of, name, look in zip(of_rows, names.values(), looks, strict=True)
        ]
        ticks = [f"{text}\n{each.n_users:,}" for text, each in zip(broken(of_rows[0]), of_rows[0], strict=True)]
        metric, step = "" if place else f"Δ {evidence.tested}", 0.7 / len(names)
        panels.append(Curves(series, ticks, AXIS[slicing], metric, "" if place else title, step))
    return side_by_side(panels, has_one_scale=True)


def broken(gains: Curve) -> list[str]:
    counts = [each.group.label.removesuffix(" (never in training)") for each in gains]
    if not any("-" in count and len(count) > LONGEST_RANGE for count in counts):
        return counts
    return ["-\n".join(count.split("-")) if "-" in count else f"{count}\n" for count in counts]


# --- over the users that train ------------------------------------------------------------------------------------


def shares(evidence: Evidence) -> list[Chart]:
    found = evidence.shares()
    if not found:
        raise NothingToShow("needs a joint row that can be compared with its solo row at two train shares")
    by_dataset = groupby(found, lambda curve: curve[0].row.at_full_share.dataset)
    return [chart for dataset, curves in by_dataset for chart in _over_shares(evidence, dataset, list(curves))]


def _over_shares(evidence: Evidence, dataset: str, found: Sequence[Curve]) -> list[Chart]:
    gains = [each for curve in found for each in curve]
    intervals = intervals_in_words(evidence.method, gains)
    caption = sentences(
        slice_captions.extent(f"{dataset}: ", gains),
        "All users are ranked at every share; alone and together train on the same users",
        f"Bars: 95% intervals of the difference ({intervals}), not adjusted for their number. Open: controls",
    )
    bodies = [
        _shared(evidence, f"{shorten(solo.own or '')} ({SIDE_NAMES[solo.side]})", part)
        for solo, of_model in groupby(found, lambda curve: curve[0].row.at_full_share.solo)
        for part in evenly(list(of_model), MOST)
    ]
    title = f"{dataset}: {evidence.tested} and the gain of training together over the users that train"
    return charts(title, caption, bodies, MOST_SHARED)


def _shared(evidence: Evidence, title: str, found: Sequence[Curve]) -> Band:
    """Both panels of a model. Alone it is drawn once: its joint rows have mostly the same seeds as it."""
    known = sorted({each.row.reduction.train_share for curve in found for each in curve})
    alone: dict[float, float] = {}
    rows, gains = [], []
    for number, curve in enumerate(found):
        at = [known.index(each.row.reduction.train_share) for each in curve]
        alone |= {float(x): each.base for x, each in zip(at, curve, strict=True)}
        name, look = partner(curve[0].row), look_of(number, evidence.is_control(curve[0].row))
        rows.append(Series(name, look, [(float(x), each.own) for x, each in zip(at, curve, strict=True)]))
        gains.append(of_contrasts(curve, name, look, at))
    of_model = Series("alone", ALONE, sorted(alone.items()))
    metrics = evidence.tested, f"Δ {evidence.tested}"
    shares = list(map(in_percent, known))
    return compared(title, "users that train", shares, [of_model, *rows], gains, metrics)


# --- over data sets -----------------------------------------------------------------------------------------------


def average_ranks(evidence: Evidence) -> list[Chart]:
    """Average ranks of the rows that are on every data set and are no controls.

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
    return [Chart(title, caption, [Forest([Group("", lines)], "average rank", has_zero=False).band])]

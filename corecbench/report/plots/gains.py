"""Rows minus their model alone: of all joint rows, on slices of the users, and over the users that train."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from corecbench.data.reduction import in_percent
from corecbench.drawing.canvas import GRID, LEADING, MINUS, SIDE_NAMES, WIDE, n_lines, wrap
from corecbench.drawing.chart import Chart, NothingToShow, charts, evenly, paged
from corecbench.drawing.forest import MOST_LABEL, Forest, Group, Line, side_look
from corecbench.drawing.panels import (
    ALONE,
    ZERO,
    Panel,
    Panels,
    Series,
    compared,
    look_of,
    named,
    of_differences,
    shifted,
)
from corecbench.report.evidence.users import stored_slicings
from corecbench.report.plots.shown_rows import (
    FIRST_NAMED,
    extent,
    extents,
    groups,
    joint,
    label,
    of_contrasts,
    partner,
    shorten,
)
from corecbench.report.views import slice_captions
from corecbench.report.views.layout import NONE
from corecbench.report.views.statistics import intervals_in_words
from corecbench.report.wording import percent, sentences
from corecbench.results.frames import COUNTS, SIMILARITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.report.evidence.contrasts import Contrast
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey

    Curve = Sequence[Contrast]

MOST_HEIGHT = 800.0
"""The most pixels of all rows on a page."""
MOST, MOST_SLICED, MOST_SHARED = 6, 5, 4
"""The most joint rows in a pair of panels, and the most such pairs on a page."""


# --- all joint rows -----------------------------------------------------------------------------------------------


def forest(evidence: Evidence) -> list[Chart]:
    """Return the difference of every comparable joint row, in the order of the table."""
    rows = [(key, _line(evidence, key)) for key in joint(evidence)]
    return [_forest(evidence, part, page) for page, part in _pages(rows)]


def _line(evidence: Evidence, key: RowKey) -> Line:
    gain = evidence.over_alone[key]
    change = NONE if gain.change is None else percent(gain.change).replace("-", MINUS)
    return Line(label(key), key.side, gain.difference, gain.sizes.interval, change, evidence.is_control(key))


def _pages(rows: Sequence[tuple[RowKey, Line]]) -> Iterator[tuple[str, Sequence[tuple[RowKey, Line]]]]:
    """Yield the rows of each page with the end of its title: all, or first the pairs, then those of a data set."""
    highest = max(n_lines(wrap(line.label, MOST_LABEL * WIDE)) for _, line in rows)
    most = int(MOST_HEIGHT / (LEADING * highest + 4))
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
        tuple(Group(name, tuple(line for key, line in rows if key.dataset == name)) for name in datasets),
        f"{evidence.tested} together {MINUS} {evidence.tested} alone ({better} of 0: together is better)",
        tuple((SIDE_NAMES[side] + ", control" * is_open, side_look(side, is_open)) for side, is_open in kinds),
    )
    intervals = intervals_in_words(evidence.method, (evidence.over_alone[key] for key, _ in rows))
    caption = sentences(
        "; ".join(extents(evidence)[dataset] for dataset in datasets),
        f"Lines: 95% intervals ({intervals}), not adjusted for their number. At the right: the relative change",
        FIRST_NAMED,
    )
    return Chart(f"Gain in {evidence.tested} of training together over training alone{page}", caption, (body,))


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
    """Return the differences on slices of one data set."""
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
) -> Panels:
    """Return a panel for each slicing, with markers for the joint rows side by side."""
    looks = {key: look_of(place, evidence.is_control(key), has_line=False) for place, key in enumerate(names)}
    on = {
        of: {key: [each for each in gains[key] if each.group.slicing == of] for key in names}
        for of in kind.slicings
    }
    step = 0.7 / max(len(names), 1)
    rows = {
        slicing: [
            shifted(of_contrasts(of, names[key], looks[key], range(len(of))), (place - (len(names) - 1) / 2) * step)
            for place, (key, of) in enumerate(by_row.items())
        ]
        for slicing, by_row in on.items()
    }
    y = of_differences(f"Δ {evidence.tested}", [each for of in rows.values() for each in of])
    panels = []
    for slicing, series in rows.items():
        first = next(iter(on[slicing].values()))
        ticks = [f"{text}\n{each.n_users:,}" for text, each in zip(broken(first), first, strict=True)]
        borders = tuple((border - 0.505, border - 0.495, GRID) for border in range(1, len(first)))
        panels.append(Panel(named(AXIS[slicing], ticks), y, tuple(series), rules=ZERO, bands=borders))
    return Panels(tuple(panels), tuple((name, looks[key]) for key, name in names.items()), title)


def broken(gains: Curve) -> list[str]:
    """Return the counts of slices, all in two lines if there are ranges that are too long for one."""
    counts = [each.group.label.removesuffix(" (never in training)") for each in gains]
    if not any("-" in count and len(count) > LONGEST_RANGE for count in counts):
        return counts
    return ["-\n".join(count.split("-")) if "-" in count else f"{count}\n" for count in counts]


# --- over the users that train ------------------------------------------------------------------------------------


def shares(evidence: Evidence) -> list[Chart]:
    """Return the gains at every share of the users that train, those of one data set after the other."""
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


def _shared(evidence: Evidence, title: str, found: Sequence[Curve]) -> Panels:
    """Return both panels of a model. Alone it is drawn once: its joint rows have mostly the same seeds as it."""
    known = sorted({each.row.reduction.train_share for curve in found for each in curve})
    alone: dict[float, float] = {}
    rows, gains = [], []
    for number, curve in enumerate(found):
        at = [known.index(each.row.reduction.train_share) for each in curve]
        alone |= {float(x): each.base for x, each in zip(at, curve, strict=True)}
        name, look = partner(curve[0].row), look_of(number, evidence.is_control(curve[0].row))
        rows.append(Series(name, look, tuple((float(x), each.own) for x, each in zip(at, curve, strict=True))))
        gains.append(of_contrasts(curve, name, look, at))
    of_model = Series("alone", ALONE, tuple(sorted(alone.items())))
    metrics = evidence.tested, f"Δ {evidence.tested}"
    return compared(
        title, named("users that train", list(map(in_percent, known))), [of_model, *rows], gains, metrics
    )

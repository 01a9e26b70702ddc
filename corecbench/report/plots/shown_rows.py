"""The rows of a plot: which there are, what they are called, and their differences with intervals."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from corecbench.report.labels import partner, shorten
from corecbench.report.plots.figure import NothingToShow, evenly
from corecbench.report.wording import seed_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey

MINUS = "\N{MINUS SIGN}"
SIDE_NAMES = {"domain": "domain model", "llm": "LLM", "ensemble": "ensemble"}
FIRST_NAMED = "The first model named is the one evaluated"


def present(evidence: Evidence) -> list[RowKey]:
    return [key for key in evidence.rows if evidence.has(key)]


def mean(evidence: Evidence, key: RowKey) -> float:
    return evidence.rows[key].metrics[evidence.tested]


def joint(evidence: Evidence) -> list[RowKey]:
    comparable = evidence.joint()
    if not comparable:
        raise NothingToShow("there is no joint row that can be compared with its solo row")
    return comparable


def groups(evidence: Evidence, most: int) -> Iterator[tuple[str, dict[RowKey, str]]]:
    for (solo, other), of_pair in groupby(joint(evidence), lambda key: (key.solo, key.partner)):
        for number, part in enumerate(evenly(list(of_pair), most)):
            title = f"{shorten(solo.own or '')} ({SIDE_NAMES[solo.side]}) + {shorten(other or '')}"
            yield title + ", continued" * (number > 0), {key: partner(key, with_model=False) for key in part}


def extents(evidence: Evidence) -> dict[str, str]:
    found = {}
    for dataset in evidence.datasets:
        rows = [row for key, row in evidence.rows.items() if key.dataset == dataset and row.values]
        if rows:
            seeds = seed_list({seed for row in rows for seed in row.values}, "seed")
            found[dataset] = f"{dataset}: {rows[0].n_users:,} users, {seeds}"
    return found


def extent(evidence: Evidence) -> str:
    return "; ".join(extents(evidence).values())

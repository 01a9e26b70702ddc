"""The windows of a split by time: the rows of all of them are pooled to one, test by test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.report.evidence.rows import Row
from corecbench.results.user_ranks import UserRanks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.api import CellResult
    from corecbench.results.rows import RowKey

Stacked = dict[tuple[int, ...], pd.DataFrame]
"""The ids of the facts of each window -> those of all windows in one table, which the rows share."""


def pooled(rows: Mapping[RowKey, Row]) -> dict[RowKey, Row]:
    """Return the rows of a table, each with the tests of all its windows.

    The rows of a data set of which one window is there stay as they are.
    """
    there: dict[str, set[str]] = {}
    for key in rows:
        there.setdefault(key.pooled.dataset, set()).add(key.dataset)
    windows: dict[RowKey, dict[int, Row]] = {}
    for key, row in rows.items():
        whole = key.pooled if len(there[key.pooled.dataset]) > 1 else key
        windows.setdefault(whole, {})[key.reduction.window] = row
    facts: Stacked = {}
    return {
        key: _pooled(key, of_row, facts) if key.is_pooled else next(iter(of_row.values()))
        for key, of_row in windows.items()
    }


def _pooled(key: RowKey, windows: Mapping[int, Row], facts: Stacked) -> Row:
    """Return a row of all windows. A seed counts where each window has it, so that all rows have the same tests."""
    seeds = sorted({seed for row in windows.values() for seed in (*row.values, *row.problems)})
    problems = {seed: reason for seed in seeds if (reason := _problem(key.reduction.windows, windows, seed))}
    whole = [seed for seed in seeds if seed not in problems]
    parts = [windows[number] for number in sorted(windows)]
    faults = {seed: {n: why for row in parts for n, why in row.faults.get(seed, {}).items()} for seed in whole}
    return Row(
        key,
        {seed: pd.concat([row.values[seed] for row in parts], join="inner") for seed in whole},
        problems,
        any(row.at_limit for row in parts),
        tuple(_record(row, seed) for seed in whole for row in parts),
        {seed: _means([row.overall.get(seed, {}) for row in parts]) for seed in whole},
        {seed: _stacked([row.users[seed] for row in parts], facts) for seed in whole},
        {seed: of_seed for seed, of_seed in faults.items() if of_seed},
        {seed for row in parts for seed in row.planned},
    )


def _problem(n_windows: int, windows: Mapping[int, Row], seed: int) -> str | None:
    """Return why a seed does not count; None if it succeeded in every window."""
    for number in range(1, n_windows + 1):
        row = windows.get(number)
        if row is None or seed not in row.values:
            return f"window {number} {'missing' if row is None else row.problems.get(seed, 'missing')}"
    return None


def _record(row: Row, seed: int) -> CellResult:
    return row.records[list(row.values).index(seed)]


def _means(overall: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the means over windows of the metrics that have one value of all lists together."""
    shared = [name for name in overall[0] if all(name in each for each in overall)]
    return {name: sum(each[name] for each in overall) / len(overall) for name in shared}


def _stacked(ranks: Sequence[UserRanks], facts: Stacked) -> UserRanks:
    tables = [each.facts for each in ranks]
    place = tuple(map(id, tables))  # the rows of the windows hold them, so no other table has such an id
    if place not in facts:
        facts[place] = pd.concat(tables, join="inner")
    best = None
    if any(each.best is not None for each in ranks):
        best = np.concatenate([each.rank if each.best is None else each.best for each in ranks])
    rank, n_candidates = (
        np.concatenate([getattr(each, name) for each in ranks]) for name in ("rank", "n_candidates")
    )
    return UserRanks(facts[place], rank, n_candidates, best)

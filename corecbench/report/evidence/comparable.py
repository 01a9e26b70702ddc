"""Rows that may share a table: of the same users and test items; those of several windows are pooled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.report.evidence.rows import Row
from corecbench.results.frames import SIMILARITY
from corecbench.results.record import ResultsError
from corecbench.results.user_ranks import UserRanks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from corecbench.results.rows import RowKey


def check_users(rows: Iterable[Row]) -> None:
    """Make sure that all rows of a data set rank the same users on the same test items.

    Raises:
        ResultsError: the users or their test items differ.
    """
    first: dict[tuple[str, int | None], tuple[str, Row, int]] = {}
    for row in rows:
        dataset, model = row.key.dataset, row.key.model
        for seed, values in row.values.items():
            # which users and items are in a reduced training part depends on the seed
            place = dataset, seed if row.key.reduction else None
            earlier, other, its_seed = first.setdefault(place, (f"{model}, seed {seed}", row, seed))
            users = other.values[its_seed].index
            if not values.index.equals(users):
                lacks, adds = len(users.difference(values.index)), len(values.index.difference(users))
                raise ResultsError(
                    f"{dataset}: {model}, seed {seed}, ranks other users than {earlier}: {lacks} of its "
                    f"{len(users)} users are missing and {adds} are new; run both on the same data"
                )
            if differ := n_differing(row.users.get(seed), other.users.get(its_seed)):
                raise ResultsError(
                    f"{dataset}: {model}, seed {seed}, and {earlier} do not mean the same by {differ} of "
                    f"{len(users)} users: test items or histories differ; run both on the same data"
                )


def n_differing(ranks: UserRanks | None, other: UserRanks | None) -> int:
    """Return of how many users two rankings state different facts, in the columns that both have."""
    if ranks is None or other is None or ranks.facts is other.facts:
        return 0
    shared = [name for name in ranks.facts if name in other.facts and name != SIMILARITY]
    return int((ranks.facts[shared] != other.facts[shared]).any(axis=1).sum())


# --- windows ------------------------------------------------------------------------------------------------------


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
        tuple(row.records[list(row.values).index(seed)] for seed in whole for row in parts),
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

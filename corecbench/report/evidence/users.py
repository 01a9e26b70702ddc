"""The tested users of a data set: groups of them, and rows that rank the same ones. Rows of windows are pooled.

T tested users.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.evaluation.slices import SLICINGS
from corecbench.report.evidence.rows import Row
from corecbench.results.frames import FACTS, SIMILARITY
from corecbench.results.record import ResultsError
from corecbench.results.user_ranks import UserRanks
from corecbench.stats.differences import sum_of_seeds

if TYPE_CHECKING:
    from corecbench.results.rows import RowKey


TIED = "target_is_tied"
"""The stored fact whether the last two items of a user have the same time."""
Facts = Mapping[int | None, pd.DataFrame]
"""seed -> what is stored of the tested users, columns of FACTS, indexed by user_id in order; the key None means
every seed."""


@dataclass(frozen=True, eq=False)
class UserGroup:
    """Some of the tested users of a data set."""

    slicing: str | None
    """What the users were sliced by, one of SLICINGS; None for all users."""
    label: str
    chosen: Mapping[int | None, np.ndarray]
    """seed -> bool [T], which users, in the order of their ids, are in the group under this seed; the key None
    means every seed."""

    @property
    def n_users(self) -> int:
        return int(np.logical_or.reduce(list(self.chosen.values())).sum())

    def seeds_within(self, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return seeds if None in self.chosen else tuple(seed for seed in seeds if seed in self.chosen)

    @functools.cached_property
    def _always(self) -> np.ndarray:
        return np.flatnonzero(self.chosen[None])

    def within(self, values: np.ndarray, seeds: Sequence[int]) -> np.ndarray:
        """Return the values of the users in the group.

        Args:
            values: of all users under some seeds, float64 [T, S].
            seeds: the seeds of the S columns, all of them known.

        Returns:
            float64 [users of the group, S]. If the group differs between seeds, [users of the group, 1]: the mean
            over the seeds under which a user is in it.
        """
        if self.slicing is None:
            return values
        if None in self.chosen:
            return values.take(self._always, axis=0)
        inside = np.column_stack([self.chosen[seed] for seed in seeds])  # [T, S]
        count = sum_of_seeds(inside.astype(np.int64))
        total = sum_of_seeds(np.where(inside, values, 0))[count > 0]
        return np.asarray(total / count[count > 0])[:, None]


def facts_of(ranks: Iterable[tuple[int | None, UserRanks]]) -> Facts:
    """Return what users of a data set can be sliced by; empty if nothing is stored.

    All cells on one split have the same facts, so the first ones that were stored are enough. Where a part of the
    training data is left out, the facts differ between seeds.
    """
    found: dict[int | None, pd.DataFrame] = {}
    for seed, each in ranks:
        known = found.get(seed, each.facts[[]])
        new = [name for name in FACTS if name in each.facts and name not in known]
        if new:
            found[seed] = known.assign(**{name: each.facts[name] for name in new})
    return found


EVERYONE = UserGroup(None, "all users", {None: np.ones(0, dtype=bool)})
"""All users of whatever data set."""


def users_in_order(row: Row) -> UserGroup:
    """Return the users whose last two items have different times: time decides their test item.

    Raises:
        ResultsError: an older version stored the row, without saying who they are.
    """
    facts = [ranks.facts for ranks in row.users.values()]
    if any(TIED not in each for each in facts):
        raise ResultsError(f"{row.key.name} on {row.key.dataset}: it is not stored whose items are in order")
    in_order = ~facts[0][TIED].to_numpy(dtype=bool) if facts else np.ones(0, dtype=bool)
    return UserGroup("order", "in order", {None: in_order})


def stored_slicings(facts: Facts) -> list[str]:
    return [name for name, (column, _) in SLICINGS.items() if any(column in frame for frame in facts.values())]


def user_groups(n_users: int, facts: Facts) -> Iterator[UserGroup]:
    """Yield all users, then the slices of every slicing for which there are facts.

    Where facts differ between seeds, slices have the same borders under all of them.
    """
    yield UserGroup(None, EVERYONE.label, {None: np.ones(n_users, dtype=bool)})
    for name in stored_slicings(facts):
        column, slicing = SLICINGS[name]
        of_seeds = {seed: frame[column].to_numpy() for seed, frame in facts.items() if column in frame}
        slices = slicing(np.concatenate(list(of_seeds.values())))
        by_seed = slices.of_user.reshape(len(of_seeds), n_users)
        for number, label in enumerate(slices.labels):
            chosen = {seed: of_users == number for seed, of_users in zip(of_seeds, by_seed, strict=True)}
            yield UserGroup(name, label, chosen)


# --- rows of the same users ---------------------------------------------------------------------------------------


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
                    f"{len(users)} users are missing and {adds} are new; run both on the same data, or read both "
                    "from bundles, which number their users"
                )
            if differ := n_differing(row.users.get(seed), other.users.get(its_seed)):
                raise ResultsError(
                    f"{dataset}: {model}, seed {seed}, and {earlier} do not mean the same by {differ} of "
                    f"{len(users)} users: test items or histories differ; run both on the same data"
                )


def n_differing(ranks: UserRanks | None, other: UserRanks | None) -> int:
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
    for number in range(1, n_windows + 1):
        row = windows.get(number)
        if row is None or seed not in row.values:
            return f"window {number} {'missing' if row is None else row.problems.get(seed, 'missing')}"
    return None


def _means(overall: Sequence[Mapping[str, float]]) -> dict[str, float]:
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

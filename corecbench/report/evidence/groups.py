"""Groups of the tested users of a data set: all of them, and the slices that stored facts allow.

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
from corecbench.results.frames import FACTS
from corecbench.results.record import ResultsError
from corecbench.stats.differences import sum_of_seeds

if TYPE_CHECKING:
    from corecbench.report.evidence.rows import Row
    from corecbench.results.user_ranks import UserRanks

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
        """Number of users who are in the group under any seed."""
        return int(np.logical_or.reduce(list(self.chosen.values())).sum())

    def seeds_within(self, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """Return those of the seeds under which the group is known."""
        return seeds if None in self.chosen else tuple(seed for seed in seeds if seed in self.chosen)

    @functools.cached_property
    def _always(self) -> np.ndarray:
        """int64, the users of a group that is the same under every seed, by their places."""
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
    """Return the names of the slicings for which there are columns."""
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

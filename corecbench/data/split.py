"""Leave-one-out: a user's last interaction is for test, the one before it for validation, the rest for training.

Shapes: T tested users, L positions of a history, U users, N items, M interactions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from corecbench.api import DataError, Interactions, UsageError
from corecbench.data.dataset import FEWEST_INTERACTIONS, fingerprint
from corecbench.data.ranking_task import Existence, Histories, RankingTask, SeenItems, row_and_column
from corecbench.data.ties import began, held_out_tie, in_random_order, same_time
from corecbench.data.times import real_times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.data.dataset import Dataset
    from corecbench.data.ties import Ties

Stage = Literal["validation", "test"]


@dataclass(frozen=True, eq=False)
class HeldItems:
    """What is held out at a stage: an item of each user who is ranked there, and what is known of the user then."""

    users: np.ndarray
    """int64 [T], user indices, ascending."""
    target: np.ndarray
    """int64 [T], item indices."""
    known: SeenItems
    """The whole history of each user, oldest first, at least one item."""
    seen: SeenItems
    """The items that are no candidates: the history and, where these are left out, others of the target's time."""
    exists: Existence | None = None
    """Which other items are no candidates, since they do not exist yet; None where all do."""

    @classmethod
    def after(cls, before: Interactions, users: np.ndarray, target: np.ndarray) -> HeldItems:
        start, end = (np.searchsorted(before.user, users, side) for side in ("left", "right"))
        known = SeenItems(before.item, start, end - start, before.time)
        return cls(users, target, known, known)

    def of(self, chosen: np.ndarray) -> HeldItems:
        known, seen = (
            replace(each, start=each.start[chosen], length=each.length[chosen]) for each in (self.known, self.seen)
        )
        exists = None if self.exists is None else self.exists.of(chosen)
        return HeldItems(self.users[chosen], self.target[chosen], known, seen, exists)

    def apart(self) -> HeldItems:
        rows = np.arange(len(self.users))
        row, place = self.seen.places(rows)
        items, start = self.seen.items[place], np.searchsorted(row, rows)
        times = None if self.seen.times is None else self.seen.times[place]
        known, seen = (SeenItems(items, start, each.length, times) for each in (self.known, self.seen))
        return HeldItems(self.users, self.target, known, seen, self.exists)

    def task(self, max_history: int) -> RankingTask:
        known = self.known
        recent = np.minimum(known.length, max_history)
        latest = replace(known, start=known.start + known.length - recent, length=recent)
        history = Histories(latest, max_history)
        return RankingTask(self.users, self.target, history, self.seen, self.exists)


@dataclass(frozen=True, eq=False)
class Choosing:
    """What training sees before a refit."""

    train: Interactions
    """All before the items that are held out for validation, or a part of these under a `Reduction`."""
    n_new_items: int
    """So many items, the last ones, are new then."""


@dataclass(frozen=True, eq=False)
class Split:
    """The parts of a data set. Models see only `train` in training."""

    train: Interactions
    """Of a user who is ranked, all before the held-out items, or before the test item if there is a refit; of any
    other, what `leave_one_out` says; a part of these under a `Reduction`."""
    held: Mapping[Stage, HeldItems]
    """Stage -> what is held out there. The users of the stages may differ."""
    fingerprint: str
    """sha256, in hex, of ids and parts, before any reduction."""
    known: Interactions | None = None
    """What `train` was before a reduction; None for `train` itself."""
    trains: np.ndarray | None = None
    """bool [U+1], whether a user is among those who train; None where all are."""
    cold: np.ndarray | None = None
    """bool [N+1], whether an item is left out of training; None where none is."""
    tied: np.ndarray | None = None
    """bool [T], whether the test item of each user who is ranked there has the same time as the interaction before
    it; None where that is not known."""
    facts: Mapping[str, int | float] = field(default_factory=dict)
    """Counts of who is not ranked because of equal times; none where the file decides their order. Of a split by
    time when it cuts, and what of."""
    by_time: bool = False
    """Whether a time divides training from what is ranked, and not each user's last two interactions."""
    choosing: Choosing | None = None
    """What training sees while validation chooses, where a refit follows that sees `train`; None for `train`."""

    @property
    def history_length(self) -> np.ndarray:
        test = self.held["test"]
        if self.by_time:
            return test.known.length
        of_all = np.bincount(self.before.user, minlength=test.users.max(initial=0) + 1)
        length: np.ndarray = of_all[test.users]
        return length

    @property
    def new_users(self) -> np.ndarray | None:
        if not self.by_time or self.choosing is not None:
            return None
        return np.isin(self.held["test"].users, self.before.user, invert=True)

    @property
    def before(self) -> Interactions:
        return self.train if self.known is None else self.known

    def task(self, stage: Stage, max_history: int) -> RankingTask:
        """Return the ranking task of a stage.

        Args:
            stage: "validation" or "test".
            max_history: L, at least 1.

        Raises:
            UsageError: An argument is not allowed.
        """
        if stage not in self.held:
            raise UsageError(f"unknown stage {stage!r}; have: {', '.join(self.held)}")
        if max_history < 1:
            raise UsageError(f"max_history is {max_history}, at least 1 is needed")
        return self.held[stage].task(max_history)


def leave_one_out(dataset: Dataset, ties: Ties = "random", refit: bool = False) -> Split:
    """Split a data set by the order of each user's interactions.

    Users with at least 3 interactions are tested on the last one and validated on the one before it. All others of
    their interactions train, and all of users with fewer.

    Interactions of a user at the same time have no order. Under "random" a hash makes one. What a user did at the
    time of a held-out item is then no candidate and not in its history, and trains nothing. A test item stays a
    candidate in validation. Who did nothing before the time of an item is not ranked on it; who is ranked on
    neither trains on all interactions. Under "file" the order of the file counts. Under "exclude" it does, too,
    but users whose held-out items it decides are not ranked.

    Ann saw w, x, y and z in this order. Bob has two interactions, so he trains and is not tested.

    >>> from types import SimpleNamespace
    >>> import pandas as pd
    >>> from corecbench.data.dataset import load_dataset
    >>> rows = {"user_id": ["Ann"] * 4 + ["Bob"] * 2, "item_id": list("wxyzzw"), "timestamp": [1, 2, 3, 4, 1, 2]}
    >>> nothing = pd.DataFrame({"item_id": [], "title": []}, dtype=str)
    >>> source = SimpleNamespace(interactions=lambda: pd.DataFrame(rows), items=lambda: nothing)
    >>> split = leave_one_out(load_dataset("toy", source))
    >>> split.train.user.tolist(), split.train.item.tolist()
    ([1, 1, 2, 2], [1, 2, 4, 1])
    >>> [(stage, held.users.tolist(), held.target.tolist()) for stage, held in split.held.items()]
    [('validation', [1], [3]), ('test', [1], [4])]
    >>> np.asarray(split.task("validation", max_history=3).history).tolist()
    [[1, 2, 0]]
    >>> task = split.task("test", max_history=2)
    >>> task.history[np.array([0])].tolist(), task.seen.of(np.array([0])).tolist()
    ([[2, 3]], [[1, 2, 3]])

    Args:
        dataset: the data set.
        ties: what decides the order of interactions of the same user and time.
        refit: whether all before the test items trains in the end.

    Raises:
        DataError: nobody can be ranked at a stage.
    """
    counts = np.bincount(dataset.user, minlength=dataset.catalog.n_users + 1)  # [U+1]
    users = np.flatnonzero(counts >= FEWEST_INTERACTIONS)  # [T]
    end = np.cumsum(counts)
    tied = same_time(dataset)  # [M]
    items = in_random_order(dataset, tied) if ties == "random" else dataset.item
    start, n_train = (end - counts)[users], counts.copy()
    times = real_times(dataset)
    whole: dict[Stage, HeldItems] = {}
    before: dict[Stage, Interactions] = {}
    places: dict[Stage, np.ndarray] = {"test": end[users] - 1, "validation": end[users] - 2}
    for stage, target in places.items():
        n_known = (began(tied, target) if ties == "random" else target) - start
        n_train[users[n_known > 0]] = n_known[n_known > 0]
        rows = first_of_each(n_train, counts)
        before[stage] = Interactions(dataset.user[rows], items[rows], None if times is None else times[rows])
        known, seen = (SeenItems(items, start, n, times) for n in (n_known, target - start))
        whole[stage] = HeldItems(users, items[target], known, seen)
    train = before["test" if refit else "validation"]
    left_out = held_out_tie(dataset) & (ties == "exclude")
    ranked = {stage: (held.known.length > 0) & ~left_out for stage, held in whole.items()}  # bool [T] each
    held = {stage: whole[stage].of(ranked[stage]) for stage in get_args(Stage)}
    _check_ranked(dataset.catalog.name, held, ties)
    return Split(
        train,
        held,
        _fingerprint(dataset, train, held, items, ties),
        tied=tied[end[users] - 1][ranked["test"]],
        facts=_facts(ranked, int(n_train.sum()), len(items), ties),
        choosing=Choosing(before["validation"], 0) if refit else None,
    )


def first_of_each(n: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return whether each interaction is among the first n of its user, bool [M].

    >>> first_of_each(np.array([0, 1, 2]), np.array([0, 3, 2])).tolist()
    [True, False, False, True, True]
    """
    user, place = row_and_column(counts - n)
    is_first = np.ones(int(counts.sum()), dtype=bool)
    is_first[np.cumsum(counts)[user] - 1 - place] = False
    return is_first


def _check_ranked(name: str, held: Mapping[Stage, HeldItems], ties: Ties) -> None:
    for stage, of_stage in held.items():
        if not len(of_stage.users):
            why = "has interactions before the time of the item" if ties == "random" else "is without equal times"
            raise DataError(
                f"data set {name!r}: no user {why} that is held out for {stage}; ties {ties!r} needs one, "
                "'file' does not (--ties file)"
            )


def _fingerprint(
    dataset: Dataset, train: Interactions, held: Mapping[Stage, HeldItems], items: np.ndarray, ties: Ties
) -> str:
    catalog, (validation, test) = dataset.catalog, held.values()
    parts = [train.user, train.item, test.users, validation.target, test.target]
    if ties == "random":
        parts += [validation.users, validation.known.length, test.known.length, items]
    return fingerprint(catalog.user_ids, catalog.item_ids, *parts)


def _facts(ranked: Mapping[Stage, np.ndarray], n_train: int, n_all: int, ties: Ties) -> dict[str, int]:
    """Return the counts of who is not ranked because of equal times, and of what trains nothing because of them."""
    test, validation = ranked["test"], ranked["validation"]
    if ties == "file":
        return {}
    if ties == "exclude":
        return {"users_tied": int((~test).sum())}
    return {
        "users_without_test_history": int((~test).sum()),
        "users_without_validation_history": int((test & ~validation).sum()),
        "interactions_beside_held_out": n_all - n_train - int(test.sum() + validation.sum()),
    }

"""The split by time: what lies before a cut trains, and users are ranked on what they do after it.

A model that is split by leave-one-out trains on interactions that are later than the test items of others (Hidasi
and Czapp, 2023, DOI 10.1145/3604915.3608814; Ji et al., 2023, DOI 10.1145/3569930).

T tested users, M interactions, N items.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from corecbench.api import DataError, Interactions
from corecbench.data.dataset import fingerprint
from corecbench.data.ranking_task import Existence, SeenItems
from corecbench.data.split import Choosing, HeldItems, Split, leave_one_out
from corecbench.data.ties import MOST_TIED, Ties, began, hashes, in_random_order, same_time
from corecbench.data.ties import warnings as order_warnings
from corecbench.data.times import far_off, moments, not_times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.data.dataset import Dataset
    from corecbench.data.split import Stage

Target = Literal["first", "last", "random"]
"""Which interaction after the cut is a user's target."""
CUT = ("0.8", "0.9")
"""The shares of the interactions behind which validation and test begin."""


def by_time(
    dataset: Dataset,
    cut: Sequence[str] = CUT,
    target: Target = "first",
    window: int = 1,
    windows: int = 1,
    refit: bool = False,
) -> tuple[Dataset, Split]:
    """Split a data set at two times. What is before the first trains; nothing later reaches a model in training.

    A user is ranked in validation on an interaction from the first cut to the second, and in test on one behind the
    second, each with all that the user did before it. Nobody is ranked without an interaction before the cut.

    Interactions of a user at the same time have no order. If the target is one of several, a hash draws it, and the
    others are neither in its history nor candidates. Candidates are the items that exist by the target's time:
    somebody has interacted with them by then.

    Ann saw w, x, y and z, a day each. Bob saw y on the third day, and z, which is new then, on the fourth.

    >>> from types import SimpleNamespace
    >>> import pandas as pd
    >>> from corecbench.data.dataset import load_dataset
    >>> rows = {"user_id": ["Bob"] * 2 + ["Ann"] * 4, "item_id": list("yzwxyz")}
    >>> rows["timestamp"] = [30, 40, 10, 20, 35, 45]
    >>> nothing = pd.DataFrame({"item_id": [], "title": []}, dtype=str)
    >>> source = SimpleNamespace(interactions=lambda: pd.DataFrame(rows), items=lambda: nothing)
    >>> toy, split = by_time(load_dataset("toy", source), cut=("0.5", "0.6"))
    >>> toy.catalog.item_ids, toy.catalog.n_new_items
    (('', 'y', 'w', 'x', 'z'), 1)
    >>> split.train.user.tolist(), split.train.item.tolist()
    ([1, 2, 2], [1, 2, 3])
    >>> [(stage, held.users.tolist(), held.target.tolist()) for stage, held in split.held.items()]
    [('validation', [2], [1]), ('test', [1, 2], [4, 4])]

    Args:
        dataset: the data set.
        cut: two shares of the interactions, or two dates, as text.
        target: which interaction of a user in a stage is ranked.
        window: which of the windows behind the second cut is tested, from 1.
        windows: their number.
        refit: whether all before the second cut trains in the end.

    Returns:
        The data set with the items that exist in training numbered first, and its split.

    Raises:
        DataError: the data set has no real times, or nobody can be ranked.
    """
    name = dataset.catalog.name
    if why := not_times(dataset):
        raise DataError(f"data set {name!r} cannot be split by time: {why}; use {instead(dataset)}")
    try:
        begins, tests, ends = moments(dataset, cut, window, windows)
    except DataError as error:
        raise DataError(f"{error}; {remedy(dataset, windows)}") from None
    until, n_new = [tests, begins] if refit else [begins], []
    for time in until:  # the last order counts first: what is known at the first cut, then what is at the second
        dataset = known_first(dataset, time)
        n_new.append(dataset.catalog.n_new_items)
    dataset = replace(dataset, catalog=replace(dataset.catalog, n_new_items=n_new[0]))
    items = in_random_order(dataset, same_time(dataset))
    stages: dict[Stage, tuple[float, float]] = {"validation": (begins, tests), "test": (tests, ends)}
    held = {}
    for stage, span in stages.items():
        held[stage] = held_in(dataset, items, span, target)
        if not len(held[stage].users):
            raise DataError(
                f"data set {name!r}: nobody has interactions before {span[0]} and from there to {span[1]}, as "
                f"{stage} needs; {remedy(dataset, windows)}"
            )
    train, *before = (
        Interactions(dataset.user[rows], items[rows], dataset.timestamp[rows])
        for rows in (dataset.timestamp < time for time in until)
    )
    return dataset, Split(
        train,
        held,
        _fingerprint(dataset, train, held),
        tied=held["test"].seen.length > held["test"].known.length,
        facts=_facts(dataset, held["test"], (begins, tests, ends)),
        by_time=True,
        choosing=Choosing(before[0], n_new[1]) if refit else None,
    )


def in_brief(dataset: Dataset) -> str:
    """Return whether a data set can be split by time and, if so, what is ranked behind the usual cut."""
    try:
        _, split = by_time(dataset)
    except DataError as error:
        return f"no: {str(error).partition(': ')[2].partition('; ')[0]}"
    facts, n_users = split.facts, len(split.held["test"].users)
    return (
        f"yes: {n_users:,} tested users behind the cut {','.join(CUT)}, {facts['targets_new']:,} of them "
        f"({facts['targets_new'] / n_users:.1%}) on items that are new, {facts['users_drawn']:,} on one of several "
        "items of the same time"
    )


def orders(dataset: Dataset) -> list[Ties]:
    return [ties for ties in get_args(Ties) if ranks_somebody(dataset, ties)]


def ranks_somebody(dataset: Dataset, ties: Ties) -> bool:
    try:
        leave_one_out(dataset, ties)
    except DataError:
        return False
    return True


def remedy(dataset: Dataset, windows: int) -> str:
    if has_cut(dataset):
        return f"choose another run.cut{' or fewer windows' * (windows > 1)}, or use {instead(dataset)}"
    return f"use {instead(dataset)}"


def has_cut(dataset: Dataset) -> bool:
    rows = np.flatnonzero(~same_time(dataset))
    _, first, n_times = np.unique(dataset.user[rows], return_index=True, return_counts=True)
    several, time = n_times > 1, dataset.timestamp[rows]
    second, last = time[first[several] + 1], time[(first + n_times - 1)[several]]
    return bool(several.any() and last.max() > second.min())


def instead(dataset: Dataset) -> str:
    return f"--split leave-one-out{'' if ranks_somebody(dataset, 'random') else ' --ties file'}"


def warnings(dataset: Dataset, split: Split, ties: Ties, name: str) -> Iterator[str]:
    """Yield what speaks against a data set and its split, a line each; the name may be that of a window."""
    yield from dataset.notes
    if far := "" if dataset.positions else far_off(dataset.timestamp):
        yield f"{name}: {far}"
    if not split.by_time:
        yield from order_warnings(dataset, ties)
        if not not_times(dataset) and has_cut(dataset):
            yield (
                f"{name}: leave-one-out trains on interactions that are later than test items of other users; "
                "--split time does not"
            )
    elif (drawn := split.facts["users_drawn"]) > MOST_TIED * (n_users := len(split.held["test"].users)):
        yield (
            f"{name}: the test items of {drawn:,} of {n_users:,} users ({drawn / n_users:.1%}) are one of several "
            "of the same time, drawn by a hash"
        )


def known_first(dataset: Dataset, begins: float) -> Dataset:
    """Return a data set with the items first that exist before a time; the others are new to any model.

    So whatever is learnt of items is learnt of the first of them.
    """
    catalog, known = dataset.catalog, np.zeros(dataset.catalog.n_items + 1, dtype=bool)
    known[0] = known[dataset.item[dataset.timestamp < begins]] = True
    order = np.concatenate([np.flatnonzero(known), np.flatnonzero(~known)])  # old numbers
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    ids, texts = (tuple(values[old] for old in order) for values in (catalog.item_ids, catalog.item_texts))
    catalog = replace(catalog, item_ids=ids, item_texts=texts, n_new_items=int((~known).sum()))
    return replace(dataset, catalog=catalog, item=number[dataset.item])


def held_in(dataset: Dataset, items: np.ndarray, span: tuple[float, float], target: Target) -> HeldItems:
    """Return what is held out of the users with an interaction in a span of time and one before it.

    Args:
        dataset: the data set.
        items: int64 [M], the items in the order of the split. A target comes to stand last among its time.
        span: from when, and until before when.
        target: which interaction in the span is ranked.
    """
    user, time, tied = dataset.user, dataset.timestamp, same_time(dataset)
    start = np.searchsorted(user, np.arange(dataset.catalog.n_users + 1))  # [U+1]
    rows = np.flatnonzero((time >= span[0]) & (time < span[1]) & (time[start[user]] < span[0]))
    users, first = np.unique(user[rows], return_index=True)
    if target == "first":
        place = rows[first]
    elif target == "last":
        place = rows[np.append(first, len(rows))[1:] - 1]
    else:
        place = rows[np.lexsort((hashes(dataset, rows, items), user[rows]))[first]]
    begin = began(tied, place)
    end = len(tied) - 1 - began(np.append(tied[1:], False)[::-1], len(tied) - 1 - place)
    if target == "random":
        items[place], items[end] = items[end], items[place]
    known, seen = (SeenItems(items, start[users], until - start[users], time) for until in (begin, end))
    return HeldItems(users, items[end], known, seen, existence(dataset, end))


def existence(dataset: Dataset, place: np.ndarray) -> Existence:
    _, when = np.unique(dataset.timestamp, return_inverse=True)
    since = np.full(dataset.catalog.n_items + 1, len(when))
    np.minimum.at(since, dataset.item, when)
    since[0] = 0
    return Existence(since.astype(np.int32), when[place].astype(np.int32))


def _fingerprint(dataset: Dataset, train: Interactions, held: dict[Stage, HeldItems]) -> str:
    catalog = dataset.catalog
    parts = [train.user, train.item]
    for of_stage in held.values():
        parts += [of_stage.users, of_stage.target, of_stage.known.length, of_stage.seen.length]
        parts += [] if of_stage.exists is None else [of_stage.exists.n_items]
    return fingerprint(catalog.user_ids, catalog.item_ids, *parts, held["test"].known.items)


def _facts(dataset: Dataset, test: HeldItems, times: tuple[float, float, float]) -> dict[str, int | float]:
    """Return when the split cuts, who is not ranked, and what is ranked among what."""
    catalog, (begins, tests, ends) = dataset.catalog, times
    in_test = (dataset.timestamp >= tests) & (dataset.timestamp < ends)
    n_candidates = np.zeros(1) if test.exists is None else test.exists.n_items
    return {
        "validation_begins": begins,
        "test_begins": tests,
        "users_without_history": len(np.unique(dataset.user[in_test])) - len(test.users),
        "users_drawn": int((test.seen.length > test.known.length).sum()),
        "targets_new": int((test.target > catalog.n_items - catalog.n_new_items).sum()),
        "items_new": catalog.n_new_items,
        "least_candidates": int(n_candidates.min()),
        "most_candidates": int(n_candidates.max()),
    }

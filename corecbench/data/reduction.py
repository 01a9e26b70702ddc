"""Parts of a data set: a share of the users trains, some items are left out of training, one window is tested.

U users, N items, M interactions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from corecbench.api import DataError, Interactions, generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from corecbench.api import CellRecord
    from corecbench.data.split import Split


Selection = Literal["training-users", "all-users"]
"""Whose validation items choose, where a share of the users trains."""


@dataclass(frozen=True, order=True)
class Reduction:
    """The part of the users and items that training sees, and the window of a split by time that is tested."""

    train_share: float = 1.0
    """Share of the users whose training interactions are learnt from."""
    cold_items: float = 0.0
    """Share of the items whose interactions are left out of training."""
    window: int = 0
    """Which of several windows is tested, from 1; 0 for all of them together."""
    windows: int = 1
    """Number of windows that are tested, each by models of its own."""

    def __bool__(self) -> bool:
        return self.train_share != 1 or self.cold_items != 0

    def name_of(self, dataset: str) -> str:
        """Return the name of a data set under this reduction.

        >>> Reduction().name_of("toy"), Reduction(0.25, 0.1).name_of("toy")
        ('toy', 'toy (25% of users train; 10% of items cold)')
        >>> Reduction(window=2, windows=3).name_of("toy"), Reduction(windows=3).name_of("toy")
        ('toy (window 2 of 3)', 'toy (3 windows)')
        """
        return f"{dataset}{self.suffix}"

    def whole(self, name: str) -> str:
        """Return the name of the data set without this reduction.

        >>> Reduction(0.25).whole("toy (25% of users train)")
        'toy'
        """
        return name.removesuffix(self.suffix)

    @property
    def suffix(self) -> str:
        stated = "; ".join(self.stated())
        return f" ({stated})" if stated else ""

    def stated(self) -> Iterator[str]:
        if self.windows > 1:
            yield f"window {self.window} of {self.windows}" if self.window else f"{self.windows} windows"
        if self.train_share != 1:
            yield f"{in_percent(self.train_share)} of users train"
        if self.cold_items:
            yield f"{in_percent(self.cold_items)} of items cold"

    def fields(self) -> dict[str, float]:
        share = {"train_share": self.train_share} if self.train_share != 1 else {}
        window = {"window": self.window, "windows": self.windows} if self.windows > 1 else {}
        return share | ({"cold_items": self.cold_items} if self.cold_items else {}) | window

    def apply(
        self,
        split: Split,
        dataset: str,
        n_users: int,
        n_items: int,
        seed: int,
        selection: Selection = "training-users",
    ) -> Split:
        """Return a split whose training part is reduced. Test items, histories and seen items stay.

        The users and items that are chosen depend on the data set and the seed, not on any model. Those of a
        smaller share are among those of a larger one.

        Args:
            split: the whole split.
            dataset: the name of the data set, without a reduction.
            n_users: U.
            n_items: N.
            seed: the seed of the run.
            selection: whose validation items stay.

        Raises:
            DataError: nothing is left to train on, or nobody who trains has a validation item.
        """
        if not self:
            return split
        trains = np.ones(n_users + 1, dtype=bool)
        cold = np.zeros(n_items + 1, dtype=bool)
        if self.train_share != 1:
            trains[:] = False
            trains[chosen(self.train_share, n_users, seed, dataset, "train share")] = True
        if self.cold_items:
            cold[chosen(self.cold_items, n_items, seed, dataset, "cold items")] = True
        whole = split.train

        def part(train: Interactions) -> Interactions:
            kept = trains[train.user] & ~cold[train.item]
            if not kept.any():
                raise DataError(f"data set {self.name_of(dataset)!r}: seed {seed} leaves nothing to train on")
            return Interactions(
                train.user[kept], train.item[kept], None if train.time is None else train.time[kept]
            )

        choosing = split.choosing
        held = dict(split.held)
        if selection == "training-users":
            held["validation"] = held["validation"].of(trains[held["validation"].users])
            if not len(held["validation"].users):
                raise DataError(
                    f"data set {self.name_of(dataset)!r}: nobody of those who train under seed {seed} has a "
                    "validation item; train more users, or choose by all (--set run.selection=all-users)"
                )
        return replace(
            split,
            held=held,
            train=part(whole),
            choosing=None if choosing is None else replace(choosing, train=part(choosing.train)),
            known=whole,
            trains=trains if self.train_share != 1 else None,
            cold=cold if self.cold_items else None,
        )


NOTHING_LEFT_OUT = Reduction()


def chosen(share: float, n: int, seed: int, *purpose: str) -> np.ndarray:
    """Return a share of the numbers 1 to n, at least one of them, int64; a larger share has all of a smaller one.

    >>> small, large = (chosen(share, 10, 0, "toy").tolist() for share in (0.2, 0.5))
    >>> len(small), len(large), set(small) < set(large)
    (2, 5, True)
    """
    return 1 + generator(seed, *purpose).permutation(n)[: max(1, round(share * n))]


def in_percent(share: float) -> str:
    """Return a share in percent, with the digits that it needs.

    >>> in_percent(0.25), in_percent(0.005), in_percent(0.07)
    ('25%', '0.5%', '7%')
    """
    return f"{100 * share:.10g}%"


def largest_parts(parts: Iterable[tuple[str, Reduction]]) -> set[str]:
    """Return the names of data sets of which each stands for another one: the largest of several parts.

    Ranks on several parts of one data set are no independent observations. Each window has a largest part.

    >>> sorted(largest_parts([("a", Reduction()), ("a (25% of users train)", Reduction(0.25))]))
    ['a']

    Args:
        parts: name of a data set, which says its reduction, and the reduction.
    """
    largest: dict[tuple[str, int], tuple[float, float, str]] = {}
    for name, reduction in parts:
        whole = reduction.whole(name), reduction.window
        size = reduction.train_share, -reduction.cold_items, name
        largest[whole] = max(size, largest.get(whole, size))
    return {name for *_, name in largest.values()}


def reduction_of(cell: CellRecord) -> Reduction:
    window = cell.get("window", 0), cell.get("windows", 1)
    return Reduction(cell.get("train_share", 1.0), cell.get("cold_items", 0.0), *window)


def pooled_dataset(cell: CellRecord) -> str:
    reduction = reduction_of(cell)
    if reduction.windows == 1:
        return cell["dataset"]
    return replace(reduction, window=0).name_of(reduction.whole(cell["dataset"]))


def whole_dataset(cell: CellRecord) -> str:
    return reduction_of(cell).whole(cell["dataset"])

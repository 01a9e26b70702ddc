"""Compares a cell with the same cell run again: ranks user by user, and what was different around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corecbench.evaluation.measuring import measure_checked
from corecbench.results.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from corecbench.api import CellResult, Metric, RowSide
    from corecbench.results.store import Entry

METRIC = "NDCG@10"

COMPARED = (
    *("hash", "versions", "plugins", "commit", "device", "machine", "dtypes", "algorithms"),
    *("fingerprints", "settings", "protocol", "data"),
)
"""Fields of a record on which ranks may depend."""


@dataclass(frozen=True)
class ComparedSide:
    """The ranks of one side before and after."""

    side: RowSide
    n_users: int
    """Number of users before."""
    n_unshared: int
    """Number of users that only one of both ranks."""
    n_differing: int
    """Number of users of both whose rank differs."""
    before: float
    """NDCG@10 before."""
    after: float

    @property
    def is_equal(self) -> bool:
        """Whether all users have the same ranks."""
        return not self.n_unshared and not self.n_differing

    def __str__(self) -> str:
        if self.is_equal:
            return f"{self.side}: equal for all {self.n_users} users"
        unshared = f"; {self.n_unshared} users are ranked by one of both only" if self.n_unshared else ""
        return (
            f"{self.side}: {self.n_differing} of {self.n_users} users have another rank{unshared}; "
            f"{METRIC} {self.before:.4f} there, {self.after:.4f} here ({self.after - self.before:+.4f})"
        )


def compared(before: Entry, after: Entry, metric: Metric) -> list[ComparedSide]:
    """Return how each side of a cell compares with the same side of the cell run again.

    Raises:
        ResultsError: ranks are missing or damaged.
    """
    store = Store(before[0], "")  # the folders are known
    found = []
    for side in before[1]["sides"]:
        old, new = (store.ranks(folder, side).set_index("user_id") for folder, _ in (before, after))
        shared = old.index.intersection(new.index)
        differing = int((old.loc[shared, "rank"].to_numpy() != new.loc[shared, "rank"].to_numpy()).sum())
        unshared = len(old.index.symmetric_difference(new.index))
        found.append(ComparedSide(side, len(old), unshared, differing, mean_of(old, metric), mean_of(new, metric)))
    return found


def mean_of(ranks: pd.DataFrame, metric: Metric) -> float:
    """Return the mean of a metric of ranks."""
    values = measure_checked(METRIC, metric, ranks["rank"].to_numpy(), ranks["n_candidates"].to_numpy(), None)
    return float(values.mean())


def differences(before: CellResult, after: CellResult) -> Iterator[str]:
    """Yield what is different around two cells, one line each: versions, machine, weights and so on."""
    old, new = (dict(flat({key: record[key] for key in COMPARED if key in record})) for record in (before, after))  # type: ignore[literal-required]
    for name in dict.fromkeys((*old, *new)):
        values = [str(known[name]) if name in known else "not recorded" for known in (old, new)]
        if values[0] != values[1]:
            yield f"{name}: {values[0]} there, {values[1]} here"


def flat(values: Mapping[str, Any], owner: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings with their names.

    >>> list(flat({"versions": {"torch": "2.6"}, "commit": None}))
    [('versions torch', '2.6'), ('commit', None)]
    """
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{owner}{name} ")
        else:
            yield f"{owner}{name}", value

"""Checks everything that is stored of a benchmark. Nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from corecbench.api import PROJECT, CellResult, Metric, RowSide, UsageError
from corecbench.evaluation.measuring import depth, measure_checked
from corecbench.results.checksums import is_stored
from corecbench.results.layout import ITEMS_FILE, RECORD_FILE, TOP_FILE, side_file
from corecbench.results.record import NewerError, ResultsError, damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from corecbench.plugin.host import Host
    from corecbench.results.store import Store

    State = Literal["ok", "newer", "damaged"]


class Verdict(NamedTuple):
    """What is known of a stored cell."""

    folder: Path
    state: State
    reason: str
    """What is wrong, in one line; empty if nothing is."""


def rank_metric(host: Host, name: str) -> Metric | None:
    """Return a metric whose values follow from the ranks and its name, such as NDCG@10; None for any other."""
    if "@" not in name:  # the cutoff may be a setting of the run
        return None
    try:
        selected = host.select("metrics", name, {})
    except UsageError:  # its plugin is not here
        return None
    metric: Metric = host.build(selected)
    return metric if selected.plugin.distribution == PROJECT and depth(metric) == 0 else None


def verify(store: Store, metric_of: Callable[[str], Metric | None]) -> Iterator[Verdict]:
    """Yield the verdict on each stored cell, in the order of their folders.

    `metric_of` returns the metric of a name, if its value in a record must follow from the ranks.
    """
    for folder in store.folders():
        try:
            record = store.checked(folder)
            check_lists(store, folder, record)
            for side in record["sides"]:
                check_metrics(store, folder, record, side, metric_of)
        except NewerError as error:
            yield Verdict(folder, "newer", str(error))
        except ResultsError as error:
            yield Verdict(folder, "damaged", str(error))
        else:
            yield Verdict(folder, "ok", "")


def check_lists(store: Store, folder: Path, record: CellResult) -> None:
    """Read the tables beside the ranks of a cell, those that there are.

    Raises:
        DamagedError: one of them cannot be read.
    """
    if is_stored(folder, ITEMS_FILE, record):
        store.items(folder)
    for side in record["sides"]:
        if is_stored(folder, side_file(record["cell"], side, TOP_FILE), record):
            store.top(folder, side)


def check_metrics(
    store: Store, folder: Path, record: CellResult, side: RowSide, metric_of: Callable[[str], Metric | None]
) -> None:
    """Raise a DamagedError if a metric in a record contradicts the ranks."""
    ranks = store.ranks(folder, side)
    rank, n_candidates = (ranks[column].to_numpy() for column in ("rank", "n_candidates"))
    for name, stated in record["sides"][side]["metrics"].items():
        if (metric := metric_of(name)) is None:
            continue
        mean = float(np.mean(measure_checked(name, metric, rank, n_candidates)))
        if not np.isclose(mean, stated, rtol=1e-6, atol=1e-9):
            raise damaged(folder / RECORD_FILE, f"{name} of {side} is {stated:.6g}, but {mean:.6g} by the ranks")

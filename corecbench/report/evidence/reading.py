"""Reads stored cells once, as the evidence that every table, plot and page asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api import Metric, UsageError
from corecbench.evaluation.measuring import is_overall
from corecbench.report.evidence.contrasts import STANDARD, Method
from corecbench.report.evidence.controls import NO_CONTROLS, KnownControls
from corecbench.report.evidence.evidence import Evidence
from corecbench.report.evidence.rows import Row, read_row
from corecbench.report.evidence.users import check_users, pooled
from corecbench.results.record import ResultsError
from corecbench.results.rows import RowKey, by_row
from corecbench.results.selection import protocols_of
from corecbench.results.user_ranks import RanksReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.results.store import Entry, Store


def read(
    entries: Sequence[Entry],
    store: Store,
    metrics: Mapping[str, Metric],
    tested: str = "NDCG@10",
    method: Method = STANDARD,
    controls: KnownControls = NO_CONTROLS,
) -> Evidence:
    """Read what is stored of some cells.

    There is at most one entry for each cell and seed; failed cells have one, too.

    Raises:
        ResultsError: there are no records, or they do not belong in one table.
        UsageError: `tested` is not among the metrics or has no value per user, or there is no such method.
    """
    if not entries:
        raise ResultsError("no results to make a table of; `corecbench run` makes them")
    if tested not in metrics:
        raise UsageError(f"metric {tested!r} is to be tested but not among those shown: {', '.join(metrics)}")
    check_testable(tested, metrics[tested])
    protocols = protocols_of(entries)
    rows = read_rows(entries, store, metrics)
    left_out = [str(folder) for folder in store.damaged]
    return Evidence(rows, metrics, tested, method, entries, protocols, controls, left_out)


def check_testable(name: str, metric: Metric) -> None:
    """Make sure that a metric can be tested over users.

    Raises:
        UsageError: the metric has no value per user.
    """
    if is_overall(metric):
        raise UsageError(
            f"{name} is one value of all lists together, which cannot be tested over users; choose a metric that "
            "has one per user, such as NDCG@10"
        )


def read_rows(entries: Sequence[Entry], store: Store, metrics: Mapping[str, Metric]) -> dict[RowKey, Row]:
    """Return the rows of a table in its order, with the metrics of each user computed from what is stored.

    Where there are several windows, a row is over all of them.

    Raises:
        ResultsError: a cell has two results for a seed, or has no lists for a metric that needs them, or the rows
            of a data set rank different users.
    """
    planned: dict[str, set[int]] = {}
    for _, record in entries:
        planned.setdefault(record["cell"]["dataset"], set()).add(record["cell"]["seed"])
    reader = RanksReader()
    rows = {
        key: read_row(key, of_seeds, store, metrics, reader, planned[key.dataset])
        for key, of_seeds in by_row(entries).items()
    }
    check_users(rows.values())
    return pooled(rows)

"""The strongest row without an LLM on each data set, over which the gain of a pair is said first.

A pair can gain much over its own model alone because that model is weak there. So the row to beat is the best of
all that have no LLM: references, models alone, and pairs whose module shares nothing. It is chosen by NDCG@10 on
the validation items, and no test item has a say.
"""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from corecbench.report.stored_rows import StoredRow
    from corecbench.results.rows import RowKey


def strongest_without_llm(rows: Mapping[RowKey, StoredRow], unshared: Collection[str]) -> dict[str, RowKey]:
    """Return data set -> its strongest row without an LLM, if any such row has a validation value.

    Rows that lack a seed which another one has do not count, unless all do. Of equal rows the first counts.

    Args:
        rows: the rows of a table, in order.
        unshared: the sharing modules that share nothing.
    """
    found = {}
    for dataset in dict.fromkeys(key.dataset for key in rows):
        here = {key: row for key, row in rows.items() if key.dataset == dataset}
        seeds = {seed for row in here.values() for seed in row.values}
        values = {
            key: (not row.missing(seeds), value)
            for key, row in here.items()
            if is_without_llm(key, unshared) and (value := validation_of(row)) is not None
        }
        if values:
            found[dataset] = max(values, key=lambda key: values[key])
    return found


def is_without_llm(key: RowKey, unshared: Collection[str]) -> bool:
    """Return whether no LLM has a part in a row: a domain model alone, or in a pair that shares nothing."""
    return key.side == "domain" and key.control is None and (key.sharing is None or key.sharing in unshared)


def validation_of(row: StoredRow) -> float | None:
    """Return NDCG@10 on the validation items, the mean over seeds; None where a seed has no such value."""
    values = [record["sides"][row.key.side]["validation"] for record in row.records]
    known = [value for value in values if value is not None and value >= 0]  # -1 in old results: unknown
    return mean(known) if values and len(known) == len(values) else None

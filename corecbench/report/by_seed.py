"""Stored results as a data frame: a row for each side of a cell and seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corecbench.results.rows import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.report.stored_rows import StoredRow
    from corecbench.results.rows import RowKey


def by_seed(rows: Mapping[RowKey, StoredRow], metrics: Sequence[str], tested: str) -> pd.DataFrame:
    """Return the rows of a table apart by seed.

    The columns are `dataset`, `cell`, `side`, `domain`, `llm`, `sharing`, `control`, `seed`, `n_users`, each
    metric, the relative change of the tested one against the same model trained alone with this seed, such as
    "MRR vs solo", and `error`, why a seed or one of its metrics has no value.

    Args:
        rows: the rows of a table, in order.
        metrics: the columns.
        tested: the metric whose change is a column.
    """
    means = {key: means_by_seed(row) for key, row in rows.items()}
    records = []
    for key, row in rows.items():
        for seed in sorted(row.values.keys() | row.problems.keys()):
            own, solo = (means.get(each, {}).get(seed, {}).get(tested) for each in (key, key.solo))
            records.append(
                {
                    **{name: getattr(key, name) for name in ("dataset", "cell", *PARTS[1:])},
                    "seed": seed,
                    "n_users": len(row.values.get(seed, ())),
                    **{name: means[key].get(seed, {}).get(name, np.nan) for name in metrics},
                    f"{tested} vs solo": change(own, None if key.is_solo else solo),
                    "error": row.problems.get(seed) or "; ".join(row.faults.get(seed, {}).values()) or None,
                }
            )
    return pd.DataFrame(records)


def means_by_seed(row: StoredRow) -> dict[int, dict[str, Any]]:
    """Return seed -> metric -> its mean over users, or its one value if it has no value per user."""
    return {seed: {**values.mean(), **row.overall.get(seed, {})} for seed, values in row.values.items()}


def change(own: float | None, solo: float | None) -> float:
    """Return the relative change; NaN where there is none."""
    return np.nan if own is None or not solo else own / solo - 1

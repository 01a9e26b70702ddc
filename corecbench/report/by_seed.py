"""Stored results as a data frame: a row for each side of a cell and seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.report.per_user import Key, Line


def by_seed(lines: Mapping[Key, Line], metrics: Sequence[str], tested: str) -> pd.DataFrame:
    """Return the rows of a table apart by seed.

    The columns are `dataset`, `cell`, `side`, `domain`, `llm`, `sharing`, `control`, `seed`, `n_users`, each
    metric, the relative change of the tested one against the same model trained alone with this seed, such as
    "MRR vs solo", and `error`, why a seed has no values.

    Args:
        lines: rows of a table, in order.
        metrics: the columns, which the lines have values of.
        tested: one of them.
    """
    means = {key: means_of(line) for key, line in lines.items()}
    rows = []
    for key, line in lines.items():
        for seed in sorted(line.values.keys() | line.problems.keys()):
            own, solo = (means.get(each, {}).get(seed, {}).get(tested) for each in (key, key.solo))
            rows.append(
                {
                    **{name: getattr(key, name) for name in ("dataset", "cell", *key._fields[1:])},
                    "seed": seed,
                    "n_users": len(line.values.get(seed, ())),
                    **{name: means[key].get(seed, {}).get(name, np.nan) for name in metrics},
                    f"{tested} vs solo": change(own, None if key == key.solo else solo),
                    "error": line.problems.get(seed),
                }
            )
    return pd.DataFrame(rows)


def means_of(line: Line) -> dict[int, dict[str, Any]]:
    """Return seed -> metric -> mean over users, or the value that it has instead."""
    return {seed: {**values.mean(), **line.overall.get(seed, {})} for seed, values in line.values.items()}


def change(own: float | None, solo: float | None) -> float:
    """Return the relative change, NaN where it has none."""
    return np.nan if own is None or not solo else own / solo - 1

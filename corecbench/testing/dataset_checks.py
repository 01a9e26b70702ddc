"""Checks of data sets, on the data themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from corecbench.data.dataset import load_dataset
from corecbench.data.split import leave_one_out
from corecbench.testing.kit import Bench, NotApplicableError, require, settings_survive_json
from corecbench.toolkit.id_texts import alike_in_words

COLUMNS = {"interactions": ("user_id", "item_id", "timestamp"), "items": ("item_id", "title")}
KNOWN = 0.5
"""Least share of the items with interactions that `items()` has; fewer mean that ids are written in two ways."""


def tables_have_the_columns_of_the_contract(bench: Bench) -> None:
    """Ids and titles are text, timestamps int64 or float64."""
    users = {"users": ("user_id", "text")} if hasattr(bench.built, "users") else {}
    for method, columns in {**COLUMNS, **users}.items():
        table = getattr(bench.built, method)()
        require(isinstance(table, pd.DataFrame), f"{method}() gives {type(table).__name__}, must be a DataFrame")
        missing = [column for column in columns if column not in table]
        require(not missing, f"{method}() has no column {', '.join(missing)}")
        for column in columns:
            check_column(f"{column} of {method}()", table[column])
        if method == "items":
            for column in table.columns.difference(columns):
                check_field(f"{column} of items()", table[column])


def check_column(what: str, column: pd.Series) -> None:
    """Raise a CheckError if a column is not of the type that its name stands for."""
    if column.name == "timestamp":
        require(column.dtype in (np.int64, np.float64), f"{what} is {column.dtype}, must be int64 or float64")
        require(
            np.isfinite(column).all(), f"{what} has {int((~np.isfinite(column)).sum())} missing or infinite values"
        )
        return
    other = [value for value in column.drop_duplicates() if not isinstance(value, str)]
    require(not other, f"{what} holds {other[:1]}, must be text")
    if column.name not in ("title", "text"):
        require(not (column == "").any(), f"{what} is empty in {int((column == '').sum())} rows")


def check_field(what: str, column: pd.Series) -> None:
    """Raise a CheckError if a field of items, from which texts can be made, is not text."""
    other = [value for value in column.drop_duplicates() if not isinstance(value, str)]
    require(not other, f"{what} holds {other[:1]}, must be text")


def an_item_is_listed_once(bench: Bench) -> None:
    """Ids of `items()` are unique."""
    ids = bench.built.items()["item_id"]
    repeated = ids[ids.duplicated()]
    require(repeated.empty, f"items() lists {len(repeated)} ids again, such as {repeated.iloc[:1].tolist()}")


def interactions_are_with_known_items(bench: Bench) -> None:
    """Items without a text are allowed; if most are unknown, the two tables write ids in two ways."""
    listed = set(bench.built.items()["item_id"])
    if not listed:
        raise NotApplicableError("it has no texts")
    used = set(bench.built.interactions()["item_id"])
    unknown = sorted(used - listed)
    enough = len(unknown) <= (1 - KNOWN) * len(used)
    require(enough, f"{len(unknown)} of {len(used)} items are not in items(), such as {unknown[:1]}")


def the_order_is_stable(bench: Bench) -> None:
    """Two readings give the same rows in the same order, and a caller that changes a table harms no later one."""
    for method in COLUMNS:
        first = getattr(bench.built, method)()
        before = first.copy()
        for column in first:
            first[column] = first[column].iloc[0] if len(first) else first[column]
        again = getattr(bench.built, method)()
        require(before.equals(again), f"{method}() gives other rows, or another order, when it is asked again")


def ids_are_written_in_one_way(bench: Bench) -> None:
    """No two ids differ in blanks, hidden characters, Unicode form or a trailing ".0" only."""
    table, remedy = bench.built.interactions(), getattr(bench.built, "id_remedy", "")
    for column in ("user_id", "item_id"):
        alike = alike_in_words(f"values of {column}", table[column], remedy)
        require(not alike, alike)


def it_can_be_split(bench: Bench) -> None:
    """It is loaded as a run does, and at least one user can be tested."""
    split = leave_one_out(load_dataset(bench.selected.name, bench.built))
    require(len(split.held["test"].users), "no user can be tested")


CHECKS = (
    tables_have_the_columns_of_the_contract,
    an_item_is_listed_once,
    interactions_are_with_known_items,
    the_order_is_stable,
    ids_are_written_in_one_way,
    it_can_be_split,
    settings_survive_json,
)

"""Reads the file that is checked: texts of users or items, or vectors of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from corecbench.api import DataError
from corecbench.leakcheck.pairs import Matching
from corecbench.leakcheck.texts import check_item_texts, check_user_texts
from corecbench.leakcheck.vectors import check_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from corecbench.api import Catalog
    from corecbench.data.loaded import SplitDataset
    from corecbench.leakcheck.verdict import Finding

FORM = "texts have the columns user_id or item_id, and text; vectors have item_id and a column for each dimension"


@dataclass(frozen=True)
class Checked:
    """A file, as it was read."""

    kind: Literal["texts of users", "texts of items", "vectors of items"]
    n_known: int
    """Its lines that are of the data set."""
    n_others: int
    finding: Finding


def check_file(path: Path, data: SplitDataset, before: Path | None = None, seed: int = 0) -> Checked:
    """Check a file against the split of a data set.

    Args:
        path: CSV or Parquet, of texts or of vectors.
        data: the data set.
        before: the same vectors before they were fitted.
        seed: draws what the pairs are compared with.

    Raises:
        DataError: the file cannot be read, has other columns, or nothing of the data set.
    """
    table, catalog, matching = read(path), data.catalog, Matching(data, seed)
    if "text" in table:
        of_users = "user_id" in table
        index = numbers(path, table, "user_id" if of_users else "item_id", catalog)
        texts = {int(number): str(text) for number, text in zip(index, table["text"], strict=True) if number > 0}
        finding = (check_user_texts if of_users else check_item_texts)(matching, texts)
        kind: Literal["texts of users", "texts of items"] = "texts of users" if of_users else "texts of items"
        return Checked(kind, len(texts), int((index < 1).sum()), finding)
    vectors, n_others = vectors_in(path, table, catalog)
    earlier = None if before is None else vectors_in(before, read(before), catalog)[0]
    finding = check_vectors(matching, vectors, earlier)
    return Checked("vectors of items", int(vectors.any(axis=1).sum()), n_others, finding)


def read(path: Path) -> pd.DataFrame:
    """Return a CSV or Parquet file as a table, ids and texts as str.

    Raises:
        DataError: it cannot be read, or has none of the columns that are needed.
    """
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            table = pd.read_parquet(path)
        else:
            as_text = {"user_id": str, "item_id": str, "text": str}
            table = pd.read_csv(path, dtype=as_text, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a table: {' '.join(str(error).split())}") from error
    if "item_id" not in table and not {"user_id", "text"} <= set(table):
        raise DataError(f"{path}: has the columns {', '.join(map(str, table.columns))}; {FORM}")
    return table


def vectors_in(path: Path, table: pd.DataFrame, catalog: Catalog) -> tuple[np.ndarray, int]:
    """Return the vectors of a table, float64 [N+1, d], and how many lines are of no item of the data set.

    Raises:
        DataError: a column is not of numbers, or no line is of an item of the data set.
    """
    index = numbers(path, table, "item_id", catalog)
    rest = table.drop(columns="item_id")
    if not len(rest.columns) or not all(pd.api.types.is_numeric_dtype(kind) for kind in rest.dtypes):
        raise DataError(f"{path}: a column beside item_id is not of numbers; {FORM}")
    rows = rest.to_numpy(dtype=np.float64)
    if not np.isfinite(rows).all():
        raise DataError(f"{path}: {int((~np.isfinite(rows)).sum()):,} values are missing or not finite")
    vectors = np.zeros((catalog.n_items + 1, rows.shape[1]))
    vectors[index[index > 0]] = rows[index > 0]
    return vectors, int((index < 1).sum())


def numbers(path: Path, table: pd.DataFrame, column: str, catalog: Catalog) -> np.ndarray:
    """Return the user or item of each line, int64, below 1 where it is none of the data set.

    Raises:
        DataError: none is.
    """
    ids: Sequence[str] = catalog.user_ids if column == "user_id" else catalog.item_ids
    index = pd.Index(ids, dtype=object).get_indexer(table[column].astype(str).to_numpy(dtype=object))
    if not (index > 0).any():
        raise DataError(
            f"{path}: no {column} is one of data set '{catalog.name}', which has ids such as {ids[1]!r:.40}"
        )
    return np.asarray(index)

"""Reads the file that is checked: texts of users or items, or vectors of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from corecbench.api import DataError, UsageError
from corecbench.leakcheck.pairs import Matching
from corecbench.leakcheck.texts import check_item_texts, check_user_texts
from corecbench.leakcheck.vectors import check_vectors
from corecbench.toolkit import ordinary_file, read_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from corecbench.api import Catalog
    from corecbench.data.loaded import SplitDataset
    from corecbench.leakcheck.verdict import Finding
    from corecbench.toolkit import FoundVectors

TABLES, ARRAYS = (".parquet", ".pq"), (".npy", ".npz", ".safetensors")
"""Endings of files that are not read as CSV: of texts or vectors, and of vectors only."""
FORM = "texts have the columns user_id or item_id, and text"


@dataclass(frozen=True)
class Checked:
    """A file, as it was read."""

    kind: Literal["texts of users", "texts of items", "vectors of items"]
    n_known: int
    """Its lines that are of the data set."""
    n_others: int
    finding: Finding


def check_file(path: Path, data: SplitDataset, before: Path | None = None, seed: int = 0) -> Checked:
    """Check texts (CSV or Parquet), or any file that `read_vectors` reads, against the split of a data set.

    The vectors may be compared with those before they were fitted. The seed draws what pairs are compared with.

    Raises:
        DataError: the file cannot be read, has other columns, or nothing of the data set.
        UsageError: there are vectors from before, and the file has texts.
    """
    catalog, matching = data.catalog, Matching(data, seed)
    if (table := texts_in(path)) is not None:
        if before is not None:
            raise UsageError(f"{path} has texts, and --before is for vectors; leave it out")
        of_users = "user_id" in table
        index = numbers(path, table, "user_id" if of_users else "item_id", catalog)
        texts = {int(number): str(text) for number, text in zip(index, table["text"], strict=True) if number > 0}
        finding = (check_user_texts if of_users else check_item_texts)(matching, texts)
        kind: Literal["texts of users", "texts of items"] = "texts of users" if of_users else "texts of items"
        return Checked(kind, len(texts), int((index < 1).sum()), finding)
    found = read_vectors(path)
    earlier = None if before is None else rows_of(read_vectors(before), catalog)
    finding = check_vectors(matching, rows_of(found, catalog), earlier)
    n_known = found.of(catalog)[1]
    return Checked("vectors of items", n_known, len(found.ids) - n_known, finding)


def texts_in(path: Path) -> pd.DataFrame | None:
    """Return a CSV or Parquet file of texts as a table, ids and texts as str; None if it is of vectors.

    Raises:
        DataError: it cannot be read, or its texts have no ids.
    """
    kind = path.suffix.lower()
    if kind in ARRAYS:
        return None
    try:
        ordinary_file(path)
        if kind in TABLES:
            table = pd.read_parquet(path) if "text" in pq.read_schema(path).names else None
        else:
            named = "text" in pd.read_csv(path, nrows=0)
            table = pd.read_csv(path, dtype=str, keep_default_na=False) if named else None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a table: {' '.join(str(error).split())}") from error
    if table is not None and not {"item_id", "user_id"} & set(table):
        raise DataError(f"{path}: has the columns {', '.join(map(str, table.columns))}; {FORM}")
    return table


def rows_of(found: FoundVectors, catalog: Catalog) -> np.ndarray:
    return np.concatenate([*found.of(catalog)[0].values()], axis=1, dtype=np.float64)


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

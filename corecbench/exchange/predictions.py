"""Writes the stored lists of a cell as other tools read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from corecbench.api import UsageError
from corecbench.results.layout import slug
from corecbench.results.record import ResultsError, failure_of, sides_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from corecbench.api import RowSide
    from corecbench.exchange.reading import Format
    from corecbench.results.store import Entry, Store

MOST_BYTES = 10_000
"""Most bytes of the first line of a file that was written."""
COLUMNS = ("user_id", "item_id", "score", "position")


def write_predictions(store: Store, entry: Entry, name: str, format_: Format, out: Path) -> pd.DataFrame:
    """Write the best items of every user on one side of a cell, and return them.

    The name is that by which the user called the cell, with the side of a pair behind a colon.

    Raises:
        UsageError: the cell has several sides and none was named, an id cannot stand in the format, or the file is
            there and another one.
        ResultsError: the side has no ranks, or no lists were stored.
    """
    side = side_of(entry, name)
    folder, record = entry
    if "imported" in record and record["imported"]["kind"] == "ranks":
        raise ResultsError(f"{folder}: ranks without lists were imported, so there are none to write")
    if out.exists() and not was_written(out, format_):
        raise UsageError(
            f"{out} is there and was not written by `corecbench results predictions`; give another --out"
        )
    top = store.top(folder, side)[list(COLUMNS)]
    out.parent.mkdir(parents=True, exist_ok=True)
    if format_ == "parquet":
        top.to_parquet(out, index=False)
    elif format_ == "csv":
        top.to_csv(out, index=False, lineterminator="\n")
    else:
        out.write_text(as_trec(top, slug(name)), encoding="utf-8", newline="\n")
    return top


def was_written(file: Path, format_: Format) -> bool:
    """Return whether a file looks like one that `write_predictions` wrote."""
    if not file.is_file():
        return False
    if format_ == "parquet":
        try:
            return tuple(pq.read_schema(file).names) == COLUMNS
        except (OSError, ValueError):  # pyarrow's own errors are among these
            return False
    with file.open("rb") as lines:
        first = lines.readline(MOST_BYTES).rstrip(b"\n")
    if format_ == "csv":
        return first == ",".join(COLUMNS).encode()
    return len(fields := first.split(b" ")) == 6 and fields[1] == b"Q0"


def side_of(entry: Entry, name: str) -> RowSide:
    """Return the side of a cell that is named, or the only one.

    Raises:
        UsageError: the cell has several sides and none was named.
        ResultsError: the side has no ranks.
    """
    folder, record = entry
    cell = record["cell"]
    sides = sides_of(cell)
    side = next((each for each in sides if name == f"{cell['name']}:{each}"), None)
    if side is None and len(sides) > 1:
        raise UsageError(
            f"cell {name} has several sides; choose one of {', '.join(f'{name}:{each}' for each in sides)}"
        )
    side = side or sides[0]
    if failure := failure_of(record, side):
        raise ResultsError(f"{folder}: the cell failed: {' '.join(failure['message'].split())}")
    return side


def as_trec(top: pd.DataFrame, tag: str) -> str:
    r"""Return lists as the lines of a run file of TREC.

    >>> import numpy as np, pandas as pd
    >>> top = pd.DataFrame({"user_id": ["u"], "item_id": ["i"], "score": np.float32([0.1]), "position": [1]})
    >>> as_trec(top, "sasrec")
    'u Q0 i 1 0.1 sasrec\n'
    """
    for column in ("user_id", "item_id"):
        blank = top[column].str.contains(r"\s|^$")
        if blank.any():
            raise UsageError(
                f"{column} {top[column][blank].iloc[0]!r} holds a blank, which no run file of TREC can"
            )
    # the digits of a float32 that tell it from all others, so that ties stay ties and no others arise
    lines = zip(top["user_id"], top["item_id"], top["position"], top["score"].to_numpy(), strict=True)
    return "".join(f"{user} Q0 {item} {position} {score!s} {tag}\n" for user, item, position, score in lines)

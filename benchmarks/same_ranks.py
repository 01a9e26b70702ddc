"""Compare two folders of results rank by rank, to show that a change of the code left what it computes as it was.

    python benchmarks/same_ranks.py BEFORE AFTER

Every row of BEFORE is looked for in AFTER under the same data set, cell, seed and side. Ranks, lists of best items
with their scores, and the frequency of items in training must be equal bit for bit. The exit code is 1 if a row
differs or is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.results.folders import stores

if TYPE_CHECKING:
    import pandas as pd

    from corecbench.results.store import Store

Row = tuple[str, str, int, str]
"""Data set, cell, seed, side."""


def rows_of(folder: Path) -> dict[Row, tuple[Store, Path]]:
    """Return where each row of a folder of results is stored."""
    return {
        (record["cell"]["dataset"], record["cell"]["name"], record["cell"]["seed"], side): (store, cell)
        for store in stores(folder)
        for cell, record in store.records()
        for side in record["sides"]
    }


def tables_of(store: Store, cell: Path, row: Row) -> list[pd.DataFrame]:
    """Return everything that is stored of a row."""
    return [store.ranks(cell, row[3]), store.top(cell, row[3]), store.items(cell)]


@click.command()
@click.argument("before", type=click.Path(exists=True, path_type=Path))
@click.argument("after", type=click.Path(exists=True, path_type=Path))
def main(before: Path, after: Path) -> None:
    """Print each row that differs, and how many are equal."""
    first, second = rows_of(before), rows_of(after)
    equal = 0
    for row, place in first.items():
        if row not in second:
            click.echo(f"missing: {' '.join(map(str, row))}")
            continue
        pairs = zip(tables_of(*place, row), tables_of(*second[row], row), strict=True)
        if all(one.equals(other) for one, other in pairs):
            equal += 1
        else:
            click.echo(f"differs: {' '.join(map(str, row))}")
    click.echo(f"{equal} of {len(first)} rows are equal bit for bit")
    raise SystemExit(equal < len(first))


if __name__ == "__main__":
    main()

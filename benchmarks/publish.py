"""Publishes a benchmark's results as a bundle, `results/published/BENCHMARK.zip`, as they may be given to anyone.

    python benchmarks/publish.py quarter
    python benchmarks/publish.py quarter --results results/published    makes a bundle of a published folder

Terms of use often forbid to pass data on, and ids are most of a file's size. So users become numbers, the same in
every cell and window of a data set, held-out items are left out, and lists of best items and checkpoints stay
behind. Tables, slices and tests are the same as from the results themselves:
`corecbench report --results results/published --benchmark quarter`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.api import CorecbenchError
from corecbench.results.bundle import pack
from corecbench.results.checksums import unsealed
from corecbench.results.folders import stores
from corecbench.results.merge import merge
from corecbench.results.record import ResultsError
from corecbench.results.store import Entry, Store

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

LEFT_OUT = "-"
"""In place of the held-out items."""


def anonymous(ranks: pd.DataFrame, users: Collection[str] | None = None) -> pd.DataFrame:
    """Return ranks with users numbered in the order of their ids and without the held-out items.

    `users` are those of all windows, where there are several; else those of the ranks.
    What is anonymous is returned as it is: numbers are not in the order of numbers when they are ids.

    >>> ranks = pd.DataFrame({"user_id": ["b", "a"], "target_item_id": ["x", "y"], "rank": [3, 1]})
    >>> anonymous(ranks).to_dict("list")
    {'user_id': ['1', '2'], 'target_item_id': ['-', '-'], 'rank': [1, 3]}
    """
    if (ranks.target_item_id == LEFT_OUT).all():
        return ranks
    numbers = {user: str(number) for number, user in enumerate(sorted(users or ranks.user_id), start=1)}
    ranks = ranks.sort_values("user_id").reset_index(drop=True)
    return ranks.assign(user_id=ranks.user_id.map(numbers), target_item_id=LEFT_OUT)


def users_of_windows(source: Store, entries: Sequence[Entry]) -> dict[str, set[str]]:
    """Return for each split that is a window the users of all windows there are of its data set: some return."""
    found: dict[str, dict[str, set[str]]] = {}
    for folder, record in entries:
        of_data, split = found.setdefault(record["data"]["fingerprint"], {}), record["data"]["split_fingerprint"]
        if "window" in record["protocol"] and split not in of_data:
            of_data[split] = set(source.ranks(folder, next(iter(record["sides"]))).user_id)
    return {split: set().union(*of_data.values()) for of_data in found.values() for split in of_data}


def publish(source: Store, target: Store) -> int:
    """Copy every cell that succeeded and is not there yet; return how many were copied.

    Raises:
        ResultsError: there is nothing to copy, or a cell is damaged.
    """
    entries = [(folder, record) for folder, record in source.records() if record["status"] == "ok"]
    if not entries:
        raise ResultsError(f"{source.root / source.benchmark}: no cell that succeeded")
    copied, users = 0, users_of_windows(source, entries)
    for folder, record in entries:
        place = target.root / folder.relative_to(source.root)
        if target.is_done(place) and unsealed(target.read(place)) == unsealed(record):
            continue
        of_split = users.get(record["data"]["split_fingerprint"])
        ranks = {side: anonymous(source.ranks(folder, side), of_split) for side in record["sides"]}
        target.write(place, record, ranks)
        copied += 1
    return copied


def publish_bundle(source: Store, bundle: Path) -> int:
    """Write a bundle with the cells that it has already and all that succeeded; return how many are new.

    Raises:
        ResultsError: as in `publish`, or the bundle is not as its manifest says.
    """
    bundle.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bundle.parent, prefix=".publish-") as made:
        target = Store(Path(made), source.benchmark)
        if bundle.exists():
            merge(stores(bundle), target.root)
        copied = publish(source, target)
        pack([target], bundle)
    return copied


@click.command()
@click.argument("benchmark")
@click.option("--results", default="results", show_default=True, type=click.Path(path_type=Path))
@click.option("--out", default="results/published", show_default=True, type=click.Path(path_type=Path))
def main(benchmark: str, results: Path, out: Path) -> None:
    """Publish the results of a BENCHMARK as they may be given to anyone."""
    bundle = out / f"{benchmark}.zip"
    try:
        copied = publish_bundle(Store(results, benchmark), bundle)
    except CorecbenchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    click.echo(f"{copied} new cells in {bundle}, {bundle.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

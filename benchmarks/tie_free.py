"""Prints what a pair gains where time decides which item is held out, and where the order of a file does.

    python benchmarks/tie_free.py results/published/three-datasets amazon-toys-games

Users whose last two interactions have the same time are ranked as all others, and which of the two items is the
test item is the choice of whoever wrote the file. Newer results say of each user whether that is so, and
`corecbench report --slices` shows it. This reads it from the data set, for results that are older.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from corecbench.api import CorecbenchError, DataError
from corecbench.cli.options import data_dir_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.api import Metric
    from corecbench.data.split import Split
    from corecbench.results.store import Store

Values = dict[tuple[str, str, str], dict[int, np.ndarray]]
"""Cell, side and its model -> seed -> metric of each user, float64 [T]. A model alone is a cell of its name."""


def by_id(user_ids: Sequence[str], users: np.ndarray) -> np.ndarray:
    """Return the places of tested users, int64 [T], in the order of their ids, in which results are published.

    >>> by_id(("", "9", "10", "8"), np.array([1, 2, 3])).tolist()
    [1, 2, 0]
    """
    return np.argsort([user_ids[user] for user in users])


def values_of(store: Store, split: Split, order: np.ndarray, dataset: str, metric: Metric) -> Values:
    """Return the metric of all published rows of a data set, of which `order` is that of the users, int64 [T].

    Raises:
        DataError: the results are of another split, or of its users in another order.
    """
    found: Values = defaultdict(dict)
    n_known = np.bincount(split.before.user)[split.held["test"].users][order]  # [T]
    for folder, record in store.records(dataset):
        if record["data"]["split_fingerprint"] != split.fingerprint:
            raise DataError(f"{folder} is not a result of this split of {dataset}")
        for side in record["sides"]:
            ranks = store.ranks(folder, side)
            if not np.array_equal(ranks["history_length"], n_known):
                raise DataError(f"{folder} has its users in another order than {dataset}")
            values = metric.per_user(ranks["rank"].to_numpy(), ranks["n_candidates"].to_numpy())
            cell = record["cell"]
            found[cell["name"], side, cell[side]][cell["seed"]] = values
    return found


def rows(values: Values, tied: np.ndarray) -> Iterator[str]:
    """Yield a row of a table for each pair, and for all users, those in order and those with a tie, bool [T]."""
    from corecbench.stats.relative import fieller, relative_change

    for (name, side, model), of_pair in sorted(values.items()):
        of_solo = values.get((model, side, model), {})
        seeds = sorted(of_pair.keys() & of_solo.keys())
        if name == model or not seeds:
            continue
        pair, solo = (np.mean([of[seed] for seed in seeds], axis=0) for of in (of_pair, of_solo))
        for label, users in (("all", np.ones_like(tied)), ("in order", ~tied), ("at the same time", tied)):
            change = relative_change(pair[users], solo[users])
            interval = fieller(pair[users], solo[users])
            cells = [name, side, ",".join(map(str, seeds)), label, f"{users.sum():,}"]
            cells += [f"{part[users].mean():.4f}".removeprefix("0") for part in (solo, pair)]
            cells.append("-" if change is None else f"{change:+.1%}")
            known = interval is not None and interval.shape == "interval"
            cells.append(f"{interval.low:+.1%} to {interval.high:+.1%}" if known else "-")
            yield "| " + " | ".join(cells) + " |"


@click.command()
@click.argument("results", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("dataset")
@data_dir_option
def main(results: Path, dataset: str) -> None:
    """Print NDCG@10 of the pairs in a benchmark's folder RESULTS on a DATASET, with and without tied users."""
    from corecbench.data.loaded import read_datasets
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig

    try:
        host = Host.discover()
        (data,) = read_datasets(RunConfig(datasets=(dataset,), ties="file"), host)
        if data.split.tied is None:
            raise DataError(f"{dataset} has no times")
        store = Store(results.parent, results.name)
        order = by_id(data.dataset.catalog.user_ids, data.split.held["test"].users)
        values = values_of(store, data.split, order, dataset, host.build(host.select("metrics", "NDCG@10", {})))
    except CorecbenchError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from error
    click.echo("| pair | side | seeds | last two items | users | alone | pair | change | 95% interval |")
    click.echo("|---|---|---|---|---|---|---|---|---|")
    for row in rows(values, data.split.tied[order]):
        click.echo(row)


if __name__ == "__main__":
    main()

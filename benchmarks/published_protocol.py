"""Trains a domain model as many published tables do: on the validation items of all but a few users, too.

    python benchmarks/published_protocol.py --config solo --dataset amazon-beauty --model sasrec

Leave-one-out in corecbench keeps every user's validation item out of training. The benchmarks behind gSASRec
(Petrov and Macdonald, RecSys 2023, arXiv 2308.07192) and eSASRec (Tikhonovich et al., 2025, arXiv 2508.06450)
keep out those of some users only, 2,048 by default, for early stopping; those of all others, which are the
interactions just before the test items, are trained on. This measures what the difference is worth, and with
--random-items what it is worth to hold out any item instead of the last, as splits by ratio often do. It chooses
nothing: settings come from the file, the epoch from the validation users.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click
import numpy as np

from corecbench.api import CorecbenchError, Interactions, Setup
from corecbench.cli.options import data_dir_option
from corecbench.toolkit import cache_folder

if TYPE_CHECKING:
    from corecbench.data.dataset import Dataset
    from corecbench.data.split import Split

METRICS = ("HR@10", "NDCG@10")


def with_validation(split: Split, of: np.ndarray) -> Interactions:
    """Return the training part with the validation items of some tested users, bool [T], behind their others.

    >>> from corecbench.data.split import HeldItems, Split
    >>> train = Interactions(np.array([1, 1, 2]), np.array([5, 6, 7]))
    >>> split = Split(train, {"validation": HeldItems.after(train, np.array([1, 2]), np.array([8, 9]))}, "")
    >>> with_validation(split, np.array([True, False])).item.tolist()
    [5, 6, 8, 7]
    """
    train, held = split.train, split.held["validation"].of(of)
    end = np.searchsorted(train.user, held.users, side="right")
    return Interactions(np.insert(train.user, end, held.users), np.insert(train.item, end, held.target))


def in_random_order(dataset: Dataset, seed: int) -> Dataset:
    """Return a data set with each user's items in random order, so that any of them may be held out.

    >>> from corecbench.data.dataset import Dataset
    >>> toy = Dataset(None, np.array([1, 1, 1, 2, 2]), np.array([1, 2, 3, 4, 5]), np.arange(5), {}, "")
    >>> in_random_order(toy, seed=1).item.tolist()
    [3, 1, 2, 5, 4]
    """
    order = np.lexsort((np.random.default_rng(seed).random(len(dataset.user)), dataset.user))
    return dataclasses.replace(dataset, item=dataset.item[order])


def published_splits(split: Split, n_validation: int, seed: int) -> tuple[Split, Split]:
    """Return a split to train on, and one of the test items whose training part has all validation items."""
    validation, test = split.held["validation"], split.held["test"]
    chosen = np.random.default_rng(seed).permutation(len(validation.users)) < n_validation  # [T]
    training = dataclasses.replace(
        split, train=with_validation(split, ~chosen), held={"validation": validation.of(chosen)}
    )
    everything = with_validation(split, np.ones(len(chosen), dtype=bool))
    return training, dataclasses.replace(split, train=everything, held={"test": test})


def measure(
    config: str, dataset: str, model: str, seed: int, n_validation: int, random_items: bool = False
) -> dict[str, float]:
    """Train a model alone and return its metrics on the test items."""
    from corecbench.data.loaded import read_datasets
    from corecbench.data.split import leave_one_out
    from corecbench.experiment.layout import choose
    from corecbench.plugin.host import Host
    from corecbench.settings.config import load
    from corecbench.training.cell import CellTraining

    settings = load(config, {"datasets": (dataset,), "models": (model,), "ties": "file"}, ())
    host = Host.discover()
    (data,) = read_datasets(settings, host)
    (selected,) = choose(settings, host, settings.settings_on(data.name)).models
    metrics = {name: host.build(host.select("metrics", name, {})) for name in METRICS}
    split = leave_one_out(in_random_order(data.dataset, seed), "file") if random_items else data.split
    training, test = published_splits(split, n_validation, seed)
    setup = Setup(data.dataset.catalog, settings.max_history_on(data.name), seed, cache=cache_folder())
    cell_training = CellTraining(host, setup, training, model, metrics["NDCG@10"])

    def show(record: dict) -> None:
        click.echo(f"epoch {record['epoch']}: validation NDCG@10 {record['validation']:.4f}", err=True)

    side_training = cell_training.train_solo("domain", selected, show)
    side_training.finish()
    ranks = dataclasses.replace(cell_training, split=test).rank(side_training.model, "test")
    return {
        "best epoch": side_training.best_epoch,
        **{name: float(metric.per_user(ranks.rank, ranks.n_candidates).mean()) for name, metric in metrics.items()},
    }


@click.command()
@click.option("--config", required=True, help="A run file or its name: where settings stand.")
@click.option("--dataset", required=True)
@click.option("--model", required=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--validation-users", default=2048, show_default=True, help="Whose validation items are kept out.")
@click.option("--random-items", is_flag=True, help="Hold out random items of each user, not the last ones.")
@data_dir_option
def main(config: str, dataset: str, model: str, seed: int, validation_users: int, random_items: bool) -> None:
    """Print test HR@10 and NDCG@10 of a domain model that also trains on most validation items."""
    try:
        found = measure(config, dataset, model, seed, validation_users, random_items)
    except CorecbenchError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from error
    click.echo(
        f"{dataset} {model} seed {seed}: " + ", ".join(f"{name} {value:.4g}" for name, value in found.items())
    )


if __name__ == "__main__":
    main()

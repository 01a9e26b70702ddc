"""Measures the training of domain models: corecbench beside RecBole's own Trainer and RecTools.

    python benchmarks/perf/domain_training.py                        # an epoch, and the share of the matmul rate
    python benchmarks/perf/domain_training.py --long --work FOLDER   # the time to RecBole's best validation, hours

Both sides train the same class of RecBole on the same split and leave out what was seen when they validate; RecBole
under its own defaults, corecbench under its own. With --long RecBole trains until its early stopping ends it, and
corecbench until its validation NDCG@10 is as good as RecBole's best. What RecBole did is kept in --work after each
epoch: the same command goes on where it was cut off, and a finished run is read, not repeated.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from measuring.command_line import measuring_options
from measuring.comparison import Comparison, Target
from measuring.environments import python_of
from measuring.record import measure_all
from measuring.sides import FOLDER, Side, own_side
from sides.training_work import SHARES, TrainingWork, quantity_to

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from measuring.options import Options

AT_LEAST = {"SASRec": 20.0, "GRU4Rec": 20.0, "LightGCN": 5.0}
"""How many times as fast as RecBole's Trainer each model is to be."""
MANY_EPOCHS = 1000
"""More than early stopping allows."""
MATMUL = (2048, 2048, 2048)
LOSSES = ("softmax", "sampled_softmax")
AT_LEAST_RECTOOLS = 8.0
"""How many times as fast as RecTools SASRec is to be."""
NO_ANOMALY_MODE = "--no-anomaly-mode"
QUICKER = "RecBole, anomaly mode off"


def work_of(dataset: str) -> TrainingWork:
    """Return the split of a data set."""
    from corecbench.data.loaded import read_datasets
    from corecbench.plugin.host import Host
    from corecbench.settings.config import RunConfig

    (data,) = read_datasets(RunConfig(datasets=(dataset,), ties="file"), Host.discover())
    train, held, sizes = data.split.train, data.split.held, np.array([data.catalog.n_users, data.catalog.n_items])
    return TrainingWork(
        train.user, train.item, held["test"].users, held["validation"].target, held["test"].target, sizes
    )


def circle_work(n_users: int = 60, n_items: int = 30, length: int = 8) -> TrainingWork:
    """Return a tiny split, in which the next item is the next of a circle."""
    start = np.arange(n_users)[:, None]
    items = 1 + (start + np.arange(length)) % n_items  # [T, length]
    users = np.arange(1, n_users + 1)
    train = np.repeat(users, length - 2), items[:, :-2].reshape(-1)
    return TrainingWork(*train, users, items[:, -2], items[:, -1], np.array([n_users, n_items]))


def recbole_side(folder: Path, model: str, epochs: int, options: Options, *more: str | Path) -> Side:
    """Return the training of a model by RecBole's Trainer."""
    python = python_of("recbole", options)
    program = [python or "python", FOLDER / "sides" / "recbole_training.py"]
    name = QUICKER if NO_ANOMALY_MODE in more else "RecBole"
    return Side(name, [*program, folder, model, str(epochs), *more], cannot=missing(python))


def rectools_side(folder: Path, loss: str, epochs: int, options: Options, *journal: Path) -> Side:
    """Return the training of RecTools' SASRec."""
    python = python_of("rectools", options)
    program = [python or "python", FOLDER / "sides" / "rectools_training.py"]
    return Side(f"RecTools, {loss}", [*program, folder, loss, str(epochs), *journal], cannot=missing(python))


def to_shares(peer: str, at_least: float) -> list[Target]:
    """Return how many times as fast as a peer corecbench is to be to the peer's best, and to shares of it."""
    return [Target(peer, "corecbench", at_least=at_least, quantity=quantity_to(share)) for share in SHARES]


def most_epochs(text: str, dataset: str, otherwise: int) -> Callable[[str], int]:
    """Return a function that gives the most epochs of a model or loss on a data set.

    >>> most = most_epochs("GRU4Rec=39,amazon-beauty:GRU4Rec=20", "amazon-beauty", 1000)
    >>> most("GRU4Rec"), most("SASRec")
    (20, 1000)
    """
    limits = dict(part.split("=") for part in text.split(",") if part)
    return lambda name: int(limits.get(f"{dataset}:{name}", limits.get(name, otherwise)))


def missing(python: Path | None) -> str:
    """Return why a peer cannot be run; "" where it can."""
    return "" if python else "its environment is not there, and --no-install was given"


@dataclasses.dataclass(frozen=True)
class Place:
    """A data set, and where the sides find it."""

    dataset: str
    folder: Path
    """Of the split."""
    journals: Path
    """Of long runs."""
    options: Options
    config: str
    """A run file with settings of corecbench; "" for its defaults."""

    def own(self, model: str, epochs: int, *more: str | Path) -> Side:
        """Return the training of a model by corecbench; no number of epochs is that of its settings."""
        config = ["--config", self.config, "--dataset", self.dataset] if self.config else []
        return own_side("corecbench", "corecbench_training.py", self.folder, model, str(epochs), *config, *more)

    def epoch(self, model: str) -> Comparison:
        """Compare one epoch with its validation."""
        sides = [self.own(model, 1), recbole_side(self.folder, model, 1, self.options)]
        targets = [
            Target("RecBole", "corecbench", at_least=AT_LEAST[model], quantity="train_cpu_s"),
            Target("RecBole", "corecbench", quantity="validation_cpu_s"),
        ]
        if model != "LightGCN":
            sides.append(recbole_side(self.folder, model, 1, self.options, NO_ANOMALY_MODE))
            targets.append(Target(QUICKER, "corecbench", quantity="train_cpu_s"))
        if model == "SASRec":
            sides += [rectools_side(self.folder, loss, 1, self.options) for loss in LOSSES]
            targets += [Target(f"RecTools, {loss}", "corecbench", quantity="train_cpu_s") for loss in LOSSES]
        notes = [
            "Seconds of a side are those of an epoch and its validation.",
            "Importing RecBole's sequential models switches on torch's search for anomalies for the whole process. "
            + "RecBole's Trainer runs so, and once with it switched off.",
            "RecBole trains SASRec and GRU4Rec on a row for each prefix of a history, corecbench at every position "
            + "of a window; so an epoch of both sees the same targets. RecTools trains on the latest items of each "
            + "user alone, as many as a history has.",
        ]
        return Comparison(f"{self.dataset}, {model}: an epoch", sides, targets, notes, most_rounds=3)

    def until_best(self, model: str, epochs: int) -> Comparison:
        """Compare the time to RecBole's best validation, and to shares of it."""
        journal = self.journals / f"{self.dataset}-recbole-{model}.jsonl"
        peer = recbole_side(self.folder, model, epochs, self.options, journal)
        sides = [peer, self.own(model, 0, "--until", journal)]
        name = f"{self.dataset}, {model}: to RecBole's best validation"
        return Comparison(name, sides, to_shares(peer.name, AT_LEAST[model]), LONG_NOTES, most_rounds=1)

    def until_rectools(self, loss: str, epochs: int) -> Comparison:
        """Compare the time to the best validation of RecTools' SASRec."""
        journal = self.journals / f"{self.dataset}-rectools-{loss}.jsonl"
        peer = rectools_side(self.folder, loss, epochs, self.options, journal)
        sides = [peer, self.own("SASRec", 0, "--until", journal)]
        name = f"{self.dataset}, SASRec: to the best validation of RecTools ({loss})"
        return Comparison(name, sides, to_shares(peer.name, AT_LEAST_RECTOOLS), LONG_NOTES, most_rounds=1)

    def arithmetic(self) -> Comparison:
        """Compare the rate of a SASRec epoch with that of plain matrix products."""
        seconds = "0.01" if self.options.tiny else "2"
        sizes = ("64", "64", "64") if self.options.tiny else tuple(map(str, MATMUL))
        softmax = ("128", "64", "8192")
        sides = [
            self.own("SASRec", 1, "--arithmetic"),
            own_side("products, square, float32", "plain_product.py", *sizes, "float32", seconds),
            own_side("products, as in the softmax, float32", "plain_product.py", *softmax, "float32", seconds),
            own_side("products, square, bfloat16", "plain_product.py", *sizes, "bfloat16", seconds),
        ]
        targets = [
            Target("corecbench", side.name, at_least=0.5 if index == 0 else None, quantity="gflop_per_s")
            for index, side in enumerate(sides[1:])
        ]
        notes = ["Operations of the epoch are those that its matrix products need, without padding."]
        return Comparison(f"{self.dataset}, SASRec: share of the matmul rate", sides, targets, notes)


LONG_NOTES = (
    "Seconds of the peer run until the epoch with its best validation NDCG@10, those of corecbench until it is as "
    "good, or to its early stop where it is never; validation is included. to_98_cpu_s holds the seconds until "
    "98 % of the peer's best, on both sides, and to_stop_cpu_s those until the peer's early stopping.",
    "Each side trains once.",
)


@click.command()
@click.option("--datasets", default="ml-100k,amazon-beauty", show_default=True)
@click.option("--models", default="SASRec,GRU4Rec,LightGCN", show_default=True)
@click.option("--config", default="", help="A run file with settings of corecbench.  [default: its defaults]")
@click.option("--long", is_flag=True, help="Train to the best validation instead of an epoch.")
@click.option("--epochs", default="", help="Most epochs of a peer with --long, such as GRU4Rec=39,ml-1m:SASRec=6.")
@click.option(
    "--rectools", default=",".join(LOSSES), show_default=True, help="Its losses with --long; '' for none."
)
@click.option("--work", type=click.Path(path_type=Path), default=Path("perf-work"), show_default=True)
@measuring_options
def main(
    options: Options, datasets: str, models: str, config: str, long: bool, epochs: str, rectools: str, work: Path
) -> None:
    """Measure training beside peers."""
    with tempfile.TemporaryDirectory() as scratch:
        works: Mapping[str, TrainingWork] = (
            {"circle": circle_work()} if options.tiny else {name: work_of(name) for name in datasets.split(",")}
        )
        comparisons: list[Comparison] = []
        for name, split in works.items():
            folder = Path(scratch) / Path(name).name
            split.save(folder)
            journals = Path(scratch) / "journals" if options.tiny else work.resolve()
            place = Place(name, folder, journals, options, config)
            chosen = [model for model in models.split(",") if model]
            if long or options.tiny:
                most = most_epochs(epochs, name, 2 if options.tiny else MANY_EPOCHS)
                comparisons += [place.until_best(model, most(model)) for model in chosen]
                comparisons += [place.until_rectools(loss, most(loss)) for loss in rectools.split(",") if loss]
            if not long:
                comparisons += [place.epoch(model) for model in chosen]
                comparisons += [place.arithmetic()] if "SASRec" in chosen else []
        script = "domain_training_long" if long else "domain_training"
        measure_all(script, comparisons, options)


if __name__ == "__main__":
    main()

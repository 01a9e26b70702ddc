"""Trains a domain model alone by corecbench.

`corecbench_training.py FOLDER MODEL EPOCHS [--until JOURNAL] [--config FILE] [--dataset NAME] [--arithmetic]`
With `--until` it stops when its validation NDCG@10 is as good as the best of a peer's journal, or when its own
patience is over. It trains the class of RecBole under corecbench's settings, those of the run file for the data set
where one is given.
"""

import contextlib
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click
from measuring.clock import Cost, cpu_seconds, forget_peak_memory, peak_memory_bytes, report, report_cannot, timed

from corecbench.api import Catalog, EpochRecord, Interactions, Setup
from corecbench.data.split import HeldItems, Split
from corecbench.experiment.process import keep_freed_memory
from corecbench.plugin.host import Host
from corecbench.settings.config import load
from corecbench.training.cell import CellTraining
from corecbench.training.loop import SideTraining
from sides.arithmetic import sasrec_operations, window_lengths
from sides.training_work import MAX_HISTORY, Journal, TrainingWork, best_of, middle, seconds_of, seconds_to

LIBRARIES = ("corecbench", "torch", "recbole", "numpy", "scipy")
NAMES = {"SASRec": "sasrec", "GRU4Rec": "gru4rec", "LightGCN": "lightgcn"}


class Reached(Exception):  # noqa: N818
    """Validation is as good as it had to be."""


def cell_training_of(work: TrainingWork, host: Host, cache: Path) -> CellTraining:
    """Return a place to train on the work."""
    n_users, n_items = work.sizes.tolist()
    user_ids, item_ids = (("", *map(str, range(1, n + 1))) for n in (n_users, n_items))
    catalog = Catalog("work", user_ids, item_ids, item_texts=("",) * (n_items + 1))
    train = Interactions(work.user, work.item)
    split = Split(train, {"validation": HeldItems.after(train, work.users, work.validation)}, "")
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    return CellTraining(host, Setup(catalog, MAX_HISTORY, seed=0, cache=cache), split, "work", metric)


def observed(training: SideTraining) -> list[dict[str, float]]:
    """Make a training note what each of its epochs takes, and return the list of these notes."""
    train, validate = training.train_epoch, training.validate
    epochs: list[dict[str, float]] = []

    def train_epoch(sharing: Any, frozen: Any) -> float:
        loss, cost = timed(lambda: train(sharing, frozen))
        epochs.append({"train_cpu_s": cost.cpu_s, "train_wall_s": cost.wall_s})
        return loss

    def validated(model: Any) -> float:
        value, cost = timed(lambda: validate(model))
        epochs[-1] |= {"ndcg": value, "validation_cpu_s": cost.cpu_s, "validation_wall_s": cost.wall_s}
        return value

    training.train_epoch = train_epoch  # type: ignore[method-assign]
    training.validate = validated
    return epochs


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("model")
@click.argument("epochs", type=int)
@click.option("--until", type=click.Path(path_type=Path))
@click.option("--config", default="")
@click.option("--dataset", default="")
@click.option("--arithmetic", is_flag=True)
def main(
    folder: Path,
    model: str,
    epochs: int,
    until: Path | None,
    config: str,
    dataset: str,
    arithmetic: bool,
) -> None:
    """Train, and report what it took."""
    keep_freed_memory()  # as every run of corecbench does
    work, host, name = TrainingWork.load(folder), Host.discover(), NAMES[model]
    settings = load(config, {}, ()).settings_on(dataset) if config else {}
    selected = host.select("models", name, settings)
    if epochs:
        selected = replace(selected, config=replace(selected.config, epochs=epochs))
    wanted = None
    if until is not None:
        peer = Journal(until).read()
        if not peer:
            report_cannot("the peer has not trained, so there is nothing to reach", LIBRARIES)
            return
        wanted = best_of(peer)

    def on_epoch(record: EpochRecord) -> None:
        if wanted is not None and record["validation"] >= wanted:
            raise Reached

    with tempfile.TemporaryDirectory() as cache:
        cell = cell_training_of(work, host, Path(cache))
        built, _ = cell.build_solo("domain", selected)
        training = cell.side_training("domain", selected, built, selected.config.epochs)
        _ = cell.tasks  # laid out before the clock starts, as the loaders of the peers are
        notes = observed(training)
        cell.seed("training")
        forget_peak_memory()
        started = cpu_seconds()
        with contextlib.suppress(Reached):
            training.train_turn(0, selected.config.epochs, None, None, on_epoch)
        total_cpu_s = cpu_seconds() - started
    best = best_of(notes)
    facts: dict[str, Any] = {}
    if wanted is not None:
        facts |= seconds_to(notes, wanted)
        if best < wanted:
            facts["remark"] = f"it reached {best:.4f} of {wanted:.4f} in {len(notes)} epochs"
    cost = Cost(seconds_of(notes, "cpu_s"), seconds_of(notes, "wall_s"), peak_memory_bytes())
    lengths = window_lengths(work.user, MAX_HISTORY)
    operations = sasrec_operations(lengths, work.n_items, selected.config) if arithmetic else 0
    train_cpu_s = middle(notes, "train_cpu_s")
    report(
        cost,
        LIBRARIES,
        ndcg=best,
        epochs=len(notes),
        train_cpu_s=train_cpu_s,
        validation_cpu_s=middle(notes, "validation_cpu_s"),
        total_cpu_s=total_cpu_s,
        **facts,
        **({"gflop_per_s": operations / train_cpu_s / 1e9, "gflop": operations / 1e9} if arithmetic else {}),
        settings={field.name: getattr(selected.config, field.name) for field in fields(selected.config)},
    )


if __name__ == "__main__":
    main(standalone_mode=False)

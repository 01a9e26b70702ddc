"""Searches a domain model's settings on validation NDCG@10, for every model in the same way and time.

    python benchmarks/tune.py --dataset amazon-beauty --model sasrec --minutes 30

The best settings of all searches go to `corecbench/benchmarks/tuned/DATASET.toml`, which a run file can include,
every trial to `trials.csv` beside it.
A model is trained as by `corecbench run`: the same split, early stopping and numbers drawn from the seed.
The test items are taken out of the split before the first trial.

With `--in-pairs RUN`, a run file or its name, the model is trained in the pair of that run's first LLM and sharing
module, up to the LLM's first turn. Settings that are best alone need not be best together; what is found holds in
pairs only.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tuning.account import check_history, row, settings_alone, write_best, write_trials
from tuning.search import Partners, Search, locked, open_study
from tuning.space import DEFAULT_HISTORY, FULL, MAX_HISTORY, NEGATIVES, SPACES

from corecbench.api import CorecbenchError, UsageError
from corecbench.cli.options import data_dir_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    import optuna
    from optuna.trial import FrozenTrial


def tune(
    dataset: str,
    model: str,
    minutes: float,
    *,
    max_history: int | None = None,
    seed: int = 0,
    threads: int = 1,
    trial_minutes: float | None = None,
    max_trials: int | None = None,
    full_catalogue: bool = False,
    in_pairs: str | Path | None = None,
    storage: Path,
    out: Path,
    plugins: Sequence[Path] = (),
) -> Path:
    """Search for so many minutes and return the file with the best settings; see the options of the command."""
    import optuna

    from corecbench.data.loaded import read_datasets
    from corecbench.plugin.host import Host
    from corecbench.settings.config import RunConfig
    from corecbench.settings.configure import unknown

    if model not in SPACES:
        raise unknown("model with a search space in benchmarks/tuning/space.py:", model, SPACES)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    use_threads(threads)
    host = Host.discover(plugins)
    (data,) = read_datasets(RunConfig(datasets=(dataset,)), host)
    history = max_history or MAX_HISTORY.get(data.name, DEFAULT_HISTORY)
    path = out / f"{data.name}.toml"
    check_history(path, data.name, history)
    has_full = bool(SPACES[model].first_in_full)
    if full_catalogue and not has_full:
        raise UsageError(f"{model} has no loss over the whole catalogue; leave --full-catalogue out")
    if full_catalogue and in_pairs is not None:
        raise UsageError("--in-pairs has trials over the whole catalogue already; leave --full-catalogue out")
    partners = None if in_pairs is None else Partners.of(in_pairs, host, data.name)
    negatives: tuple[int, ...] = NEGATIVES
    if full_catalogue:
        negatives = (FULL,)
    elif partners is not None and has_full:
        negatives = (FULL, *NEGATIVES)
    best_alone = settings_alone(path, data.name, model)
    deadline_s = time.monotonic() + 60 * minutes
    trial_s = 60 * (minutes / 3 if trial_minutes is None else trial_minutes)
    search = Search(host, data, model, history, seed, negatives, deadline_s, trial_s, partners, best_alone)
    study = open_study(search, storage)

    def write(study: optuna.Study, trial: FrozenTrial | None = None) -> None:
        if trial is not None:
            click.echo(" ".join(f"{key}={value}" for key, value in list(row(search, trial).items())[3:]))
        with locked(storage):
            trials = study.get_trials()
            out.mkdir(parents=True, exist_ok=True)
            others = write_trials(out / "trials.csv", search, trials)
            trained = [trial for trial in trials if trial.intermediate_values]
            if trained:
                write_best(path, search, trained, others, threads)

    if minutes > 0:
        study.optimize(search.objective, n_trials=max_trials, timeout=60 * minutes, callbacks=[write])
    write(study)
    if not any(trial.intermediate_values for trial in study.get_trials()):
        raise UsageError(f"no trial of {search.study_name} finished an epoch; give more --minutes")
    if not path.exists():
        raise UsageError(f"{path} is gone, and a search in trials.csv is better; restore the file")
    return path


def use_threads(threads: int) -> None:
    """Let torch use so many threads, and keep the memory that it frees, as in a run."""
    import torch

    from corecbench.experiment.process import keep_freed_memory

    torch.set_num_threads(threads)
    keep_freed_memory()


TUNED = Path(__file__).parents[1] / "corecbench" / "benchmarks" / "tuned"
"""The checkout's, also where corecbench is installed elsewhere."""
A_PATH = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--dataset", required=True, help="A name, or a folder of atomic files.")
@click.option("--model", required=True, help=f"One of {', '.join(SPACES)}.")
@click.option("--minutes", default=30.0, help="How long to search; 0 only writes what is stored.")
@click.option("--trial-minutes", type=float, help="Of one trial.  [default: a third of --minutes]")
@click.option("--max-trials", type=int, help="Stop after so many trials, too.")
@click.option("--max-history", type=click.IntRange(1), help="Items of a history.  [default: 50; ml-1m 200]")
@click.option("--seed", default=0, help="Of the model and of the search.")
@click.option("--threads", default=1, help="Of torch.")
@click.option("--full-catalogue", is_flag=True, help="A search of its own, in which the loss is over all items.")
@click.option("--in-pairs", help="A run file or its name: search the settings of pairs, with its LLM.")
@click.option("--storage", type=A_PATH, default="results/tune.journal", help="Where a search goes on.")
@click.option("--out", type=A_PATH, default=TUNED, show_default="corecbench/benchmarks/tuned", help="Folder.")
@click.option("--plugin", "plugins", multiple=True, type=A_PATH, help="Load a plugin from a file.")
@data_dir_option
def main(**options: Any) -> None:
    """Search the settings of a domain model on validation NDCG@10 within a time budget.

    The same command goes on with a search that was stopped; it may run several times at once.
    """
    try:
        click.echo(f"best settings of all searches: {tune(**options)}")
    except CorecbenchError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()

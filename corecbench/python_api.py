"""The functions that `import corecbench` offers, with data frames for results."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.results.choice import choice_of
from corecbench.settings.config import SHOWN
from corecbench.settings.values import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from corecbench.keeping.recommending import LoadedModel
    from corecbench.plugin.host import Host
    from corecbench.results.choice import Choice
    from corecbench.results.store import Entry, Store


def run(
    *,
    out: str | Path = "results",
    config: str | Path | None = None,
    plugins: Sequence[str | Path] = (),
    without: Sequence[str] = (),
    progress: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Train models alone and with LLMs, as `corecbench run` does, and return a row for each side and seed.

    What is done already is read, and the tables are written beside the results.

    Args:
        out: the folder of the results.
        config: a run file, or the name of one that comes with corecbench, such as "three-datasets"; `options` win.
        plugins: Python files to load.
        without: names of plugins to leave out.
        progress: whether it is shown on stderr.
        **options: whatever a run file may say, named as there: `models`, `llms`, `solo_llms`, `references`,
            `sharing`, `controls`, `datasets`, `seeds`, `metrics`, `max_history`, `k_core`, `item_text`, `ties`,
            `train_shares`, `selection`, `cold_items`, `top_k`, `keep_models`, `benchmark`, `existing`, `device`,
            and tables such as `settings={"sasrec": {"epochs": 3}}`, `in_pairs`, `variants` and `per_dataset`.

    Returns:
        Columns as in `corecbench.report.by_seed`. A cell that failed has NaN and a reason.

    Raises:
        UsageError: an unknown name or a value that does not fit.
        DataError: a data set cannot be used.
        PluginError: a plugin that is asked for is broken.
    """
    from corecbench.experiment.session import prepare
    from corecbench.report.publish import publish_run
    from corecbench.report.publish import stored as stored_entries
    from corecbench.settings.config import load as load_config

    chosen = load_config(config, options, ())
    host = discover(plugins, without)
    experiment = prepare(chosen, host, Path(out))
    records = experiment.run(progress)
    warn(experiment.plan.left_out.values())
    publish_run(host, experiment.store, records, chosen.metrics, experiment.plan.left_out)
    return rows(host, experiment.store, stored_entries(experiment.store, records), chosen.metrics)


def load(
    results: str | Path = "results",
    *,
    benchmark: str | None = None,
    metrics: str | Sequence[str] = SHOWN,
    latest: bool = False,
    pick: Mapping[str, str | Sequence[str]] | None = None,
    plugins: Sequence[str | Path] = (),
) -> pd.DataFrame:
    """Return stored results as `run` returns them; nothing is trained.

    Args:
        results: the folder of the results, or of one benchmark, or a bundle.
        benchmark: whose; "default" or the only one if none.
        metrics: the columns; any, if what it needs is stored.
        latest: whether the latest settings of each cell are taken where several are stored.
        pick: cell -> hash of the settings to take.
        plugins: Python files to load, for their metrics.

    Raises:
        ResultsError: there is nothing, or what a metric needs was not stored.
        UsageError: an unknown metric, several benchmarks and none was named, or several settings of a cell and none
            was chosen.
    """
    from corecbench.results.bundle import opened

    host = discover(plugins)
    with opened(Path(results)) as folder:
        store, entries = stored(folder, benchmark, choice_of(latest, pick))
        return rows(host, store, entries, names(metrics))


def table(
    results: str | Path = "results",
    *,
    benchmark: str | None = None,
    metrics: str | Sequence[str] = SHOWN,
    test: str = "users-and-seeds",
    correction: str = "holm",
    margin: float = 0.05,
    latest: bool = False,
    pick: Mapping[str, str | Sequence[str]] | None = None,
    plugins: Sequence[str | Path] = (),
) -> pd.DataFrame:
    """Return the table of stored results: each side over its seeds, tested against the same model trained alone.

    The numbers are those of `corecbench report --effects --set report.cost=true`, not rounded.

    Args:
        results: the folder of the results, or of one benchmark, or a bundle.
        benchmark: whose; "default" or the only one if none.
        metrics: the columns. NDCG@10 is tested, or where it is not among them the first that has a value per user.
        test: "users-and-seeds", or over users alone "t", "wilcoxon", "permutation" or "bootstrap".
        correction: for the number of tests, "holm", "hochberg", "bh" or "none".
        margin: of equivalence, as a share of the mean that is compared with.
        latest: whether the latest settings of each cell are taken where several are stored.
        pick: cell -> hash of the settings to take.
        plugins: Python files to load, for their metrics.

    Raises:
        ResultsError: there is nothing, or what a metric needs was not stored.
        UsageError: an unknown metric or method, several benchmarks and none was named, or several settings of a
            cell and none was chosen.
    """
    from corecbench.report import main_table
    from corecbench.report import table as tables
    from corecbench.report.comparison import Method
    from corecbench.report.known_controls import known_controls
    from corecbench.report.publish import build_metrics, control_summaries
    from corecbench.results.bundle import opened

    method = Method(test, correction, margin)
    host = discover(plugins)
    built, tested = build_metrics(host, names(metrics))
    with opened(Path(results)) as folder:
        store, entries = stored(folder, benchmark, choice_of(latest, pick))
        sharing_nothing, controls = known_controls(host, entries).unshared, control_summaries(host)
        found = tables.build(entries, store, built, tested, method, sharing_nothing, controls=controls)
    warn(store.damaged.values())
    return main_table.report(found, cost=True, effects=True).values.infer_objects()


def load_model(
    cell: str | Path,
    side: str | None = None,
    *,
    latest: bool = False,
    pick: Mapping[str, str | Sequence[str]] | None = None,
    device: str = "cpu",
    plugins: Sequence[str | Path] = (),
) -> LoadedModel:
    """Return one side of a cell that was run with `keep_models`, ready to recommend.

    Neither the data set nor the other side is needed, and nothing is unpickled. An LLM is loaded from where the
    settings of the cell say, and must be the one that the cell was trained with.

    Args:
        cell: the folder of the cell, which holds result.json, or the one above it, which holds all settings and
            seeds of the cell; the lowest seed is taken.
        side: "domain" or "llm"; None for the only one or, in a pair, the domain model.
        latest: whether the latest settings of the cell are taken where several are stored.
        pick: cell -> hash of the settings to take.
        device: where it computes, such as "cuda".
        plugins: Python files to load, for their models.

    Raises:
        ResultsError: no model was kept, or it is damaged.
        UsageError: there is no such side, several settings of the cell are stored and none was chosen, or the LLM
            is another one.
        PluginError: the model's plugin is missing or broken.
    """
    from corecbench.keeping.loading import load_side
    from corecbench.results.folders import cell_at

    return load_side(discover(plugins), cell_at(Path(cell), choice_of(latest, pick)), side, device)


def discover(plugins: Sequence[str | Path], without: Sequence[str] = ()) -> Host:
    """Return the host of the installed plugins and of some files."""
    from corecbench.plugin.host import Host

    return Host.discover([Path(file) for file in plugins], without)


def stored(results: Path, benchmark: str | None, choice: Choice) -> tuple[Store, list[Entry]]:
    """Return a benchmark and what is chosen of it."""
    from corecbench.results.folders import choose, stores

    store = choose(stores(results), benchmark)
    return store, choice.of_each({store: store.sound()})[store]


def warn(left_out: Iterable[str]) -> None:
    """Warn of cells that are left out, since what is stored of them is damaged."""
    for reason in left_out:
        warnings.warn(f"left out: {reason}", RuntimeWarning, stacklevel=3)


def rows(host: Host, store: Store, entries: Sequence[Entry], metrics: Sequence[str]) -> pd.DataFrame:
    """Return results by side and seed."""
    from corecbench.report.by_seed import by_seed
    from corecbench.report.comparable import check_comparable, read_rows
    from corecbench.report.publish import build_metrics

    built, tested = build_metrics(host, metrics)
    check_comparable(entries)
    found = read_rows(entries, store, built)
    warn(store.damaged.values())
    return by_seed(found, list(built), tested)

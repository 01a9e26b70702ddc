"""The functions that `import corecbench` offers, with data frames for results."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.results.choice import choice_of
from corecbench.results.layout import slug
from corecbench.settings.config import SHOWN
from corecbench.settings.values import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from corecbench.keeping.recommending import LoadedModel
    from corecbench.plugin.host import Host
    from corecbench.report.views.tables import Frames


def run(
    *,
    out: str | Path = "results",
    config: str | Path | None = None,
    plugins: Sequence[str | Path] = (),
    without: Sequence[str] = (),
    progress: bool = False,
    interactions: pd.DataFrame | None = None,
    items: pd.DataFrame | None = None,
    name: str = "mine",
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
        interactions: a data set: `user_id`, `item_id` and `timestamp`, numbers or dates.
        items: `item_id` and `title` of its items.
        name: what it is called.
        **options: whatever a run file may say, named as there: `models`, `llms`, `solo_llms`, `references`,
            `sharing`, `controls`, `datasets`, `seeds`, `metrics`, `max_history`, `k_core`, `item_text`, `ties`,
            `train_shares`, `selection`, `cold_items`, `top_k`, `keep_models`, `benchmark`, `existing`, `device`,
            and tables such as `settings={"sasrec": {"epochs": 3}}`, `in_pairs`, `variants` and `per_dataset`.

    Returns:
        What `load` has as `rows`. A cell that failed has NaN and a reason.

    Raises:
        UsageError: an unknown name or a value that does not fit.
        DataError: a data set cannot be used.
        PluginError: a plugin that is asked for is broken.
    """
    from corecbench.experiment.session import prepare
    from corecbench.report.publish import gather, publish_run
    from corecbench.report.publish import stored as stored_entries
    from corecbench.report.views.tables import Frames
    from corecbench.settings.config import load as load_config
    from corecbench.settings.run_files import plugins_of

    if interactions is not None:
        if "datasets" in options:
            raise UsageError("datasets and interactions are given; only one of them says what is trained on")
        options["datasets"] = [str(kept_frame(interactions, items, name))]
    chosen = load_config(config, options, ())
    configs = (config,) if isinstance(config, str | Path) else config or ()
    host = discover([*plugins, *plugins_of(configs)], without)
    experiment = prepare(chosen, host, Path(out))
    records = experiment.run(progress)
    warn(experiment.plan.left_out.values())
    publish_run(host, experiment.store, records, chosen.metrics, experiment.plan.left_out)
    entries = stored_entries(experiment.store, records)
    return Frames(gather(host, experiment.store, entries, chosen.metrics)).rows


def kept_frame(interactions: pd.DataFrame, items: pd.DataFrame | None, name: str) -> Path:
    """Return the file of the cache that holds a data set, which worker processes read.

    Raises:
        UsageError: a data set is no data frame, `items` lacks a column or lists an item twice, or a column holds
            what Parquet cannot.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from corecbench.toolkit import cache_folder, workspace

    for what, frame in {"interactions": interactions, "items": items}.items():
        if not isinstance(frame, pd.DataFrame | None):
            raise UsageError(f"{what} is of type {type(frame).__name__}; a data frame of pandas is needed")
    table = interactions
    if items is not None:
        if missing := {"item_id", "title"} - set(items):
            raise UsageError(
                f"items has no column {', '.join(sorted(missing))}; have: {', '.join(map(str, items))}"
            )
        titles = items.set_index(items["item_id"].astype(str))["title"]
        if titles.index.duplicated().any():
            raise UsageError("items lists an item twice; an item is allowed once")
        if "item_id" in interactions:
            table = interactions.assign(title=interactions["item_id"].astype(str).map(titles))
    buffer = io.BytesIO()
    try:
        stored = pa.Table.from_pandas(table, preserve_index=False)
        pq.write_table(
            stored.replace_schema_metadata({**(stored.schema.metadata or {}), "interactions": ""}), buffer
        )
    except (ValueError, TypeError) as error:  # among them what pyarrow raises
        raise UsageError(f"interactions cannot be stored as Parquet ({' '.join(str(error).split())})") from error
    contents = buffer.getvalue()
    folder = cache_folder() / "frames" / hashlib.sha256(contents).hexdigest()[:12]
    path = folder / f"{slug(name)}.parquet"
    if not path.exists():
        with workspace(folder) as new:
            (new / path.name).write_bytes(contents)
            (new / path.name).replace(path)
    return path


def load(
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
) -> Frames:
    """Return the evidence in stored results; nothing is trained.

    It has data frames with the columns of the tables, whose numbers are not rounded: `.rows`, a line for each side
    of a cell and seed; `.table()`, each side over its seeds; `.contrasts(base)`, rows minus another one;
    `.slices()` and `.ledger()`.

    Args:
        results: the folder of the results, or of one benchmark, or a bundle.
        benchmark: whose; "default" or the only one if none.
        metrics: the columns; any, if what it needs is stored. NDCG@10 is tested, or where it is not among them the
            first that has a value per user.
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
    from corecbench.report.publish import gather
    from corecbench.report.views.tables import Frames
    from corecbench.results.folders import choose, stores
    from corecbench.stats.effect_sizes import Method

    method, choice = Method(test, correction, margin), choice_of(latest, pick)
    host = discover(plugins)
    store = choose(stores(Path(results)), benchmark)
    entries = choice.of_each({store: store.sound()})[store]
    evidence = gather(host, store, entries, names(metrics), method)
    warn(store.damaged.values())
    return Frames(evidence)


def table(results: str | Path = "results", **options: Any) -> pd.DataFrame:
    """Return the table of stored results: each side over its seeds, tested against the same model trained alone.

    The numbers are those of `corecbench report --effects --set report.cost=true`, not rounded.

    Args:
        results: the folder of the results, or of one benchmark, or a bundle.
        **options: those of `load`.

    Raises:
        ResultsError: as in `load`.
        UsageError: as in `load`.
    """
    return load(results, **options).table()


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


def warn(left_out: Iterable[str]) -> None:
    """Warn of cells that are left out, since what is stored of them is damaged."""
    for reason in left_out:
        warnings.warn(f"left out: {reason}", RuntimeWarning, stacklevel=3)

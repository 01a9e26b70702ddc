"""Makes the tables of stored results and writes them in the format of every reporter, and the plots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import CorecbenchError, PluginError
from corecbench.evaluation.measuring import UnusableMetric, check_metric, is_overall
from corecbench.report import (
    leaderboard,
    leaderboard_text,
    ledger,
    ledger_text,
    main_table,
    slice_effects,
    table,
    train_shares,
)
from corecbench.report.comparison import STANDARD
from corecbench.report.formats import write
from corecbench.report.known_controls import known_controls
from corecbench.report.user_groups import facts_by_dataset
from corecbench.results.choice import AS_STORED
from corecbench.results.layout import slug
from corecbench.results.read_once import ReadOnce
from corecbench.results.rows import result_key
from corecbench.settings.config import METRICS, SHOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from corecbench.api import CellResult, Metric
    from corecbench.plugin.host import Host
    from corecbench.report.comparison import Method
    from corecbench.report.formats import WrittenTable
    from corecbench.report.ledger import Ledger
    from corecbench.report.plots.registry import WrittenPlots
    from corecbench.report.plots.study import Study
    from corecbench.report.recommendation import Recommendation
    from corecbench.results.choice import Choice
    from corecbench.results.store import Entry, Store

TESTED = "NDCG@10"


@dataclass(frozen=True)
class Published:
    """The tables, and the files that they were written to."""

    texts: Mapping[str, str]
    """reporter -> the main table, for every reporter that did not fail."""
    slices: Mapping[str, str]
    """reporter -> the effects on slices of the users, for every reporter that did not fail."""
    shares: Mapping[str, str]
    """reporter -> the gains over shares of the users that train; empty where there are not several shares."""
    errors: Mapping[str, CorecbenchError]
    """reporter -> why it failed; the tables of other reporters are written all the same."""
    folder: Path
    paths: Sequence[Path]
    """The files in that folder."""
    complete: bool
    """Whether no cell failed or is damaged, every row has all seeds of its data set, and all tables that should be
    written are."""
    main: table.Table
    """The main table."""
    by_slice: Sequence[slice_effects.SliceTable]
    """The effects on slices, a table for each data set."""
    ledger: Mapping[str, str]
    """reporter -> the ledgers, for every reporter that did not fail; nothing where they were not made."""
    ledgers: Sequence[Ledger] | None
    """What the gain of each pair that has controls is made of; None where that was not asked for."""


def plot(host: Host, store: Store, entries: Sequence[Entry], metrics: Sequence[str]) -> WrittenPlots:
    """Write the plots of the given results into a folder beside them; the metric is the one that tables test."""
    from corecbench.report.plots import registry, study

    built, tested = build_metrics(host, metrics)
    rows = study.read(entries, store, tested, built[tested], known_controls(host, entries))
    return registry.write(rows, Path(store.root) / slug(store.benchmark) / "plots")


def control_summaries(host: Host) -> dict[str, str]:
    """Return how the controls whose plugins are here differ from their pairs."""
    return {component.name: component.summary for component, _ in host.list("controls")}


def build_metrics(host: Host, metrics: Sequence[str]) -> tuple[dict[str, Metric], str]:
    """Return the metrics of a table by name, and which of them is tested.

    NDCG@10 is tested, or where it is not among the metrics the first that has a value per user. If none has one,
    NDCG@10 is added.
    """
    built = {name: build_metric(host, name) for name in metrics}
    testable = [
        name for name, metric in built.items() if not isinstance(metric, UnusableMetric) and not is_overall(metric)
    ]
    if not testable:
        return {**built, TESTED: build_metric(host, TESTED)}, TESTED
    return built, TESTED if TESTED in testable else testable[0]


def build_metric(host: Host, name: str) -> Metric:
    """Return a metric. One that a plugin offers but that cannot be used has no values, and the table says why.

    Raises:
        UsageError: there is no such metric.
    """
    chosen = host.select("metrics", name, {})
    try:
        metric: Metric = host.build(chosen)
        check_metric(name, metric)
    except PluginError as error:
        return UnusableMetric(error)
    return metric


def stored(store: Store, records: Collection[CellResult]) -> list[Entry]:
    """Return the stored results of these records; other results of the benchmark are left out."""
    wanted = {result_key(record) for record in records}
    return [(folder, record) for folder, record in store.sound() if result_key(record) in wanted]


def publish_run(
    host: Host,
    store: Store,
    records: Collection[CellResult],
    metrics: Sequence[str],
    left_out: Mapping[Path, str] | None = None,
) -> Published:
    """Write the tables of the cells of a run beside its results, with ledgers if it has controls; see `publish`.

    Args:
        host: the host, which knows metrics and reporters.
        store: the store that holds the ranks.
        records: the records of the cells.
        metrics: the metrics of the run. If they are all that a run computes by default, the table shows some.
        left_out: folder -> why its cell was not run, which captions say too.
    """
    once = ReadOnce(store.root, store.benchmark)
    once.damaged.update(left_out or {})
    shown = SHOWN if tuple(metrics) == METRICS else metrics
    controlled = any(record["cell"].get("control") for record in records)
    return publish(host, once, stored(store, records), shown, with_ledger=controlled)


def publish(
    host: Host,
    store: Store,
    entries: Sequence[Entry],
    metrics: Sequence[str],
    cost: bool = False,
    effects: bool = False,
    method: Method = STANDARD,
    with_ledger: bool = False,
    by_slices: bool = False,
    with_files: bool = True,
) -> Published:
    """Make the tables of the given results in the format of each reporter, and write them beside the results.

    Args:
        host: the host, which knows metrics and reporters.
        store: the store that holds the ranks.
        entries: folders and their records.
        metrics: the columns, as `build_metrics` takes them.
        cost: whether the main table has columns of what training and inference take.
        effects: whether the main table has columns of effect sizes.
        method: the method of the tests.
        with_ledger: whether there is a table of the ledgers.
        by_slices: whether the ledgers are told on slices of the users, too.
        with_files: whether the tables are written.
    """
    built, tested = build_metrics(host, metrics)
    rows = table.read(entries, store, built, tested)
    controls = known_controls(host, entries)
    main = table.build(entries, store, built, tested, method, controls.unshared, rows, control_summaries(host))
    by_slice = slice_effects.build(entries, store, tested, built[tested], rows)
    folder = Path(store.root) / slug(store.benchmark)
    place = folder if with_files else None
    main_files = write(host, main_table.report(main, cost, effects), place)
    slice_files = write(host, slice_effects.report(by_slice), place)
    written = [main_files, slice_files]
    shares: Mapping[str, str] = {}
    if curves := train_shares.curves(rows, tested):
        written.append(write(host, train_shares.report(curves, main), place))
        shares = written[-1].texts
    ledgers = None
    if with_ledger:
        facts = facts_by_dataset(entries, store) if by_slices else {}
        higher = built[tested].higher_is_better
        ledgers = ledger.build(rows, tested, higher, method, controls, facts)
        written.append(write(host, ledger_text.report(ledgers, main, effects), place))
    return Published(
        texts=main_files.texts,
        slices=slice_files.texts,
        shares=shares,
        errors={name: error for files in written for name, error in files.errors.items()},
        folder=folder,
        paths=[path for files in written for path in files.paths],
        complete=complete(main, entries) and bool(main_files.paths or not with_files) and not store.damaged,
        main=main,
        by_slice=by_slice,
        ledger=written[-1].texts if with_ledger else {},
        ledgers=ledgers,
    )


def write_page(
    host: Host, store: Store, entries: Sequence[Entry], published: Published, effects: bool = False
) -> Path:
    """Write a report as one HTML file beside the tables of the same results; `effects` as in `publish`."""
    from corecbench.report.page import render, sections
    from corecbench.report.plots import study

    main, controls = published.main, known_controls(host, entries)
    metric = build_metric(host, main.tested)
    several = len({row.key.dataset for row in main.rows if row.seeds}) > 1
    rows = study.read(entries, store, main.tested, metric, controls)
    ledgers = published.ledgers
    if ledgers is None:
        ledgers = ledger.build(rows.rows, main.tested, metric.higher_is_better, main.method, controls)
    results = sections.Results(
        benchmark=store.benchmark,
        records=[record for _, record in entries],
        table=main,
        slices=published.by_slice,
        study=rows,
        board=leaderboard.build({store: entries}, main.tested, metric, controls.unshared, rows.rows)
        if several
        else None,
        effects=effects,
        ledgers=ledgers,
        recommendations=recommended(host, store, entries, rows),
    )
    path = published.folder / "report.html"
    path.write_text(render.render(results), encoding="utf-8", newline="\n")
    return path


def recommended(
    host: Host, store: Store, entries: Sequence[Entry], study: Study
) -> dict[str, Sequence[Recommendation] | str]:
    """Return for each data set what its best pair recommends to a few users, or why that cannot be shown."""
    from corecbench.report.page.recommended import WHO
    from corecbench.report.recommendations import recommendations

    pairs = [key for key in study.present() if key.sharing and key.side == "domain" and not study.is_control(key)]
    by_dataset: dict[str, Sequence[Recommendation] | str] = {}
    for dataset in dict.fromkeys(key.dataset for key in pairs):
        best = (max if study.higher_is_better else min)(
            (key for key in pairs if key.dataset == dataset), key=study.mean
        )
        try:
            by_dataset[dataset] = recommendations(host, store, entries, best.cell, WHO, dataset)
        except CorecbenchError as error:
            by_dataset[dataset] = f"Lists cannot be shown: {error}."
    return by_dataset


def rank(
    host: Host, stores: Sequence[Store], metrics: Sequence[str], folder: Path | None, choice: Choice = AS_STORED
) -> tuple[WrittenTable, bool]:
    """Make the leaderboard of the given benchmarks, and return whether its rows are complete.

    Args:
        host: the host, which knows metrics and reporters.
        stores: the benchmarks.
        metrics: rows are ranked by NDCG@10, or where it is not among these by the first.
        folder: where the table is written; nowhere if it is None.
        choice: which settings of a cell are taken where several are stored.
    """
    name = TESTED if TESTED in metrics else metrics[0]
    results = choice.of_each({store: store.sound() for store in stores})
    controls = known_controls(host, (entry for entries in results.values() for entry in entries))
    board = leaderboard.build(results, name, build_metric(host, name), controls.unshared)
    whole = all(row.is_complete for row in board.rows) and not any(store.damaged for store in stores)
    return write(host, leaderboard_text.report(board), folder), whole


def complete(main: table.Table, entries: Sequence[Entry]) -> bool:
    """Return whether no cell failed and every row has all seeds of its data set."""
    return all(row.is_complete for row in main.rows) and all(record["status"] == "ok" for _, record in entries)

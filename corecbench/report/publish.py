"""Makes the tables of stored results and writes them in the format of every reporter, the plots and the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from corecbench.api import CellResult, CorecbenchError, Metric, PluginError
from corecbench.data.durable import write_text
from corecbench.evaluation.measuring import UnusableMetric, check_metric, is_overall
from corecbench.report.evidence.contrasts import STANDARD, Method
from corecbench.report.evidence.controls import known_controls
from corecbench.report.evidence.leaderboard import read_board
from corecbench.report.evidence.reading import read
from corecbench.report.formats import WrittenTable, write
from corecbench.report.views.tables import board_table, ledger_table, main_table, share_table, slice_table
from corecbench.results.choice import AS_STORED, Choice
from corecbench.results.record import ResultsError
from corecbench.results.rows import result_key
from corecbench.results.store import Entry, Store
from corecbench.settings.config import METRICS, SHOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from corecbench.plugin.host import Host
    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.protocols import Protocols
    from corecbench.report.page.blocks import Statement
    from corecbench.report.plots.registry import WrittenPlots
    from corecbench.results.recommendation import Recommendation

TESTED = "NDCG@10"


@dataclass(frozen=True)
class Published:
    """The tables, and the files that they were written to."""

    texts: Mapping[str, Mapping[str, str]]
    """table -> reporter -> its text, for every reporter that did not fail. The tables are "table", "slices", and
    where they were made "train-shares" and "ledger"."""
    errors: Mapping[str, CorecbenchError]
    """reporter -> why it failed; the tables of other reporters are written all the same."""
    folder: Path
    paths: Sequence[Path]
    complete: bool
    """Whether no cell failed or is damaged, every row has all seeds of its data set, and all tables that should be
    written are."""


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


def gather(
    host: Host, store: Store, entries: Sequence[Entry], metrics: Sequence[str], method: Method = STANDARD
) -> Evidence:
    """Read some results once, for all tables, plots and pages.

    `metrics` are columns, as `build_metrics` takes them.
    """
    built, tested = build_metrics(host, metrics)
    return read(entries, store, built, tested, method, known_controls(host, entries))


def stored(store: Store, records: Collection[CellResult]) -> list[Entry]:
    wanted = {result_key(record) for record in records}
    return [(folder, record) for folder, record in store.sound() if result_key(record) in wanted]


def publish_run(
    host: Host,
    store: Store,
    records: Collection[CellResult],
    metrics: Sequence[str],
    left_out: Mapping[Path, str] | None = None,
) -> tuple[Evidence, Published]:
    """Write the tables of the cells of a run beside its results, with ledgers if it has controls; see `publish`.

    Of the metrics that a run computes by default only some are shown. Captions also say why the cells of the
    folders in `left_out` were not run.
    """
    store = Store(store.root, store.benchmark)
    store.damaged.update(left_out or {})
    shown = SHOWN if tuple(metrics) == METRICS else metrics
    controlled = any(record["cell"].get("control") for record in records)
    evidence = gather(host, store, stored(store, records), shown)
    return evidence, publish(host, evidence, store.own_folder, with_ledger=controlled)


def publish(
    host: Host,
    evidence: Evidence,
    folder: Path,
    cost: bool = False,
    effects: bool = False,
    with_ledger: bool = False,
    by_slices: bool = False,
    with_files: bool = True,
) -> Published:
    """Make the tables in the format of each reporter, and write them into a folder.

    `cost` and `effects` add columns to the main table; with `by_slices` ledgers are told on slices of the users,
    too.
    """
    reports = [main_table(evidence, cost, effects), slice_table(evidence)]
    if evidence.shares():
        reports.append(share_table(evidence))
    if with_ledger:
        reports.append(ledger_table(evidence, effects, by_slices))
    written = {report.name: write(host, report, folder if with_files else None) for report in reports}
    errors = {name: error for files in written.values() for name, error in files.errors.items()}
    is_lost = any(isinstance(error, ResultsError) for error in errors.values())  # none of a reporter
    is_written = bool(written["table"].paths or not with_files) and not is_lost
    return Published(
        texts={name: files.texts for name, files in written.items()},
        errors=errors,
        folder=folder,
        paths=[path for files in written.values() for path in files.paths],
        complete=is_complete(evidence) and is_written,
    )


def is_complete(evidence: Evidence) -> bool:
    rows = all(row.is_complete for row in evidence.rows.values())
    return rows and all(record["status"] == "ok" for record in evidence.records()) and not evidence.left_out


def plot(evidence: Evidence | Protocols, folder: Path) -> WrittenPlots:
    from corecbench.report.plots import registry

    return registry.write(evidence, folder / "plots")


def write_page(
    host: Host,
    store: Store,
    evidence: Evidence,
    folder: Path,
    effects: bool = False,
    first: Sequence[Statement] = (),
) -> Path:
    from corecbench.report.page.render import render

    text = render(store.benchmark, evidence, recommended(host, store, evidence), effects, first)
    path = folder / "report.html"
    write_text(path, text)
    return path


def recommended(host: Host, store: Store, evidence: Evidence) -> dict[str, Sequence[Recommendation] | str]:
    """Return for each data set what its best pair recommends to a few users, or why that cannot be shown."""
    from corecbench.report.page.render import WHO
    from corecbench.results.recommendation import recommendations

    pairs = [
        key
        for key in evidence.rows
        if key.sharing and key.side == "domain" and not evidence.is_control(key) and evidence.has(key)
    ]
    by_dataset: dict[str, Sequence[Recommendation] | str] = {}
    for dataset in dict.fromkeys(key.dataset for key in pairs):
        best = evidence.best(key for key in pairs if key.dataset == dataset)
        try:
            by_dataset[dataset] = recommendations(host, store, evidence.entries, best.cell, WHO, dataset)
        except CorecbenchError as error:
            by_dataset[dataset] = f"Lists cannot be shown: {error}."
    return by_dataset


def rank(
    host: Host, stores: Sequence[Store], metrics: Sequence[str], choice: Choice = AS_STORED
) -> tuple[WrittenTable, bool]:
    """Make the leaderboard of the given benchmarks, and return whether its rows are complete.

    Rows are ranked by NDCG@10, or where it is not among the metrics by the first.
    """
    name = TESTED if TESTED in metrics else metrics[0]
    results = choice.of_each({store: store.sound() for store in stores})
    controls = known_controls(host, (entry for entries in results.values() for entry in entries))
    board = read_board(results, name, build_metric(host, name), controls.unshared)
    whole = all(row.is_complete for row in board.rows) and not any(store.damaged for store in stores)
    return write(host, board_table(board), None), whole

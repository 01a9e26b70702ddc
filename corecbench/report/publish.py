"""Makes the tables of stored results and writes them in the format of every reporter, and the plots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import CorecbenchError
from corecbench.evaluation.measuring import is_overall
from corecbench.plugin.host import split
from corecbench.report import leaderboard, leaderboard_text, main_table, slices, table
from corecbench.report.comparison import STANDARD
from corecbench.results.store import ReadOnce, slug
from corecbench.settings.config import METRICS, SHOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from corecbench.api import CellResult, Metric, Report
    from corecbench.plugin.host import Host
    from corecbench.report.comparison import Method
    from corecbench.report.plots import registry
    from corecbench.report.plots.study import Study
    from corecbench.report.recommendation import Recommendation
    from corecbench.results.store import Entry, Store

TESTED = "NDCG@10"


@dataclass(frozen=True)
class Written:
    """A table as it was written, once for each reporter."""

    texts: Mapping[str, str]
    """reporter -> the table, for every reporter that did not fail."""
    errors: Mapping[str, CorecbenchError]
    """reporter -> why it failed, which keeps nothing from the others."""
    paths: Sequence[Path]


@dataclass(frozen=True)
class Published:
    """The tables as they were written."""

    texts: Mapping[str, str]
    """reporter -> the main table, for every reporter that did not fail."""
    slices: Mapping[str, str]
    """reporter -> the effects on slices of the users."""
    errors: Mapping[str, CorecbenchError]
    """reporter -> why it failed, which keeps nothing from the others."""
    folder: Path
    paths: Sequence[Path]
    """Of the files in that folder."""
    complete: bool
    """Whether no cell failed and every row has all seeds of its data set."""
    main: table.Table
    """What `texts` show."""
    by_slice: Sequence[slices.SliceTable]
    """What `slices` show, a table for each data set."""


def plot(host: Host, store: Store, entries: Sequence[Entry], metrics: Sequence[str]) -> registry.Written:
    """Write the plots of the given results into a folder beside them; the metric is the one that tables test."""
    from corecbench.report.plots import registry, study

    built, tested = build_metrics(host, metrics)
    found = study.read(entries, store, tested, built[tested], unshared(host, entries))
    return registry.write(found, Path(store.root) / slug(store.benchmark) / "plots")


def build_metrics(host: Host, metrics: Sequence[str]) -> tuple[dict[str, Metric], str]:
    """Return the metrics of a table by name, and which of them is tested.

    That is NDCG@10, or where it is not among them the first that has a value per user. If none has, NDCG@10 is
    added.
    """
    built = {name: host.build(host.select("metrics", name, {})) for name in metrics}
    testable = [name for name, metric in built.items() if not is_overall(metric)]
    if not testable:
        return {**built, TESTED: host.build(host.select("metrics", TESTED, {}))}, TESTED
    return built, TESTED if TESTED in testable else testable[0]


def stored(store: Store, records: Collection[CellResult]) -> list[Entry]:
    """Return the stored results of these records; other results of the benchmark are left out."""
    wanted = {key(record) for record in records}
    return [(folder, record) for folder, record in store.records() if key(record) in wanted]


def publish_run(host: Host, store: Store, records: Collection[CellResult], metrics: Sequence[str]) -> Published:
    """Write the tables of the cells of a run beside its results, as `publish` does.

    Args:
        host: knows metrics and reporters.
        store: holds the ranks.
        records: of the cells.
        metrics: those that the run asked for; of all that are computed by default the table shows some.
    """
    once = ReadOnce(store.root, store.benchmark)
    return publish(host, once, stored(store, records), SHOWN if tuple(metrics) == METRICS else metrics)


def key(record: CellResult) -> tuple[str, str, int, str]:
    """Return what tells one cell's record from another's."""
    cell = record["cell"]
    return cell["dataset"], cell["name"], cell["seed"], record["hash"]


def publish(
    host: Host,
    store: Store,
    entries: Sequence[Entry],
    metrics: Sequence[str],
    cost: bool = False,
    effects: bool = False,
    method: Method = STANDARD,
) -> Published:
    """Write the tables of the given results beside them, once for each reporter.

    Args:
        host: knows metrics and reporters.
        store: holds the ranks.
        entries: folders and their records.
        metrics: the columns, as `build_metrics` takes them.
        cost: whether the main table has columns of what training and inference take.
        effects: whether it has columns of effect sizes.
        method: of the tests.
    """
    built, tested = build_metrics(host, metrics)
    main = table.build(entries, store, built, tested=tested, method=method, unshared=unshared(host, entries))
    by_slice = slices.build(entries, store, tested, built[tested])
    folder = Path(store.root) / slug(store.benchmark)
    reports = main_table.report(main, cost, effects), slices.report(by_slice)
    of_main, of_slices = (write(host, each, folder) for each in reports)
    errors, paths = {**of_main.errors, **of_slices.errors}, [*of_main.paths, *of_slices.paths]
    is_complete = complete(main, entries)
    return Published(of_main.texts, of_slices.texts, errors, folder, paths, is_complete, main, by_slice)


def write_page(
    host: Host, store: Store, entries: Sequence[Entry], published: Published, effects: bool = False
) -> Path:
    """Write a report as one HTML file beside the tables of the same results; `effects` as in `publish`."""
    from corecbench.report.html import page, sections
    from corecbench.report.plots import study

    main, nothing = published.main, unshared(host, entries)
    metric = host.build(host.select("metrics", main.tested, {}))
    several = len({row.dataset for row in main.rows if row.seeds}) > 1
    found = study.read(entries, store, main.tested, metric, nothing)
    results = sections.Results(
        benchmark=store.benchmark,
        records=[record for _, record in entries],
        table=main,
        slices=published.by_slice,
        study=found,
        board=leaderboard.build({store: entries}, main.tested, metric, nothing) if several else None,
        effects=effects,
        recommendations=recommended(host, store, entries, found),
    )
    path = published.folder / "report.html"
    path.write_text(page.render(results), encoding="utf-8")
    return path


def recommended(
    host: Host, store: Store, entries: Sequence[Entry], study: Study
) -> dict[str, Sequence[Recommendation] | str]:
    """Return for each data set what its best pair recommends to a few users, or why that cannot be shown."""
    from corecbench.report.html.recommended import WHO
    from corecbench.report.recommendations import recommendations

    pairs = [key for key in study.present() if key.sharing and key.side == "domain" and not study.is_control(key)]
    found: dict[str, Sequence[Recommendation] | str] = {}
    for dataset in dict.fromkeys(key.dataset for key in pairs):
        best = (max if study.higher_is_better else min)(
            (key for key in pairs if key.dataset == dataset), key=study.mean
        )
        try:
            found[dataset] = recommendations(host, store, entries, best.cell, WHO, dataset)
        except CorecbenchError as error:
            found[dataset] = f"Lists cannot be shown: {error}."
    return found


def rank(host: Host, stores: Sequence[Store], metrics: Sequence[str], folder: Path) -> tuple[Written, bool]:
    """Write the leaderboard of the given benchmarks into a folder; return whether its rows are complete, too."""
    name = TESTED if TESTED in metrics else metrics[0]
    results = {store: list(store.records()) for store in stores}
    metric = host.build(host.select("metrics", name, {}))
    nothing = unshared(host, (entry for entries in results.values() for entry in entries))
    board = leaderboard.build(results, name, metric, nothing)
    folder.mkdir(parents=True, exist_ok=True)
    return write(host, leaderboard_text.report(board), folder), all(row.is_complete for row in board.rows)


def write(host: Host, report: Report, folder: Path) -> Written:
    """Write a table into a folder, once for each reporter."""
    texts, errors, paths = {}, {}, []
    for component, _ in host.list("reporters"):
        try:
            suffix, text = render(host, component.name, report)
        except CorecbenchError as error:
            errors[component.name] = error
            continue
        path = folder / f"{report.name}.{suffix}"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
        texts[component.name] = text
    return Written(texts, errors, paths)


def render(host: Host, name: str, report: Report) -> tuple[str, str]:
    """Return the suffix of a reporter's files, and a table in its format, ending in one newline.

    Raises:
        PluginError: the reporter failed.
    """
    reporter = host.build(host.select("reporters", name, {}))
    return reporter.suffix, reporter.render(report).rstrip("\n") + "\n"


def unshared(host: Host, entries: Iterable[Entry]) -> set[str]:
    """Return which sharing modules of the results share nothing, by the name that the results know them by."""
    nothing = {component.name for component, _ in host.list("sharing") if not component.shares}
    found = set()
    for _, record in entries:
        label = record["cell"]["sharing"]
        if label is not None:
            of = record["plugins"].get(label, {}).get("variant_of", label)
            found |= {label} if split("sharing", of, nothing)[0] in nothing else set()
    return found


def complete(main: table.Table, entries: Sequence[Entry]) -> bool:
    """Return whether no cell failed and every row has all seeds of its data set."""
    return all(row.is_complete for row in main.rows) and all(record["status"] == "ok" for _, record in entries)

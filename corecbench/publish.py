"""Makes the tables of stored results and writes them in the format of every reporter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.report import slices, table
from corecbench.results import slug

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from corecbench.api import Reporter
    from corecbench.host import Host
    from corecbench.report.per_user import Entry
    from corecbench.results import Record, Store

TESTED = "NDCG@10"


@dataclass(frozen=True)
class Published:
    """The tables as they were written."""

    texts: Mapping[str, str]
    """reporter -> the main table."""
    slices: Mapping[str, str]
    """reporter -> the effects on slices of the users, a table for each data set."""
    paths: Sequence[Path]
    complete: bool
    """Whether no cell failed and every row has all seeds of its data set."""


def stored(store: Store, records: Collection[Record]) -> list[Entry]:
    """Return the stored results of these records; other results of the benchmark are left out."""
    wanted = {key(record) for record in records}
    return [(folder, record) for folder, record in store.records() if key(record) in wanted]


def key(record: Record) -> tuple[str, str, int, str]:
    """Return what tells one cell's record from another's."""
    cell = record["cell"]
    return cell["dataset"], cell["name"], cell["seed"], record["hash"]


def publish(host: Host, store: Store, entries: Sequence[Entry], metrics: Sequence[str]) -> Published:
    """Write the tables of the given results beside them, once for each reporter.

    Args:
        host: knows metrics and reporters.
        store: holds the ranks.
        entries: folders and their records.
        metrics: the columns. The one that is tested is NDCG@10, or the first where that is not among them.
    """
    built = {name: host.build(host.select("metrics", name, {})) for name in metrics}
    tested = TESTED if TESTED in built else metrics[0]
    main = table.build(entries, store, built, tested=tested)
    by_slice = slices.build(entries, store, tested, built[tested])
    reporters: dict[str, Reporter] = {
        component.name: host.build(host.select("reporters", component.name, {}))
        for component, _ in host.list("reporters")
    }
    texts = {name: reporter.render(table.frame(main), table.caption(main)) for name, reporter in reporters.items()}
    sliced = {
        name: "\n".join(reporter.render(slices.frame(each), slices.caption(each)) for each in by_slice)
        for name, reporter in reporters.items()
    }
    paths = []
    for stem, written in (("table", texts), ("slices", sliced)):
        for name, reporter in reporters.items():
            path = Path(store.root) / slug(store.benchmark) / f"{stem}.{reporter.suffix}"
            path.write_text(written[name].rstrip("\n") + "\n", encoding="utf-8")
            paths.append(path)
    return Published(texts, sliced, paths, complete(main, entries))


def complete(main: table.Table, entries: Sequence[Entry]) -> bool:
    """Return whether no cell failed and every row has all seeds of its data set."""
    seeds: dict[str, set[int]] = {}
    for row in main.rows:
        seeds.setdefault(row.dataset, set()).update(row.seeds)
    whole = all(set(row.seeds) == seeds[row.dataset] for row in main.rows)
    return whole and all(record["status"] == "ok" for _, record in entries)

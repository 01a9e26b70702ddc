"""Stored cells in words: a line for each of many, and all that is known of one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from corecbench.cli.listing import aligned
from corecbench.plugin.host import split
from corecbench.plugin.metadata import settings as settings_of
from corecbench.report.views.provenance import protocol_sentence
from corecbench.report.wording import decimal
from corecbench.results.checksums import place_of
from corecbench.results.choice import started
from corecbench.results.copying import check_files, files_of
from corecbench.results.layout import MODEL
from corecbench.results.prune import size_of
from corecbench.results.record import failure_of, settings_in, sides_of, variant_of
from corecbench.toolkit.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from corecbench.api import CellRecord, CellResult, RowSide
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store

METRIC = "NDCG@10"
KIND_OF = {"domain": "models", "llm": "llms", "sharing": "sharing", "control": "controls"}
"""Part of a cell -> kind of its component."""


def size(n_bytes: int) -> str:
    """Return a size as text.

    >>> size(999), size(1_500), size(2_300_000_000)
    ('999 B', '1.5 kB', '2,300.0 MB')
    """
    if n_bytes < 1000:
        return f"{n_bytes} B"
    return f"{n_bytes / 1e3:.1f} kB" if n_bytes < 1e6 else f"{n_bytes / 1e6:,.1f} MB"


def age(seconds: float) -> str:
    """Return a time that has passed, in its largest whole unit.

    >>> age(59), age(3600 * 5 + 1), age(86400 * 400)
    ('0 min', '5 h', '400 d')
    """
    minutes = max(0, int(seconds // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 60 * 24 else f"{minutes // (60 * 24):,} d"


# --- many ---------------------------------------------------------------------------------------------------------


def rows(store: Store, now: datetime | None = None) -> Iterator[dict[str, str]]:
    now = now or datetime.now(UTC)
    for folder in store.folders():
        found: CellResult | None = None
        with store.noting(folder):
            found = store.read(folder)
            check_files(folder, found, without=(MODEL,))  # which may be large: `verify` reads it
        yield {**row(folder, found, folder in store.damaged, now), "benchmark": store.own_folder.name}


def row(folder: Path, record: CellResult | None, is_damaged: bool, now: datetime) -> dict[str, str]:
    """Return the line of a cell. Of one whose record cannot be read it has what its folder says."""
    dataset, name, (seed, _, hash8) = *folder.parts[-3:-1], folder.name.removeprefix("seed").partition("-")
    metrics, since = "", ""
    if record is not None:
        dataset, name = record["cell"]["dataset"], record["cell"]["name"]
        sides = record["sides"]
        values = [(side, sides[side]["metrics"].get(METRIC)) for side in sides_of(record["cell"]) if side in sides]
        several = len(sides_of(record["cell"])) > 1
        metrics = ", ".join(f"{side} " * several + decimal(value) for side, value in values if value is not None)
        since = age((now - started(record)).total_seconds())
    return {
        "benchmark": "",
        "data set": dataset,
        "cell": name,
        "seed": seed,
        "hash": hash8,
        "status": "damaged" if is_damaged or record is None else record["status"],
        METRIC: metrics,
        "age": since,
        "size": size(size_of(folder)),
    }


# --- one ----------------------------------------------------------------------------------------------------------


def lines(folder: Path, record: CellResult, host: Host) -> Iterator[str]:
    """Yield all that is known of a cell."""
    cell = record["cell"]
    yield f"{cell['name']} on {cell['dataset']}, seed {cell['seed']}, hash {record['hash']}: {record['status']}"
    yield ""
    yield from aligned([(name, text) for name, text in facts(folder, record).items() if text])
    yield ""
    yield from settings(record, host)
    yield ""
    yield from sides(record)
    yield ""
    yield "files:"
    names = ["result.json", *files_of(record)]
    yield from aligned([(f"  {name}", size(size_of(place_of(folder, name, record)))) for name in names])
    yield f"run it again: corecbench reproduce {folder / 'result.json'}"


def facts(folder: Path, record: CellResult) -> dict[str, str]:
    """Return what is known of a cell as a whole."""
    data, imported = record["data"], record.get("imported")
    counts = [f"{data[f'n_{what}']:,} {what}" for what in ("users", "items", "interactions") if f"n_{what}" in data]  # type: ignore[literal-required]
    took = f", took {record['duration_s']:,.1f} s" if "duration_s" in record else ""
    memory = f", at most {size(record['peak_memory_bytes'])} of memory" if "peak_memory_bytes" in record else ""
    plugins = {f"{plugin['distribution']} {plugin['version']}" for plugin in record["plugins"].values()}
    return {
        "folder": str(folder),
        "is": kind(record["cell"]),
        "imported": f"from {imported['file']}, {imported['kind']}" if imported else "",
        "data": ", ".join(counts) or "its counts are not stored",
        "protocol": protocol_sentence(record["protocol"]).removeprefix("Protocol: ").removesuffix("."),
        "started": f"{record['started']}{took}{memory}",
        "machine": ", ".join([record["device"], *([record["machine"]] if "machine" in record else [])]),
        "versions": ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        "plugins": ", ".join(sorted(plugins)),
        "commit": record["commit"] or "",
    }


def kind(cell: CellRecord) -> str:
    if cell["sharing"] is None:
        return f"the {'LLM' if cell['domain'] is None else 'domain model'} {cell['name']} alone"
    pair = f"{cell['domain']} with {cell['llm']} under {cell['sharing']}"
    return f"control {cell['control']} of {pair}" if cell.get("control") else pair


def settings(record: CellResult, host: Host) -> Iterator[str]:
    """Yield the settings that are not the defaults of their plugins; all settings of a plugin that is not here."""
    defaults = {name: defaults_of(name, record, host) for name in record["settings"]}
    changed = []
    for name, setting, value, in_pairs in settings_in(record):
        known = defaults[name]
        if known is None or setting not in known or known[setting] != value:
            default = f"default {known[setting]!r}" if known is not None and setting in known else ""
            changed.append((f"  {name}", setting, repr(value), default, "in pairs" if in_pairs else ""))
    yield "settings that differ from the defaults:" if changed else "settings: all are the defaults"
    yield from aligned(changed) if changed else ()
    if missing := [name for name, known in defaults.items() if known is None]:
        yield f"  all settings of {', '.join(missing)}, whose defaults are not known here"


def defaults_of(label: str, record: CellResult, host: Host) -> Mapping[str, Any] | None:
    """Return setting -> default of a component as JSON has them; None if its plugin is not here."""
    cell = record["cell"]
    kinds = [kind for part, kind in KIND_OF.items() if cell.get(part) == label]
    base = variant_of(record, label) or label
    for of_kind in kinds:
        offered = {component.name: component for component, _ in host.list(of_kind)}
        component = offered.get(split(of_kind, base, offered.values())[0])
        if component is not None:
            known = settings_of(component.config) if component.config is not None else {}
            plain = {name: facts["default"] for name, facts in known.items() if "default" in facts}
            as_json: dict[str, Any] = json.loads(json.dumps(plain, default=str))
            return as_json
    return None


def sides(record: CellResult) -> Iterator[str]:
    """Yield the metrics and the training of each side, and why a side has none."""
    names = dict.fromkeys(name for side in record["sides"].values() for name in side["metrics"])
    table = [("side", *names, "epochs", "best", "ended by", "train s", "parameters", "ms per user")]
    for side, known in record["sides"].items():
        metrics = [decimal(known["metrics"][name]) if name in known["metrics"] else "-" for name in names]
        table.append((side, *metrics, *training(record, side)))
    if len(table) > 1:
        yield from aligned(table)
    for side in sides_of(record["cell"]):
        if failure := failure_of(record, side):
            yield one_line(f"{side}: failed: {failure['type']}: {failure['message']}")


def training(record: CellResult, side: RowSide) -> tuple[str, ...]:
    """Return how a side was trained, "-" for what is not known."""
    known = record["sides"][side]

    def text(key: str, form: str) -> str:
        value: Any = known.get(key)
        return "-" if value is None else format(value, form)

    return (
        text("epochs", ""),
        text("best_epoch", ""),
        text("stopped_by", ""),
        text("train_s", ",.1f"),
        text("parameters" if "parameters" in known else "trainable_parameters", ","),
        text("inference_ms_per_user", ".2f"),
    )

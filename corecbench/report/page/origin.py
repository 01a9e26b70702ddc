"""The origin of the numbers: settings, data, versions and devices, and every cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.data import summary
from corecbench.report.page.blocks import Block, Facts, FactSheets, Grid, grid
from corecbench.report.views.columns import gib
from corecbench.report.views.layout import Column, table
from corecbench.report.wording import together
from corecbench.results.record import model_of, settings_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.api import CellResult

IN_PAIRS = ", in pairs"
"""The end of the name of a setting that a model has in pairs only."""


def settings(records: Sequence[CellResult]) -> Iterator[Block]:
    """Yield a sheet for each component: its plugin and every setting, by data set and model where they differ."""
    by_component: dict[str, dict[str, dict[str, Any]]] = {}
    for record in records:
        for name in record["settings"]:
            plugin = record["plugins"].get(name)
            origin = {"plugin": f"{plugin['distribution']} {plugin['version']}"} if plugin else {}
            base = {"variant of": plugin["variant_of"]} if plugin and "variant_of" in plugin else {}
            numbers = record.get("algorithms", {})
            number = {"algorithm": numbers[name]} if name in numbers else {}
            read = record.get("fingerprints", {}).get(name, {})
            own = by_component.setdefault(name, {}).setdefault(_where(record, name), {})
            own.update({**origin, **base, **number, **read})
        for name, setting, value, in_pairs in settings_in(record):
            by_component[name][_where(record, name)][setting + in_pairs * IN_PAIRS] = value
    yield FactSheets([_sheet(name, _over_datasets(by_dataset)) for name, by_dataset in by_component.items()])


def _where(record: CellResult, component: str) -> str:
    dataset, model = record["cell"]["dataset"], model_of(record, component)
    return f"{dataset} with {model}" if model else dataset


def _over_datasets(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    in_pairs = [key for values in settings.values() for key in values if key.endswith(IN_PAIRS)]
    as_alone = dict.fromkeys(in_pairs, "as alone")
    return together([(name, as_alone | dict(values)) for name, values in settings.items()], "data sets")


def environment(records: Sequence[CellResult]) -> Iterator[Block]:
    """Yield sheets of the data, the protocol, and of versions and devices, by cell where they differ.

    Cells without any ranks and imported ones are left out, unless there are no others.
    """
    trained = [record for record in records if record["sides"] and "imported" not in record]
    done = trained or [record for record in records if record["sides"]] or records
    by_dataset = {record["cell"]["dataset"]: record for record in done}
    cells = [(record["cell"]["name"], record) for record in done]
    protocols = [(name, record["protocol"]) for name, record in by_dataset.items()]
    versions = [(name, _versions(record)) for name, record in cells]
    machines = [(name, {"device": record["device"], "commit": record["commit"]}) for name, record in cells]
    sheets = [_data(dataset, record) for dataset, record in by_dataset.items()]
    sheets.append(_sheet("protocol", together(protocols, "data sets")))
    sheets.append(_sheet("versions", together(versions, "cells")))
    sheets.append(_sheet("machine", together(machines, "cells")))
    yield FactSheets(sheets)


def _versions(record: CellResult) -> dict[str, Any]:
    core = {name: n for name, n in record.get("algorithms", {}).items() if name not in record["settings"]}
    return {**record["versions"], **core}


def _sheet(title: str, values: Mapping[str, Any]) -> Facts:
    return Facts(title, [(name, _as_text(value)) for name, value in values.items()])


def _as_text(value: Any) -> str:
    """Return a setting as a person reads it.

    >>> _as_text(["q_proj", "v_proj"]), _as_text(True), _as_text(None), _as_text("")
    ('q_proj, v_proj', 'yes', '-', '""')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_as_text, value)) or "none"
    return "-" if value is None else '""' if value == "" else str(value)


def _data(dataset: str, record: CellResult) -> Facts:
    facts: Mapping[str, Any] = record["data"]
    known = [name for name in (*summary.LABELS, "split_fingerprint") if name in facts]
    labels = {**summary.LABELS, "split_fingerprint": "fingerprint of the split"}
    rest = [name for name in facts if name not in labels]
    return Facts(dataset, [(labels.get(name, name), summary.shown(name, facts[name])) for name in known + rest])


# --- cells --------------------------------------------------------------------------------------------------------


def cells(records: Sequence[CellResult]) -> Grid:
    """Return a table of every stored cell, failed ones too."""
    columns = [
        Column("data set", lambda record: record["cell"]["dataset"]),
        Column("cell", lambda record: record["cell"]["name"]),
        Column("seed", lambda record: record["cell"]["seed"]),
        Column("status", lambda record: record["status"]),
        Column("hash", lambda record: record["hash"]),
        Column("started", lambda record: record["started"]),
        Column("took s", lambda record: record.get("duration_s"), "{:,.1f}".format),
        Column("peak GiB", lambda record: gib(record.get("peak_memory_bytes")), "{:.2f}".format),
        Column("device", lambda record: record["device"]),
        Column("machine", lambda record: record.get("machine")),
        Column("commit", lambda record: record["commit"] and record["commit"][:7]),
    ]
    if any(record["error"] for record in records):
        columns.append(Column("error", lambda record: record["error"] and _fault(record["error"])))
    return grid(table("cells", records, columns), "every stored cell")


def _fault(error: Mapping[str, str]) -> str:
    return " ".join(f"{error['type']}: {error['message']}".split())

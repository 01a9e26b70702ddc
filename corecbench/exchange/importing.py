"""Stores imported ranks or lists as a cell like any other, with a record of where they come from."""

from __future__ import annotations

import functools
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from corecbench.api import SIDES, ImportRecord, Lists, PluginError, UsageError
from corecbench.evaluation.bounds import why_unknown
from corecbench.evaluation.measuring import measure_checked
from corecbench.evaluation.protocol import protocol_on
from corecbench.evaluation.text_similarity import target_similarity
from corecbench.exchange.checked import Candidates, CheckedRanks, check_lists, check_ranks
from corecbench.exchange.held_out import HeldOut
from corecbench.exchange.reading import Format, read
from corecbench.experiment.cells import digest_of
from corecbench.results.frames import BEST_RANK, item_frequency, items_frame, ranks_frame, top_frame
from corecbench.results.layout import ITEMS_FILE
from corecbench.results.lists import why_too_deep
from corecbench.results.record import SCHEMA
from corecbench.results.user_ranks import UserRanks
from corecbench.settings.configure import unknown
from corecbench.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from corecbench.api import CellRecord, CellResult, RowSide, Side, SideRecord
    from corecbench.data.loaded import SplitDataset
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
UNKNOWN_DEVICE = "not recorded"
UNTRAINED = {"epochs": 0, "best_epoch": None, "validation": None, "stopped_by": None}
"""What the record of a row says of training that took place elsewhere."""


@dataclass(frozen=True)
class Import:
    """What a user asks to be imported."""

    path: Path
    format: Format
    name: str
    """The name of the model."""
    seed: int
    solo: str | None = None
    """The stored cell of the same model alone; None where this is a model alone."""
    leave_out_seen: bool = False
    missing_last: bool = False
    candidates: Candidates | None = None
    """What was ranked; None for all items."""
    replace: bool = False
    """Whether an earlier import of the same cell and seed is replaced."""


def import_results(
    asked: Import, data: SplitDataset, config: RunConfig, host: Host, store: Store
) -> tuple[Path, CellResult]:
    """Check a file against the split of a data set and store its ranks as a cell; return its folder and record.

    Raises:
        UsageError: the name cannot be used, the model alone is not stored, or the cell is stored already.
        DataError: the file cannot be read or does not fit the split.
    """
    check_name(asked.name, host)
    cell = cell_of(asked, data, store)
    table, sha256 = read(asked.path, asked.format)
    has_lists = "item_id" in table
    held_out = HeldOut(data, str(asked.path))
    checked = (
        check_lists(table, held_out, asked.leave_out_seen, asked.missing_last, asked.candidates)
        if has_lists
        else check_ranks(table, held_out, asked.candidates)
    )
    record = describe(asked, cell, sha256, checked, data, config)
    folder = store.folder(cell["name"], cell["dataset"], cell["seed"], record["hash"])
    replaced = earlier(folder, cell, asked.replace, store)
    frame = frame_of(checked, data, config)
    side: Side = "domain" if cell["domain"] is not None else "llm"
    record["sides"][side] = cast(
        "SideRecord", {**UNTRAINED, "n_users": len(frame), **measured(checked, frame, data, config, host, record)}
    )
    items = items_frame(data.catalog, data.train)
    write_items = functools.partial(items.to_parquet, index=False, compression="zstd")
    if has_lists:
        top: dict[RowSide, pd.DataFrame] = {side: top_frame(checked.ranks, data.catalog)}
        store.write(folder, record, {side: frame}, {ITEMS_FILE: write_items}, top)
    else:
        store.write(folder, record, {side: frame})
    for other in replaced:
        shutil.rmtree(other)
    return folder, record


def describe(
    asked: Import,
    cell: CellRecord,
    sha256: str,
    checked: CheckedRanks,
    data: SplitDataset,
    config: RunConfig,
) -> CellResult:
    """Return the record of an imported cell, without its rows. What training would tell is absent."""
    fingerprints = {"fingerprint": data.dataset.fingerprint, "split_fingerprint": data.split.fingerprint}
    protocol = protocol_on(data, config)
    if asked.candidates == "sampled":
        protocol |= {"candidates": f"at most {checked.ranks.n_candidates.max():,} sampled by another library"}
    options = [asked.format, asked.leave_out_seen, asked.missing_last]
    record = {
        "schema": SCHEMA,
        "status": "ok",
        "error": None,
        "cell": cell,
        "hash": digest_of({"imported": sha256, "data": fingerprints, "protocol": protocol, "options": options}),
        "settings": {},
        "protocol": protocol,
        "data": {**fingerprints, **data.facts},
        "versions": {"corecbench": __version__},
        "plugins": {},
        "commit": None,
        "device": UNKNOWN_DEVICE,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "sides": {},
        "epochs": [],
        "imported": origin(asked, sha256, checked),
    }
    return cast("CellResult", record)


def check_name(name: str, host: Host) -> None:
    """Make sure that a name can be that of a model from elsewhere.

    Raises:
        UsageError: it has characters that mean something in names of cells, or a component has it.
    """
    if not re.fullmatch(NAME, name):
        raise UsageError(f"name {name!r} is no name of a model; allowed are letters, digits, '.', '_' and '-'")
    taken = {component.name for kind in ("models", "llms", "sharing") for component, _ in host.list(kind)}
    if name in taken:
        raise UsageError(f"name '{name}' is that of a component; choose another, such as '{name}-imported'")


def cell_of(asked: Import, data: SplitDataset, store: Store) -> CellRecord:
    """Return which cell an import is.

    Beside its model alone it is a cell as a pair is, which shows what is added in the place of a sharing module.

    Raises:
        UsageError: the model alone is not stored for the data set.
    """
    parts: dict[str, str | None] = {"domain": asked.name, "llm": None, "sharing": None}
    if asked.solo is not None:
        stored = [record["cell"] for _, record in store.records(data.name)]
        alone = {cell["name"]: cell for cell in stored if cell["sharing"] is None}
        if asked.solo not in alone:
            raise unknown(f"model alone on {data.name} in benchmark '{store.benchmark}'", asked.solo, alone)
        parts = {**{side: alone[asked.solo][side] for side in SIDES}, "sharing": asked.name}
    name = "+".join(part for part in parts.values() if part)
    known = {"name": name, "dataset": data.name, **parts, "seed": asked.seed}
    return cast("CellRecord", known | data.reduction.fields())


def earlier(folder: Path, cell: CellRecord, replace: bool, store: Store) -> list[Path]:
    """Return the folders of other imports of the same cell and seed, which the one in `folder` replaces.

    Raises:
        UsageError: the cell was trained here, or is stored and must not be replaced.
    """
    found = []
    for other, record in store.records(cell["dataset"]):
        same = all(record["cell"][key] == cell[key] for key in ("name", "seed"))
        if not same or other == folder:
            continue
        if "imported" not in record:
            raise UsageError(f"{other}: cell {cell['name']} was trained here; choose another name")
        if not replace:
            raise UsageError(
                f"{other}: {cell['name']} with seed {cell['seed']} was imported before, from "
                f"{record['imported']['file']}; give --replace to put this one in its place"
            )
        found.append(other)
    return found


def frame_of(checked: CheckedRanks, data: SplitDataset, config: RunConfig) -> pd.DataFrame:
    task = data.split.task("test", config.max_history_on(data.whole_name))
    similarity = target_similarity(data.catalog.item_texts, task)
    frame = ranks_frame(checked.ranks, data.catalog, data.split, similarity)
    return frame if checked.is_known.all() else frame.assign(**{BEST_RANK: checked.best})


def origin(asked: Import, sha256: str, checked: CheckedRanks) -> ImportRecord:
    """Return where the ranks come from."""
    record = {
        "file": asked.path.name,
        "sha256": sha256,
        "kind": checked.kind,
        "list_depth": checked.list_depth,
        "ties_are_seen": checked.ties_are_seen,
        "unknown_ranks": int((~checked.is_known).sum()),
        **checked.counts,
    }
    return cast("ImportRecord", record)


def measured(
    checked: CheckedRanks,
    frame: pd.DataFrame,
    data: SplitDataset,
    config: RunConfig,
    host: Host,
    record: CellResult,
) -> dict[str, Any]:
    """Return the metrics that are stored with a cell, and why others have no value."""
    ranks = checked.ranks
    lists = Lists(ranks.top_items, ranks.target, ranks.rank, item_frequency(data.catalog, data.train))
    bounded = UserRanks(frame, ranks.rank, ranks.n_candidates, None if checked.is_known.all() else checked.best)
    built = {name: host.build(host.select("metrics", name, config.settings)) for name in config.metrics}
    faults = why_too_deep(record, built)
    metrics = {}
    for name, metric in built.items():
        if name in faults:
            continue
        try:
            values = measure_checked(name, metric, ranks.rank, ranks.n_candidates, lists)
            reason = why_unknown(name, metric, values, bounded, lists)
        except PluginError as error:
            reason = " ".join(str(error).split())
        if reason is None:
            metrics[name] = float(values.mean())
        else:
            faults[name] = reason
    return {"metrics": metrics, **({"faults": faults} if faults else {})}

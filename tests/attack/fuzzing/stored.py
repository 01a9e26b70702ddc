"""Stored results and states of a training: good files, and what they mean."""

from __future__ import annotations

import json
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from stored_cells import store_cell, toy_ranks

from corecbench.report.evidence import reading
from corecbench.report.formats import render
from corecbench.report.views.tables import main_table
from corecbench.results.checksums import place_of
from corecbench.results.record import settings_in
from corecbench.results.record_file import read_record
from corecbench.results.store import Store
from corecbench.results.user_ranks import RanksReader
from corecbench.testing.records import toy_record
from fuzzing.data_files import HOST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MRR = {"MRR": HOST.build(HOST.select("metrics", "MRR", {}))}


def make_results(folder: Path) -> Path:
    """Store a model alone and a pair, and return the folder of the pair."""
    store = Store(folder, "bench")
    known = {
        "versions": {"corecbench": "0.2", "python": "3.12"},
        "plugins": {"sasrec": {"distribution": "corecbench", "version": "0.2"}},
        "settings": {"sasrec": {"epochs": 3}},
        "epochs": [{"side": "domain", "turn": 0, "epoch": 1, "loss": 1.0, "validation": 0.1, "duration_s": 1.0}],
    }
    for cell in ((), ("llama",)):
        record = toy_record("sasrec", *cell, n_users=4, **known)
        for side in record["sides"].values():
            side["metrics"]["MRR"] = 0.5
        ranks = {side: toy_ranks([1, 2, 3, 4 + len(cell)]) for side in record["sides"]}
        items = {f"i{item}": item for item in range(9)} | {"i": 3}
        path = store_cell(store, record, ranks, [["i", "i1"]] * 4, items)
    return path


def in_folder(name: str) -> Callable[[Path], Path]:
    """Return what stores two cells and returns one file of the second."""

    def made(folder: Path) -> Path:
        cell = make_results(folder)
        return place_of(cell, name, read_record(cell))

    return made


def root_of(path: Path) -> Path:
    """Return the folder of all results, from a path of one of their files."""
    return next(folder for folder in path.parents if (folder / "bench").is_dir())


def tabled(path: Path) -> Any:
    """Return the record of a cell and a table with it."""
    store = Store(root_of(path), "bench")
    entries = list(store.records())
    (record,) = (record for folder, record in entries if folder == path.parent)
    list(settings_in(record))
    evidence = reading.read(entries, store, MRR, tested="MRR")
    text = render(HOST, "text", main_table(evidence, cost=True))[1]
    return json.dumps(record, sort_keys=True), text


def ranks(path: Path) -> Any:
    """Return the ranks of a side, read in both ways."""
    folder, root = path.parent.parent, root_of(path)
    store = Store(root, "bench")
    record = store.read(folder)
    slow, quick = (store.user_ranks(folder, "llm", record, reader) for reader in (None, RanksReader()))
    if not (np.array_equal(slow.rank, quick.rank) and np.array_equal(slow.n_candidates, quick.n_candidates)):
        raise AssertionError("the quick reader gives other ranks")
    return slow.facts.to_json(), slow.rank.tolist(), slow.n_candidates.tolist()


def lists(path: Path) -> Any:
    """Return the best items of a side, or how often items occur."""
    store = Store(root_of(path), "bench")
    found = store.top(path.parent.parent, "llm") if path.name == "top.parquet" else store.items(store.folders()[-1])
    return found.to_json()


# --- states of a training -------------------------------------------------------------------------------------


def make_state(folder: Path) -> Path:
    """Write the state of a training."""
    import torch

    from corecbench.toolkit import save_tensors

    tensors = {"random": torch.arange(16, dtype=torch.uint8), "domain.weight": torch.ones(3, 2)}
    facts = json.dumps({"turns": 1, "records": [], "sides": {}})
    path = folder / "turn.safetensors"
    save_tensors(path, tensors, facts)
    return path


def state(path: Path) -> Any:
    """Return tensors and facts of a state; a damaged one is left aside, as if it were not there."""
    from corecbench.api import CorecbenchError, CorecbenchWarning
    from corecbench.training.checkpoints import read

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CorecbenchWarning)  # which says that it is left aside
        found = read(path)
    if found is None:
        raise CorecbenchError("left aside")
    return {name: tensor.tolist() for name, tensor in found.tensors.items()}, dict(found.facts)


def header_of(data: bytes) -> Any:
    """Return the header of a safetensors file and what follows."""
    length = struct.unpack("<Q", data[:8])[0]
    return [json.loads(data[8 : 8 + length]), data[8 + length :].hex()]


def safetensors_of(parts: Any) -> bytes:
    """Return a safetensors file."""
    header = json.dumps(parts[0]).encode()
    return struct.pack("<Q", len(header)) + header + bytes.fromhex(parts[1])

"""The kinds of input: good files, how they are changed, and what reads them."""

from __future__ import annotations

import io
import json
import struct
import tomllib
import warnings
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import tomlkit

from corecbench.data.archive import unpack
from corecbench.data.dataset import Dataset, load_dataset
from corecbench.data.split import leave_one_out
from corecbench.plugin.host import Host
from corecbench.report import main_table, table
from corecbench.report.formats import render
from corecbench.results.read_once import ReadOnce
from corecbench.results.record import settings_in
from corecbench.results.store import Store
from corecbench.settings.config import load
from corecbench.testing.records import store_cell, toy_ranks, toy_record
from fuzzing.mutations import in_any_way

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST = Host.discover()
MRR = {"MRR": HOST.build(HOST.select("metrics", "MRR", {}))}


@dataclass(frozen=True)
class Kind:
    """One kind of input."""

    name: str
    make: Callable[[Path], Path]
    """Writes good files into a folder, and returns the one that is changed."""
    change: Callable[[bytes, random.Random], bytes]
    read: Callable[[Path], Any]
    """Reads the files; returns their meaning, which can be compared, or raises a CorecbenchError."""
    has_checksum: bool = False
    """Whether every change of the meaning must be noticed."""


# --- data sets ------------------------------------------------------------------------------------------------

ROWS = [
    (f"u{user}", f"i{(3 * user + 5 * n) % 11}", 100 * n + user) for user in range(6) for n in range(4 + user % 3)
]
TITLES = {
    f"i{item}": title for item, title in enumerate(["Toy Story (1995)", "A &amp; B", "", "Café, The", "x"] * 3)
}


def meaning(name: str, settings: dict[str, Any] | None = None) -> Any:
    """Return the fingerprint of a data set, whose numbers fit together."""
    kind = name.partition(":")[0]
    source = HOST.build(HOST.select("datasets", name, {kind: settings or {}}))
    dataset = load_dataset("toy", source)
    check(dataset)
    return dataset.fingerprint


def check(dataset: Dataset) -> None:
    """Raise an AssertionError unless the numbers of a data set fit together."""
    catalog, same_user = dataset.catalog, np.diff(dataset.user) == 0
    fits = (
        dataset.user.min() >= 1
        and dataset.item.min() >= 1
        and dataset.user.max() == catalog.n_users
        and dataset.item.max() == catalog.n_items
        and len(catalog.item_texts) == catalog.n_items + 1
        and np.isfinite(dataset.timestamp).all()
        and (np.diff(dataset.timestamp)[same_user] >= 0).all()
        and len(leave_one_out(dataset).users) > 0
    )
    if not fits:
        raise AssertionError("the numbers of the data set do not fit together")


def make_atomic(folder: Path) -> Path:
    """Write toy.inter."""
    (folder / "toy.item").write_text(
        "item_id:token\ttitle:token_seq\n" + "".join(f"{item}\t{title}\n" for item, title in TITLES.items())
    )
    path = folder / "toy.inter"
    rows = "".join(f"{user}\t{item}\t{time}\n" for user, item, time in ROWS)
    path.write_text("user_id:token\titem_id:token\ttimestamp:float\n" + rows)
    return path


def make_items(folder: Path) -> Path:
    """Write toy.inter and toy.item, of which the second one is changed."""
    return make_atomic(folder).with_suffix(".item")


def make_csv(folder: Path) -> Path:
    """Write a file with quotes."""
    path = folder / "toy.csv"
    frame().to_csv(path, index=False)
    return path


def frame() -> pd.DataFrame:
    """Return the interactions with titles."""
    return pd.DataFrame(
        [(user, item, time, TITLES[item]) for user, item, time in ROWS],
        columns=["user_id", "item_id", "timestamp", "title"],
    )


def make_parquet(folder: Path) -> Path:
    """Write a Parquet file."""
    path = folder / "toy.parquet"
    frame().to_parquet(path, index=False)
    return path


def table_of(data: bytes) -> Any:
    """Return the columns of a Parquet file as lists."""
    return pq.read_table(pa.BufferReader(data)).to_pydict()


def parquet_of(columns: Any) -> bytes:
    """Return columns as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def lines_of(data: bytes) -> Any:
    """Return the fields of the lines of a text."""
    return [line.split(",") for line in data.decode().splitlines()]


def text_of(lines: Any) -> bytes:
    """Return lines of fields as text."""
    return "\n".join(",".join(map(str, line)) for line in lines).encode()


# --- archives -------------------------------------------------------------------------------------------------


def make_zip(folder: Path) -> Path:
    """Write an archive of two files."""
    make_atomic(folder)
    path = folder / "toy.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in ("inter", "item"):
            archive.write(folder / f"toy.{suffix}", f"Toy/Toy.{suffix}")
    return path


def unpacked(path: Path) -> Any:
    """Return the checksums of what is unpacked, of which nothing lies elsewhere."""
    into = path.parent / "into"
    into.mkdir()
    files = unpack(path, into, {".inter": "toy.inter", ".item": "toy.item"}, max_bytes=1 << 20)
    if {each.name for each in path.parent.iterdir()} != {"toy.inter", "toy.item", "toy.zip", "into"}:
        raise AssertionError("something was unpacked elsewhere")
    return files


# --- run files ------------------------------------------------------------------------------------------------

RUN_FILE = """
benchmark = "toy"
models = ["sasrec", "popularity"]
llms = "llama"
seeds = "0-2,5"
train_shares = [0.25, 1]
max_history = 20
[settings.sasrec]
epochs = 3
learning_rate = 1e-3
[in_pairs.sasrec]
epochs = 2
[variants.short]
of = "sasrec"
epochs = 1
[per_dataset.ml-1m]
max_history = 200
[per_dataset.ml-1m.settings.sasrec]
dropout = 0.5
"""


def make_run_file(folder: Path) -> Path:
    """Write a run file."""
    path = folder / "run.toml"
    path.write_text(RUN_FILE)
    return path


# --- results --------------------------------------------------------------------------------------------------


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
    return lambda folder: make_results(folder) / name


def root_of(path: Path) -> Path:
    """Return the folder of all results, from a path of one of their files."""
    return next(folder for folder in path.parents if (folder / "bench").is_dir())


def tabled(path: Path) -> Any:
    """Return the record of a cell and a table with it."""
    store = ReadOnce(root_of(path), "bench")
    entries = list(store.records())
    (record,) = (record for folder, record in entries if folder == path.parent)
    list(settings_in(record))
    made = table.build(entries, store, MRR, tested="MRR")
    text = render(HOST, "text", main_table.report(made, cost=True))[1]
    return json.dumps(record, sort_keys=True), text


def ranks(path: Path) -> Any:
    """Return the ranks of a side, read in both ways."""
    folder, root = path.parent.parent, root_of(path)
    whole, once = Store(root, "bench"), ReadOnce(root, "bench")
    record = whole.read(folder)
    slow, quick = (store.user_ranks(folder, "llm", record) for store in (whole, once))
    if not (np.array_equal(slow.rank, quick.rank) and np.array_equal(slow.n_candidates, quick.n_candidates)):
        raise AssertionError("the quick reader gives other ranks")
    return slow.facts.to_json(), slow.rank.tolist(), slow.n_candidates.tolist()


def lists(path: Path) -> Any:
    """Return the best items of a side, or how often items occur."""
    store = Store(root_of(path), "bench")
    found = store.top(path.parent.parent, "llm") if path.name == "top.parquet" else store.items(path.parent)
    return found.to_json()


# --- states of a training -------------------------------------------------------------------------------------


def make_state(folder: Path) -> Path:
    """Write the state of a training."""
    import torch

    from corecbench.api import save_tensors

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


# --- all of them ----------------------------------------------------------------------------------------------


def changed(
    decoded: Callable[[bytes], Any] | None = None,
    encoded: Callable[[Any], bytes] | None = None,
    is_text: bool = True,
) -> Callable[[bytes, random.Random], bytes]:
    """Return what changes an input in any way."""
    return lambda data, draw: in_any_way(data, draw, decoded, encoded, is_text)


def kinds() -> Iterator[Kind]:
    """Yield all kinds of input."""
    fields, columns = (lines_of, text_of), (table_of, parquet_of)

    def jsonized(value: Any) -> bytes:
        return json.dumps(value).encode()

    def tomlized(value: Any) -> bytes:
        return tomlkit.dumps(value).encode()

    def of_folder(path: Path) -> Any:
        return meaning(f"folder:{path.parent}")

    yield Kind(".inter", make_atomic, changed(), of_folder)
    yield Kind(".item", make_items, changed(), of_folder)
    yield Kind("csv", make_csv, changed(*fields), lambda path: meaning(f"csv:{path}"))
    yield Kind("parquet", make_parquet, changed(*columns, is_text=False), lambda path: meaning(f"parquet:{path}"))
    yield Kind("zip", make_zip, changed(is_text=False), unpacked, has_checksum=True)
    yield Kind(
        "run file",
        make_run_file,
        changed(lambda data: tomllib.loads(data.decode()), tomlized),
        lambda path: repr(load(path, {}, [])),
    )
    yield Kind("result.json", in_folder("result.json"), changed(json.loads, jsonized), tabled, has_checksum=True)
    for name, read in {"llm/ranks.parquet": ranks, "llm/top.parquet": lists, "items.parquet": lists}.items():
        change = changed(*columns, is_text=False)
        yield Kind(name.rpartition("/")[2], in_folder(name), change, read, has_checksum=True)
    yield Kind(
        "state of a training",
        make_state,
        changed(header_of, safetensors_of, is_text=False),
        state,
        has_checksum=True,
    )

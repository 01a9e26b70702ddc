"""The kinds of input: good files, how they are changed, and what reads them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomlkit

from corecbench.settings.config import load
from fuzzing import data_files, stored
from fuzzing.mutations import in_any_way

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

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


def changed(
    decoded: Callable[[bytes], Any] | None = None,
    encoded: Callable[[Any], bytes] | None = None,
    is_text: bool = True,
) -> Callable[[bytes, random.Random], bytes]:
    """Return what changes an input in any way."""
    return lambda data, draw: in_any_way(data, draw, decoded, encoded, is_text)


def kinds() -> Iterator[Kind]:
    """Yield all kinds of input."""
    fields, columns = (data_files.lines_of, data_files.text_of), (data_files.table_of, data_files.parquet_of)

    def jsonized(value: Any) -> bytes:
        return json.dumps(value).encode()

    def tomlized(value: Any) -> bytes:
        return tomlkit.dumps(value).encode()

    def of_folder(path: Path) -> Any:
        return data_files.meaning(f"folder:{path.parent}")

    yield Kind(".inter", data_files.make_atomic, changed(), of_folder)
    yield Kind(".item", data_files.make_items, changed(), of_folder)
    yield Kind("csv", data_files.make_csv, changed(*fields), lambda path: data_files.meaning(f"csv:{path}"))
    yield Kind(
        "parquet",
        data_files.make_parquet,
        changed(*columns, is_text=False),
        lambda path: data_files.meaning(f"parquet:{path}"),
    )
    yield Kind("zip", data_files.make_zip, changed(is_text=False), data_files.unpacked, has_checksum=True)
    yield Kind(
        "run file",
        make_run_file,
        changed(lambda data: tomllib.loads(data.decode()), tomlized),
        lambda path: repr(load(path, {}, [])),
    )
    yield Kind(
        "result.json",
        stored.in_folder("result.json"),
        changed(json.loads, jsonized),
        stored.tabled,
        has_checksum=True,
    )
    for name, read in {
        "llm/ranks.parquet": stored.ranks,
        "llm/top.parquet": stored.lists,
        "items.parquet": stored.lists,
    }.items():
        change = changed(*columns, is_text=False)
        yield Kind(name.rpartition("/")[2], stored.in_folder(name), change, read, has_checksum=True)
    yield Kind(
        "state of a training",
        stored.make_state,
        changed(stored.header_of, stored.safetensors_of, is_text=False),
        stored.state,
        has_checksum=True,
    )

"""Data sets and archives: good files, and what they mean."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from corecbench.data.archive import sha256_of, unpack
from corecbench.data.dataset import Dataset, load_dataset
from corecbench.data.split import leave_one_out
from corecbench.plugin.host import Host

if TYPE_CHECKING:
    from pathlib import Path

HOST = Host.discover()
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
        and len(leave_one_out(dataset, "file").held["test"].users) > 0
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
    unpack(path, into, {".inter": "toy.inter", ".item": "toy.item"}, max_bytes=1 << 20)
    if {each.name for each in path.parent.iterdir()} != {"toy.inter", "toy.item", "toy.zip", "into"}:
        raise AssertionError("something was unpacked elsewhere")
    return {each.name: sha256_of(each) for each in sorted(into.iterdir())}

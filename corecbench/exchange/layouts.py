"""The files in which libraries read a split that was made before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from corecbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from corecbench.exchange.parts import Parts

    Writer = Callable[[Parts, Path], None]

TIMES = ("s", "ms", "us", "ns")
"""Units of times since 1970, the first of which that gives possible dates is taken."""
FORMULA = r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""How a text begins that a spreadsheet would compute (CWE-1236)."""


@dataclass(frozen=True)
class Layout:
    """How a library reads a split."""

    write: Writer
    """Writes the parts into a folder."""
    hint: str
    """How to read them, where "{name}" stands for the data set."""


def tables(change: Callable[[pd.DataFrame], pd.DataFrame] | None = None, parquet: bool = False) -> Writer:
    """Return what writes each table into a file of its own, those of interactions after a change."""

    def write(parts: Parts, folder: Path) -> None:
        for name, table in parts.tables.items():
            table = table if change is None or name == "items" else change(table)
            if parquet:
                table.to_parquet(folder / f"{name}.parquet", index=False)
            else:
                to_csv(table, folder / f"{name}.csv")

    return write


def to_csv(table: pd.DataFrame, file: Path) -> None:
    if "title" in table:
        computed = table["title"].str.match(FORMULA)
        table = table.assign(title=table["title"].where(~computed, "'" + table["title"]))
    table.to_csv(file, index=False, lineterminator="\n")


def dates(timestamp: pd.Series) -> pd.Series:
    for unit in TIMES[:-1]:
        try:
            return pd.to_datetime(timestamp, unit=unit)
        except (ValueError, OverflowError):  # out of bounds is among these
            continue
    return pd.to_datetime(timestamp, unit=TIMES[-1])


def write_cornac(parts: Parts, folder: Path) -> None:
    """Write the parts as lines of user, item, rating and time, and the items as CSV."""
    check_plain(parts, "\t\n\r")
    for name, table in parts.tables.items():
        if name == "items":
            to_csv(table, folder / "items.csv")
        else:
            columns = table.assign(rating=1.0)[["user_id", "item_id", "rating", "timestamp"]]
            columns.to_csv(
                folder / f"{name}.tsv", index=False, header=False, sep="\t", quoting=3, lineterminator="\n"
            )


def write_trec(parts: Parts, folder: Path) -> None:
    """Write the training part and the items as CSV, and the other parts as judgements of TREC."""
    check_plain(parts)
    for name, table in parts.tables.items():
        if name in ("train", "items", "left_out"):
            to_csv(table, folder / f"{name}.csv")
        else:
            lines = zip(table["user_id"], table["item_id"], strict=True)
            text = "".join(f"{user} 0 {item} 1\n" for user, item in lines)
            (folder / f"{name}.qrels").write_text(text, encoding="utf-8", newline="\n")


def write_recbole(parts: Parts, folder: Path) -> None:
    """Write atomic files of parts: interactions for general models, and histories for sequential ones."""
    check_plain(parts)
    name = parts.data.whole_name
    names = {"train": "train", "valid": "validation", "test": "test", "left_out": "left_out"}
    tables = {short: parts.tables[name] for short, name in names.items() if name in parts.tables}
    inter = {"user_id": "user_id:token", "item_id": "item_id:token", "timestamp": "timestamp:float"}
    atomic = {f"{part}.inter": table.rename(columns=inter) for part, table in tables.items()}
    titles = parts.tables["items"].replace(r"[\t\r\n]+", " ", regex=True)
    item = {"item": titles.rename(columns={"item_id": "item_id:token", "title": "title:token_seq"})}
    histories = {f"{part}.inter": table for part, table in sequences(parts).items()}
    # not just the name: RecBole reads a data set of the name ml-100k from its own folder, whatever data_path says
    for dataset, files in ((f"{name}-split", {**atomic, **item}), (f"{name}-histories", {**histories, **item})):
        (folder / dataset).mkdir()
        for suffix, table in files.items():
            path = folder / dataset / f"{dataset}.{suffix}"
            table.to_csv(path, index=False, sep="\t", quoting=3, lineterminator="\n")


def sequences(parts: Parts) -> dict[str, pd.DataFrame]:
    """Return part -> a table of users, histories and the items that follow them, as RecBole reads them."""
    rows: dict[int, list[tuple[str, str, str]]] = {0: [], 1: [], 2: []}
    for user, own in parts.all.groupby("user_id", sort=False):
        items = own["item_id"].tolist()
        for item, part, n_known in zip(items, own["part"], own["n_known"], strict=True):
            if n_known and part in rows:
                recent = items[max(0, n_known - parts.max_history) : n_known]
                rows[part].append((str(user), " ".join(recent), item))
    columns = ["user_id:token", "item_id_list:token_seq", "item_id:token"]
    return {name: pd.DataFrame(rows[part], columns=columns) for part, name in enumerate(("train", "valid", "test"))}


def check_plain(parts: Parts, forbidden: str = " \t\n\r\f\v") -> None:
    for ids in (parts.data.catalog.user_ids[1:], parts.data.catalog.item_ids[1:]):
        for each in ids:
            if any(character in each for character in forbidden):
                raise UsageError(f"id {each!r:.60} holds a blank, which this format cannot; choose --format csv")


LAYOUTS: Mapping[str, Layout] = {
    "csv": Layout(tables(), "Read ids as text: pandas.read_csv(path, dtype={{'user_id': str, 'item_id': str}})."),
    "recbole": Layout(
        write_recbole,
        "RecBole: data_path is this folder, and benchmark_filename is [train, valid, test]. For general models\n"
        "dataset is {name}-split. For sequential ones it is {name}-histories, alias_of_item_id is [item_id_list],\n"
        "eval_args.order is TO, and load_col names the columns of inter: user_id, item_id_list, item_id.",
    ),
    "rectools": Layout(
        tables(
            lambda table: table.drop(columns="timestamp").assign(weight=1.0, datetime=dates(table["timestamp"]))
        ),
        "RecTools: Dataset.construct takes the columns as they are. Read ids as text:\n"
        "pandas.read_csv('train.csv', dtype={{'user_id': str, 'item_id': str}}).",
    ),
    "replay": Layout(
        tables(lambda table: table.rename(columns={"user_id": "query_id"}).assign(rating=1.0), parquet=True),
        "RePlay: query_column='query_id', item_column='item_id', timestamp_column='timestamp'.",
    ),
    "lenskit": Layout(
        tables(parquet=True),
        "LensKit: from_interactions_df(pandas.read_parquet('train.parquet')), and for the test part\n"
        "ItemListCollection.from_df(pandas.read_parquet('test.parquet'), ['user_id']).",
    ),
    "cornac": Layout(
        write_cornac,
        "Cornac: Reader().read('train.tsv', fmt='UIRT', sep='\\t') for each part, then BaseMethod.from_splits.",
    ),
    "trec": Layout(write_trec, "TREC: test.qrels and validation.qrels are judgements: user, 0, item, 1."),
}
"""Name of a format -> how it is written and read."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corecbench.api import DataError
from corecbench_plugins.datasets.parquet_file import open_parquet
from corecbench_plugins.datasets.settings import Columns

ROWS = {"user_id": ["b", "a", "a"], "item_id": [3, 1, 2], "timestamp": [9, 7, 5]}
NOON = datetime(2015, 3, 1, 12, tzinfo=UTC)

SKIP = "; --set parquet.bad_rows=skip leaves it out"
TIMES = "integers, float64, timestamps, dates or text are needed"


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Write a table and open it: `source(timestamp=...)` changes columns; `items` is a second table."""
    monkeypatch.chdir(tmp_path)

    def make(items=None, settings=(), **columns):
        pq.write_table(pa.table({**ROWS, **columns}), "events.parquet")
        settings = dict(settings)
        if items is not None:
            pq.write_table(pa.table(items), "items.parquet")
            settings["items"] = "items.parquet"
        return open_parquet(Columns("events.parquet", **settings))

    return make


def fault(source):
    with pytest.raises(DataError) as error:
        (source.interactions(), source.items())
    return str(error.value)


def test_rows_come_in_file_order_and_ids_are_text(source):
    assert source().interactions().to_dict("list") == {
        "user_id": ["b", "a", "a"],
        "item_id": ["3", "1", "2"],
        "timestamp": [9, 7, 5],
    }


def test_categories_and_large_strings_are_text(source):
    columns = {
        "user_id": pa.array(["b", "a", "a"]).dictionary_encode(),
        "item_id": pa.array("xyz", pa.large_string()),
    }
    table = source(**columns).interactions()
    assert (table["user_id"].tolist(), table["item_id"].tolist()) == (["b", "a", "a"], ["x", "y", "z"])


@pytest.mark.parametrize(
    ("times", "dtype"),
    [
        (pa.array([3, 2, 1], pa.int32()), np.int64),
        (pa.array([3, 2, 1], pa.uint64()), np.int64),
        (pa.array([3.5, 2, 1], pa.float64()), np.float64),
        (pa.array([NOON.replace(hour=hour) for hour in (14, 13, 12)]), np.int64),
        (pa.array([date(2015, 3, day) for day in (3, 2, 1)]), np.int64),
        (pa.array(["2015-03-03", "2015-03-02", "2015-03-01"]), np.int64),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_times_keep_their_order(source, times, dtype):
    found = source(timestamp=times).interactions()["timestamp"]
    assert found.dtype == dtype
    assert found.argsort().tolist() == [2, 1, 0]


def test_titles_come_from_a_file_of_their_own(source):
    items = {"item_id": [1, 2], "title": ["One &amp; only", None]}
    found = source(items).items()
    assert found.to_dict("list") == {"item_id": ["1", "2"], "title": ["One & only", ""]}


def test_the_files_of_a_folder_are_read_in_the_order_of_their_names(tmp_path):
    for name, user in (("part-1", "b"), ("part-0", "a")):
        pq.write_table(
            pa.table({"user_id": [user], "item_id": ["x"], "timestamp": [1]}), tmp_path / f"{name}.parquet"
        )
    assert open_parquet(Columns(str(tmp_path))).interactions()["user_id"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"timestamp": pa.array([1.0, 2, 3], pa.float32())},
            f": column timestamp: float, in which seconds are lost; {TIMES}",
        ),
        (
            {"timestamp": pa.array([True, False, True])},
            f": column timestamp: bool, {TIMES}",
        ),
        ({"timestamp": pa.array([1, None, 3])}, ": row 2: column timestamp: empty, a time is needed" + SKIP),
        (
            {"timestamp": pa.array([1.0, 2.0, float("nan")])},
            ": row 3: column timestamp: nan is not finite, a time is needed" + SKIP,
        ),
        ({"user_id": pa.array([1.0, 2.0, 3.0])}, ": column user_id: double, text or integers are needed"),
        ({"user_id": pa.array(["a", None, "c"])}, ": row 2: column user_id: empty, an id is needed" + SKIP),
    ],
)
def test_a_bad_column_is_named_with_file_and_row(source, columns, message):
    assert fault(source(**columns)) == f"events.parquet{message}"


def test_a_missing_column_is_named_with_those_that_there_are(source):
    assert fault(source(settings={"user": "who"})) == (
        "events.parquet: column who: missing; have: user_id, item_id, timestamp; maybe: --set parquet.user=user_id "
        "--set parquet.item=item_id --set parquet.timestamp=timestamp"
    )


def test_an_item_listed_twice_is_named(source):
    assert fault(source({"item_id": [1, 2, 1], "title": list("abc")})) == (
        "items.parquet: row 3: column item_id: '1' is in items.parquet: row 1 already, an item is allowed once"
    )


def test_a_file_without_rows_is_refused(source):
    empty = {name: pa.array([], pa.string()) for name in ROWS}
    assert fault(source(**empty)) == "events.parquet: no rows, at least one is needed"


def test_a_file_that_is_no_parquet_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.parquet").write_text("user_id,item_id\n")
    message = fault(open_parquet(Columns("events.parquet")))
    assert message.startswith("events.parquet: cannot be read as Parquet: ")
    assert "\n" not in message


def test_a_file_that_is_not_there_is_named():
    assert (
        fault(open_parquet(Columns("no.parquet"))) == "no.parquet: no such file or folder; one of Parquet is needed"
    )


@pytest.mark.parametrize(
    ("column", "other", "types"),
    [
        ("timestamp", pa.array([1.0]), ("int64", "double")),
        ("timestamp", pa.array([NOON]), ("int64", "timestamp[us, tz=UTC]")),
        ("user_id", pa.array([1]), ("string", "int64")),
    ],
)
def test_files_of_a_folder_with_other_types_are_refused_in_one_line(tmp_path, column, other, types):
    rows = {"user_id": ["01"], "item_id": ["x"], "timestamp": [1]}
    pq.write_table(pa.table(rows), tmp_path / "part-0.parquet")
    pq.write_table(pa.table(rows | {column: other}), tmp_path / "part-1.parquet")
    assert fault(open_parquet(Columns(str(tmp_path)))) == (
        f"{tmp_path}: column {column}: {types[0]} in part-0.parquet and {types[1]} in part-1.parquet; all files "
        "must have the same columns and types"
    )


def test_a_column_that_a_file_of_a_folder_lacks_is_named(tmp_path):
    rows = {"user_id": ["01"], "item_id": ["x"], "timestamp": [1]}
    pq.write_table(pa.table(rows), tmp_path / "part-0.parquet")
    pq.write_table(pa.table({**rows, "new": [1]}), tmp_path / "part-1.parquet")
    assert "column new: missing in part-0.parquet and int64 in part-1" in fault(
        open_parquet(Columns(str(tmp_path)))
    )


def test_large_strings_and_categories_are_the_text_that_they_hold(tmp_path):
    kinds = (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()))
    for number, kind in enumerate(kinds):
        rows = {"user_id": pa.array(["a"], kind), "item_id": ["x"], "timestamp": [1]}
        pq.write_table(pa.table(rows), tmp_path / f"{number}.parquet")
    assert open_parquet(Columns(str(tmp_path))).interactions()["user_id"].tolist() == ["a"] * 3


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (
            [1425168000, 1425168000000, 1],
            "row 2: column timestamp: 1425168000000 is in milliseconds",
        ),
        ([1425168000.0, 1425168000e3, 1.0], "row 2: column timestamp: 1425168000000.0 is in milliseconds"),
        ([1425168000123456789.0, 1.0, 2.0], "row 1: column timestamp: 1425168000123456768 as float64 has lost"),
    ],
)
def test_times_of_two_units_or_without_their_last_digits_are_refused(source, times, message):
    assert message in fault(source(timestamp=times))


def test_bad_rows_are_skipped_and_named(source):
    opened = source(user_id=["a", None, "c"], timestamp=[1, 2, None], settings={"bad_rows": "skip"})
    assert opened.interactions().to_dict("list") == {"user_id": ["a"], "item_id": ["3"], "timestamp": [1]}
    assert opened.notes == [
        "events.parquet: 2 bad rows are left out: 1 of column user_id: empty, an id is needed (row 2); "
        "1 of column timestamp: empty, a time is needed (row 3)"
    ]


def test_a_row_without_a_rating_is_skipped(source):
    opened = source(rating=[5, None, 3], settings={"min_rating": 4, "bad_rows": "skip"})
    assert opened.interactions()["user_id"].tolist() == ["b"]
    assert (
        opened.notes[0]
        == "events.parquet: 1 bad rows are left out: 1 of column rating: empty, a rating is needed (row 2)"
    )


def test_a_column_without_any_time_leaves_no_row(source):
    empty = pa.array([None] * 3, pa.int64())
    assert source(timestamp=empty, settings={"bad_rows": "skip"}).interactions().empty


def test_lower_ratings_are_left_out(source):
    opened = source(rating=pa.array([5, 3.5, 4], pa.float32()), settings={"min_rating": 4})
    assert opened.interactions()["user_id"].tolist() == ["b", "a"]

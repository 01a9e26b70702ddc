"""Files that are broken, or that try to pass for better results, are refused in one line."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corecbench.api import CorecbenchError
from corecbench.exchange.reading import format_of, read

HEADER = b"user_id,item_id,score\n"

FILES = {
    "empty": ("a.csv", b"", "cannot be read as csv"),
    "header only": ("a.csv", HEADER, "no rows"),
    "no header": ("a.csv", b"1,2,3\n4,5,6\n", "no column of users; have: 1, 2, 3"),
    "no items": ("a.csv", b"user_id,score\n1,2\n", "neither ranks (user_id, rank) nor lists"),
    "two of a kind": ("a.csv", b"user_id,userId,rank\n1,1,2\n", "columns 'user_id' and 'userId' both mean user_id"),
    "the same name twice": ("a.csv", b"user_id,user_id,rank\n1,1,2\n", "two columns have the same name"),
    "too many fields": ("a.csv", HEADER + b"1,2,3\n1,2,3,4\n", "Expected 3 columns, got 4"),
    "too few fields": ("a.csv", HEADER + b"1,2\n", "Expected 3 columns, got 2"),
    "not UTF-8": ("a.csv", HEADER + b"\xff\xfe,2,3\n", "cannot be read as csv"),
    "NUL bytes": ("a.csv", b"\0" * 64, "cannot be read as csv"),
    "binary": ("a.csv", bytes(range(256)), "cannot be read as csv"),
    "score of nothing": ("a.csv", HEADER + b"1,2,\n", "column score: '' in row 2 is no finite number"),
    "score of words": ("a.csv", HEADER + b"1,2,3\n1,3,best\n", "column score: 'best' in row 3 is no finite number"),
    "NaN": ("a.csv", HEADER + b"1,2,nan\n", "column score: 'nan' in row 2 is no finite number"),
    "infinity": ("a.csv", HEADER + b"1,2,inf\n", "column score: 'inf' in row 2 is no finite number"),
    "a rank of one and a half": (
        "a.csv",
        b"user_id,rank\n1,1.5\n",
        "column rank: '1.5' in row 2 is no whole number",
    ),
    "a rank beyond all": ("a.csv", b"user_id,rank\n1,1e300\n", "column rank: '1e300' in row 2 is no whole number"),
    "five columns": ("a.trec", b"1 Q0 2 1 0.5 me\n1 Q0 3 2 0.4\n", "line 2 has 5 fields, but a run has 6"),
    "seven columns": ("a.run", b"1 Q0 two words 1 0.5 me\n", "line 1 has 7 fields, but a run has 6"),
    "an empty run": ("a.trec", b"\n\n", "no rows"),
    "no Parquet": ("a.parquet", b"PAR1 not at all PAR1", "cannot be read as parquet"),
    "a cut Parquet": ("a.parquet", None, "cannot be read as parquet"),
    "another suffix": ("a.xlsx", b"", "the suffix tells no format"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_broken_file_is_one_line(tmp_path, case):
    name, content, message = FILES[case]
    path = tmp_path / name
    if content is None:
        pd.DataFrame({"user_id": ["1"], "rank": [1]}).to_parquet(path)
        content = path.read_bytes()[:-20]
    path.write_bytes(content)
    with pytest.raises(CorecbenchError) as error:
        read(path, format_of(path))
    assert message in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user_id": pa.array([1.0, 2.0])}, "column user_id holds double; ids are text or whole numbers"),
        ({"user_id": pa.array(["1", None])}, "column user_id: nothing in row 2"),
        ({"rank": pa.array([True, False])}, "column rank holds bool; numbers are needed"),
        ({"rank": pa.array([1.0, np.nan])}, "column rank: 'nan' in row 2 is no whole number"),
        ({"rank": pa.array([[1], [2]])}, "column rank holds list"),
        ({"user_id": pa.array([b"1", b"2"])}, "column user_id holds binary; ids are text or whole numbers"),
    ],
)
def test_columns_of_other_types_are_refused(tmp_path, columns, message):
    table = {"user_id": pa.array(["1", "2"]), "rank": pa.array([1, 2]), **columns}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    with pytest.raises(CorecbenchError, match="column") as error:
        read(tmp_path / "a.parquet", "parquet")
    assert message in str(error.value)


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(CorecbenchError, match="not a file"):
        read(tmp_path, "csv")
    with pytest.raises(CorecbenchError, match="no such file"):
        read(tmp_path / "a.csv", "csv")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfuser_id,item_id,score\nNA,01,1\nnull,a b,0.5\n",
        b"user_id:token\titem_id:token\tscore:float\r\nNA\t01\t1\r\nnull\ta b\t5e-1\r\n",
        b'userId,movie,item,score\nNA,x,"01",1\nnull,y,"a b",.5\n',
    ],
)
def test_ids_stay_as_they_are_written(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    table, _ = read(tmp_path / "a.csv", "csv")
    assert table["user_id"].tolist() == ["NA", "null"]
    assert table["item_id"].tolist() == ["01", "a b"]
    assert table["score"].tolist() == [1.0, 0.5]


def test_whole_numbers_of_parquet_are_ids(tmp_path):
    pd.DataFrame({"user": [7, 8], "item": pd.Categorical(["a", "b"]), "rank": np.int8([1, 1])}).to_parquet(
        tmp_path / "a.parquet"
    )
    table, _ = read(tmp_path / "a.parquet", "parquet")
    assert table.to_dict("list") == {"user_id": ["7", "8"], "item_id": ["a", "b"], "rank": [1, 1]}

"""Tables are read from memory of Arrow's own: its threads may outlive Python, and must not need it then."""

import sys

import pandas as pd
import pyarrow as pa
import pytest

from corecbench.exchange import reading
from corecbench.results.tables import read_table
from corecbench.toolkit import in_memory_of_arrow


def test_what_arrow_reads_from_holds_nothing_of_python():
    content = bytes(range(256)) * 10
    references = sys.getrefcount(content)
    source = in_memory_of_arrow(content)
    assert sys.getrefcount(content) == references
    assert source.read() == content


@pytest.mark.parametrize("suffix", ["csv", "parquet", "stored"])
def test_no_table_is_read_from_an_object_of_python(tmp_path, monkeypatch, suffix):
    path, frame = tmp_path / f"ranks.{suffix}", pd.DataFrame({"user_id": ["a"], "rank": [3]})
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    sources = []
    read_csv, parquet_file, read_parquet = pa.csv.read_csv, reading.pq.ParquetFile, pd.read_parquet

    def noted(function):
        return lambda source, *rest, **options: sources.append(source) or function(source, *rest, **options)

    monkeypatch.setattr(reading.pa.csv, "read_csv", noted(read_csv))
    monkeypatch.setattr(reading.pq, "ParquetFile", noted(parquet_file))
    monkeypatch.setattr(pd, "read_parquet", noted(read_parquet))
    if suffix == "stored":
        found = read_table(path.read_bytes(), path, ("user_id", "rank"))
    else:
        found, _ = reading.read(path, suffix)
    assert found["rank"].tolist() == [3]
    assert isinstance(sources[0], pa.BufferReader)

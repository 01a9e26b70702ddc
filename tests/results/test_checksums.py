import json

import pytest

from corecbench.results.checksums import check_record, checksum, is_stored, read_file, sealed, unsealed
from corecbench.results.record import DamagedError


@pytest.fixture
def folder(tmp_path):
    """Make a cell of two files."""
    (tmp_path / "llm").mkdir()
    (tmp_path / "items.parquet").write_bytes(b"items")
    (tmp_path / "llm/ranks.parquet").write_bytes(b"ranks")
    return tmp_path


def test_a_sealed_record_names_all_files_and_is_otherwise_the_same(folder):
    record = sealed({"seed": 3}, folder)
    assert list(record["files"]) == ["items.parquet", "llm/ranks.parquet"]
    assert unsealed(record) == {"seed": 3}
    assert sealed(record, folder) == record


def test_a_file_is_read_as_it_was_stored_or_not_at_all(folder):
    record = sealed({}, folder)
    assert read_file(folder, "llm/ranks.parquet", record) == b"ranks"
    (folder / "llm/ranks.parquet").write_bytes(b"Ranks")
    with pytest.raises(DamagedError, match=r"llm/ranks.parquet: its sha256 is not the one in result.json"):
        read_file(folder, "llm/ranks.parquet", record)


def test_a_file_that_came_later_is_not_read(folder):
    record = sealed({}, folder)
    (folder / "top.parquet").write_bytes(b"top")
    assert is_stored(folder, "top.parquet", record)
    with pytest.raises(DamagedError, match=r"result.json names no such file"):
        read_file(folder, "top.parquet", record)


def test_without_checksums_a_file_is_read_as_it_is(folder):
    assert read_file(folder, "items.parquet", {}) == b"items"
    assert not is_stored(folder, "top.parquet", {})


def test_the_checksum_is_of_the_contents_and_not_of_their_order(folder):
    record = sealed({"a": 0.1, "b": [1, None]}, folder)
    check_record(json.loads(json.dumps(dict(reversed(record.items())), indent=3)), folder / "result.json")
    assert checksum(record) == record["checksum"] != checksum(record | {"a": 0.2})
    with pytest.raises(DamagedError, match="do not have the checksum"):
        check_record(record | {"a": 0.2}, folder / "result.json")

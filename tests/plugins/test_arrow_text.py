"""The fast way through text files gives what the way row by row gives, errors and their lines included."""

import random
import sys

import pyarrow.csv
import pytest

from corecbench.api import DataError
from corecbench_plugins.datasets import atomic_file, atomic_folder, csv_file, timestamps
from corecbench_plugins.datasets.arrow_text import longest_line, read_columns
from corecbench_plugins.datasets.atomic_folder import AtomicFolder
from corecbench_plugins.datasets.csv_file import PlainTable, open_csv, read_csv
from corecbench_plugins.datasets.settings import Csv

PLAIN = ("a", "b", "é", " s", "1", "22")
UNUSUAL = (
    *("", "  ", "007", "+5", "1.5", ".5", "5.", "1e3", "-", "nan", "inf", "NA", "null", "0x1f", "1_000", "1e400"),
    *("99999999999999999999", "9007199254740993", "2015-03-01", "2015-03-01T12:00:00Z"),
    *('"', '"a"', '"a,b"', "\t", "\r", "\0", "\ufeff", "\u2028"),
)


def some_file(rng, header, separator):
    """Return a small file: plain for the most part, with some unusual cells, lines and line ends."""
    lines = [separator.join(header)]
    integers = rng.random() < 0.7
    for _ in range(rng.randrange(7)):
        row = [rng.choice(PLAIN if rng.random() < 0.97 else UNUSUAL) for _ in header]
        if rng.random() < 0.97:
            row[header.index("timestamp")] = rng.choice(("1", "5", "-3") if integers else ("1.5", "7e2", ".5", "2"))
        lines.append(separator.join(row if rng.random() < 0.98 else row[1:]))
        if rng.random() < 0.03:
            lines.append(rng.choice(("", lines[0])))
    ends = rng.choice(("\n", "\n", "\r\n"))
    data = (ends.join(lines) + ends * (rng.random() < 0.8)).encode()
    cut = rng.randrange(len(data))
    return data if rng.random() < 0.98 else data[:cut] + b"\xff" + data[cut:]


def outcome(source):
    """Return what is read, types included, or the error."""
    try:
        tables = [table() for table in (source().interactions, source().items)]
    except DataError as error:
        return str(error)
    return [(table.to_dict("list"), [str(kind) for kind in table.dtypes]) for table in tables]


@pytest.mark.parametrize("seed", range(8))
def test_a_table_of_separated_values_is_the_same_in_both_ways(seed, tmp_path, monkeypatch):
    rng, file = random.Random(seed), tmp_path / "x.csv"
    files, n_plain = 60, 0
    for _ in range(files):
        header, separator = ["user_id", "item_id", "timestamp", "title"][: rng.choice((3, 4))], rng.choice(",;\t")
        file.write_bytes(some_file(rng, header, separator))
        source = lambda: open_csv(Csv(str(file), separator=separator))  # noqa: B023, E731
        fast = outcome(source)
        if not isinstance(fast, str):
            n_plain += isinstance(read_csv(file, separator), PlainTable)
        with monkeypatch.context() as patch:
            patch.setattr(csv_file, "_read_plain", lambda *arguments: None)
            patch.setattr(timestamps, "numbers", lambda column: None)
            assert outcome(source) == fast, file.read_bytes()
    assert n_plain > files / 4


@pytest.mark.parametrize("seed", range(8))
def test_an_atomic_file_is_the_same_in_both_ways(seed, tmp_path, monkeypatch):
    rng = random.Random(seed)
    for _ in range(60):
        data = some_file(rng, ["user_id", "item_id", "timestamp"], "\t").replace(b"user_id", b"user_id:token", 1)
        data = data.replace(b"item_id", b"item_id:token", 1).replace(b"timestamp", b"timestamp:float", 1)
        (tmp_path / "x.inter").write_bytes(data)
        fast = outcome(lambda: AtomicFolder(tmp_path))
        with monkeypatch.context() as patch:
            patch.setattr(atomic_file, "read_columns", lambda *arguments: None)
            patch.setattr(atomic_folder, "numbers", lambda column: None)
            assert outcome(lambda: AtomicFolder(tmp_path)) == fast, data


def test_a_field_longer_than_python_reads_is_an_error_as_before(tmp_path):
    (tmp_path / "x.csv").write_text("user_id,item_id,timestamp\na,x,1\nb," + "y" * 200_000 + ",2\n")
    with pytest.raises(DataError, match=r"x\.csv:3: field larger than field limit"):
        open_csv(Csv(str(tmp_path / "x.csv"))).interactions()


@pytest.mark.parametrize(("data", "length"), [(b"", 0), (b"ab\nc", 2), (b"a\n\nbcd\n", 3), (b"abc", 3)])
def test_the_longest_line_is_found_with_and_without_an_end(data, length):
    assert longest_line(data) == length


def test_arrow_reads_from_memory_of_its_own(monkeypatch):
    rows, sources, read = b"a,1\nb,2\n", [], pyarrow.csv.read_csv

    def noted(source, *options):
        sources.append(sys.getrefcount(rows))
        return read(source, *options)

    monkeypatch.setattr("pyarrow.csv.read_csv", noted)
    references = sys.getrefcount(rows)
    assert read_columns(rows, ",", ["user", "n"], ["n"])["n"].to_pylist() == ["1", "2"]
    assert sources == [references + 1]  # the argument's

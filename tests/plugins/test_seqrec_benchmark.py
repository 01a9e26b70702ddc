"""Archives of SeqRecBenchmark, from a server on this machine."""

import contextlib
import http.server
import io
import os
import pickle
import threading
import zipfile
from dataclasses import replace

import pandas as pd
import pytest

from corecbench.api import DataError
from corecbench.data.fetch import fetch
from corecbench_plugins.datasets import seqrec, seqrec_benchmark
from corecbench_plugins.datasets.pickled_table import read_columns
from corecbench_plugins.datasets.seqrec_benchmark import Known, checksum

ROWS = [(100, 101, 5), (100, 102, 5), (100, 100, 9), (101, 102, 3), (101, 100, 3)]
TITLES = [(100, "Salt &amp; Pepper"), (101, "  A\tbar \r\nof  soap "), (102, "1984")]
KNOWN = Known(2, 3, 5, checksum(ROWS, TITLES))


def table(**columns):
    """A data frame with names and texts as objects, as pandas 2 has them."""
    made = pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})
    made = made.astype({name: object for name, values in columns.items() if not isinstance(values[0], int)})
    made.columns = pd.Index(list(columns), dtype=object)
    return made


def tables(rows=ROWS, titles=TITLES):
    users = sorted({user for user, _, _ in rows})
    histories, times = ([[row[at] for row in rows if row[0] == user] for user in users] for at in (1, 2))
    return {
        "proc/user2item.pkl": pickle.dumps(table(UserID=users, ItemID=histories, Timestamp=times)),
        "proc/item2title.pkl": pickle.dumps(table(ItemID=[i for i, _ in titles], Title=[t for _, t in titles])),
        "proc/summary.json": b"{}",
    }


@pytest.fixture
def get(tmp_path, monkeypatch):
    """Fetch the data set "amazon-games", which is small here, from an archive of the given files."""
    monkeypatch.setitem(seqrec_benchmark.KNOWN, "amazon-games", KNOWN)
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("CORECBENCH_DATA", "")
    served = io.BytesIO()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(served.getvalue())))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(served.getvalue())

        def log_message(self, *_):
            pass

    def get_games(files):
        with zipfile.ZipFile(served, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        source = replace(seqrec("amazon2018-game"), url=f"http://127.0.0.1:{listening.server_port}/proc.zip")
        fetched = fetch("amazon-games", source, get_games.root, schemes=("http",))
        return fetched, get_games.root / "amazon-games"

    get_games.root = tmp_path / "datasets"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield get_games
        listening.shutdown()
        thread.join()


def fault(get, files):
    with pytest.raises(DataError) as error:
        get(files)
    assert "\n" not in str(error.value)
    assert not any(get.root.iterdir())
    return str(error.value)


def test_an_archive_becomes_a_folder_of_atomic_files_that_a_run_finds_by_name(get, host):
    fetched, folder = get(tables())
    assert sorted(fetched.files) == sorted(os.listdir(folder)) == ["amazon-games.inter", "amazon-games.item"]
    header, *lines = (folder / "amazon-games.inter").read_text().splitlines()
    assert header == "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    assert lines == [f"{user}\t{item}\t1\t{time}" for user, item, time in ROWS]
    assert (folder / "amazon-games.item").read_text() == (
        "item_id:token\ttitle:token_seq\n100\tSalt &amp; Pepper\n101\tA bar  of  soap\n102\t1984\n"
    )
    source = host.build(host.select("datasets", "amazon-games", {}))
    assert source.interactions()["timestamp"].tolist() == [5, 5, 9, 3, 3]
    assert source.items()["title"].tolist() == ["Salt & Pepper", "A bar  of  soap", "1984"]


@pytest.mark.parametrize("changed", [tables(rows=[*ROWS[:-1], (101, 101, 3)]), tables(titles=TITLES[:-1])])
def test_another_data_set_is_refused_with_both_sizes(get, changed):
    message = fault(get, changed)
    assert message.startswith("amazon-games: got Known(users=2, items=")
    assert message.endswith(f"must be {KNOWN}; nothing was changed")


def test_columns_that_are_missing_or_differ_in_length_are_refused(get):
    odd = pickle.dumps(table(UserID=[100], ItemID=[[100, 101]], Timestamp=[[5]]))
    assert "are not as expected: ValueError" in fault(get, tables() | {"proc/user2item.pkl": odd})
    odd = pickle.dumps(table(UserID=[100]))
    assert "are not as expected: KeyError('ItemID')" in fault(get, tables() | {"proc/user2item.pkl": odd})


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_would_run_something_runs_nothing(get, tmp_path):
    evil = pickle.dumps(Harmful(tmp_path / "ran"))
    message = fault(get, tables() | {"proc/item2title.pkl": evil})
    assert "item2title.pkl: not a pickled table that can be read (" in message
    evil = pickle.dumps(table(ItemID=[100, 101, 102], Title=["a", "b", Harmful(tmp_path / "ran")]))
    fault(get, tables() | {"proc/item2title.pkl": evil})
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\x80\x05N.", pickle.dumps([1]), b"\x80\x04\x8c\x02os\x8c\x00\x93."]
)
def test_what_is_no_pickled_table_is_refused(tmp_path, content):
    (tmp_path / "x.pkl").write_bytes(content)
    with pytest.raises(DataError, match=r"^x\.pkl: not a pickled table that can be read \("):
        read_columns(tmp_path / "x.pkl")


@pytest.mark.parametrize("protocol", [4, 5])
def test_numbers_in_any_layout_are_read(tmp_path, protocol):
    frame = table(A=[1, 2, 3], B=[4, 5, -6], C=["x", "y", "z"])
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(frame[["B", "C", "A"]], protocol))
    assert read_columns(tmp_path / "x.pkl") == {"A": [1, 2, 3], "B": [4, 5, -6], "C": ["x", "y", "z"]}

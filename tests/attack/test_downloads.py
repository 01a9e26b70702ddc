"""Servers and archives that mean harm: bounded in time and size, and nothing is written elsewhere."""

import contextlib
import gzip
import hashlib
import io
import socket
import struct
import threading
import tracemalloc
import zipfile
from types import SimpleNamespace

import pytest

from corecbench.api import DataError, Download
from corecbench.data.fetch import fetch


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Let a download be tried again at once."""
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))


def get(url, folder, **stated):
    """Fetch the data set "toy" from a server without encryption."""
    return fetch("toy", Download(url, **stated), folder, schemes=("http",))


@pytest.fixture
def serve():
    """Answer every request on this machine by a function of its connection; return the address."""
    listening, ended = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def handle(connection, answer):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            answer(connection, ended)

    def start(answer):
        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=handle, args=(listening.accept()[0], answer), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/toy.zip"

    yield start
    ended.set()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def whole(body, status="200 OK", **headers):
    """Return what answers with a body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    head = "\r\n".join([*lines, "Connection: close", "", ""]).encode()
    return lambda connection, ended: connection.sendall(head + body)


def archive(**contents):
    """Return a zip archive of toy.inter, and so on."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as opened:
        for suffix, content in contents.items():
            opened.writestr(f"toy.{suffix}", content)
    return written.getvalue()


def test_a_server_that_says_nothing_is_given_up(serve, tmp_path, monkeypatch):
    monkeypatch.setattr("corecbench.data.fetch.TIMEOUT_S", 0.2)
    with pytest.raises(DataError, match=r"timed out.* \(tried 3 times\)"):
        get(serve(lambda connection, ended: ended.wait()), tmp_path)
    assert not any(tmp_path.iterdir())


def test_content_that_grows_when_it_is_decoded_is_cut_at_the_limit(serve, tmp_path):
    url = serve(whole(gzip.compress(b"0" * 50_000_000), **{"Content-Encoding": "gzip"}))
    with pytest.raises(DataError, match="more than 1,000,000 bytes"):
        get(url, tmp_path, max_bytes=1_000_000)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "//", "http://", "http://[", "//[::"]
)
def test_a_redirection_leads_to_no_file(serve, tmp_path, target):
    with pytest.raises(DataError):
        get(serve(whole(b"", "302 Found", Location=target)), tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_link_in_the_place_of_the_archive_or_the_record_is_not_followed(serve, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("precious")
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "toy.zip").symlink_to(mine)
    (cache / "toy.download.json").symlink_to(tmp_path / "nowhere")
    get(serve(whole(archive(inter=b"x", item=b"y"))), cache)
    assert (mine.read_text(), (tmp_path / "nowhere").exists()) == ("precious", False)
    assert not (cache / "toy.download.json").is_symlink()


def test_the_checksum_is_checked_before_anything_is_unpacked(serve, tmp_path, monkeypatch):
    def unpack(*_):
        raise AssertionError("it was unpacked")

    monkeypatch.setattr("corecbench.data.fetch.unpack", unpack)
    with pytest.raises(DataError, match="expected 000"):
        get(serve(whole(archive(inter=b"x", item=b"y"))), tmp_path, sha256="0" * 64)


def test_an_archive_of_many_gigabytes_in_few_is_refused_by_its_stated_size(serve, tmp_path):
    body = archive(inter=b"0" * 50_000_000, item=b"y")
    assert len(body) < 100_000
    with pytest.raises(DataError, match="50,000,001 bytes unpacked, at most 40,000,000 are allowed"):
        get(serve(whole(body)), tmp_path, max_unpacked_bytes=40_000_000)


def test_an_archive_that_states_less_than_it_holds_costs_no_memory(serve, tmp_path):
    body = archive(inter=b"0" * 50_000_000, item=b"y")
    true, stated = struct.pack("<L", 50_000_000), struct.pack("<L", 10)
    assert body.count(true) == 2
    url = serve(whole(body.replace(true, stated)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="not a zip archive that can be read"):
            get(url, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
    assert not any(tmp_path.iterdir())


def test_an_archive_whose_entries_share_their_bytes_unpacks_to_no_more_than_it_states(serve, tmp_path):
    """Thousands of entries of a central directory point to one place, as in a bomb without recursion."""
    body = archive(inter=b"0" * 1_000_000, item=b"y")
    start = struct.unpack("<L", body[-6:-2])[0]  # of the central directory
    first = body[start : body.index(b"PK\1\2", start + 1)]
    others = b"".join(first.replace(b"toy.inter", f"{n:05}.txt".encode()) for n in range(5000))
    directory = body[start:-22] + others
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 5002, 5002, len(directory), start, 0)
    with pytest.raises(DataError, match=r"bytes unpacked, at most|not a zip archive"):
        get(serve(whole(body[:start] + directory + end)), tmp_path, max_unpacked_bytes=1 << 30)


def test_what_is_fetched_is_what_was_published(serve, tmp_path):
    fetched = get(serve(whole(archive(inter=b"x", item=b"y"))), tmp_path)
    assert fetched.files["toy.inter"] == hashlib.sha256(b"x").hexdigest()

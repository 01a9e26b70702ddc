"""Downloads from a web server on this machine whose faults each test chooses."""

import contextlib
import hashlib
import http.server
import io
import threading
import zipfile
from types import SimpleNamespace

import pytest

from corecbench.api import DataError, Download
from corecbench.data.fetch import fetch, read_record


def zipped(**contents):
    """Return the bytes of an archive of Toy_Set.inter, and so on."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for suffix, content in contents.items():
            archive.writestr(f"Toy_Set.{suffix}", content)
    return written.getvalue()


class Server:
    """Serves `body` at any path, unless told otherwise."""

    def __init__(self):
        self.body, self.says_size = b"", True
        self.cuts = []  # for each answer to come: after how many of its bytes the connection is closed
        self.statuses = []  # for each answer to come: another status than 200
        self.redirect = None
        self.asked = 0
        self.url = ""

    def answer(self, handler):
        self.asked += 1
        if self.redirect:
            return self.send(handler, 302, b"", Location=self.redirect)
        if self.statuses:
            return self.send(handler, self.statuses.pop(0), b"an error page")
        return self.send(handler, 200, self.body)

    def send(self, handler, status, body, **headers):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if self.says_size:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: self.cuts.pop(0)] if self.cuts and status == 200 else body)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with contextlib.suppress(ConnectionError):
                state.answer(self)
            self.close_connection = True

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.block_on_close = True
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.url = f"http://127.0.0.1:{listening.server_port}/toy.zip"
        yield state
        listening.shutdown()
        thread.join()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def toy(server, tmp_path):
    """Fetch the data set "toy" from the server: `toy(again=False, sha256="", ...)`."""
    server.body = zipped(inter="events", item="things", user="people")

    def get_toy(again=False, progress=lambda *_: None, **stated):
        source = Download(**{"url": server.url, **stated})
        return fetch("toy", source, tmp_path / "datasets", again, progress, schemes=("http",))

    get_toy.root = tmp_path / "datasets"
    get_toy.folder = tmp_path / "datasets" / "toy"
    return get_toy


def fault(toy, **stated):
    """The one line of the error that fetching ends in; nothing may have been written."""
    with pytest.raises(DataError) as error:
        toy(**stated)
    assert "\n" not in str(error.value)
    assert not toy.root.exists() or names(toy.root) == []
    return str(error.value)


# --- the archive --------------------------------------------------------------------------------------------------


def test_the_archive_is_got_whole_and_its_progress_is_told(server, toy):
    told = []
    server.body = zipped(inter="events" * 50_000, item="things")
    toy(progress=lambda done, total: told.append((done, total)))
    size = len(server.body)
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert (toy.folder / "toy.inter").read_text() == "events" * 50_000


def test_without_a_size_the_archive_is_got(server, toy):
    server.says_size = False
    told = []
    toy(progress=lambda done, total: told.append(total))
    assert set(told) == {None}
    assert contents(toy.folder) == THERE


def test_an_archive_that_was_cut_is_got_anew(server, toy):
    server.cuts = [50]
    toy()
    assert contents(toy.folder) == THERE
    assert server.asked == 2


def test_an_archive_that_is_cut_every_time_leaves_nothing_behind(server, toy):
    server.cuts = [50] * 3
    size = len(server.body)
    message = fault(toy)
    assert f"IncompleteRead(50 bytes read, {size - 50} more expected) (tried 3 times)" in message


def test_a_download_that_the_user_ends_leaves_nothing_behind(server, toy):
    def press(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        toy(progress=press)
    assert names(toy.root) == []


def test_a_missing_archive_is_an_error_at_once(server, toy):
    server.statuses = [404] * 9
    assert fault(toy) == f"cannot get {server.url}: the server answered 404 Not Found"
    assert server.asked == 1


def test_a_busy_server_is_asked_again(server, toy):
    server.statuses = [500, 503]
    toy()
    assert contents(toy.folder) == THERE


def test_a_server_that_stays_broken_is_an_error(server, toy):
    server.statuses = [500] * 9
    assert "500 Server Error: Internal Server Error" in fault(toy)
    assert server.asked == 3


def test_without_a_network_the_error_says_what_to_do(toy):
    message = fault(toy, url="http://127.0.0.1:1/x")
    assert message.startswith("cannot get http://127.0.0.1:1/x: [Errno 111] Connection refused (tried 3 times); ")
    assert message.endswith(f"fetch it on another machine and copy the folder to {toy.folder}")


@pytest.mark.parametrize("says_size", [True, False])
def test_an_archive_that_is_too_large_is_refused_and_not_kept(server, toy, says_size):
    server.says_size = says_size
    size = len(server.body)
    message = fault(toy, max_bytes=size - 1)
    stated = f"{server.url}: {size:,} bytes, at most {size - 1:,} are allowed"
    assert message == (stated if says_size else f"the answer has more than {size - 1:,} bytes, which are allowed")
    toy(max_bytes=size)
    assert contents(toy.folder) == THERE


def test_a_redirection_is_followed(server, toy):
    answer = server.answer

    def once(handler):
        server.redirect = "/elsewhere.zip" if handler.path == "/toy.zip" else None
        return answer(handler)

    server.answer = once
    toy()
    assert contents(toy.folder) == THERE


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd", "https://127.0.0.1:1/x"])
def test_a_redirection_to_a_scheme_that_is_not_allowed_is_refused(server, toy, target):
    server.redirect = target
    assert fault(toy) == f"{target}: {target.partition(':')[0]} is not allowed, only http"
    assert server.asked == 1


def test_redirections_without_end_are_an_error(server, toy):
    server.redirect = "/toy.zip"
    assert "Exceeded 30 redirects" in fault(toy)


@pytest.mark.parametrize(("url", "scheme"), [("http://127.0.0.1:1/x", "http"), ("/etc/passwd", "no scheme")])
def test_only_https_is_allowed_unless_said_otherwise(tmp_path, url, scheme):
    with pytest.raises(DataError) as error:
        fetch("toy", Download(url), tmp_path)
    assert str(error.value) == f"{url}: {scheme} is not allowed, only https"


# --- a data set ---------------------------------------------------------------------------------------------------


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


THERE = {"toy.inter": "events", "toy.item": "things"}


def test_a_fetched_set_is_a_folder_under_its_own_name_with_a_record_beside_it(server, toy):
    fetched = toy()
    assert contents(toy.folder) == THERE
    assert names(toy.root) == ["toy", "toy.download.json"]
    assert fetched == read_record(toy.root / "toy.download.json")
    assert fetched.sha256 == hashlib.sha256(server.body).hexdigest()
    assert fetched.size_bytes == len(server.body)
    assert fetched.files["toy.item"] == hashlib.sha256(b"things").hexdigest()


def test_a_set_that_is_there_is_not_got_again(server, toy):
    assert toy() == toy()
    assert server.asked == 1


def test_a_folder_without_a_record_is_left_as_it_is(server, toy):
    toy.folder.mkdir(parents=True)
    assert toy() is None
    assert server.asked == 0


@pytest.mark.parametrize(
    ("change", "what"), [("edit", "was changed since it was fetched"), ("remove", "is missing")]
)
def test_a_file_that_was_changed_is_an_error_and_can_be_got_anew(toy, change, what):
    toy()
    file = toy.folder / "toy.item"
    if change == "edit":
        file.write_text("thongs")
    else:
        file.unlink()
    with pytest.raises(DataError) as error:
        toy()
    assert str(error.value) == f"{file} {what}; get it anew: corecbench datasets fetch --again toy"
    toy(again=True)
    assert contents(toy.folder) == THERE
    assert names(toy.root) == ["toy", "toy.download.json"]


@pytest.mark.parametrize("folder_is_there", [True, False])
def test_an_archive_that_differs_from_the_recorded_one_is_refused(server, toy, folder_is_there):
    first = toy()
    if not folder_is_there:
        for file in toy.folder.iterdir():
            file.unlink()
        toy.folder.rmdir()
    before = names(toy.root)
    server.body = zipped(inter="events", item="tampered")
    with pytest.raises(DataError) as error:
        toy(again=folder_is_there)
    new = hashlib.sha256(server.body).hexdigest()
    assert f"expected {first.sha256} but got {new}; nothing was changed; if it is the right" in str(error.value)
    assert str(error.value).endswith(f"delete {toy.root / 'toy.download.json'} first")
    assert names(toy.root) == before
    (toy.root / "toy.download.json").unlink()
    toy(again=True)
    assert contents(toy.folder) == {"toy.inter": "events", "toy.item": "tampered"}


def test_an_archive_that_differs_from_what_the_plugin_states_is_refused(server, toy):
    with pytest.raises(DataError, match=r"expected 0{64} but got \w{64}; nothing was changed$"):
        toy(sha256="0" * 64)
    assert names(toy.root) == []
    toy(sha256=hashlib.sha256(server.body).hexdigest().upper())
    assert contents(toy.folder) == THERE


@pytest.mark.parametrize(
    ("body", "stated", "message"),
    [
        (b"<html>not found</html>", {}, "toy.zip: not a zip archive that can be read"),
        (zipped(inter="x"), {}, "toy.zip: 0 files with the suffix .item"),
        (zipped(inter="x" * 50, item="y" * 51), {"max_unpacked_bytes": 100}, "toy.zip: 101 bytes unpacked"),
        (zipped(inter="x", item="y"), {"max_bytes": 10}, "at most 10 are allowed"),
    ],
)
def test_what_cannot_be_used_leaves_nothing_behind(server, toy, body, stated, message):
    server.body = body
    with pytest.raises(DataError) as error:
        toy(**stated)
    assert message in str(error.value)
    assert names(toy.root) == []


def test_other_files_than_atomic_ones_can_be_asked_for(toy):
    toy(files=(".user",))
    assert contents(toy.folder) == {"toy.user": "people"}


def test_a_record_that_cannot_be_read_is_an_error(toy):
    toy()
    (toy.root / "toy.download.json").write_text("{}")
    with pytest.raises(DataError, match=r"toy\.download\.json: cannot be read .*; delete it and fetch again$"):
        toy()

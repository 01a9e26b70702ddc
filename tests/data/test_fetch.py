"""Downloads from a web server on this machine whose faults each test chooses."""

import contextlib
import hashlib
import http.server
import io
import json
import random
import threading
import zipfile
from dataclasses import replace

import pytest

from corecbench.api import DataError, Download
from corecbench.data.download import Policy, download
from corecbench.data.fetch import fetch, read_record

TEST = Policy(schemes=("http",), tries=3, pause_s=0.0, timeout_s=5.0)
BODY = random.Random(0).randbytes(300_000)
CUT = 200_000


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
        self.body, self.etag, self.honours_range, self.says_size = BODY, '"1"', True, True
        self.cuts = []  # for each answer to come: after how many of its bytes the connection is closed
        self.statuses = []  # for each answer to come: another status than 200
        self.redirect = None
        self.asked = []  # the Range headers that came
        self.url = ""

    def answer(self, handler):
        wanted = handler.headers.get("Range")
        self.asked.append(wanted)
        if self.redirect:
            return self.send(handler, 302, b"", Location=self.redirect)
        if self.statuses:
            return self.send(handler, self.statuses.pop(0), b"an error page")
        same = handler.headers.get("If-Range") in (None, self.etag)
        if not (wanted and self.honours_range and same):
            return self.send(handler, 200, self.body, ETag=self.etag)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        size = len(self.body)
        if start >= size:
            return self.send(handler, 416, b"", **{"Content-Range": f"bytes */{size}"})
        extent = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
        return self.send(handler, 206, self.body[start:], ETag=self.etag, **extent)

    def send(self, handler, status, body, **headers):
        handler.send_response(status)
        for name, value in headers.items():
            if value:
                handler.send_header(name, value)
        if self.says_size:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: self.cuts.pop(0)] if self.cuts and status in (200, 206) else body)


@pytest.fixture
def server():
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


def get(server, folder, policy=TEST, **options):
    download(server.url, folder / "toy.zip", policy, **options)
    return (folder / "toy.zip").read_bytes()


def fault(server, folder, policy=TEST):
    with pytest.raises(DataError) as error:
        get(server, folder, policy)
    assert "\n" not in str(error.value)
    assert not (folder / "toy.zip").exists()
    return str(error.value).replace(server.url, "URL")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- one file -----------------------------------------------------------------------------------------------------


def test_a_file_is_got_whole_and_nothing_else_is_left(server, tmp_path):
    told = []
    assert get(server, tmp_path, progress=lambda done, total: told.append((done, total))) == BODY
    assert (told[0], told[-1]) == ((0, 300_000), (300_000, 300_000))
    assert names(tmp_path) == ["toy.zip"]


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"', ""])
def test_a_file_that_was_cut_is_gone_on_with_where_it_was_cut(server, tmp_path, etag):
    server.etag, server.cuts = etag, [CUT]
    assert get(server, tmp_path) == BODY
    first, second = server.asked
    assert first is None
    start = int(second.removeprefix("bytes=").removesuffix("-"))
    assert CUT - 65_536 <= start <= CUT


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(server, tmp_path):
    server.cuts, server.statuses = [CUT], []
    message = fault(server, tmp_path, replace(TEST, tries=1))
    kept = (tmp_path / "toy.zip.part").stat().st_size
    assert f"(tried 1 times); {kept:,} bytes are kept, and the same command continues there" in message
    assert get(server, tmp_path) == BODY
    assert server.asked[-1] == f"bytes={kept}-"


def test_every_new_byte_is_a_reason_to_try_on(server, tmp_path):
    server.cuts = [70_000] * 4
    assert get(server, tmp_path, replace(TEST, tries=2)) == BODY
    assert len(server.asked) == 5


def test_without_ranges_the_file_is_got_from_its_beginning(server, tmp_path):
    server.honours_range, server.cuts = False, [CUT]
    assert get(server, tmp_path) == BODY
    assert server.asked[1] is not None


def test_without_a_size_the_file_is_got(server, tmp_path):
    server.says_size = False
    told = []
    assert get(server, tmp_path, progress=lambda done, total: told.append(total)) == BODY
    assert set(told) == {None}


@pytest.mark.parametrize("etag", ['"2"', ""], ids=["the server says so", "by its size only"])
@pytest.mark.parametrize("size", [300_001, 100])
def test_a_file_that_changed_on_the_server_is_got_from_its_beginning(server, tmp_path, etag, size):
    server.cuts, server.etag = [CUT], etag and '"1"'
    fault(server, tmp_path, replace(TEST, tries=1))
    server.body, server.etag = random.Random(1).randbytes(size), etag
    assert get(server, tmp_path) == server.body
    assert names(tmp_path) == ["toy.zip"]


def test_what_is_left_of_another_address_is_not_used(server, tmp_path):
    server.cuts = [CUT]
    fault(server, tmp_path, replace(TEST, tries=1))
    download(server.url + "?other", tmp_path / "toy.zip", TEST)
    assert server.asked == [None, None]


def test_a_complete_part_is_not_got_again(server, tmp_path):
    (tmp_path / "toy.zip.part").write_bytes(BODY)
    note = {"url": server.url, "size_bytes": len(BODY), "etag": ""}
    (tmp_path / "toy.zip.part.json").write_text(json.dumps(note))
    assert get(server, tmp_path) == BODY
    assert server.asked == []
    assert names(tmp_path) == ["toy.zip"]


def test_a_note_that_cannot_be_read_means_a_new_beginning(server, tmp_path):
    (tmp_path / "toy.zip.part").write_bytes(b"something")
    (tmp_path / "toy.zip.part.json").write_text("{")
    assert get(server, tmp_path) == BODY


# --- faults -------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_an_error_at_once(server, tmp_path):
    server.statuses = [404] * 9
    assert fault(server, tmp_path) == "cannot get URL: the server answered 404 Not Found"
    assert len(server.asked) == 1
    assert names(tmp_path) == []


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.statuses = [500, 503]
    assert get(server, tmp_path) == BODY


def test_a_server_that_stays_broken_is_an_error(server, tmp_path):
    server.statuses = [500] * 9
    message = "cannot get URL: the server answered 500 Internal Server Error (tried 3 times)"
    assert fault(server, tmp_path) == message
    assert len(server.asked) == 3


def test_no_server_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"^cannot get http://127\.0\.0\.1:1/x: .*refused.* \(tried 3 times\)$"):
        download("http://127.0.0.1:1/x", tmp_path / "x", TEST)


@pytest.mark.parametrize("says_size", [True, False])
def test_a_file_that_is_too_large_is_refused_and_not_kept(server, tmp_path, says_size):
    server.says_size = says_size
    message = fault(server, tmp_path, replace(TEST, max_bytes=299_999))
    stated = "URL: 300,000 bytes, at most 299,999 are allowed"
    assert message == (stated if says_size else "URL: more than 299,999 bytes, which are allowed")
    assert names(tmp_path) == []
    assert get(server, tmp_path, replace(TEST, max_bytes=300_000)) == BODY


def test_a_redirection_is_followed(server, tmp_path):
    answer = server.answer

    def once(handler):
        server.redirect = "/elsewhere.zip" if handler.path == "/toy.zip" else None
        return answer(handler)

    server.answer = once
    assert get(server, tmp_path) == BODY


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd", "https://127.0.0.1:1/x"])
def test_a_redirection_to_a_scheme_that_is_not_allowed_is_refused(server, tmp_path, target):
    server.redirect = target
    scheme = target.partition(":")[0]
    assert fault(server, tmp_path) == f"{target}: {scheme} is not allowed, only http"


def test_redirections_without_end_are_an_error(server, tmp_path):
    server.redirect = "/toy.zip"
    assert fault(server, tmp_path) == "URL: more than 5 redirections"


@pytest.mark.parametrize(("url", "scheme"), [("http://127.0.0.1:1/x", "http"), ("/etc/passwd", "no scheme")])
def test_only_https_is_allowed_unless_said_otherwise(tmp_path, url, scheme):
    with pytest.raises(DataError) as error:
        download(url, tmp_path / "x")
    assert str(error.value) == f"{url}: {scheme} is not allowed, only https"


# --- a data set ---------------------------------------------------------------------------------------------------


@pytest.fixture
def toy(server, tmp_path):
    """Fetch the data set "toy" from the server: `toy(again=False, sha256="", ...)`."""
    server.body = zipped(inter="events", item="things", user="people")

    def get_toy(again=False, **stated):
        return fetch("toy", Download(server.url, **stated), tmp_path / "datasets", again, TEST)

    get_toy.root = tmp_path / "datasets"
    get_toy.folder = tmp_path / "datasets" / "toy"
    return get_toy


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
    assert len(server.asked) == 1


def test_a_folder_without_a_record_is_left_as_it_is(server, toy):
    toy.folder.mkdir(parents=True)
    assert toy() is None
    assert server.asked == []


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
    assert f"sha256 is {new}, was {first.sha256} on {first.fetched[:10]}; nothing was changed" in str(error.value)
    assert names(toy.root) == before
    (toy.root / "toy.download.json").unlink()
    toy(again=True)
    assert contents(toy.folder) == {"toy.inter": "events", "toy.item": "tampered"}


def test_an_archive_that_differs_from_what_the_plugin_states_is_refused(server, toy):
    with pytest.raises(DataError, match=r"sha256 is \w{64}, must be 0{64}; nothing was changed$"):
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

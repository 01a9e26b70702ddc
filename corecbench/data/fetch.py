"""Fetches a published data set into a folder, and records what was fetched. The package pooch downloads.

ROOT/NAME/                  the files, NAME.inter and NAME.item
ROOT/NAME.download.json     address, date, and sha256 of the archive and of each file
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from corecbench.api import DataError, resolve
from corecbench.data.archive import sha256_of, unpack
from corecbench.data.durable import sync
from corecbench.toolkit import workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import requests

    from corecbench.api import Download

TRIES = 3
TIMEOUT_S = 30.0
"""Longest wait for the connection, and for each piece of the answer."""


@dataclass(frozen=True)
class Fetched:
    """The record of a fetched data set."""

    url: str
    sha256: str
    """sha256 of the archive, in hex."""
    size_bytes: int
    """Size of the archive."""
    files: dict[str, str]
    """name -> sha256 in hex."""
    fetched: str
    """Date and time of the download, ISO 8601 in UTC."""


def fetch(
    name: str,
    source: Download,
    root: Path,
    again: bool = False,
    progress: Callable[[int, int | None], None] = lambda *_: None,
    schemes: Sequence[str] = ("https",),
) -> Fetched | None:
    """Fetch a data set into ROOT/NAME. One that is there already is checked against its record instead.

    `progress(done, total)` is called with bytes; total is None where it is not known. `schemes` are those allowed
    for the address and for every redirection.

    Returns:
        The record; None for an existing folder without a record, which is left as it is.

    Raises:
        DataError: The download fails, a checksum differs, or an existing file was changed. An existing data set
            stays as it was.
    """
    folder, record = root / name, root / f"{name}.download.json"
    recorded = read_record(record)
    if folder.is_dir() and not again:
        if recorded is not None:
            _check_files(name, folder, recorded)
        return recorded
    try:
        with workspace(root) as made:
            archive, new = made / f"{name}.zip", made / name
            _download(source, archive, folder, recorded, Limited(schemes, source.max_bytes, progress))
            new.mkdir()
            unpack(archive, new, {suffix: f"{name}{suffix}" for suffix in source.files}, source.max_unpacked_bytes)
            if source.convert:
                resolve(source.convert)(new)
            files = {path.name: sha256_of(path) for path in sorted(new.iterdir())}
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            fetched = Fetched(source.url, sha256_of(archive), archive.stat().st_size, files, now)
            _put(new, folder, record, fetched)
    except OSError as error:
        raise DataError(f"cannot write {error.filename or folder}: {error.strerror or error}") from error
    return fetched


def read_record(path: Path) -> Fetched | None:
    """Return the record in a file; None if there is no file.

    Raises:
        DataError: The record cannot be read.
    """
    if not path.exists():
        return None
    try:
        return Fetched(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); delete it and fetch again") from error


def _check_files(name: str, folder: Path, recorded: Fetched) -> None:
    for file, sha256 in recorded.files.items():
        path = folder / file
        if not path.is_file() or sha256_of(path) != sha256:
            fault = "was changed since it was fetched" if path.is_file() else "is missing"
            raise DataError(f"{path} {fault}; get it anew: corecbench datasets fetch --again {name}")


def _download(source: Download, archive: Path, folder: Path, recorded: Fetched | None, downloader: Limited) -> None:
    """Download the archive. Its sha256 must be the stated one or, where none is, that of an earlier time."""
    import pooch
    import requests

    earlier = recorded.sha256 if recorded is not None and recorded.url == source.url else None
    pooch.get_logger().setLevel("WARNING")
    known = {archive.name: source.sha256 or earlier}
    store = pooch.Pooch(archive.parent, "", known, {archive.name: source.url}, retry_if_failed=TRIES - 1)
    try:
        store.fetch(archive.name, downloader=downloader)
    except requests.RequestException as error:
        elsewhere = f"without a network, fetch it on another machine and copy the folder to {folder}"
        raise DataError(f"cannot get {source.url}: {_reason(error)} (tried {TRIES} times); {elsewhere}") from error
    except ValueError as error:  # another sha256
        remedy = (
            "" if source.sha256 or not earlier else f"; if it is the right one, delete {folder}.download.json first"
        )
        raise DataError(f"{source.url}: {str(error).partition('. ')[0]}; nothing was changed{remedy}") from error


@dataclass
class Limited:
    """A downloader for pooch, by HTTP: no other schemes than those allowed, and no more bytes."""

    schemes: Sequence[str]
    max_bytes: int
    progress: Callable[[int, int | None], None]
    done: int = 0
    total: int | None = None
    file: IO[bytes] = field(init=False)
    opened: contextlib.ExitStack = field(init=False)

    def __call__(self, url: str, output_file: Any, pooch: object, **_: Any) -> None:
        """Download into a file, given by its path."""
        from pooch import HTTPDownloader

        self._allow(url)
        sent = {"headers": {"Accept-Encoding": "identity"}, "hooks": {"response": self._check}}
        get = HTTPDownloader(chunk_size=1 << 14, timeout=TIMEOUT_S, **sent)
        self.done = 0
        with contextlib.ExitStack() as self.opened, open(output_file, "wb") as self.file:
            get(url, self, pooch)

    def write(self, piece: bytes) -> None:
        self.done += len(piece)
        if self.done > self.max_bytes:
            raise DataError(f"the answer has more than {self.max_bytes:,} bytes, which are allowed")
        self.file.write(piece)
        self.progress(self.done, self.total)

    def flush(self) -> None:
        """Leave it to the file when it writes; pooch asks after each piece."""

    def _check(self, response: requests.Response, **_: Any) -> None:
        """Refuse an answer before its body is read, and a redirection before it is followed."""
        self.opened.callback(response.close)
        self._allow(urljoin(response.url, response.headers.get("Location", "")))
        if 400 <= response.status_code < 500:
            fault = f"the server answered {response.status_code} {response.reason or ''}".rstrip()
            raise DataError(f"cannot get {response.url}: {fault}")
        length = response.headers.get("Content-Length", "")
        self.total = int(length) if length.isdecimal() else None
        if (self.total or 0) > self.max_bytes:
            raise DataError(f"{response.url}: {self.total:,} bytes, at most {self.max_bytes:,} are allowed")

    def _allow(self, url: str) -> None:
        scheme = urlsplit(url).scheme
        if scheme not in self.schemes:
            raise DataError(f"{url}: {scheme or 'no scheme'} is not allowed, only {', '.join(self.schemes)}")


def _reason(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return " ".join(str(error).split()) or type(error).__name__


def _put(new: Path, folder: Path, record: Path, fetched: Fetched) -> None:
    """Move a complete folder and its record to their places. An existing folder is moved away first."""
    written = new.with_name(record.name)
    written.write_text(json.dumps(asdict(fetched), indent=2) + "\n", encoding="utf-8")
    for path in (*new.iterdir(), new, written):
        sync(path)
    os.replace(written, record)
    if folder.exists():  # it cannot be replaced
        os.replace(folder, new.with_name("old"))
    os.replace(new, folder)
    sync(folder.parent)

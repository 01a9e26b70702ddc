"""Downloads one file by HTTP: resumed after an interruption, limited in size, and in place only when complete."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from corecbench.api import DataError
from corecbench.data.durable import no_link, synced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import requests

CHUNK_BYTES = 1 << 16
MAX_REDIRECTS = 5
OK, PARTIAL, RANGE_IMPOSSIBLE = 200, 206, 416
RETRIED = (408, 425, 429, 500, 502, 503, 504)
"""Status codes after which another try may succeed."""


@dataclass(frozen=True)
class Policy:
    """Limits of a download, and when it is tried again."""

    schemes: Sequence[str] = ("https",)
    """Allowed schemes of the address and of every redirection."""
    max_bytes: int = 1 << 30
    """Most bytes of the file."""
    tries: int = 4
    """Most tries in a row that do not bring a single further byte."""
    pause_s: float = 1.0
    """Pause before the second try. It doubles before each further try."""
    timeout_s: float = 30.0
    """Longest wait for the connection, and for each piece of the answer."""
    most_s: float = 6 * 3600.0
    """Longest time of all tries together."""


PATIENT = Policy()


@dataclass(frozen=True)
class Part:
    """The file whose first bytes are in the .part file."""

    url: str
    size_bytes: int | None
    """Size of the whole file; None if the server does not state it."""
    etag: str


class RetryableError(Exception):
    """A fault after which another try may succeed."""


def download(
    url: str, path: Path, policy: Policy = PATIENT, progress: Callable[[int, int | None], None] = lambda *_: None
) -> None:
    """Download a file. An earlier, interrupted call is continued from what it left in PATH.part.

    `progress(done, total)` is called with bytes; total is None while it is not known.

    Raises:
        DataError: The download failed or is not allowed.
    """
    import requests
    import urllib3

    most_bytes, tries, deadline = 0, 0, time.monotonic() + policy.most_s
    with requests.Session() as session:
        while True:
            try:
                _attempt(session, url, path, policy, deadline, progress)
                return
            except (RetryableError, requests.RequestException, urllib3.exceptions.HTTPError) as error:
                have = _size(_part_path(path))
                tries = tries + 1 if have <= most_bytes else 1
                most_bytes = max(most_bytes, have)
                if tries >= policy.tries or time.monotonic() >= deadline:
                    kept = f"; {have:,} bytes are kept, and the same command continues there" if have else ""
                    raise DataError(f"cannot get {url}: {_reason(error)} (tried {tries} times){kept}") from error
                time.sleep(policy.pause_s * 2 ** (tries - 1))
            except OSError as error:
                raise DataError(f"cannot write {error.filename or path}: {error.strerror or error}") from error


def _attempt(
    session: requests.Session,
    url: str,
    path: Path,
    policy: Policy,
    deadline: float,
    progress: Callable[[int, int | None], None],
) -> None:
    """Download the missing bytes, and put the file in its place."""
    part, note = _part_path(path), _read_note(path, url)
    have = _size(part) if note else 0
    if note and have == note.size_bytes:  # interrupted when the file was complete
        _finish(path)
        return
    with _answer(session, url, _range(have, note), policy) as response:
        if response.status_code == RANGE_IMPOSSIBLE:
            _forget(path)
            raise RetryableError("the file on the server has changed")
        start, total = _extent(response)
        if response.status_code == PARTIAL and (start != have or (note and total != note.size_bytes)):
            _forget(path)
            raise RetryableError("the file on the server has changed")
        if total is not None and total > policy.max_bytes:
            raise DataError(f"{url}: {total:,} bytes, at most {policy.max_bytes:,} are allowed")
        _write_note(path, Part(url, total, response.headers.get("ETag", "")))
        with open(part, "ab" if start else "wb", opener=no_link) as file:
            done = start
            progress(done, total)
            for chunk in _pieces(response):
                if time.monotonic() >= deadline:
                    synced(file)
                    raise RetryableError(f"it is not complete after {policy.most_s:,.0f} s, the longest time")
                done += len(chunk)
                if done > policy.max_bytes:
                    _forget(path)
                    raise DataError(f"{url}: more than {policy.max_bytes:,} bytes, which are allowed")
                file.write(chunk)
                progress(done, total)
            synced(file)
    if total is not None and done != total:
        raise RetryableError(f"the connection ended after {done:,} of {total:,} bytes")
    _finish(path)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Yield the content as it arrives, so that a server that sends little at a time holds nothing up."""
    while piece := response.raw.read1(CHUNK_BYTES, decode_content=True):
        yield piece


def _answer(session: requests.Session, url: str, headers: dict[str, str], policy: Policy) -> requests.Response:
    """Return the answer at the end of all redirections. Its body is not read yet."""
    for _ in range(MAX_REDIRECTS + 1):
        scheme = urlsplit(url).scheme
        if scheme not in policy.schemes:
            raise DataError(f"{url}: {scheme or 'no scheme'} is not allowed, only {', '.join(policy.schemes)}")
        response = session.get(url, headers=headers, stream=True, timeout=policy.timeout_s, allow_redirects=False)
        if not response.is_redirect:
            break
        url = urljoin(url, response.headers["Location"])
        response.close()
    else:
        raise DataError(f"{url}: more than {MAX_REDIRECTS} redirections")
    code = response.status_code
    if code in (OK, PARTIAL, RANGE_IMPOSSIBLE):
        return response
    response.close()
    fault = f"the server answered {code} {response.reason or ''}".rstrip()
    raise RetryableError(fault) if code in RETRIED else DataError(f"cannot get {url}: {fault}")


def _range(have: int, note: Part | None) -> dict[str, str]:
    """Return headers that ask for the missing bytes, without another compression."""
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if note and note.etag and not note.etag.startswith("W/"):
            headers["If-Range"] = note.etag  # a changed file is sent whole
    return headers


def _extent(response: requests.Response) -> tuple[int, int | None]:
    """Return the position of the answer in the file, and the size of the whole file if the server states it."""
    if response.status_code == PARTIAL:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None:
            return -1, None
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _part_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.part.json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read_note(path: Path, url: str) -> Part | None:
    """Return the note about the .part file; None if there is none or it is about another address."""
    try:
        note = Part(**json.loads(_note_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return note if note.url == url else None


def _write_note(path: Path, part: Part) -> None:
    with open(_note_path(path), "w", encoding="utf-8", opener=no_link) as file:
        json.dump(asdict(part), file)


def _finish(path: Path) -> None:
    """Put the complete file in its place."""
    os.replace(_part_path(path), path)
    _forget(path)


def _forget(path: Path) -> None:
    """Remove the .part file and its note, if they exist."""
    _part_path(path).unlink(missing_ok=True)
    _note_path(path).unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """Return the reason of a failed connection, taken from the innermost exception."""
    inner: BaseException = error
    while (below := getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)) and isinstance(
        below, BaseException
    ):
        inner = below
    text = inner.args[0] if inner.args and isinstance(inner.args[0], str) else str(inner)
    return " ".join((text or type(inner).__name__).split())

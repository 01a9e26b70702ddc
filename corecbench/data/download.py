"""Gets one file by HTTP: resumed after an interruption, limited in size, complete or not there at all."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from corecbench.api import DataError
from corecbench.data.durable import synced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import requests

CHUNK_BYTES = 1 << 16
MAX_REDIRECTS = 5
OK, PARTIAL, RANGE_IMPOSSIBLE = 200, 206, 416
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be others in a moment."""


@dataclass(frozen=True)
class Policy:
    """What is allowed and how patient we are."""

    schemes: Sequence[str] = ("https",)
    """Of the address and of all it redirects to."""
    max_bytes: int = 1 << 30
    tries: int = 4
    """Without a byte more than before, until we give up."""
    pause_s: float = 1.0
    """Before the second try; twice as long before each further one."""
    timeout_s: float = 30.0
    """To connect, and for each piece of the answer."""


PATIENT = Policy()


@dataclass(frozen=True)
class Part:
    """Of what the bytes in the .part file are the beginning."""

    url: str
    size_bytes: int | None
    """Of the whole, None if the server does not say."""
    etag: str


class PassingError(Exception):
    """A fault that may be gone at the next try."""


def download(
    url: str, path: Path, policy: Policy = PATIENT, progress: Callable[[int, int | None], None] = lambda *_: None
) -> None:
    """Get a file; what an earlier, interrupted call left in PATH.part is not got again.

    Args:
        url: The address.
        path: Where the file goes once it is complete; it is replaced if it exists.
        policy: Limits.
        progress: `progress(done, total)` is called with bytes; total is None while it is not known.

    Raises:
        DataError: It could not be got, or must not be.
    """
    import requests

    best, tried = 0, 0
    with requests.Session() as session:
        while True:
            try:
                _attempt(session, url, path, policy, progress)
                return
            except (PassingError, requests.RequestException) as error:
                have = _size(_part(path))
                tried = tried + 1 if have <= best else 1
                best = max(best, have)
                if tried >= policy.tries:
                    left = f"; {have:,} bytes are kept, the same command goes on there" if have else ""
                    raise DataError(f"cannot get {url}: {_words(error)} (tried {tried} times){left}") from error
                time.sleep(policy.pause_s * 2 ** (tried - 1))


def _attempt(
    session: requests.Session, url: str, path: Path, policy: Policy, progress: Callable[[int, int | None], None]
) -> None:
    """Get what is missing, and put the file in its place."""
    part, known = _part(path), _known(path, url)
    have = _size(part) if known else 0
    if known and have == known.size_bytes:  # interrupted when all was there
        _finish(path)
        return
    with _answer(session, url, _range(have, known), policy) as response:
        if response.status_code == RANGE_IMPOSSIBLE:
            _forget(path)
            raise PassingError("the file on the server has changed")
        start, total = _extent(response)
        if response.status_code == PARTIAL and (start != have or (known and total != known.size_bytes)):
            _forget(path)
            raise PassingError("the file on the server has changed")
        if total is not None and total > policy.max_bytes:
            raise DataError(f"{url}: {total:,} bytes, at most {policy.max_bytes:,} are allowed")
        _remember(path, Part(url, total, response.headers.get("ETag", "")))
        with part.open("ab" if start else "wb") as file:
            done = start
            progress(done, total)
            for chunk in response.iter_content(CHUNK_BYTES):
                done += len(chunk)
                if done > policy.max_bytes:
                    _forget(path)
                    raise DataError(f"{url}: more than {policy.max_bytes:,} bytes, which are allowed")
                file.write(chunk)
                progress(done, total)
            synced(file)
    if total is not None and done != total:
        raise PassingError(f"the connection ended after {done:,} of {total:,} bytes")
    _finish(path)


def _answer(session: requests.Session, url: str, headers: dict[str, str], policy: Policy) -> requests.Response:
    """Return the answer that all redirections lead to, its body not read yet."""
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
    raise PassingError(fault) if code in PASSING else DataError(f"cannot get {url}: {fault}")


def _range(have: int, known: Part | None) -> dict[str, str]:
    """Return the headers that ask for what is missing, as it is on the server and not compressed once more."""
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if known and known.etag and not known.etag.startswith("W/"):
            headers["If-Range"] = known.etag  # a changed file is sent whole
    return headers


def _extent(response: requests.Response) -> tuple[int, int | None]:
    """Return where the answer begins in the file, and the size of the whole file if the server says it."""
    if response.status_code == PARTIAL:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None:
            return -1, None
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.part.json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _known(path: Path, url: str) -> Part | None:
    """Return what the .part file is the beginning of; None if there is none, or it is of another address."""
    try:
        known = Part(**json.loads(_note(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return known if known.url == url else None


def _remember(path: Path, part: Part) -> None:
    _note(path).write_text(json.dumps(asdict(part)), encoding="utf-8")


def _finish(path: Path) -> None:
    """Put the complete file in its place."""
    os.replace(_part(path), path)
    _forget(path)


def _forget(path: Path) -> None:
    """Remove the .part file and its note, those that are there."""
    _part(path).unlink(missing_ok=True)
    _note(path).unlink(missing_ok=True)


def _words(error: Exception) -> str:
    """Return why a connection failed, without the layers of exceptions around it."""
    inner: BaseException = error
    while (below := getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)) and isinstance(
        below, BaseException
    ):
        inner = below
    text = inner.args[0] if inner.args and isinstance(inner.args[0], str) else str(inner)
    return " ".join((text or type(inner).__name__).split())

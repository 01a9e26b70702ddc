"""Fixtures for the tests of several plugins."""

import pytest

CHANGES = {
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "no last line end": lambda data: data.rstrip(b"\n"),
    "blank lines at the end": lambda data: data + b"\n\n",
}


@pytest.fixture(params=CHANGES.values(), ids=CHANGES)
def editor_change(request):
    """A change that an editor makes to the bytes of a text file without changing its content."""
    return request.param

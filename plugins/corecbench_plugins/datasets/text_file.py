"""Reads the bytes of text files, and says which byte is no UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api import DataError
from corecbench.toolkit import ordinary_file

if TYPE_CHECKING:
    from pathlib import Path

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_bytes(path: Path) -> bytes:
    """Return the content of a file without its byte order mark.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        return ordinary_file(path).read_bytes().removeprefix(BYTE_ORDER_MARK)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except MemoryError as error:
        raise DataError(f"{path}: cannot be read: it is larger than the memory of this machine") from error


def not_utf8(place: str, byte: int) -> DataError:
    """Return the error for a byte that is no UTF-8.

    >>> print(not_utf8("toy.csv:2", 0xE9))
    toy.csv:2: byte 0xe9 is not UTF-8; convert the file to UTF-8
    """
    return DataError(f"{place}: byte 0x{byte:02x} is not UTF-8; convert the file to UTF-8")

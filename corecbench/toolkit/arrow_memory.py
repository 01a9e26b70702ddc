"""Files that Arrow reads, in memory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def in_memory_of_arrow(content: bytes) -> pa.BufferReader:
    """Return a copy to read from, which Arrow's threads give up by themselves.

    They may do so after an error was printed. Python's own memory they would give back to an interpreter that has
    ended by then, which aborts the process.
    """
    import pyarrow as pa  # not at the top, so that listing components does not wait for it

    copy = pa.BufferOutputStream()
    copy.write(content)
    return pa.BufferReader(copy.getvalue())

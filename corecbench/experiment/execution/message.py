"""What a worker process sends to the process that started it."""

from typing import Any, Literal, NamedTuple


class Message(NamedTuple):
    """What a worker process sends."""

    kind: Literal["ready", "told", "ended", "error"]
    content: Any = None
    """"told": name of a hook and its arguments. "ended": the record of the cell. "error": the exception."""

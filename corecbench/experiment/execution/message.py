"""What a worker process and the process that started it send each other, beside tasks."""

from typing import Any, Literal, NamedTuple

STOP = "stop"
"""What a worker process is sent when its training is to end as soon as its state is written."""


class Message(NamedTuple):
    """What a worker process sends."""

    kind: Literal["ready", "told", "ended", "error"]
    content: Any = None
    """"told": name of a hook and its arguments. "ended": the record of the cell. "error": the exception."""

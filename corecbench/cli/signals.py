"""What a verb does when it is asked to end: by SIGTERM, as a batch system does, or by SIGINT, as Ctrl-C does."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

LEAVE_S = 4.5
"""Seconds after which the process ends although it is not done with tidying up."""


class Terminated(BaseException):
    """The process was asked to end by SIGTERM."""


@contextlib.contextmanager
def ending_on_signals(complain: Callable[[int], object]) -> Iterator[None]:
    """Let SIGTERM raise `Terminated` and SIGINT `KeyboardInterrupt`; end the process if that takes too long.

    A signal that the process was started to ignore, as by `nohup`, stays ignored. `complain` is given the
    number of the signal where the process does not live to say what happened otherwise.
    """

    def leave(number: int) -> None:
        complain(number)
        os._exit(128 + number)

    def act(number: int, frame: FrameType | None) -> None:
        timer = threading.Timer(LEAVE_S, leave, [number])
        timer.daemon = True
        timer.start()
        timers.append(timer)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise Terminated

    timers: list[threading.Timer] = []
    usual: dict[int, Any] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    taken = []
    if threading.current_thread() is threading.main_thread():
        taken = [number for number, handler in usual.items() if signal.getsignal(number) == handler]
    for number in taken:
        signal.signal(number, act)
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        for number in taken:
            signal.signal(number, usual[number])

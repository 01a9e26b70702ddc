"""The main function of a worker process: takes tasks from its pipe, carries them out, and says what happens."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import queue
import signal
import threading
import traceback
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from corecbench.toolkit import system

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from corecbench.experiment.execution.task import CellTask

STOP = "stop"
"""What a worker process is sent when its training is to end as soon as its state is written."""


class Message(NamedTuple):
    """What a worker process sends."""

    kind: Literal["ready", "hook", "ended", "waits", "error"]
    content: Any = None
    """"waits": the cell is to be given again. "hook": name of a hook and its arguments. "ended": the record.
    "error": the exception."""


def main(descriptor: int, n_threads: int | None) -> None:
    """Carry out tasks until the other end of the pipe says that there are no more, or is gone.

    The descriptor is that of the pipe. Torch computes with so many threads, or chooses itself.
    """
    leave_signals_to_parent()
    connection = system.inherited(descriptor)
    tasks: queue.SimpleQueue[CellTask | None] = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(target=receive, args=(connection, tasks, stop), daemon=True).start()

    import torch

    from corecbench.experiment import process
    from corecbench.experiment.attempt import Waits
    from corecbench.experiment.execution.workplace import Workplace
    from corecbench.training.checkpoints import Stopped

    process.keep_freed_memory()
    if n_threads is not None:
        torch.set_num_threads(n_threads)
    workplace = Workplace()
    gc.freeze()  # what the imports made stays for good, so that collecting garbage before each cell is quick

    def tell(hook_name: str, **arguments: Any) -> None:
        send(connection, Message("hook", (hook_name, arguments)))

    send(connection, Message("ready"))
    with process.plain_warnings():
        while (task := tasks.get()) is not None:
            try:
                message = Message("ended", workplace.run(task, tell, stop))
            except Waits:
                message = Message("waits")
            except Stopped:
                os._exit(0)
            except Exception as error:
                message = Message("error", sendable(error))
            send(connection, message)


def leave_signals_to_parent() -> None:
    """Do nothing on SIGTERM, which the system may send to all processes of a run: the parent ends this one."""
    own = os.getpid()

    def act(number: int, frame: object) -> None:
        if os.getpid() != own:  # a copy of this process that a plugin has made
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, act)


def receive(connection: Connection, tasks: queue.SimpleQueue[CellTask | None], stop: threading.Event) -> None:
    """Put each task that comes into the queue. When the other end is gone, so is this process."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            received = connection.recv()
            if received == STOP:
                stop.set()
                tasks.put(None)
            else:
                tasks.put(received)
    os._exit(1)


def send(connection: Connection, message: Message) -> None:
    try:
        connection.send(message)
    except OSError:
        os._exit(1)


def sendable(error: Exception) -> Exception:
    """Return an exception that can be sent, with where it was raised as a note."""
    from corecbench.api import CorecbenchError

    sent = error
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301, its own bytes
    except Exception:  # its class has arguments of its own
        sent = CorecbenchError(f"{type(error).__name__}: {' '.join(str(error).split())}")
    sent.add_note("in a worker process:\n" + "".join(traceback.format_exception(error)))
    return sent

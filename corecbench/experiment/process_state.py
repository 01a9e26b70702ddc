"""The state of the process that a plugin may change while a cell is trained, and that is put back afterwards."""

from __future__ import annotations

import contextlib
import gc
import locale
import logging
import os
import random
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SDP_KERNELS = ("flash", "mem_efficient", "math", "cudnn")
"""Kernels of attention that torch can be told not to use."""


class Kept(NamedTuple):
    """A part of the state."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]


@contextlib.contextmanager
def state_kept() -> Iterator[None]:
    """Put back what a plugin may have changed in the process: settings, generators, the environment, the folder.

    The parts are those of `of_python`, `of_numpy` and `of_torch`, warning filters and torch's generators. What has
    no way back stays: functions that a plugin replaced, modules that it imported, its threads and the number of
    torch's threads between operators.
    """
    import torch

    parts = [*of_python(), *of_numpy(), *of_torch()]
    before = [part.read() for part in parts]
    try:
        with warnings.catch_warnings(), torch.random.fork_rng():
            yield
    finally:
        for part, value in zip(parts, before, strict=True):
            put_back(part, value)


def put_back(part: Kept, value: Any) -> None:
    """Give a part of the state its earlier value if it has another one."""
    try:
        if part.read() != value:
            part.write(value)
    except Exception as error:
        text = f"{part.name}, which a plugin changed, cannot be put back: {error}"
        warnings.warn(text, RuntimeWarning, stacklevel=2)


def attribute(owner: Any, name: str) -> Kept:
    """Return a part that is an attribute."""
    return Kept(f"{owner.__name__}.{name}", lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


def of_python() -> Iterator[Kept]:
    """Yield the parts of Python itself and of the operating system."""
    yield Kept("the working folder", os.getcwd, os.chdir)
    yield Kept("the environment", lambda: dict(os.environ), set_environment)
    yield Kept("Python's generator", random.getstate, random.setstate)
    yield Kept("sys.path", lambda: list(sys.path), lambda value: sys.path.__setitem__(slice(None), value))
    yield Kept("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit)
    yield from (attribute(sys, name) for name in ("stdout", "stderr", "stdin", "excepthook"))
    yield Kept(
        "the locale", lambda: locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(locale.LC_ALL, value)
    )
    yield Kept("the log level", lambda: logging.root.level, logging.root.setLevel)
    yield Kept("the disabled log levels", lambda: logging.root.manager.disable, logging.disable)
    yield Kept(
        "log handlers", lambda: list(logging.root.handlers), lambda value: setattr(logging.root, "handlers", value)
    )
    yield Kept("collection of garbage", gc.isenabled, lambda value: gc.enable() if value else gc.disable())
    yield Kept("the thresholds of garbage", gc.get_threshold, lambda value: gc.set_threshold(*value))
    yield Kept("the mask of new files", file_mask, os.umask)
    if threading.current_thread() is threading.main_thread():  # only there can handlers be set
        yield Kept("signal handlers", signal_handlers, set_signal_handlers)


def of_numpy() -> Iterator[Kept]:
    """Yield the parts of numpy."""
    import numpy as np

    yield Kept("numpy's generator", GeneratorState, lambda value: value.restore())
    yield Kept("what numpy does at errors", np.geterr, lambda value: np.seterr(**value))


def of_torch() -> Iterator[Kept]:
    """Yield the parts of torch, apart from its generators."""
    import torch

    yield Kept("torch's threads", torch.get_num_threads, torch.set_num_threads)
    yield Kept("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype)
    yield Kept("torch's default device", torch.get_default_device, set_default_device)
    yield Kept("torch's gradient mode", torch.is_grad_enabled, torch.set_grad_enabled)
    yield Kept(
        "torch's deterministic mode",
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
    )
    yield attribute(torch.utils.deterministic, "fill_uninitialized_memory")
    yield Kept(
        "torch's anomaly mode",
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda value: torch.autograd.set_detect_anomaly(*value),
    )
    yield Kept(
        "torch's precision of products", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    )
    yield Kept("torch's small numbers", flushes_denormal, torch.set_flush_denormal)
    yield from (attribute(torch.backends.cudnn, name) for name in ("enabled", "deterministic", "benchmark"))
    yield Kept("oneDNN", lambda: torch.backends.mkldnn.enabled, torch._C._set_mkldnn_enabled)
    for kernel in SDP_KERNELS:
        enabled = getattr(torch.backends.cuda, f"{kernel}_sdp_enabled")
        yield Kept(f"attention by {kernel}", enabled, getattr(torch.backends.cuda, f"enable_{kernel}_sdp"))
    yield from map(autocast, ("cpu", "cuda"))


def autocast(device: str) -> Kept:
    """Return whether and to which dtype torch casts on a device, as a part of the state."""
    import torch

    def read() -> tuple[bool, torch.dtype]:
        return torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)

    def write(value: tuple[bool, torch.dtype]) -> None:
        torch.set_autocast_enabled(device, value[0])
        torch.set_autocast_dtype(device, value[1])

    return Kept(f"autocast on {device}", read, write)


class GeneratorState:
    """The state of numpy's generator, compared by its contents."""

    def __init__(self) -> None:
        import numpy as np

        self.state = np.random.get_state()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GeneratorState) and str(self.state) == str(other.state)

    __hash__ = None  # type: ignore[assignment]

    def restore(self) -> None:
        """Give the generator this state."""
        import numpy as np

        np.random.set_state(self.state)


def set_environment(variables: dict[str, str]) -> None:
    """Give the environment exactly these variables."""
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


def file_mask() -> int:
    """Return the mask of new files, which can be read only by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def signal_handlers() -> dict[int, Any]:
    """Return the handlers of signals, without those that were not set by Python."""
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    return {number: handler for number, handler in handlers.items() if handler is not None}


def set_signal_handlers(handlers: dict[int, Any]) -> None:
    """Give signals these handlers."""
    for number, handler in handlers.items():
        if signal.getsignal(number) != handler:
            signal.signal(number, handler)


def set_default_device(device: Any) -> None:
    """Set torch's default device; for a processor, take the setting away, which costs time at every call."""
    import torch

    torch.set_default_device(None if device.type == "cpu" else device)


def flushes_denormal() -> bool:
    """Return whether torch takes numbers that are too small for full precision as zero."""
    import torch

    return bool((torch.tensor(1e-40, dtype=torch.float32, device="cpu") * 1).item() == 0)

"""How a process trains a cell together with others."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench.training.replicas import Replicas


@dataclass(frozen=True)
class Together:
    """What the attempt at a cell needs to know of the processes that train it. By default it is one alone."""

    leads: bool = True
    """Whether this process ranks and stores. The other ones only train."""
    join: Callable[[], AbstractContextManager[Replicas | None]] = nullcontext
    """Meets the others, and parts from them at the end of the context."""
    peak_memory_bytes: Callable[[], int] = lambda: 0
    """Returns how much memory the others needed, once they have trained."""


ALONE = Together()

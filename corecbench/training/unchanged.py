"""Notices when a plugin changes the tensors that it is given, which are read again by others."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from corecbench.api import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


@contextlib.contextmanager
def unchanged(given: dict[str, torch.Tensor | None]) -> Iterator[None]:
    """Make sure that tensors are not changed in place in the context.

    Torch counts the changes of a tensor and of its views, and misses those made through `data` or numpy.

    Args:
        given: what each tensor is called -> the tensor.

    Raises:
        PluginError: one was changed.
    """
    before = {name: n_changes(tensor) for name, tensor in given.items()}
    yield
    changed = [name for name, tensor in given.items() if n_changes(tensor) != before[name]]
    if changed:
        raise PluginError(f"it changed {changed[0]} in place, which it is only given to read; change a copy")


def n_changes(tensor: torch.Tensor | None) -> int:
    """Return how often a tensor was changed, as torch counts it; inference tensors are not counted."""
    return 0 if tensor is None or tensor.is_inference() else tensor._version

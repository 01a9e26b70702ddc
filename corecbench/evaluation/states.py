"""Checks what a recommender makes of a batch: the right number of rows and widths, in float32.

B examples in a batch, L positions of a history, N items, d the width of a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from corecbench.api import PluginError, States

if TYPE_CHECKING:
    from corecbench.api import Batch


def checked(answer: Any, batch: Batch, n_items: int) -> States:
    """Return the states of a batch, if they have the shapes of the contract.

    Args:
        answer: what a recommender returned.
        batch: what it was asked for.
        n_items: N.

    Raises:
        PluginError: they are of another type, shape or dtype.
    """
    if not isinstance(answer, States):
        raise PluginError(f"it returned {named(answer)}; States are needed")
    size, length = batch.history.shape
    check("item", answer.item, [(n_items + 1,)], f"[{n_items + 1}, d]")
    check("user", answer.user, [(size,), (size, length)], f"[{size}, d] or [{size}, {length}, d]")
    if answer.user.shape[-1] != answer.item.shape[-1]:
        raise PluginError(f"user states are {answer.user.shape[-1]} wide, and item states {answer.item.shape[-1]}")
    return answer


def checked_scores(answer: Any, batch: Batch, n_items: int) -> torch.Tensor:
    """Return the scores of a batch, float32 [B, N+1], if they are that.

    Raises:
        PluginError: they are not.
    """
    size = len(batch.history)
    needed = [size, n_items + 1]
    if not isinstance(answer, torch.Tensor) or list(answer.shape) != needed or not answer.is_floating_point():
        raise PluginError(f"the scores are {named(answer)}; float32 {needed} is needed")
    return answer


def check(what: str, states: Any, allowed: list[tuple[int, ...]], needed: str) -> None:
    if (
        not isinstance(states, torch.Tensor)
        or states.dtype != torch.float32
        or tuple(states.shape[:-1]) not in allowed
    ):
        raise PluginError(f"the {what} states are {named(states)}; float32 {needed} is needed")


def named(answer: Any) -> str:
    if isinstance(answer, torch.Tensor):
        return f"{str(answer.dtype).removeprefix('torch.')} {list(answer.shape)}"
    return f"{answer!r:.60}" if answer is None else f"of type {type(answer).__name__}"

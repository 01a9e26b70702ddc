"""The turns of a pair: how long they are, and whom each side learns from."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from corecbench.api import SIDES, Budget, PluginError, SharingModule, Side, Teacher, Turn
from corecbench.plugin.guard import guard, owner_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

MOST_EPOCHS = 1000
"""The largest budget of a domain model that is tried in search of one that is enough."""


@dataclass(frozen=True)
class PlannedTurn:
    """A turn of one side."""

    number: int
    """As in the records of its epochs."""
    side: Side
    epochs: int
    """Most epochs."""
    sharing: SharingModule | None = None
    """Couples the side to its partner; None: it learns from nobody."""
    partner: Side | None = None
    renew: Callable[[torch.Tensor], None] | None = None
    """Is told, before the turn, what the LLM makes of each item; None: nothing is told."""


def planned(
    turns: Sequence[Turn],
    trained: set[Side],
    module: SharingModule,
    teacher: Teacher,
    renew: Callable[[torch.Tensor], None] | None = None,
    at_once: bool = False,
) -> list[PlannedTurn]:
    """Return the turns with the partner that the side learns from, if there is one and it has been trained.

    Args:
        turns: those of the sharing module.
        trained: the sides that start from trained weights.
        module: couples a side with its partner.
        teacher: who the partner is; a side is its own from its second turn on.
        renew: is told what the LLM makes of each item, before each turn of the domain model that follows one of
            the LLM.
        at_once: whether a side learns from a partner that was never trained, too.
    """
    found: list[PlannedTurn] = []
    trained = set() if teacher == "self" else set(trained)
    for number, turn in enumerate(turns, start=1):
        other: Side = "llm" if turn.side == "domain" else "domain"
        partner = turn.side if teacher == "self" else other
        planned_turn = PlannedTurn(number, turn.side, turn.epochs)
        if teacher != "none" and (at_once or partner in trained):
            planned_turn = replace(planned_turn, sharing=module, partner=partner)
        if found and (found[-1].side, turn.side) == ("llm", "domain"):
            planned_turn = replace(planned_turn, renew=renew)
        found.append(planned_turn)
        trained.add(turn.side)
    return found


def ends_with_the_llm(turns: Sequence[Turn]) -> bool:
    """Return whether the domain model is trained in turns that all come before those of the LLM.

    >>> [ends_with_the_llm([Turn(side, 1) for side in sides]) for sides in (["domain", "llm"], ["llm"], ["domain"])]
    [True, False, False]
    """
    sides = [turn.side for turn in turns]
    return "llm" in sides and "domain" in sides and "domain" not in sides[sides.index("llm") :]


def needed_epochs(module: SharingModule, budget: Budget, spent: int) -> int | None:
    """Return the least epochs of a domain model with which it has a turn after one of the LLM.

    Args:
        module: plans the turns.
        budget: of the pair, in which there is none.
        spent: epochs that the domain model needed alone.

    Returns:
        None if no number up to `MOST_EPOCHS` is enough.
    """
    with contextlib.suppress(PluginError):
        for epochs in range(budget.domain_epochs + 1, MOST_EPOCHS):
            if not ends_with_the_llm(turns_within(replace(budget, domain_epochs=epochs), module)):
                return spent + epochs
    return None


def epochs_of(turns: Sequence[Turn]) -> dict[Side, int]:
    return {side: sum(turn.epochs for turn in turns if turn.side == side) for side in SIDES}


def turns_within(budget: Budget, module: SharingModule) -> list[Turn]:
    """Return a sharing module's turns.

    Raises:
        PluginError: they are longer than the budget.
    """
    owner = owner_of(module)
    with guard(owner, "turns"):
        turns = list(module.turns(budget))
        epochs = epochs_of(turns)
    limits: dict[Side, int] = {"domain": budget.domain_epochs, "llm": budget.llm_epochs}
    for side, most in limits.items():
        if epochs[side] > most:
            raise PluginError(f"{owner} plans {epochs[side]} {side} epochs, allowed are {most}")
    return turns

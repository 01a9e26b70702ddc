"""Sharing modules: who owns the id tables, and who trains when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from corecbench.api.data import Batch, States
    from corecbench.api.models import Ids, Side


@dataclass(frozen=True)
class Budget:
    """Epochs that are left for each side of a pair, so that no joint row trains longer than its solo row."""

    domain_epochs: int
    llm_epochs: int


@dataclass(frozen=True)
class Turn:
    """A stretch of training of one side, while the other is frozen."""

    side: Side
    epochs: int


@dataclass(frozen=True)
class Pretrained:
    """What each side brings to a pair: the tables of the domain model trained alone, and the LLM's view of texts.

    A model that reads no user table gives its users' states after their training history instead.
    """

    user: torch.Tensor
    """float32 [U+1, d]."""
    item: torch.Tensor
    """float32 [N+1, d]."""
    text: torch.Tensor | None = None
    """float [N+1, k], the LLM's `text`; None where it has none."""


class SharingModule(Protocol):
    """Owns the id embeddings of both sides, and says how and when they learn from each other.

    An attribute is optional: `start_from`, "pretrained" (the default) or "new". A pair that starts anew trains its
    domain model from new weights and has that model's whole budget of epochs.
    """

    def ids(self, side: Side, width: int) -> Ids:
        """Return the tables of one side, at its width."""
        ...

    def start(self, pretrained: Pretrained) -> None:
        """Take over what the domain model learnt alone. Called once, after both sides were built."""
        ...

    def turns(self, budget: Budget) -> Sequence[Turn]:
        """Return who trains when; within the budget."""
        ...

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> Mapping[str, torch.Tensor]:
        """Return the coupling terms of the side in training, each a weighted scalar; `other` has no gradient."""
        ...

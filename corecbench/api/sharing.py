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

    A model that reads no user table gives its users' states after their training history instead, without what they
    have beyond the width of the item table.
    """

    user: torch.Tensor
    """float32 [U+1, d]."""
    item: torch.Tensor
    """float32 [N+1, d]."""
    text: torch.Tensor | None = None
    """float [N+1, k], the LLM's `text`; None where it has none."""
    text_states: torch.Tensor | None = None
    """float [N+1, h], the LLM's `text_states`; None where it has none."""


class SharingModule(Protocol):
    """Owns the id embeddings of both sides, and says how and when they learn from each other.

    An attribute is optional: `start_from`, "pretrained" (the default) or "new". A pair that starts anew trains its
    domain model from new weights and has that model's whole budget of epochs.

    A module whose component has `combines=True` is a `Combiner`, too: its pairs have a third row, `ensemble`.
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


class Combiner(SharingModule, Protocol):
    """A sharing module that makes one ranking of both sides', once both are trained.

    A method is optional: `settle(validate)` is called once before the test items are ranked, to choose weights and
    the like. `validate()` ranks the validation items by what `combine` returns at the time, and gives NDCG@10. The
    module returns what it chose, name -> number, to be stored with the results; of test it sees nothing.
    """

    def combine(self, domain: torch.Tensor, llm: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the scores of the ensemble, float32 [B, N], from those of both sides for items 1 to N.

        Args:
            domain: float32 [B, N].
            llm: float32 [B, N], on a scale of its own.
            batch: the users and their histories.
        """
        ...

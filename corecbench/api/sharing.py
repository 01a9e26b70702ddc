"""Sharing modules: who owns the id tables, and who trains when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    """What each side brings to a pair: the tables of the domain model alone, and the LLM's summaries of texts.

    Where the module starts anew, the tables are those of a new model, which has learnt nothing.
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
    states: Callable[[Batch], States] | None = field(default=None, repr=False)
    """`states(batch)` returns what the domain model alone makes of histories, now or later, in evaluation mode and
    without gradients; None where nothing is trained together."""
    training_states: Callable[[], States] | None = field(default=None, repr=False)
    """`training_states()` returns what it makes of the whole training part: of users after their histories, float32
    [U+1, d], and of items, [N+1, d]. Where a graph propagates rows, the tables hold them before and these after."""


class SharingModule(Protocol):
    """Owns the id embeddings of both sides, and says how and when they learn from each other.

    A module whose component has `trains=False` needs `start` and `content` alone, and is given tables of width 0.

    A side trains the parameters of its model in its turns, and with them those of the id tables that the model
    keeps. What a module may have beside these methods stands in `corecbench.api.optional`: `fit`, `start_from`,
    `cosine_temperature`, `alone_unless_better`, `content`, `prepare`, `trained_with`, `renew`, `settle`. A module
    whose component has `combines=True` is a `Combiner`.
    """

    def ids(self, side: Side, width: int) -> Ids:
        """Return the tables of one side, at its width.

        Called once for each side that reads ids, always for the domain side first: a module may make the LLM's
        tables of the domain side's.
        """
        ...

    def start(self, pretrained: Pretrained) -> None:
        """Take over what the domain model learnt alone. Called once, after both sides were built."""
        ...

    def turns(self, budget: Budget) -> Sequence[Turn]:
        """Return who trains when, within the budget."""
        ...

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> Mapping[str, torch.Tensor]:
        """Return the coupling terms of the side in training, each a weighted scalar. `other` has no gradient."""
        ...


class Combiner(SharingModule, Protocol):
    """A sharing module that makes one ranking of both sides' scores, once both are trained."""

    def combine(self, domain: torch.Tensor, llm: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the scores of the ensemble, float32 [B, N], from those of both sides for items 1 to N.

        Args:
            domain: float32 [B, N].
            llm: float32 [B, N], on a scale of its own.
            batch: the users and their histories.
        """
        ...

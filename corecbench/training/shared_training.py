"""Trains one side in several processes together, each of which takes its share of every batch.

A step is that of one process, up to rounding: the shares' losses are weighted by their numbers of targets, and
coupling losses are computed of the whole batch.

B examples, L positions, N processes, d the width of a state.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.function import once_differentiable

from corecbench.api import Batch, States
from corecbench.training.loop import SideTraining
from corecbench.training.weights import trainable, weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench.api import EpochRecord, Recommender, SharingModule
    from corecbench.training.frozen import FrozenStates
    from corecbench.training.loop import Pauses
    from corecbench.training.replicas import Replicas


@dataclass
class SharedTraining(SideTraining):
    """The training of one side in several processes, as it is in one of them.

    The models know nothing of it. Torch's DistributedDataParallel would have to call them itself, once in each
    step, and would average losses of shares with unequal numbers of targets.
    """

    replicas: Replicas = field(kw_only=True)
    validate_together: Callable[[Recommender], float] = field(kw_only=True)
    """Returns the same as `validate`. Each process ranks its share of the users."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.parameters = [parameter for part in self.parts for parameter in trainable(part).values()]

    def train_turn(
        self,
        turn: int,
        epochs: int,
        sharing: SharingModule | None,
        other: SideTraining | None,
        on_epoch: Callable[[EpochRecord], None],
        pauses: Pauses | None = None,
    ) -> None:
        """Train for a turn, which begins with the weights of the first process."""
        for part in self.parts:
            self.replicas.align(weights(part).values())
        super().train_turn(turn, epochs, sharing, other, on_epoch, pauses)

    def loss(
        self, rows: torch.Tensor, batch: Batch, sharing: SharingModule | None, frozen: FrozenStates | None
    ) -> torch.Tensor:
        """Return the share of this process in the loss of a batch: over all processes they sum up to the loss."""
        n = self.replicas.place.number
        divided = len(batch.user) >= n  # a smaller batch is computed by every process
        share = part_of(batch, self.replicas.share) if divided else batch
        with self.replicas.own_draws():
            loss, states = self.task_loss(share)
        loss = loss * (portion(share, batch, states) if divided else 1 / n)
        if frozen is not None and sharing is not None and states is not None:
            if divided:
                user = _WholeBatch.apply(states.user, len(batch.user), self.replicas)
                states = States(user, states.item)
            loss = loss + self.coupling_loss(rows, batch, states, sharing, frozen) / n
        return loss

    def backward(self, loss: torch.Tensor) -> torch.Tensor:
        """Compute the gradients of the whole batch, and return its loss."""
        super().backward(loss)
        total = self.replicas.add_up_gradients(self.parameters, loss)
        if total.device.type == "cpu":
            self.check_finite(total)
        return total

    def validation(self) -> float:
        """Return NDCG@10 on the validation items, with the buffers of the first process."""
        for part in self.parts:
            trained = trainable(part)
            self.replicas.align(tensor for name, tensor in weights(part).items() if name not in trained)
        return self.validate_together(self.model)


def part_of(batch: Batch, rows: slice) -> Batch:
    """Return some rows of a batch. Sampled items are those of all rows."""
    target, negatives = (None if each is None else each[rows] for each in (batch.target, batch.negatives))
    return replace(batch, user=batch.user[rows], history=batch.history[rows], target=target, negatives=negatives)


def portion(share: Batch, batch: Batch, states: States | None) -> torch.Tensor | float:
    """Return the weight of the loss of a share, which is a mean over targets: that of its number of targets.

    A model with a state at each position has a target at each. Else it has one for each example.
    """
    if share.target is None or batch.target is None or batch.target.dim() == 1:
        return len(share.user) / len(batch.user)
    if states is None or states.user.dim() == 2:
        return len(share.user) / len(batch.user)
    return share.target.count_nonzero() / batch.target.count_nonzero()


class _WholeBatch(torch.autograd.Function):
    """The user states of a whole batch, [B, L, d] or [B, d], of which each process has computed its share.

    The loss that is computed of them is divided by N, and the same in all processes. So the gradient of a share is
    N times that in one of them.
    """

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor, n_rows: int, replicas: Replicas) -> torch.Tensor:
        ctx.replicas = replicas
        whole = own.new_zeros(n_rows, *own.shape[1:])
        whole[replicas.share] = own
        return replicas.add_up(whole)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return gradient[ctx.replicas.share] * ctx.replicas.place.number, None, None

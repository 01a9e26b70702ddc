"""The states of a side that is frozen while the other side trains, and of any side in evaluation."""

from __future__ import annotations

import torch
from torch.nn.functional import pad

from corecbench.api import Batch, Recommender, States
from corecbench.training.examples import take

CONTEXTS_PER_BATCH = 256


def evaluate(model: Recommender) -> None:
    """Switch off what is random in a model."""
    if isinstance(model, torch.nn.Module):
        model.eval()


def states_of_contexts(model: Recommender, contexts: Batch) -> States:
    """Return a frozen side's states of all contexts: user [R, d] or [R, L, d], item [N+1, d]."""
    evaluate(model)
    without_target = Batch(contexts.user, contexts.history)
    order = (contexts.history != 0).sum(dim=1).argsort(stable=True)  # like lengths together: little padding
    users = []
    with torch.no_grad():
        for rows in order.split(CONTEXTS_PER_BATCH):
            states = model.states(take(without_target, rows))
            missing = contexts.history.shape[1] - states.user.shape[1] if states.user.dim() == 3 else 0
            users.append(pad(states.user, (0, 0, 0, missing)) if missing else states.user)
    return States(torch.cat(users)[order.argsort()], states.item.detach())


def of_rows(frozen: States, rows: torch.Tensor, batch: Batch) -> States:
    """Return the frozen states of a batch, cut to its longest history."""
    user = frozen.user[rows]
    return States(user[:, : batch.history.shape[1]] if user.dim() == 3 else user, frozen.item)

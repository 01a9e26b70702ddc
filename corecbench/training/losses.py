"""The task losses. P positions with a target, N items, K sampled items, d the width of a state."""

import torch
from torch.nn.functional import cross_entropy, embedding, logsigmoid

from corecbench.api import Batch, PluginError, Recommender, States
from corecbench.plugin.abilities import recommender_abilities
from corecbench.training.full_softmax import full_softmax_loss


def task_loss(model: Recommender, batch: Batch, states: States | None) -> torch.Tensor:
    """Return the model's own loss where it has one, else the standard loss."""
    return (recommender_abilities(model).loss or standard_loss)(batch, states)


def standard_loss(batch: Batch, states: States | None) -> torch.Tensor:
    """Return BPR for pairs with a negative each, else the cross-entropy of the next items.

    Raises:
        PluginError: there are no states, from a model that gives scores.
    """
    if states is None:
        raise PluginError("it gives scores and no states, so it needs a method `loss`")
    if batch.negatives is not None:
        return bpr(batch, states)
    return next_item_cross_entropy(batch, states)


def next_item_cross_entropy(batch: Batch, states: States) -> torch.Tensor:
    """Return the cross-entropy of the targets, averaged over all positions that have one.

    It is taken over the catalogue, or over the target and the batch's sampled items where there are any (sampled
    softmax; Wu et al., TOIS 2024, arXiv 2201.02327). A model with one state per history is trained on the last
    target of a window alone.
    """
    if batch.target.dim() == 1:
        user, target = states.user, batch.target  # [B, d], [B]
    elif states.user.dim() == 3:
        chosen = batch.target != 0
        user, target = states.user[chosen], batch.target[chosen]  # [P, d], [P]
    else:
        last = (batch.target != 0).sum(dim=1, keepdim=True) - 1
        user, target = states.user, batch.target.gather(1, last).squeeze(1)  # [B, d], [B]
    if batch.sampled is None:
        return full_softmax_loss(user, states.item[1:], target - 1)  # without the padding row
    own = (user * embedding(target, states.item)).sum(dim=1, keepdim=True)  # [P, 1]
    others = user @ embedding(batch.sampled, states.item).T  # [P, K]
    others = others.masked_fill(batch.sampled == target[:, None], -torch.inf)
    return cross_entropy(torch.cat([own, others], dim=1), torch.zeros_like(target))


def bpr(batch: Batch, states: States) -> torch.Tensor:
    """Return Bayesian personalised ranking (Rendle et al., UAI 2009, arXiv 1205.2618), averaged over pairs."""
    better, worse = embedding(batch.target, states.item), embedding(batch.negatives, states.item)  # [B, d]
    return -logsigmoid((states.user * (better - worse)).sum(dim=1)).mean()

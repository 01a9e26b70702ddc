"""The task losses. P positions with a target, N items, K sampled items, d the width of a state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.api.errors import PluginError

NONE = -1e30
"""The score of an item that does not count; finite, since a gradient of infinite ones alone is not a number."""

if TYPE_CHECKING:
    import torch

    from corecbench.api.data import Batch, States


def standard_loss(batch: Batch, states: States | None, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Return BPR for pairs with a negative each, else the cross-entropy of the next items.

    Args:
        batch: the examples.
        states: of their users and of the items.
        dtype: in which products over the whole catalogue are computed, such as
            `product_dtype(config.loss_dtype, setup.device)`; None for float32.

    Raises:
        PluginError: there are no states, from a model that gives scores.
    """
    if states is None:
        raise PluginError("it gives scores and no states, so it needs a method `loss`")
    if batch.negatives is not None:
        return bpr(batch, states)
    return next_item_cross_entropy(batch, states, dtype)


def next_item_cross_entropy(batch: Batch, states: States, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Return the cross-entropy of the targets, averaged over all positions that have one.

    It is taken over the catalogue, or over the target and the batch's sampled items where there are any (sampled
    softmax; Wu et al., TOIS 2024, arXiv 2201.02327). A model with one state per history is trained on the last
    target of a window alone.
    """
    import torch
    from torch.nn.functional import cross_entropy, embedding

    from corecbench.toolkit.full_softmax import full_softmax_loss

    user, target = states.user, targets_of(batch)
    if target.dim() == 2:
        if user.dim() == 3:
            user, target = user.flatten(0, 1)[batch.places], target.flatten()[batch.places]  # [P, d], [P]
        else:
            target = target.gather(1, (target != 0).sum(dim=1, keepdim=True) - 1).squeeze(1)  # [B]
    if batch.sampled is None:
        items = states.item[1:]  # without the padding row
        return full_softmax_loss(user, items, target - 1, dtype or torch.float32)
    if batch.log_expected is not None:
        return corrected_cross_entropy(user, states.item, target, batch.sampled, batch.log_expected)
    own = (user * embedding(target, states.item)).sum(dim=1, keepdim=True)  # [P, 1]
    others = user @ embedding(batch.sampled, states.item).T  # [P, K]
    others = others.masked_fill(batch.sampled == target[:, None], -torch.inf)
    return cross_entropy(torch.cat([own, others], dim=1), torch.zeros_like(target))


def corrected_cross_entropy(
    user: torch.Tensor,
    item: torch.Tensor,
    target: torch.Tensor,
    sampled: torch.Tensor,
    log_expected: torch.Tensor,
) -> torch.Tensor:
    """Return the mean cross-entropy among a catalogue of which some items are drawn, not all alike.

    The sum of exp(score) / expected count over the draws estimates that of all items but the target. The target is
    there without being drawn, so its score is not corrected (Khrylchenko et al., RecSys 2025, DOI
    10.1145/3705328.3748033).

    Args:
        user: states, float [P, d].
        item: states, float [N+1, d].
        target: int64 [P].
        sampled: int64 [K].
        log_expected: float32 [K], the logarithm of how often each is expected among the K.
    """
    import torch
    from torch.nn.functional import embedding

    rows = embedding(torch.cat([target, sampled]), item)  # gathered at once: each gradient is as large as the table
    own = (user * rows[: len(target)]).sum(dim=1)  # [P]
    others = (user @ rows[len(target) :].T).sub_(log_expected)  # [P, K]
    others.masked_fill_(sampled == target[:, None], NONE)
    return (torch.logaddexp(own, others.logsumexp(dim=1)) - own).mean()


def targets_of(batch: Batch) -> torch.Tensor:
    """Return the targets of a batch, int64 [B] or [B, L].

    Raises:
        PluginError: there are none, as in evaluation.
    """
    if batch.target is None:
        raise PluginError("a loss needs a batch with targets")
    return batch.target


def bpr(batch: Batch, states: States) -> torch.Tensor:
    """Return Bayesian personalised ranking (Rendle et al., UAI 2009, arXiv 1205.2618), averaged over pairs."""
    from torch.nn.functional import embedding, logsigmoid

    if batch.negatives is None:
        raise PluginError("BPR needs a negative for each pair, and the batch has none")
    better, worse = (embedding(item, states.item) for item in (targets_of(batch), batch.negatives))  # [B, d]
    return -logsigmoid((states.user * (better - worse)).sum(dim=1)).mean()

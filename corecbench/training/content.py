"""Lets item texts have a say in how a trained side ranks: a weighted cosine of an item and the latest of a history.

A model that learns to use texts fits them to the few users who train, and loses what they tell of all others. Here
nothing is trained, so nothing is lost: to the scores of a side is added how near the text of an item is to the mean
text of the history (content-based recommendation: Lops, de Gemmis and Semeraro, 2011, DOI
10.1007/978-0-387-85820-3_3). The weight and how fast older items count less are chosen on validation, where 0 is a
choice, too.

B users in a batch, T users of a task, N items, L positions of a history, k the width of a text's row, d that of a
state, W pairs of a weight and a decay.
"""

from __future__ import annotations

import copy
import functools
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from corecbench.api import PluginError, States, last_position, mean_texts
from corecbench.data.tensors import on_device
from corecbench.evaluation.ranking import in_batches, task_states, without_targets
from corecbench.plugin.abilities import recommender_abilities
from corecbench.plugin.guard import guard
from corecbench.training.alone import is_clearly_better
from corecbench.training.frozen import evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import Batch, Recommender
    from corecbench.training.cell import CellTraining
    from corecbench.training.loop import SideTraining

SHARES = tuple(2.0 ** (power / 2) for power in range(-6, 7))
"""Spreads of the texts' scores over the items, in spreads of the side's own, from which the weight is chosen."""
DECAYS = (0.6, 0.8)
"""Factors, from which one is chosen, by which an item of a history counts less than the next one."""
MOST_SCORES = 2**24
"""Scores that are held at a time while weights are compared."""
MOST_USERS = 4096
"""About so many users are enough to choose a weight by; whether it is better than none is decided by all users."""


class WithContent(nn.Module):
    """A trained recommender whose scores hold what texts say."""

    content: torch.Tensor

    def __init__(self, model: Recommender, content: torch.Tensor, weight: float, decay: float) -> None:
        """Put a model beside texts.

        Args:
            model: the recommender, in evaluation mode.
            content: float [N+1, k], rows of a norm of 1, or of 0 for items without a text.
            weight: of the cosine.
            decay: a factor by which an item of a history counts less than the next one.
        """
        super().__init__()
        self.model, self.examples, self.weight, self.decay = model, model.examples, weight, decay
        self.register_buffer("content", content, persistent=False)

    def states(self, batch: Batch) -> States:
        """Return the states after the last item of each history: user float32 [B, d + k], item [N+1, d + k]."""
        states = own_states(self.model, batch)
        texts = self.weight * mean_texts(batch.history, self.content, self.decay)
        return States(torch.cat([states.user, texts], dim=1), torch.cat([states.item, self.content], dim=1))


@dataclass(eq=False)
class Known:
    """A recommender that answers from states that were computed once, for all that is compared on one task."""

    examples: Literal["windows", "pairs"]
    known: States
    """User float32 [U+1, d], item [N+1, d]."""

    def states(self, batch: Batch) -> States:
        """Return the states of a batch, user float32 [B, d], item [N+1, d]."""
        return States(self.known.user[batch.user], self.known.item)


def own_states(model: Recommender, batch: Batch) -> States:
    """Return a side's own states after the last item of each history: user float32 [B, d], item [N+1, d]."""
    states_of = recommender_abilities(model).last_states
    if states_of is None:
        raise PluginError("a recommender that gives scores has no states")
    states = states_of(batch)
    return States(last_position(states.user, batch.history), states.item)


def with_content(training: CellTraining, side: SideTraining, content: torch.Tensor) -> SideTraining:
    """Return a side with what texts say in its scores, if that is clearly better on validation, else as it is.

    Args:
        training: of the pair.
        side: with its best weights.
        content: float [N+1, k], what is said of each item's text; a zero row for an item without one.

    Raises:
        PluginError: there is not one finite row for each item.
    """
    started = time.perf_counter()
    rows = checked(content, training.setup.catalog.n_items)
    evaluate(side.model)
    states = functools.partial(own_states, side.model)
    with guard(side.owner, "states"), torch.no_grad():
        known = task_states(states, training.tasks["validation"], device=training.setup.device)
        model = Known(side.model.examples, known)
        weight, decay = choose(training, model, rows)
        compared = WithContent(model, rows, weight, decay), model
        values, own = (training.values(training.rank(each, "validation")) for each in compared)
    tried = copy.copy(side)
    tried.values = own
    if is_clearly_better(values, own):
        tried.model, tried.values = WithContent(side.model, rows, weight, decay), values
        tried.best_value = float(values.mean())
        tried.chosen = {"content_weight": weight, "content_decay": decay, "validation_without": float(own.mean())}
    tried.train_s += time.perf_counter() - started
    return tried


def checked(content: torch.Tensor, n_items: int) -> torch.Tensor:
    """Return float32 rows [N+1, k] of a norm of 1, or of 0 where there is no text.

    Raises:
        PluginError: there is not one finite row for each item.
    """
    if content.dim() != 2 or len(content) != n_items + 1 or not content.isfinite().all():
        raise PluginError(f"content is {list(content.shape)}; finite numbers [{n_items + 1}, k] are needed")
    return normalize(content.detach().float(), dim=1)


def choose(training: CellTraining, model: Recommender, content: torch.Tensor) -> tuple[float, float]:
    """Return the weight and the decay that are best on validation."""
    unit = relative_spread(training, model, content)
    tried = [(unit * share, decay) for decay in DECAYS for share in SHARES]
    values = values_under(training, model, content, tried).mean(axis=1)
    return max(zip(values.tolist(), tried, strict=True))[1]


def parts_of(
    model: Recommender, batch: Batch, content: torch.Tensor, decays: Sequence[float]
) -> tuple[torch.Tensor, dict[float, torch.Tensor]]:
    """Return the scores of the side itself and, for each decay, those of the texts, float32 [B, N+1]."""
    states = own_states(model, batch)
    return states.user @ states.item.T, {
        decay: mean_texts(batch.history, content, decay) @ content.T for decay in decays
    }


def relative_spread(training: CellTraining, model: Recommender, content: torch.Tensor) -> float:
    """Return how many times as far the side's own scores are spread over the items as those of the texts."""
    task, decay = training.tasks["validation"], DECAYS[0]
    _, batch = next(in_batches(task, 256, training.setup.device))
    scores, texts = parts_of(model, batch, content, [decay])
    own, other = (part[:, 1:].std(dim=1).mean() for part in (scores, texts[decay]))
    return float(own / other) if other else 1.0


def values_under(
    training: CellTraining, model: Recommender, content: torch.Tensor, tried: Sequence[tuple[float, float]]
) -> np.ndarray:
    """Return NDCG@10 of some users on the validation items under each weight and decay, float64 [W, users].

    Scores are in float32, which is exact enough to choose by. Of many users only some batches are ranked, evenly
    over the lengths of histories.
    """
    task, device = training.tasks["validation"], training.setup.device
    size = max(1, min(256, MOST_SCORES // len(content)))
    some = slice(None, None, math.ceil(len(task.users) / MOST_USERS))
    decays = sorted({decay for _, decay in tried})
    found = []
    for rows, batch in in_batches(task, size, device, some):
        own, texts = parts_of(model, batch, content, decays)
        target = on_device(task.target[rows], device)[:, None]
        user, item = (
            on_device(index, device) for index in without_targets(*task.seen.pairs(rows), task.target[rows])
        )
        own[user, item] = own[:, 0] = -torch.inf
        n_candidates = own.isfinite().sum(dim=1).cpu().numpy()
        under = (torch.add(own, texts[decay], alpha=weight) for weight, decay in tried)
        ranks = [(scores >= scores.gather(1, target)).sum(dim=1).cpu().numpy() for scores in under]
        found.append(np.stack([training.validation_metric.per_user(rank, n_candidates) for rank in ranks]))
    return np.concatenate(found, axis=1)

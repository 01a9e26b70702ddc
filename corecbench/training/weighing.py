"""Chooses how much texts count in the scores of a trained side, and how much less older items of a history count.

What is more complex takes the place of what is simpler only if it is clearly better on validation.

B users in a batch, T users of a task, N items, k the width of a text's row, W pairs of a weight and a decay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from corecbench.api import Batch, PluginError, Recommender, Scores, States, last_position
from corecbench.evaluation.ranking import absent_items, in_batches, without_targets
from corecbench.plugin.abilities import recommender_abilities
from corecbench.toolkit import mean_texts, on_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.training.cell import CellTraining

SHARES = tuple(2.0 ** (power / 2) for power in range(-6, 7))
"""Spreads of the texts' scores over the items, in spreads of the side's own, from which the weight is chosen."""
DECAYS = (0.6, 0.8)
"""Factors, from which one is chosen, by which an item of a history counts less than the next one."""
MOST_SCORES = 2**24
"""Scores that are held at a time while weights are compared."""
MOST_USERS = 4096
"""About so many users are enough to choose a weight by; whether it is better than none is decided by all users."""


@dataclass(frozen=True)
class OfTexts:
    """The cosine of an item's text and the mean text of a history."""

    content: torch.Tensor
    """float32 [N+1, k], rows of a norm of 1 or of 0."""
    decays: Sequence[float] = DECAYS
    """Factors, from which one is chosen, by which an item of a history counts less than the next one."""

    def scores(self, batch: Batch, decay: float) -> torch.Tensor:
        """Return its scores of all items, float32 [B, N+1]."""
        return mean_texts(batch.history, self.content, decay) @ self.content.T


@dataclass(frozen=True)
class OfModel:
    """The scores of another recommender, which weighs the items of a history itself."""

    model: Scores
    decays: Sequence[float] = (1.0,)

    def scores(self, batch: Batch, decay: float) -> torch.Tensor:
        """Return its scores of all items, float32 [B, N+1]."""
        return self.model.scores(batch).float()


Voice = OfTexts | OfModel
"""What has a say in the scores of a trained side."""


class Say(NamedTuple):
    """How much texts count."""

    weight: float
    """Of the cosine."""
    decay: float
    """A factor by which an item of a history counts less than the next one."""


class Worth(NamedTuple):
    """NDCG@10 of each user on the validation items, float64 [T] each."""

    without: np.ndarray
    of_all: np.ndarray
    """Under what is best for all users."""
    of_others: np.ndarray
    """Under what is best for the half of the users that a user is not in."""


def is_clearly_better(values: np.ndarray, base: np.ndarray) -> bool:
    """Return whether the mean of paired values is higher by more than one standard error of the difference.

    One standard error is the margin by which Breiman et al. (Classification and Regression Trees, 1984) let a more
    complex model win. Of one user it is not known, so that one user shows nothing.

    Args:
        values: float [T], of each user.
        base: float [T], of the same users.

    >>> is_clearly_better(np.array([0.5, 0.6, 0.4]), np.array([0.4, 0.4, 0.1]))
    True
    >>> is_clearly_better(np.array([0.5, 0.6, 0.1]), np.array([0.4, 0.4, 0.4]))
    False
    """
    gain = values - base
    return len(gain) > 1 and bool(gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)))


def in_first_half(row: np.ndarray) -> np.ndarray:
    """Return which users are in the first half of a task, bool [T]: every other one, by their rows int64 [T].

    >>> in_first_half(np.arange(4)).tolist()
    [True, False, True, False]
    """
    return np.asarray(row % 2 == 0)


def weigh(training: CellTraining, model: Recommender, voices: Sequence[Voice]) -> list[tuple[Say, Worth]]:
    """Return how much each voice counts where that is best on validation, and what it is worth.

    The best of many settings looks better than it is on the users that it was chosen by. On others it does not
    (cross-fitting: Chernozhukov et al., 2018, DOI 10.1111/ectj.12097). Of many users only some choose, evenly over
    the lengths of histories; the worth is that of all.

    Args:
        training: has the users.
        model: in evaluation mode.
        voices: what may have a say, each in the place of the others.
    """
    units = relative_spreads(training, model, voices)
    tried = [
        [Say(unit * share, decay) for decay in voice.decays for share in SHARES]
        for unit, voice in zip(units, voices, strict=True)
    ]
    n_users = len(training.tasks["validation"].users)
    row, values = values_under(training, model, voices, tried, each=math.ceil(n_users / MOST_USERS))
    first = in_first_half(row)
    halves = np.full_like(first, True), first, ~first
    chosen = [
        [best(says, of_voice[:, users]) for users in halves] for says, of_voice in zip(tried, values, strict=True)
    ]
    row, values = values_under(training, model, voices, [[Say(0.0, says[0].decay), *says] for says in chosen])
    return [(says[0], worth(of_voice[:, np.argsort(row)])) for says, of_voice in zip(chosen, values, strict=True)]


def worth(values: np.ndarray) -> Worth:
    """Return what a voice is worth to each user.

    Args:
        values: float64 [4, T], without it, and under what is best for all users and for either half.
    """
    without, of_all, of_first, of_second = values
    return Worth(without, of_all, np.where(in_first_half(np.arange(len(without))), of_second, of_first))


def best(tried: Sequence[Say], values: np.ndarray) -> Say:
    """Return what has the highest mean of its values, float64 [W, users]."""
    return max(zip(values.mean(axis=1).tolist(), tried, strict=True))[1]


def own_states(model: Recommender, batch: Batch) -> States:
    """Return a side's own states after the last item of each history: user float32 [B, d], item [N+1, d]."""
    states_of = recommender_abilities(model).last_states
    if states_of is None:
        raise PluginError("a recommender that gives scores has no states")
    states = states_of(batch)
    return States(last_position(states.user, batch.history), states.item)


def own_scores(model: Recommender, batch: Batch) -> torch.Tensor:
    """Return a side's own scores, float32 [B, N+1], which may be changed."""
    scores_of = recommender_abilities(model).scores
    if scores_of is not None:
        return scores_of(batch).float().clone()
    states = own_states(model, batch)
    return states.user @ states.item.T


def relative_spreads(training: CellTraining, model: Recommender, voices: Sequence[Voice]) -> list[float]:
    """Return how many times as far the side's own scores are spread over the items as those of each voice.

    Where either are all the same, any weight does: 1.
    """
    _, batch = next(in_batches(training.tasks["validation"], 256, training.setup.device))
    known = slice(1, training.setup.catalog.n_known_items + 1)
    own = spread_over(own_scores(model, batch)[:, known])
    others = [spread_over(voice.scores(batch, voice.decays[0])[:, known]) for voice in voices]
    return [float(own / other) if own and other else 1.0 for other in others]


def spread_over(scores: torch.Tensor) -> torch.Tensor:
    """Return the mean over users of the standard deviation over items, of scores float32 [B, N]."""
    return scores.std(dim=1).mean()


def values_under(
    training: CellTraining,
    model: Recommender,
    voices: Sequence[Voice],
    tried: Sequence[Sequence[Say]],
    each: int = 1,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the rows of some users and their NDCG@10 on the validation items under what is tried of each voice.

    Scores are in float32, which is exact enough to choose by. The model's own are computed once for all voices.

    Args:
        training: has the users.
        model: in evaluation mode.
        voices: what may have a say.
        tried: how much each of them counts.
        each: of so many batches, which are in the order of the lengths of histories, one is ranked.

    Returns:
        The rows in the task, int64 [users], and the values of each voice, float64 [W, users].
    """
    task, device = training.tasks["validation"], training.setup.device
    size = max(1, min(256, MOST_SCORES // (training.setup.catalog.n_items + 1)))
    found: list[list[np.ndarray]] = [[] for _ in voices]
    places = []
    for rows, batch in in_batches(task, size, device, slice(None, None, each)):
        own = own_scores(model, batch)
        target = on_device(task.target[rows], device)[:, None]
        user, item = (
            on_device(index, device) for index in without_targets(*task.seen.pairs(rows), task.target[rows])
        )
        own[user, item] = own[:, 0] = -torch.inf
        if (absent := absent_items(task, rows, device)) is not None:
            absent.hide(own, slice(None))
        n_candidates = own.isfinite().sum(dim=1).cpu().numpy()
        for of_voice, voice, says in zip(found, voices, tried, strict=True):
            texts = {decay: voice.scores(batch, decay) for decay in {say.decay for say in says}}
            under = (torch.add(own, texts[decay], alpha=weight) for weight, decay in says)
            ranks = [(scores >= scores.gather(1, target)).sum(dim=1).cpu().numpy() for scores in under]
            of_voice.append(np.stack([training.validation_metric.per_user(rank, n_candidates) for rank in ranks]))
        places.append(rows)
    return np.concatenate(places), [np.concatenate(of_voice, axis=1) for of_voice in found]

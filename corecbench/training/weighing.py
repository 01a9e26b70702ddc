"""Chooses how much texts, or another model, count in the scores of a trained side.

A weight is never refused: it is shrunk. It is the mean of the weights that are best for samples of the validation
users with replacement (bagging: Breiman, 1996, DOI 10.1007/BF00058655). Weights are averaged as angles: 0 is the
side alone, a right angle the other scores alone, and half of it both, spread alike over the items. Samples of few
users differ, so their mean is moderate; that of many is near the best. Items that are new, of which a side knows
nothing, have a weight of their own.

B users in a batch, T users of a task, N items, k the width of a text's row, W weights that are compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from corecbench.api import Batch, PluginError, Recommender, Scores, States, generator, last_position
from corecbench.evaluation.ranking import absent_items, in_batches, without_targets
from corecbench.plugin.abilities import recommender_abilities
from corecbench.toolkit import mean_texts, on_device

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.training.cell import CellTraining

SHARES = (0.0, *(2.0 ** (power / 2) for power in range(-6, 7)))
"""Spreads of the other scores over the items, in spreads of the side's own, from which the weight is chosen."""
DECAYS = (0.6, 0.8)
"""Factors, from which one is chosen, by which an item of a history counts less than the next one."""
NEW = tuple(2.0**power for power in range(-1, 5))
"""Weights of texts for items that are new, in weights for other items."""
SAMPLES = 200
"""Samples of the users, of each of which the best weight is found."""
MOST_SCORES = 2**24
"""Scores that are held at a time while weights are compared."""
MOST_USERS = 4096
"""About so many users are enough to choose a weight by; its worth is that of all."""


@dataclass(frozen=True)
class TextScores:
    """The cosine of an item's text and the mean text of a history."""

    content: torch.Tensor
    """float32 [N+1, k], rows of a norm of 1 or of 0."""
    n_new: int = 0
    """`Catalog.n_new_items`: the last items, which no training part has."""
    decays: Sequence[float] = DECAYS
    """Factors, from which one is chosen, by which an item of a history counts less than the next one."""

    def scores(self, batch: Batch, decay: float) -> torch.Tensor:
        return mean_texts(batch.history, self.content, decay) @ self.content.T


@dataclass(frozen=True)
class ModelScores:
    """The scores of another recommender, which weighs the items of a history itself."""

    model: Scores
    decays: Sequence[float] = (1.0,)
    n_new: int = 0

    def scores(self, batch: Batch, decay: float) -> torch.Tensor:
        return self.model.scores(batch).float()


ScoreTerm = TextScores | ModelScores
"""What is added to the scores of a trained side."""


class TermWeight(NamedTuple):
    """How much a term counts in the scores."""

    share: float
    """Spread of its scores over the items, in spreads of the side's own."""
    unit: float = 1.0
    """The weight under which both are spread alike."""
    decay: float = 1.0
    """A factor by which an item of a history counts less than the next one."""
    new: float = 1.0
    """A factor of the weight for items that are new."""

    @property
    def weight(self) -> float:
        return self.share * self.unit


class Worth(NamedTuple):
    """NDCG@10 of each user on the validation items, float64 [T] each."""

    without: np.ndarray
    of_all: np.ndarray
    """Under what all users choose."""
    of_others: np.ndarray
    """Under what the half of the users chooses that a user is not in."""


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


def weigh(training: CellTraining, model: Recommender, terms: Sequence[ScoreTerm]) -> list[tuple[TermWeight, Worth]]:
    """Return how much each term counts, and what it is worth.

    The best of many settings looks better than it is on the users that it was chosen by. On others it does not
    (cross-fitting: Chernozhukov et al., 2018, DOI 10.1111/ectj.12097). Of many users only some choose, evenly over
    the lengths of histories; the worth is that of all.

    Args:
        training: has the users.
        model: in evaluation mode.
        terms: what may be added, each in the place of the others.
    """
    each = math.ceil(len(training.tasks["validation"].users) / MOST_USERS)
    units = relative_spreads(training, model, terms)
    tried = [
        [TermWeight(share, unit, decay) for decay in term.decays for share in SHARES]
        for unit, term in zip(units, terms, strict=True)
    ]
    row, values = values_under(training, model, terms, tried, each)
    halves = np.full_like(row, True, dtype=bool), in_first_half(row), ~in_first_half(row)
    chosen = [
        [shrunk(weights, of_term[:, users]) for users in halves]
        for weights, of_term in zip(tried, values, strict=True)
    ]
    tried = [[found._replace(new=new) for found in of_term for new in NEW] for of_term in chosen]
    if any(term.n_new for term in terms):
        _, values = values_under(training, model, terms, tried, each)
        chosen = [
            [
                new_items_weighed(of[place : place + len(NEW)], of_term[place : place + len(NEW), users])
                for place, users in zip(range(0, len(of), len(NEW)), halves, strict=True)
            ]
            for of, of_term in zip(tried, values, strict=True)
        ]
    row, values = values_under(training, model, terms, [[TermWeight(0.0), *of_term] for of_term in chosen])
    return [(of_term[0], worth(found[:, np.argsort(row)])) for of_term, found in zip(chosen, values, strict=True)]


def worth(values: np.ndarray) -> Worth:
    """Return what a term is worth to each user.

    Args:
        values: float64 [4, T], without it, and under what all users and either half choose.
    """
    without, of_all, of_first, of_second = values
    return Worth(without, of_all, np.where(in_first_half(np.arange(len(without))), of_second, of_first))


def shrunk(tried: Sequence[TermWeight], values: np.ndarray) -> TermWeight:
    """Return the mean angle of the best of some weights over samples of the users, under the decay that is best.

    >>> tried = [TermWeight(share, unit=2.0) for share in (0.0, 1.0)]
    >>> shrunk(tried, np.array([[0.0, 0.0], [1.0, 1.0]])).weight, shrunk(tried, np.array([[1.0], [0.0]])).weight
    (2.0, 0.0)
    >>> 0 < shrunk(tried, np.array([[0.5, 0.5], [0.0, 1.0]])).share < 1
    True

    Args:
        tried: W weights.
        values: float64 [W, users], of each user under each of them.
    """
    decay = tried[int(values.mean(axis=1).argmax())].decay
    places = [place for place, each in enumerate(tried) if each.decay == decay]
    angles = np.arctan([tried[place].share for place in places])
    share = float(np.tan(angles[best_of_samples(values[places])].mean()))
    return tried[places[0]]._replace(share=round(share, 6))


def new_items_weighed(tried: Sequence[TermWeight], values: np.ndarray) -> TermWeight:
    factors = np.log([each.new for each in tried])
    return tried[0]._replace(new=round(float(np.exp(factors[best_of_samples(values)].mean())), 6))


def best_of_samples(values: np.ndarray) -> np.ndarray:
    """Return which of some weights is best for each sample of the users, int64 [SAMPLES], the first of equals.

    Args:
        values: float64 [W, users].
    """
    n_users = values.shape[1]
    counts = generator(0, "samples of users").multinomial(n_users, np.full(n_users, 1 / n_users), SAMPLES)
    return np.asarray((counts @ values.T).argmax(axis=1))


def own_states(model: Recommender, batch: Batch) -> States:
    states_of = recommender_abilities(model).last_states
    if states_of is None:
        raise PluginError("a recommender that gives scores has no states")
    states = states_of(batch)
    return States(last_position(states.user, batch.history), states.item)


def own_scores(model: Recommender, batch: Batch) -> torch.Tensor:
    scores_of = recommender_abilities(model).scores
    if scores_of is not None:
        return scores_of(batch).float().clone()
    states = own_states(model, batch)
    return states.user @ states.item.T


def relative_spreads(training: CellTraining, model: Recommender, terms: Sequence[ScoreTerm]) -> list[float]:
    """Return how many times as far the side's own scores are spread over the items as those of each term.

    Where either are all the same, any weight does: 1.
    """
    _, batch = next(in_batches(training.tasks["validation"], 256, training.setup.device))
    known = slice(1, training.setup.catalog.n_known_items + 1)
    own = spread_over(own_scores(model, batch)[:, known])
    others = [spread_over(term.scores(batch, term.decays[0])[:, known]) for term in terms]
    return [float(own / other) if own and other else 1.0 for other in others]


def spread_over(scores: torch.Tensor) -> torch.Tensor:
    return scores.std(dim=1).mean()


def values_under(
    training: CellTraining,
    model: Recommender,
    terms: Sequence[ScoreTerm],
    tried: Sequence[Sequence[TermWeight]],
    each: int = 1,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the rows of some users and their NDCG@10 on the validation items under what is tried of each term.

    Scores are in float32, which is exact enough to choose by. The model's own are computed once for all terms.

    Args:
        training: has the users.
        model: in evaluation mode.
        terms: what may be added.
        tried: how much each of them counts.
        each: of so many batches, which are in the order of the lengths of histories, one is ranked.

    Returns:
        The rows in the task, int64 [users], and the values of each term, float64 [W, users].
    """
    task, device = training.tasks["validation"], training.setup.device
    size = max(1, min(256, MOST_SCORES // (training.setup.catalog.n_items + 1)))
    found: list[list[np.ndarray]] = [[] for _ in terms]
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
        for of_term, term, weights in zip(found, terms, tried, strict=True):
            ranks = [(scores >= scores.gather(1, target)).sum(dim=1) for scores in under(own, term, batch, weights)]
            of_term.append(
                np.stack([training.validation_metric.per_user(rank.cpu().numpy(), n_candidates) for rank in ranks])
            )
        places.append(rows)
    return np.concatenate(places), [np.concatenate(of_term, axis=1) for of_term in found]


def under(
    own: torch.Tensor, term: ScoreTerm, batch: Batch, weights: Sequence[TermWeight]
) -> Iterator[torch.Tensor]:
    """Yield the scores of a batch with a term in them under each of some weights, float32 [B, N+1]."""
    of_term = {decay: term.scores(batch, decay) for decay in {each.decay for each in weights if each.share}}
    for each in weights:
        if not each.share:
            yield own
            continue
        scores = torch.add(own, of_term[each.decay], alpha=each.weight)
        if term.n_new:
            new = slice(-term.n_new, None)
            scores[:, new].add_(of_term[each.decay][:, new], alpha=each.weight * (each.new - 1))
        yield scores

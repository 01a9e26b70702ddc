"""Lets item texts have a say in how a trained side ranks: a weighted cosine of an item and the latest of a history.

A model that needs no training, such as neighbours, may have a say by its scores in the same way.

A model that learns to use texts fits them to the few users who train, and loses what they tell of all others. Here
nothing is trained, so nothing is lost: to the scores of a side is added how near the text of an item is to the mean
text of the history (content-based recommendation: Lops, de Gemmis and Semeraro, 2011, DOI
10.1007/978-0-387-85820-3_3). The weight and how fast older items count less are chosen on validation.

B users in a batch, T users of a task, N items, k the width of a text's row, d that of a state.
"""

from __future__ import annotations

import copy
import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from corecbench.api import Batch, PluginError, Recommender, Scores, Side, States
from corecbench.evaluation.ranking import task_states
from corecbench.plugin.abilities import recommender_abilities
from corecbench.plugin.guard import guard
from corecbench.plugin.wrapped import made
from corecbench.toolkit import mean_texts
from corecbench.training.frozen import evaluate
from corecbench.training.weighing import (
    ModelScores,
    ScoreTerm,
    TermWeight,
    TextScores,
    Worth,
    own_scores,
    own_states,
    weigh,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api.optional import Content
    from corecbench.training.cell import CellTraining
    from corecbench.training.loop import SideTraining


class WithContent(nn.Module):
    """A trained recommender whose scores hold what texts say."""

    content: torch.Tensor

    def __init__(self, model: Recommender, content: torch.Tensor, weight: TermWeight, n_new: int = 0) -> None:
        """Put a model beside texts.

        Args:
            model: the recommender, in evaluation mode.
            content: float32 [N+1, k], rows of a norm of 1, or of 0 for items without a text.
            weight: of the cosine.
            n_new: `Catalog.n_new_items`, the last items, which have a weight of their own.
        """
        super().__init__()
        self.model, self.examples, self.weight, self.n_new = model, model.examples, weight, n_new
        self.register_buffer("content", content, persistent=False)

    def texts(self, batch: Batch) -> torch.Tensor:
        return self.weight.weight * mean_texts(batch.history, self.content, self.weight.decay)

    def for_new(self, of_items: torch.Tensor) -> torch.Tensor:
        known = len(of_items) - self.n_new
        return torch.cat([of_items[:known], self.weight.new * of_items[known:]]) if self.n_new else of_items


class StatesWithContent(WithContent):
    """A recommender with states, to which the rows of texts are joined."""

    def states(self, batch: Batch) -> States:
        states = own_states(self.model, batch)
        item = torch.cat([states.item, self.for_new(self.content)], dim=1)
        return States(torch.cat([states.user, self.texts(batch)], dim=1), item)


class ScoresWithContent(WithContent):
    """A recommender that gives scores, to which those of texts are added."""

    distinct: torch.Tensor
    """float32 [n, k], the different rows of the content: equal texts have equal scores, wherever they stand."""
    place: torch.Tensor
    """int64 [N+1], the place of an item's row among them."""

    def __init__(self, model: Recommender, content: torch.Tensor, weight: TermWeight, n_new: int = 0) -> None:
        super().__init__(model, content, weight, n_new)
        rows = np.ascontiguousarray(content.cpu().numpy())
        as_bytes = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()
        _, first, place = np.unique(as_bytes, return_index=True, return_inverse=True)
        self.register_buffer("distinct", content[torch.as_tensor(first).to(content.device)], persistent=False)
        self.register_buffer("place", torch.as_tensor(place).to(content.device), persistent=False)

    def scores(self, batch: Batch) -> torch.Tensor:
        of_texts = (self.texts(batch) @ self.distinct.T)[:, self.place]
        return own_scores(self.model, batch) + self.for_new(of_texts.T).T


class WithScores(nn.Module):
    """A trained recommender to whose scores those of another one are added."""

    def __init__(self, model: Recommender, other: Scores, weight: float) -> None:
        super().__init__()
        self.model, self.other, self.examples, self.weight = model, other, model.examples, weight

    def scores(self, batch: Batch) -> torch.Tensor:
        return own_scores(self.model, batch) + self.weight * self.other.scores(batch).float()


def with_scores(model: Recommender, other: Scores, weight: float) -> Recommender:
    return cast("Recommender", WithScores(model, other, weight))


def with_term(model: Recommender, term: ScoreTerm, weight: TermWeight) -> Recommender:
    if isinstance(term, TextScores):
        return with_texts(model, term.content, weight, term.n_new)
    return with_scores(model, term.model, weight.weight)


def with_texts(model: Recommender, content: torch.Tensor, weight: TermWeight, n_new: int = 0) -> Recommender:
    kind = StatesWithContent if recommender_abilities(model).scores is None else ScoresWithContent
    return cast("Recommender", kind(model, content, weight, n_new))


@dataclass(eq=False)
class Known:
    """A recommender that answers from states that were computed once, for all that is compared on one task."""

    examples: Literal["windows", "pairs"]
    known: States
    """User float32 [U+1, d], item [N+1, d]."""

    def states(self, batch: Batch) -> States:
        return States(self.known.user[batch.user], self.known.item)


def with_content(
    training: CellTraining, side: SideTraining, contents: Sequence[Content], first: int = 1
) -> SideTraining:
    """Return a side with what texts say in its scores, as much as `weigh` finds on validation.

    Each content is added to what came before; of several versions, the one that is best for users who did not
    choose its weight. One user shows nothing.

    Args:
        training: of the cell.
        side: with its best weights.
        contents: what is said, one after another: of each item's text, float [N+1, k] with a zero row for an item
            without one, or by a model that gives scores; or a tuple of such versions, the simplest first.
        first: the number of the first content, by which `chosen` names it.

    Raises:
        PluginError: as in `term_of`.
    """
    tried = copy.copy(side)
    if not contents or len(training.tasks["validation"].users) < 2:
        return tried
    started, catalog, device = time.perf_counter(), training.setup.catalog, training.setup.device
    place = catalog.n_items, catalog.n_new_items, device
    terms = [[term_of(version, *place) for version in versions(content)] for content in contents]
    evaluate(side.model)
    gives_scores = recommender_abilities(side.model).scores is not None
    with guard(side.owner, "scores" if gives_scores else "states"), torch.no_grad():
        compared = side.model if gives_scores else known(training, side.model)
        tried.values = values_of(training, side.side, compared)
        tried.chosen = {"validation_without": float(tried.values.mean()), **tried.chosen}
        for number, of_content in enumerate(terms, start=first):
            weighed = training.validation.measure(side.side, weigh, training, compared, of_content)
            version = best_version([worth for _, worth in weighed])
            term, (weight, worth) = of_content[version], weighed[version]
            tried.chosen |= named(weight, number, version if len(of_content) > 1 else None)
            if not weight.share:
                continue
            tried.model, compared = (with_term(each, term, weight) for each in (tried.model, compared))
            tried.values, tried.best_value = worth.of_others, float(worth.of_all.mean())
    tried.train_s += time.perf_counter() - started
    return tried


def known(training: CellTraining, model: Recommender) -> Known:
    states = functools.partial(own_states, model)
    return Known(model.examples, task_states(states, training.tasks["validation"], device=training.setup.device))


def values_of(training: CellTraining, side: Side, model: Recommender) -> np.ndarray:
    return training.validation.measure(side, lambda: training.validated(model))


def best_version(worths: Sequence[Worth]) -> int:
    means = [float(worth.of_others.mean()) for worth in worths]
    return means.index(max(means))


def named(weight: TermWeight, number: int, version: int | None = None) -> dict[str, float]:
    """Return what was chosen for a content, by the names under which a record has it.

    >>> from corecbench.training.weighing import TermWeight
    >>> named(TermWeight(2.0, 3.0, 0.6), number=1)
    {'content_weight': 6.0, 'content_share': 2.0, 'content_decay': 0.6, 'content_new': 1.0}
    >>> list(named(TermWeight(0.0), number=2, version=1))[-2:]
    ['content_2_new', 'content_2_version']
    """
    name = "content" if number == 1 else f"content_{number}"
    found = {"weight": weight.weight, "share": weight.share, "decay": weight.decay, "new": weight.new}
    of_version = {} if version is None else {"version": version}
    return {f"{name}_{of}": value for of, value in {**found, **of_version}.items()}


def versions(content: Content) -> Sequence[torch.Tensor | Scores]:
    return content if isinstance(content, tuple) else (content,)


def term_of(content: torch.Tensor | Scores, n_items: int, n_new: int = 0, device: str = "cpu") -> ScoreTerm:
    """Return what counts in the scores for one part of a `content`.

    Raises:
        PluginError: it is neither one finite row for each item, nor a model that `Setup.build` made.
    """
    if isinstance(content, torch.Tensor):
        return TextScores(checked(content, n_items).to(device), n_new)
    if made(content) is None:
        raise PluginError("a model in `content` has to be made by `setup.build`, so that it can be kept")
    evaluate(content)
    return ModelScores(content)


def checked(content: torch.Tensor, n_items: int) -> torch.Tensor:
    """Return float32 rows [N+1, k] of a norm of 1, or of 0 where there is no text.

    Raises:
        PluginError: there is not one finite row for each item.
    """
    if content.dim() != 2 or len(content) != n_items + 1 or not content.isfinite().all():
        raise PluginError(f"content is {list(content.shape)}; finite numbers [{n_items + 1}, k] are needed")
    return normalize(content.detach().float(), dim=1)

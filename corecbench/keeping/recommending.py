"""A loaded side: it recommends to new users, and to those that it knows.

N items, d the width of a state.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from corecbench.api import Batch, States, UsageError, last_position
from corecbench.evaluation.scores import item_scores
from corecbench.keeping.kept import answers_differ
from corecbench.plugin.abilities import recommender_abilities
from corecbench.settings.configure import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from corecbench.api import Recommender, Setup
    from corecbench.keeping.items import Items, Recommended

NEW_USER = 0
"""The index of a user whom the model does not know: that of padding."""


class LoadedModel:
    """One side of a cell, as `corecbench.load_model` returns it."""

    def __init__(
        self,
        model: Recommender,
        setup: Setup,
        items: Items,
        facts: Mapping[str, Any],
        interactions: Mapping[str, np.ndarray],
    ) -> None:
        self.model, self.setup, self.items = model, setup, items
        self.name: str = facts["component"]["label"]
        """What the user called the model."""
        self.side: str = facts["side"]
        """"domain" or "llm"."""
        self.cell: Mapping[str, Any] = facts["cell"]
        """Which cell it belongs to, as in its result."""
        self.knows_users: bool = facts["knows_users"]
        """Whether the users of the data set are known, so that `recommend_user` can be asked."""
        self._interactions = interactions

    def recommend(self, history: Sequence[str | int], k: int = 10, *, with_seen: bool = False) -> list[Recommended]:
        """Return the k best items for a user with this history, best first.

        Args:
            history: item ids or titles, oldest first. The latest `max_history` of them count.
            k: most items that are returned.
            with_seen: whether items of the history can be recommended again.

        Raises:
            UsageError: an item is unknown, the history is empty, or the side knows only its own users.
        """
        if isinstance(history, str):
            raise UsageError(f"history is the text {history!r:.60}; give a list of item ids or titles")
        if not history:
            raise UsageError("history is empty; give at least one item")
        if not self.reads_histories:
            raise UsageError(
                f"{self.name} knows only the users that it was trained on: its scores do not depend on the "
                "history; name one by recommend_user or --user"
            )
        try:
            items = [self.items.find(str(item)) for item in history]
        except LookupError as error:
            raise UsageError(str(error)) from error
        return self._best(NEW_USER, items, k, with_seen)

    def recommend_user(self, user_id: str | int, k: int = 10, *, with_seen: bool = False) -> list[Recommended]:
        """Return the k best items for a user of the data set, whose history ends before the test item.

        Args:
            user_id: the id in the data set.
            k: most items that are returned.
            with_seen: whether items of the history can be recommended again.

        Raises:
            UsageError: the side knows no users, or not this one.
        """
        if not self.knows_users:
            raise UsageError(f"{self.name} knows no users, only histories; give one by recommend or --history")
        if str(user_id) not in self._users:
            raise unknown("user", str(user_id), list(self._users)[:10])
        user = self._users[str(user_id)]
        return self._best(user, self._history(user), k, with_seen)

    @cached_property
    def reads_histories(self) -> bool:
        return not self.knows_users or answers_differ(self.model, self.setup, histories=True)

    @cached_property
    def _users(self) -> dict[str, int]:
        return {user_id: user for user, user_id in enumerate(self.setup.catalog.user_ids) if user}

    def _best(self, user: int, history: Sequence[int], k: int, with_seen: bool) -> list[Recommended]:
        if k < 1:
            raise UsageError(f"k is {k}, must be at least 1")
        scores = self._scores(user, history[-self.setup.max_history :])
        if not with_seen:
            scores[list(history)] = -torch.inf
        return self.items.best(scores, k)

    def _history(self, user: int) -> list[int]:
        first, last = self._interactions["user"].searchsorted([user, user + 1])
        history: list[int] = self._interactions["item"][first:last].tolist()
        return history

    @torch.no_grad()
    def _scores(self, user: int, history: Sequence[int]) -> torch.Tensor:
        """Return the exact scores of all items, float32 [N+1], -inf for padding."""
        users, rows = (torch.tensor(values, device=self.setup.device) for values in ([user], [list(history)]))
        batch = Batch(users, rows)
        answer = recommender_abilities(self.model).answer(batch)
        if isinstance(answer, States):
            answer = item_scores(last_position(answer.user, batch.history).float(), answer.item.float())
        scores = answer[0].float().cpu().clone()
        scores[0] = -torch.inf
        return scores

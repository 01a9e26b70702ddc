"""Recommends by an exported model. It needs this folder, Python and torch.

    from serve import Recommender

    recommender = Recommender()
    recommender.recommend(["Toy Story", "Heat"], k=10)

On the command line: python serve.py "Toy Story; Heat"

N items, d the width of a state.
"""

from __future__ import annotations

import difflib
import json
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

N_CLOSE = 3
"""Most titles that an error offers."""
NEW_USER = 0
"""The index of a user whom the model does not know: that of padding."""


class Recommended(NamedTuple):
    """An item that is recommended."""

    item_id: str
    title: str
    score: float


class Items:
    """The items that can be recommended. Entry 0 of ids and titles is "" and stands for padding."""

    def __init__(self, item_ids: Sequence[str], titles: Sequence[str]) -> None:
        self.item_ids, self.titles = item_ids, titles

    def find(self, text: str) -> int:
        """Return the index of the item that has this id, else this title, else this title in other letter case.

        >>> items = Items(["", "7", "9", "11"], ["", "Heat", "Toy Story", "heat"])
        >>> items.find("9"), items.find("Heat"), items.find("TOY STORY")
        (2, 1, 2)

        Raises:
            LookupError: no item or several items have it. The message names close titles.
        """
        wanted = text.strip()
        if wanted in self._by_id:
            return self._by_id[wanted]
        found = self._by_title.get(wanted) or self._by_lower.get(wanted.casefold(), [])
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(self.item_ids[index] for index in found[:10])
            raise LookupError(f"{len(found)} items have the title '{wanted}'; give one of their ids: {ids}")
        close = difflib.get_close_matches(wanted.casefold(), self._by_lower, n=N_CLOSE)
        names = [self.titles[self._by_lower[title][0]] for title in close]
        hint = f"; close are: {', '.join(repr(name) for name in names)}" if names else ""
        raise LookupError(f"no item has the id or the title '{wanted}'{hint}")

    def best(self, scores: torch.Tensor, k: int) -> list[Recommended]:
        """Return the k best items by scores, float32 [N+1], best first, of equal ones the lower index first.

        An item with a score of -inf is left out.

        >>> scores = torch.tensor([-torch.inf, 1.0, 3.0, 1.0])
        >>> items = Items(["", "7", "9", "11"], ["", "Heat", "Toy Story", "heat"])
        >>> [item.item_id for item in items.best(scores, k=2)]
        ['9', '7']
        """
        k = min(k, int((scores > -torch.inf).sum()))
        if not k:
            return []
        items = (scores >= scores.topk(k).values[-1]).nonzero().squeeze(1)  # more than k where the last ones tie
        order = scores[items].sort(descending=True, stable=True).indices[:k]
        return [
            Recommended(self.item_ids[item], self.titles[item], float(scores[item]))
            for item in items[order].tolist()
        ]

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {item_id: index for index, item_id in enumerate(self.item_ids) if index}

    @cached_property
    def _by_title(self) -> dict[str, list[int]]:
        return grouped(self.titles)

    @cached_property
    def _by_lower(self) -> dict[str, list[int]]:
        return grouped([title.casefold() for title in self.titles])


def grouped(titles: Sequence[str]) -> dict[str, list[int]]:
    """Return title -> the indices of the items that have it, without items that have none."""
    found: dict[str, list[int]] = {}
    for index, title in enumerate(titles):
        if title:
            found.setdefault(title, []).append(index)
    return found


class Recommender:
    """An exported model."""

    def __init__(self, folder: str | Path | None = None) -> None:
        """Load the model of a folder, by default that of this file."""
        folder = Path(__file__).parent if folder is None else Path(folder)
        self.facts: dict[str, Any] = read(folder / "facts.json")
        """What the model is; `max_history` is the number of latest items that count."""
        items = read(folder / "items.json")
        self.items = Items(["", *items["item_ids"]], ["", *items["titles"]])
        users = folder / "users.json"
        self.users: dict[str, list[int]] = read(users) if users.exists() else {}
        """User id -> the indices of the user's items, oldest first; the users are numbered from 1 in this order."""
        self.user_index = {user_id: number for number, user_id in enumerate(self.users, start=1)}
        self.program = torch.export.load(str(folder / "model.pt2")).module()
        self.item_states = self.states(NEW_USER, [1])[1].double()  # they are the same for every request, [N+1, d]

    def recommend(self, history: Sequence[str | int], k: int = 10, *, with_seen: bool = False) -> list[Recommended]:
        """Return the k best items for a user with this history, best first.

        Args:
            history: item ids or titles, oldest first.
            k: most items that are returned.
            with_seen: whether items of the history can be recommended again.

        Raises:
            LookupError: an item is unknown, or the model knows only its own users.
            ValueError: the history is empty.
        """
        if not self.facts["reads_histories"]:
            raise LookupError("the model knows only the users that it was trained on; use recommend_user")
        if isinstance(history, str) or not history:
            raise ValueError(f"history is {history!r:.60}; give a list of at least one item id or title")
        return self._best(NEW_USER, [self.items.find(str(item)) for item in history], k, with_seen)

    def recommend_user(self, user_id: str | int, k: int = 10, *, with_seen: bool = False) -> list[Recommended]:
        """Return the k best items for a user of the data set; arguments as in `recommend`.

        Raises:
            LookupError: the model does not know the user.
        """
        if str(user_id) not in self.users:
            raise LookupError(f"user '{user_id}' is unknown" if self.users else "the model knows no users")
        return self._best(self.user_index[str(user_id)], self.users[str(user_id)], k, with_seen)

    def _best(self, user: int, history: Sequence[int], k: int, with_seen: bool) -> list[Recommended]:
        state, _ = self.states(user, history[-self.facts["max_history"] :])
        scores = (self.item_states @ state[0].double()).float()
        scores[0] = -torch.inf
        if not with_seen:
            scores[list(history)] = -torch.inf
        return self.items.best(scores, k)

    @torch.no_grad()
    def states(self, user: int, history: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the state of a user, float32 [1, d], and those of all items, float32 [N+1, d]."""
        length = self.facts["length"] or len(history)
        padded = [*history, *[0] * (length - len(history))]
        state, items = self.program(torch.tensor([user]), torch.tensor([padded]))
        return state.detach(), items.detach()


def read(file: Path) -> Any:
    """Return the contents of a JSON file."""
    return json.loads(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    try:
        best = Recommender().recommend(" ".join(sys.argv[1:]).split(";"))
    except LookupError as error:
        sys.exit(f"error: {error}")
    lines = [
        f"{place:3}  {item.title}  ({item.item_id})  {item.score:.4f}\n" for place, item in enumerate(best, start=1)
    ]
    sys.stdout.write("".join(lines))  # at once, so that a reader such as `head` may stop early

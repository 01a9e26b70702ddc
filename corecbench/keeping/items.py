"""The items that a loaded side can recommend, found by id or title.

N items.
"""

from __future__ import annotations

import difflib
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

N_CLOSE = 3
"""Most titles that an error offers."""


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
    found: dict[str, list[int]] = {}
    for index, title in enumerate(titles):
        if title:
            found.setdefault(title, []).append(index)
    return found

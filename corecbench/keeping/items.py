"""Finds the items that a user types, by id or by title."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property

from corecbench.api import UsageError

N_CLOSE = 3
"""Most titles that an error offers."""


@dataclass(frozen=True)
class Items:
    """The items that a side can recommend. Entry 0 of each tuple is "" and stands for padding."""

    item_ids: tuple[str, ...]
    titles: tuple[str, ...]
    """What the item texts of the data set say: the titles, unless the run made them of other fields too."""

    def find(self, text: str) -> int:
        """Return the index of the item that has this id, else this title, else this title in other letter case.

        >>> items = Items(("", "7", "9", "11"), ("", "Heat", "Toy Story", "heat"))
        >>> items.find("9"), items.find("Heat"), items.find("TOY STORY")
        (2, 1, 2)

        Raises:
            UsageError: no item or several items have it. The message names close titles.
        """
        wanted = text.strip()
        if wanted in self._by_id:
            return self._by_id[wanted]
        found = self._by_title.get(wanted) or self._by_lower.get(wanted.casefold(), [])
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(self.item_ids[index] for index in found[:10])
            raise UsageError(f"{len(found)} items have the title '{wanted}'; give one of their ids: {ids}")
        close = difflib.get_close_matches(wanted.casefold(), self._by_lower, n=N_CLOSE)
        names = [self.titles[self._by_lower[title][0]] for title in close]
        hint = f"; close are: {', '.join(repr(name) for name in names)}" if names else ""
        raise UsageError(f"no item has the id or the title '{wanted}'{hint}")

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {item_id: index for index, item_id in enumerate(self.item_ids) if index}

    @cached_property
    def _by_title(self) -> dict[str, list[int]]:
        return grouped(self.titles)

    @cached_property
    def _by_lower(self) -> dict[str, list[int]]:
        return grouped(tuple(title.casefold() for title in self.titles))


def grouped(titles: tuple[str, ...]) -> dict[str, list[int]]:
    """Return title -> the indices of the items that have it, without items that have none."""
    found: dict[str, list[int]] = {}
    for index, title in enumerate(titles):
        if title:
            found.setdefault(title, []).append(index)
    return found

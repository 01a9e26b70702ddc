"""A recommendation as text for a terminal of any width, and as a table for reporters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from corecbench.api import Report
from corecbench.report.wording import one_line, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from corecbench.report.recommendation import Item, Recommendation, Recommended, TopList

NARROWEST = 26
"""Characters of a list that stands beside others."""
HELD_OUT = "*"
CHANGES = {"new": "new", "up": "↑{}", "down": "↓{}", "same": "=", None: ""}
LEGEND = f"{HELD_OUT}: the held-out item; new, ↑, ↓ and =: against the same model alone"


def title_of(item: Item) -> str:
    """Return what an item is called: its title, or its id where it has none."""
    return one_line(item.title) or f"item {one_line(item.item_id)}"


def change_of(item: Recommended) -> str:
    """Return in a few characters what became of an item against the same model alone."""
    return CHANGES[item.change].format(item.places)


def rank_of(held_out: TopList) -> str:
    """Return where the held-out item is in the ranking that a list begins."""
    return f"held-out item: {held_out.rank:,} of {held_out.n_candidates:,}"


def layout(found: Recommendation, width: int, n_history: int) -> RenderableType:
    """Return a recommendation as rich prints it.

    Args:
        found: what is shown.
        width: characters of a line.
        n_history: items of the history that are shown before the held-out one, the latest.
    """
    beside = max(1, width // NARROWEST)
    if beside < len(found.lists):  # then at least each side beside the same model alone
        beside = min(beside, 2)
    blocks = [found.lists[first : first + beside] for first in range(0, len(found.lists), beside)]
    parts = [*map(_side_by_side, blocks), *_dropped(found), Text(LEGEND)]
    return Group(_history(found, n_history), *(each for part in parts for each in (Text(), part)))


def _history(found: Recommendation, n_history: int) -> RenderableType:
    """Return the latest items of the history, then the held-out one."""
    n_past = len(found.history) - 1
    n_shown = min(n_history, n_past)
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    for past in found.history[n_past - n_shown :]:
        is_held_out = past.part == "test"
        title = Text(title_of(past), no_wrap=True, overflow="ellipsis")
        table.add_row(HELD_OUT * is_held_out, title, Text("held out" if is_held_out else past.part, no_wrap=True))
    name = f"user {found.user_id} of {found.dataset}, seed {found.seed} of {found.cell}"
    counts = f"{n_past:,} items before the held-out one" + (f", the last {n_shown}:" if n_shown < n_past else ":")
    return Group(Text(one_line(name), style="bold"), Text(counts), table)


def _side_by_side(lists: Sequence[TopList]) -> RenderableType:
    """Return lists in columns of the same width."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold", expand=True)
    table.add_column(justify="right", no_wrap=True)
    for of in lists:
        table.add_column(Text(one_line(of.name)), ratio=1, vertical="bottom")
    table.add_row(None, *(Text(rank_of(of)) for of in lists))
    for place in range(max(len(of.items) for of in lists)):
        items = [of.items[place] if place < len(of.items) else None for of in lists]
        table.add_row(str(place + 1), *map(_cell, items))
    return table


def _cell(item: Recommended | None) -> Text:
    """Return an item of a list with its marks in front."""
    if item is None:
        return Text()
    change = f"{change_of(item):<4}" if item.change else ""
    text = f"{change}{HELD_OUT if item.is_held_out else ' '} {title_of(item)}"
    return Text(text, no_wrap=True, overflow="ellipsis", style="bold" if item.is_held_out else "")


def _dropped(found: Recommendation) -> Iterator[RenderableType]:
    """Yield what is no longer on the lists."""
    for of in found.lists:
        if of.dropped:
            titles = Text("; ".join(map(title_of, of.dropped)))
            yield Group(Text(f"dropped by {one_line(of.name)}:"), Padding(titles, (0, 0, 0, 2)))


def table(found: Recommendation) -> Report:
    """Return the lists as a table for reporters, one below the other."""
    rows = [(of.name, place, item) for of in found.lists for place, item in enumerate(of.items, start=1)]
    values = pd.DataFrame(
        {
            "list": [name for name, _, _ in rows],
            "place": [place for _, place, _ in rows],
            "item": [item.item_id for _, _, item in rows],
            "title": [title_of(item) for _, _, item in rows],
            "change": [change_of(item) for _, _, item in rows],
            "held out": [HELD_OUT * item.is_held_out for _, _, item in rows],
        }
    )
    caption = [
        f"User {found.user_id} of {found.dataset}, seed {found.seed} of {found.cell}",
        f"The last of {len(found.history) - 1:,} items was {title_of(found.history[-2])}",
        f"The held-out item is {title_of(found.held_out)}",
        *(f"{of.name}: {rank_of(of)}" for of in found.lists),
        LEGEND,
    ]
    return Report("recommend", values.map(str).map(one_line), values, one_line(sentences(caption)))

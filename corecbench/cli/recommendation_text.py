"""A recommendation as text for a terminal of any width, and as a table for reporters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from corecbench.api import Report
from corecbench.report.wording import sentences
from corecbench.results.recommendation import HELD_OUT, LEGEND, Recommendation, Recommended, TopList
from corecbench.toolkit.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


NARROWEST = 26
"""The fewest characters of a list that stands beside others."""


def _whose(recommendation: Recommendation) -> str:
    cell = f"seed {recommendation.seed} of {recommendation.cell}"
    return f"{recommendation.user_id} of {recommendation.dataset}, {cell}"


def layout(recommendation: Recommendation, width: int, n_history: int) -> RenderableType:
    """Return a recommendation as rich prints it.

    The last `n_history` items of the history are shown before the held-out one.
    """
    beside = max(1, width // NARROWEST)
    if beside < len(recommendation.lists):  # then at least each side beside the same model alone
        beside = min(beside, 2)
    blocks = [recommendation.lists[first : first + beside] for first in range(0, len(recommendation.lists), beside)]
    parts = [*map(_side_by_side, blocks), *_dropped(recommendation), Text(LEGEND)]
    return Group(_history(recommendation, n_history), *(each for part in parts for each in (Text(), part)))


def _history(recommendation: Recommendation, n_history: int) -> RenderableType:
    """Return the latest items of the history, then the held-out one."""
    n_past = len(recommendation.history) - 1
    n_shown = min(n_history, n_past)
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    for past in recommendation.history[n_past - n_shown :]:
        is_held_out = past.part == "test"
        title = Text(str(past), no_wrap=True, overflow="ellipsis")
        table.add_row(HELD_OUT * is_held_out, title, Text("held out" if is_held_out else past.part, no_wrap=True))
    name = f"user {_whose(recommendation)}"
    counts = f"{n_past:,} items before the held-out one" + (f", the last {n_shown}:" if n_shown < n_past else ":")
    return Group(Text(one_line(name), style="bold"), Text(counts), table)


def _side_by_side(lists: Sequence[TopList]) -> RenderableType:
    """Return lists in columns of the same width."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold", expand=True)
    table.add_column(justify="right", no_wrap=True)
    for top in lists:
        table.add_column(Text(one_line(top.name)), ratio=1, vertical="bottom")
    table.add_row(None, *(Text(top.standing) for top in lists))
    for place in range(max(len(top.items) for top in lists)):
        items = [top.items[place] if place < len(top.items) else None for top in lists]
        table.add_row(str(place + 1), *map(_cell, items))
    return table


def _cell(item: Recommended | None) -> Text:
    if item is None:
        return Text()
    change = f"{item.moved:<4}" if item.change else ""
    text = f"{change}{HELD_OUT if item.is_held_out else ' '} {item}"
    return Text(text, no_wrap=True, overflow="ellipsis", style="bold" if item.is_held_out else "")


def _dropped(recommendation: Recommendation) -> Iterator[RenderableType]:
    for top in recommendation.lists:
        if top.dropped:
            titles = Text("; ".join(map(str, top.dropped)))
            yield Group(Text(f"dropped by {one_line(top.name)}:"), Padding(titles, (0, 0, 0, 2)))


def table(recommendation: Recommendation) -> Report:
    """Return the lists as a table for reporters, one below the other."""
    rows = [
        (top.name, place, item) for top in recommendation.lists for place, item in enumerate(top.items, start=1)
    ]
    values = pd.DataFrame(
        {
            "list": [name for name, _, _ in rows],
            "place": [place for _, place, _ in rows],
            "item": [item.item_id for _, _, item in rows],
            "title": [str(item) for _, _, item in rows],
            "change": [item.moved for _, _, item in rows],
            "held out": [HELD_OUT * item.is_held_out for _, _, item in rows],
        }
    )
    caption = [
        f"User {_whose(recommendation)}",
        f"The last of {len(recommendation.history) - 1:,} items was {recommendation.history[-2]}",
        f"The held-out item is {recommendation.held_out}",
        *(f"{top.name}: {top.standing}" for top in recommendation.lists),
        LEGEND,
    ]
    return Report("recommend", values.map(str).map(one_line), values, one_line(sentences(*caption)))

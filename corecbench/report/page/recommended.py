"""The recommendations of a pair to a few users, as blocks of the page."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import pandas as pd

from corecbench.api import Report
from corecbench.report.page.blocks import Heading, Text
from corecbench.report.page.grids import grid
from corecbench.report.recommendation_text import HELD_OUT, LEGEND
from corecbench.report.wording import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.report.page.blocks import Block
    from corecbench.report.recommendation import Recommendation, Recommended

N_PAST = 5
"""The number of items of a history that are named, the latest ones."""
LONGEST = 60
"""The most characters of a title."""
WHO = {
    "best": "The largest gain",
    "worst": "The largest loss",
    "coldest": "The shortest history",
}
"""The users who are shown: the name that `StoredLists.pick` knows -> a heading."""


def blocks(recommendations: Sequence[Recommendation]) -> Iterator[Block]:
    """Yield a table for each user, in the order of `WHO`."""
    for who, one in zip(WHO.values(), recommendations, strict=True):
        past = "; ".join(short(str(item)) for item in one.history[-N_PAST - 1 : -1])
        yield Heading(f"{who}: user {one_line(one.user_id)}")
        yield Text(
            f"The latest of {len(one.history) - 1:,} items before the held-out one: {past}. "
            f"Held out: {short(str(one.held_out))}."
        )
        yield grid(lists(one), f"lists of user {one_line(one.user_id)} of {one.dataset}")
    first = recommendations[0]
    yield Text(f"{one_line(first.cell)}, seed {first.seed}. {LEGEND}.", is_note=True)


def lists(recommendation: Recommendation) -> Report:
    """Return the lists of a user side by side, with the rank of the held-out item below their names."""
    columns = {one_line(top.name): [top.standing, *map(marked_title, top.items)] for top in recommendation.lists}
    rows = list(zip_longest(*columns.values(), fillvalue=""))
    places = ["", *map(str, range(1, len(rows)))]
    frame = pd.DataFrame(rows, columns=list(columns))
    frame.insert(0, "place", places)
    values = frame.assign(place=[None, *range(1, len(rows))])
    return Report("recommended", frame, values, caption="")


def marked_title(item: Recommended) -> str:
    """Return the title of an item, with its change against the list of the same model alone in front."""
    marks = f"{HELD_OUT if item.is_held_out else ''} {item.moved}".split()
    return " ".join([*marks, short(str(item))])


def short(title: str) -> str:
    """Return a title, cut where it is long.

    >>> short("Building Set " * 9)
    'Building Set Building Set Building Set Building Set Buildin…'
    """
    return title if len(title) <= LONGEST else title[: LONGEST - 1].rstrip() + "…"

"""Whether texts of users or items name items that are held out."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from corecbench.leakcheck.verdict import FEWEST, Finding, Mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.leakcheck.pairs import Matching, Pairs

SHORTEST = 4
"""Least characters of a title that is looked for: shorter ones are words of many texts."""
ALIKE = 90
"""The likeness, of 100, from which on a part of a text is a title."""
LEAST = 0.01
"""The share of users beyond chance below which there is no sign of a leak."""


def check_user_texts(matching: Matching, texts: Mapping[int, str]) -> Finding:
    """Compare how often texts of users name their test item with how often they name an item like it.

    Titles that the user's history holds are taken out of a text before.
    """
    split, titles = matching.data.split, matching.data.catalog.item_texts
    held, pairs = split.held["test"], matching.held_out
    there = np.isin(pairs.user, list(texts))
    rows = held.users.searchsorted(pairs.user)
    known = {
        user: [titles[item] for item in held.known.of(rows[number : number + 1])[0]]
        for number, user in enumerate(pairs.user)
        if there[number]
    }
    plain = {user: without(texts[user], known[user]) for user in known}
    return compared(pairs, titles, [plain.get(user, "") for user in pairs.user], there)


def check_item_texts(matching: Matching, texts: Mapping[int, str]) -> Finding:
    """Compare how often the text of a user's last item names the test item with how often it names one like it.

    An item's own title is taken out of its text before, and so is that of the user's history.
    """
    titles, pairs = matching.data.catalog.item_texts, matching.held_out
    there = np.isin(pairs.first, list(texts))
    plain = {item: without(texts[item], [titles[item]]) for item in np.unique(pairs.first[there]).tolist()}
    return compared(pairs, titles, [plain.get(item, "") for item in pairs.first.tolist()], there)


def compared(pairs: Pairs, titles: Sequence[str], texts: Sequence[str], there: np.ndarray) -> Finding:
    """Return whether texts name the second items of pairs more often than what matches them."""
    short = np.array([len(plain_words(titles[item])) < SHORTEST for item in pairs.second], dtype=bool)
    rows = np.flatnonzero(there & ~short)
    own, others = np.zeros(len(rows)), np.zeros(len(rows))
    for number, row in enumerate(rows):
        own[number] = names(texts[int(row)], titles[int(pairs.second[row])])
        others[number] = np.mean([names(texts[int(row)], titles[item]) for item in pairs.matched[row].tolist()])
    more = Mean.of(own - others)
    shares = {
        "held-out items that are named": Mean.of(own),
        "matched items that are named": Mean.of(others),
        "difference": more,
    }
    if more.n >= FEWEST and more.low > 0:
        return Finding("leak", "held-out items are named more often than items like them", shares)
    if more.n * LEAST >= 1 and more.high < LEAST:
        return Finding("no sign", "held-out items are not named more often than items like them", shares)
    if more.n < FEWEST:
        why = "too few texts are of users whose last item nobody in training has beside the test item"
        return Finding("cannot tell", why, shares)
    return Finding("cannot tell", "there are too few texts, or too few that name any item", shares)


def plain_words(text: str) -> str:
    """Return a text in small letters, without accents and marks, its words apart by single blanks.

    >>> plain_words("The Café, No. 7")
    'the cafe no 7'
    """
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"\w+", "".join(each for each in letters if not unicodedata.combining(each))))


def without(text: str, titles: Sequence[str]) -> str:
    """Return the plain words of a text without those titles, the longest first.

    >>> without("Loved Toy Story 2 and Heat.", ["Toy Story 2"])
    'loved and heat'
    """
    plain = f" {plain_words(text)} "
    for title in sorted(filter(None, map(plain_words, titles)), key=len, reverse=True):
        plain = plain.replace(f" {title} ", "  ")
    return " ".join(plain.split())


def names(text: str, title: str) -> bool:
    """Return whether plain words name a title: as it is or, from 8 characters on, nearly so.

    >>> names("loved the usual suspects", "Usual Suspects"), names("loved the usual suspect", "Usual Suspects")
    (True, True)
    >>> names("loved heat waves", "Heat of the Night")
    False
    """
    sought = plain_words(title)
    if not sought or not text:
        return False
    if f" {sought} " in f" {text} ":
        return True
    return len(sought) >= 2 * SHORTEST and likeness(sought, text) >= ALIKE


def likeness(title: str, text: str) -> float:
    """Return how like a title the most similar part of a text is, from 0 to 100."""
    if find_spec("rapidfuzz") is not None:
        from rapidfuzz.fuzz import partial_ratio

        return float(partial_ratio(title, text))
    words, n_words = text.split(), len(title.split())
    first = set(title.split())
    places = [place for place in range(len(words)) if words[place] in first]
    parts = (
        " ".join(words[max(place - n, 0) : max(place - n, 0) + n_words]) for place in places for n in range(n_words)
    )
    return max((100 * SequenceMatcher(None, title, part).ratio() for part in dict.fromkeys(parts)), default=0.0)

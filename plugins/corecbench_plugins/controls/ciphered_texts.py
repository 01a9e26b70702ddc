"""Replaces every word of the texts by another word, always by the same one: meaning goes, overlap stays."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from corecbench.api import Catalog, generator
from corecbench_plugins.controls.capitals import Word, fold, has_capital, with_capitals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np


WORDS = re.compile(r"[^\W\d_]+|\d+")
"""A word is a stretch of letters, or of digits."""

Kind: TypeAlias = tuple[bool, int, int, str]
"""Whether words are numbers, how many bits their frequency has, their length, and what their letters allow."""


class CipheredTexts:
    """Every word is replaced by another one of these texts, one to one.

    Two texts share as many words as before, each word occurs as often as the word that it replaces did, and
    capitals and punctuation stay in their places. So whatever counts words finds the same, while the words say
    nothing any more of what an item is, or of how it is like another item.

    A word is replaced by one of the same number of characters and of like frequency in these texts (the same power
    of two), so that the texts stay as long, and as common, as they were. Numbers are replaced by numbers. Where
    there is no other such word, the nearest one is taken.
    """

    def __init__(self, config: None) -> None:
        pass

    def item_texts(self, catalog: Catalog, seed: int) -> list[str]:
        """Return the texts in other words.

        >>> from corecbench.api import Catalog
        >>> toy = Catalog("toy", ("",), ("", "a", "b", "c"), ("", "Red bus, No. 1", "red car", "Blue bus 22"))
        >>> CipheredTexts(None).item_texts(toy, seed=0)
        ['', 'Bus red, Car. 22', 'bus blue', 'No red 1']
        """
        cipher = make_cipher(catalog.item_texts, generator(seed, catalog.name, "ciphered-texts"))

        def replaced(match: re.Match[str]) -> str:
            word = match[0]
            return with_capitals(cipher[fold(word)], has_capital(word))

        return [WORDS.sub(replaced, text) for text in catalog.item_texts]


def make_cipher(texts: Iterable[str], random: np.random.Generator) -> dict[str, str]:
    """Return word -> the word that replaces it, both without capitals; one to one.

    The words stand in circles, and each is replaced by the next of its circle. A circle has all words of one kind.
    A word that is the only one of its kind joins the nearest circle.
    """
    count = Counter(word for text in texts for word in WORDS.findall(text))
    words: dict[str, Word] = {}
    for form in sorted(count):
        words.setdefault(fold(form), Word(fold(form))).add(form, count[form])
    alike: dict[Kind, list[str]] = {}
    for text in random.permutation(sorted(words)).tolist():
        alike.setdefault(kind_of(words[text]), []).append(text)
    circles = dict(sorted(alike.items()))
    for kind in [kind for kind, circle in circles.items() if len(circle) == 1]:
        if len(circles[kind]) == 1:  # otherwise another word has joined it meanwhile
            join_nearest(kind, circles, words)
    return {
        text: follower
        for circle in circles.values()
        for text, follower in zip(circle, [*circle[1:], *circle[:1]], strict=True)
    }


def kind_of(word: Word) -> Kind:
    """Return of which kind a word is. Words of one kind can take each other's places, capitals included.

    A word with a letter that has no capital is in a kind of its own if it occurs in several forms, since other such
    words may not tell its forms apart.
    """
    letters = "" if word.takes_capitals else "-" if len(word.forms) == 1 else word.text
    return word.is_number, word.count.bit_length(), len(word.text), letters


def join_nearest(kind: Kind, circles: dict[Kind, list[str]], words: Mapping[str, Word]) -> None:
    """Move the only word of a circle into the nearest circle where its capitals and those of its neighbours fit.

    Numbers join numbers only. The nearest circle is that of the nearest frequency and then of the nearest length.
    Where no circle has a place, the word stays alone and is not replaced.
    """
    is_number, frequency, length, _ = kind
    (text,) = circles[kind]
    others = [other for other in circles if other != kind and other[0] == is_number and circles[other]]
    for other in sorted(others, key=lambda of: (abs(of[1] - frequency), abs(of[2] - length), of)):
        place = place_in(circles[other], words[text], words)
        if place is not None:
            circles[other].insert(place, text)
            circles[kind] = []
            return


def place_in(circle: Sequence[str], word: Word, words: Mapping[str, Word]) -> int | None:
    """Return where a word fits into a circle; None if it fits nowhere."""
    for place, (before, after) in enumerate(zip([circle[-1], *circle[:-1]], circle, strict=True)):
        if words[before].fits(word.text) and word.fits(after):
            return place
    return None

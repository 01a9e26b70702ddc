"""Takes the capitals off a word, and puts them on another word."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def fold(form: str) -> str:
    """Return a word without capitals, as long as it was; a letter of which that cannot be undone stays.

    >>> fold("iPhone"), fold("TOY"), fold("\u0130")
    ('iphone', 'toy', '\u0130')
    """
    return "".join(char.lower() if char.lower().upper() == char else char for char in form)


def has_capital(form: str) -> tuple[bool, ...]:
    """Return for each letter of a word whether `fold` changes it.

    >>> has_capital("iPod")
    (False, True, False, False)
    """
    return tuple(char != folded for char, folded in zip(form, fold(form), strict=True))


def with_capitals(text: str, capital: Sequence[bool]) -> str:
    """Return a word with capitals in these places; letters beyond the last place are like that.

    >>> with_capitals("bus", (True, False, False)), with_capitals("train", (True, True, True))
    ('Bus', 'TRAIN')
    """
    places = (*capital, *[capital[-1]] * (len(text) - len(capital)))
    return "".join(upper(char) if place else char for char, place in zip(text, places, strict=False))


def upper(char: str) -> str:
    """Return the capital of a letter, or the letter itself if `fold` would not give it back."""
    return char.upper() if fold(char.upper()) == char else char


@dataclass
class Word:
    """A word without capitals, and the forms in which it occurs."""

    text: str
    count: int = 0
    """Number of times it occurs, in all forms together."""
    forms: set[tuple[bool, ...]] = field(default_factory=set)
    """Where the capitals of its forms are."""

    @property
    def is_number(self) -> bool:
        """Whether it is of digits."""
        return self.text[0].isdecimal()

    @property
    def takes_capitals(self) -> bool:
        """Whether each of its letters has a capital."""
        return all(upper(char) != char for char in self.text)

    def add(self, form: str, count: int) -> None:
        """Count a form of the word."""
        self.count += count
        self.forms.add(has_capital(form))

    def fits(self, other: str) -> bool:
        """Return whether its forms, with their capitals on another word, are still different from each other.

        >>> word = Word("tv")
        >>> word.add("TV", 1), word.add("Tv", 1)
        (None, None)
        >>> word.fits("by"), word.fits("a")
        (True, False)
        """
        return len({with_capitals(other, form) for form in self.forms}) == len(self.forms)

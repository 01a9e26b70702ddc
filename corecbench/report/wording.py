"""Numbers, seeds and captions in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from corecbench.api import RowSide

MOST_COUNTED = 10**9
MOST_NAMED = 3


def decimal(value: float, digits: int = 4) -> str:
    """Return a number without the zero before its point.

    >>> decimal(0.09424), decimal(1.0)
    ('.0942', '1.0000')
    """
    return f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}"


def signed(value: float, digits: int = 4) -> str:
    """Return a difference with its sign.

    >>> signed(0.01234), signed(-0.5), signed(1.0), signed(-0.00001)
    ('+.0123', '-.5000', '+1.0000', '+.0000')
    """
    rounded = round(value, digits) + 0.0  # which makes -0.0 a 0.0
    return ("-" if rounded < 0 else "+") + decimal(abs(rounded), digits)


def count(n: int) -> str:
    """Return a count, one that is more than anyone has as a power of ten.

    >>> count(1234), count(4_905_537_821)
    ('1,234', '4.9e+09')
    """
    return f"{n:,}" if n < MOST_COUNTED else f"{n:.1e}"


def percent(change: float) -> str:
    """Return a relative change.

    >>> percent(0.2468), percent(-0.5)
    ('+24.7%', '-50.0%')
    """
    return f"{change:+.1%}"


def percents(shares: Iterable[float]) -> str:
    """Return shares of a whole.

    >>> percents((0.125, 0.08, 0.795))
    '12/8/80%'
    """
    return "/".join(f"{100 * share:.0f}" for share in shares) + "%"


def p_value(p: float) -> str:
    """Return a p value.

    >>> p_value(0.0123), p_value(0.0001)
    ('.012', '<.001')
    """
    return "<.001" if p < 0.001 else decimal(p, 3)


def interval(ends: tuple[float, float]) -> str:
    """Return an interval of differences.

    >>> interval((-0.1, 0.02))
    '[-.1000, +.0200]'
    """
    return f"[{signed(ends[0])}, {signed(ends[1])}]"


def user_counts(users: Mapping[str, int]) -> str:
    """Return how many users each data set has.

    >>> user_counts({"ml-100k": 943, "ml-1m": 6040})
    '943 users (ml-100k), 6,040 users (ml-1m)'
    """
    return ", ".join(f"{n_users:,} users ({dataset})" for dataset, n_users in users.items())


def seed_list(seeds: Iterable[int], noun: str = "") -> str:
    """Return seeds in few words.

    >>> seed_list([0, 1, 2, 5], "seed")
    'seeds 0-2,5'
    """
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    text = ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{noun}{'s' if sum(map(len, runs)) > 1 else ''} {text}" if noun else text


def of_ensembles(sides: Iterable[RowSide], base: str = "") -> Iterator[str]:
    """Yield the sentence of a caption about ensembles and what they are compared with, if any side is one.

    >>> list(of_ensembles(["domain", "llm"])), len(list(of_ensembles(["domain", "ensemble"])))
    ([], 1)
    """
    if "ensemble" in sides:
        combined = "both sides' scores combined, any weights chosen on validation; it needs both models"
        yield f"Side ensemble: {combined}" + (f", and is compared with {base}" if base else "")


def sentences(*parts: str) -> str:
    """Return a caption.

    >>> sentences("One", "Another")
    'One. Another.'
    """
    return " ".join(f"{part}." for part in parts)


def together(named: Iterable[tuple[str, Mapping[str, Any]]], noun: str) -> dict[str, Any]:
    """Return the values of several owners as one mapping. Where not all have the same, a text says who has which.

    >>> together([("a", {"seen": "left out", "k": 5}), ("b", {"seen": "left out", "k": 9, "cut": 1})], "data sets")
    {'seen': 'left out', 'k': '5 (a) and 9 (b)', 'cut': '1 (b)'}

    Args:
        named: pairs of a name and its values.
        noun: the kind of names in the plural; more than three with the same value are counted instead of named.
    """
    named = list(named)
    common: dict[str, Any] = {}
    for key in dict.fromkeys(key for _, values in named for key in values):
        owners: dict[str, list[str]] = {}
        for name, values in named:
            if key in values:
                owners.setdefault(str(values[key]), []).append(name)
        shared = len(owners) == 1 and all(key in values for _, values in named)
        several = " and ".join(f"{value} ({listed(names, noun)})" for value, names in owners.items())
        common[key] = named[0][1][key] if shared else several
    return common


def listed(names: Iterable[str], noun: str) -> str:
    different = list(dict.fromkeys(names))
    return ", ".join(different) if len(different) <= MOST_NAMED else f"{len(different)} {noun}"

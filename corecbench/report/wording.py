"""Numbers, seeds and captions in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from corecbench.stats.paired import PairedTest


def decimal(value: float, digits: int = 4) -> str:
    """Return a number without the zero before its point.

    >>> decimal(0.09424), decimal(1.0)
    ('.0942', '1.0000')
    """
    return f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}"


def signed(value: float) -> str:
    """Return a difference with its sign.

    >>> signed(0.01234), signed(-0.5), signed(1.0), signed(-0.00001)
    ('+.0123', '-.5000', '+1.0000', '+.0000')
    """
    rounded = round(value, 4) + 0.0  # which makes -0.0 a 0.0
    return ("-" if rounded < 0 else "+") + decimal(abs(rounded))


def percent(change: float) -> str:
    """Return a relative change.

    >>> percent(0.2468), percent(-0.5)
    ('+24.7%', '-50.0%')
    """
    return f"{change:+.1%}"


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


def one_line(text: str) -> str:
    r"""Return text that may come from anywhere in one line, without characters that control a terminal.

    >>> one_line("a\nb \x1b[31mc\u202e")
    'a b [31mc'
    """
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


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


def sentences(parts: Iterable[str]) -> str:
    """Return a caption.

    >>> sentences(["One", "Another"])
    'One. Another.'
    """
    return " ".join(f"{part}." for part in parts)


def of_tests(tests: Sequence[PairedTest]) -> Iterator[str]:
    """Yield what a caption says of the tests of a table; nothing if there are none."""
    if tests:
        family = f"the {len(tests)} tests" if len(tests) > 1 else "the one test"
        yield f"p: {tests[0].name}, paired over users"
        yield f"p (Holm): Holm-adjusted over {family} of this table"

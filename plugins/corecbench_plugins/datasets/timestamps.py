"""Parses times as int64 or float64. float32 would lose seconds, and with them the order of interactions."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from corecbench_plugins.datasets.arrow_text import EXACT, numbers
from corecbench_plugins.datasets.atomic_file import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pyarrow as pa

INTEGER_CHARACTERS = frozenset("0123456789+-")
NUMBER_CHARACTERS = INTEGER_CHARACTERS | frozenset(".eE")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DATE = re.compile(r"\d{4}\D?\d{2}", re.ASCII)
FINER = re.compile(r"[.,]\d{9}0*[1-9]", re.ASCII)
"""A fraction of a second with more digits than pandas keeps."""
UNITS = {"seconds": 3e8, "milliseconds": 3e11, "microseconds": 3e14, "nanoseconds": 3e17}
"""Unit -> the least number that is a time since 1970 in it: in 1979. The most is 16 times as much."""
EXAMPLE = "2015-03-01T12:00:00Z"
UNFIT = "is not a number that int64 or float64 can hold"
NEITHER = f"is neither a number nor an ISO 8601 date such as {EXAMPLE}"
RATING = re.compile(
    r"([+-]?\d+(?:\.\d+)?)(?:\s*(?:stars?|points?|[*★]|(?:/|of|out of)\s*\d+(?:\s*stars?)?))?",
    re.ASCII | re.IGNORECASE,
)
"""A number, perhaps with what it counts, such as "5 stars" or "4 out of 5"."""


class Fault(NamedTuple):
    """What is wrong with a row."""

    cause: str
    """The same for all rows with this fault."""
    value: str | None = None
    """The text of the row, if there is one."""

    def __str__(self) -> str:
        """Return the text and what is wrong with it."""
        return self.cause if self.value is None else f"{quoted(self.value)} {self.cause}"


class TimeError(ValueError):
    """A text that is no time."""

    def __init__(self, row: int, fault: str, faults: Mapping[int, Fault] | None = None) -> None:
        super().__init__(fault)
        self.row = row
        """Number of the row, from 0."""
        self.faults = faults or {}
        """All rows that are no time -> what is wrong; empty if the column cannot be used whatever is left out."""


def parse_column(column: pa.ChunkedArray, aside: Collection[int] = (), date_format: str = "") -> np.ndarray:
    """Return what `parse_times` returns for a column of strings; plain numbers in one go.

    Args:
        column: the texts.
        aside: rows that are left out later, and may have any value.
        date_format: as in `parse_times`.

    Raises:
        TimeError: as `parse_times`.
    """
    plain = numbers(column) if len(column) and not date_format else None
    if plain is not None:
        return of_one_unit(plain)
    return parse_times(put_aside(column.to_pylist(), aside), date_format)


def put_aside(texts: list[str], aside: Collection[int]) -> list[str]:
    """Return texts with that of the first other row in the place of those of the rows aside.

    >>> put_aside(["?", "7", "8"], {0})
    ['7', '7', '8']
    """
    good = next((text for row, text in enumerate(texts) if row not in aside), "0")
    return [good if row in aside else text for row, text in enumerate(texts)] if aside else texts


def of_one_unit(times: np.ndarray) -> np.ndarray:
    """Return times as numbers, if they are not of two units since 1970.

    >>> of_one_unit(np.array([7, 1425168000])).tolist()
    [7, 1425168000]

    Raises:
        TimeError: some are seconds since 1970, say, and others milliseconds.
    """
    found = {unit: (times >= low) & (times < 16 * low) for unit, low in UNITS.items()}
    first = {unit: int(rows.argmax()) for unit, rows in found.items() if rows.any()}
    if len(first) < 2:
        return times
    (_, row), (unit, other) = sorted(first.items(), key=lambda each: each[1])[:2]
    before = next(name for name, place in first.items() if place == row)
    raise TimeError(other, f"{times[other]} is in {unit}, {times[row]} in {before}; one unit is needed")


def parse_ratings(texts: list[str], decimal: str = ".") -> np.ndarray:
    """Return numbers, as of `parse_numbers`, perhaps with what they count behind them.

    >>> parse_ratings(["5 stars", "4,5", "3/5"], ",").tolist()
    [5.0, 4.5, 3.0]

    Raises:
        TimeError: a text is no number.
    """
    plain = [text.replace(decimal, ".").strip() for text in texts]
    found = [RATING.fullmatch(text) for text in plain]
    try:
        return parse_numbers([match[1] if match else text for match, text in zip(found, plain, strict=True)])
    except TimeError as error:  # whose faults name the texts as they were
        raise bad_times({row: Fault(UNFIT, texts[row]) for row in error.faults}) from None


def parse_times(texts: list[str], date_format: str = "") -> np.ndarray:
    """Return numbers as they are, or dates as int64 [M]. The first text says which of the two all texts are.

    Dates are ISO 8601, or of a format that is given, such as %m/%d/%Y; then no text is a number. A date without a
    time zone is in UTC. Only the order of times counts, so their unit does not matter.

    >>> parse_times(["2015-03-01", "2015-03-01T12:00:00+02:00", "2015-03-01 10:00:00.5Z"]).argsort().tolist()
    [0, 1, 2]
    >>> parse_times(["1425168000", "7"]).tolist()
    [1425168000, 7]
    >>> parse_times(["12/31/2013", "2013-12-30"], "%m/%d/%Y").argsort().tolist()
    [1, 0]

    Raises:
        TimeError: a text is neither a number nor a date, or is not what the first text is.
    """
    first = date_format or next((text for text in texts if NUMBER.fullmatch(text) or DATE.match(text)), "")
    if not texts or NUMBER.fullmatch(first):
        return of_one_unit(parse_numbers(texts))
    if not first:
        raise bad_times({row: Fault(NEITHER, text) for row, text in enumerate(texts)})
    given = pd.Series(texts, dtype=str)
    dates = pd.to_datetime(given, format="ISO8601", utc=True, errors="coerce")
    dates = dates.where([DATE.match(text) is not None for text in texts])
    if date_format:
        formatted = pd.to_datetime(given, format=date_format, utc=True, errors="coerce")
        dates = formatted.where(formatted.notna(), dates)
    if no_date := np.flatnonzero(dates.isna()).tolist():
        cause = f"is no ISO 8601 date such as {EXAMPLE}" + f", nor of the format {date_format}" * bool(date_format)
        raise bad_times({row: Fault(cause, texts[row]) for row in no_date})
    if lost := {row: text for row, text in enumerate(texts) if FINER.search(text)}:
        raise bad_times({row: Fault("is finer than nanoseconds", text) for row, text in lost.items()})
    moments: np.ndarray = dates.astype("int64").to_numpy()
    return moments


def parse_numbers(texts: list[str]) -> np.ndarray:
    """Return int64 [M] if all texts are integers, else float64 [M].

    Raises:
        TimeError: a text is no number, or a number that neither type can hold.
    """
    characters = set("".join(texts))
    integers = characters <= INTEGER_CHARACTERS
    try:
        if integers:
            return np.array([int(text) for text in texts], dtype=np.int64)
        if characters <= NUMBER_CHARACTERS:
            parsed = np.array([float(text) for text in texts], dtype=np.float64)
            if np.isfinite(parsed).all() and all(map(is_exact, texts)):
                return parsed
    except (ValueError, OverflowError):
        pass
    limit = 2.0**63 if integers else math.inf

    def fits(text: str) -> bool:
        return bool(NUMBER.fullmatch(text)) and abs(float(text)) < limit and (integers or is_exact(text))

    wrong = {row: text for row, text in enumerate(texts) if not fits(text)}
    raise bad_times(
        {row: Fault(UNFIT if row or NUMBER.fullmatch(text) else NEITHER, text) for row, text in wrong.items()}
    )


def is_exact(text: str) -> bool:
    """Return whether float64 holds a number to the last digit that is written.

    >>> is_exact("1425168000.123456"), is_exact("1425168000.123456789012"), is_exact("1425168000123456789")
    (True, False, False)
    """
    return len(text) <= EXACT or Decimal(repr(float(text))) == Decimal(text)


def bad_times(faults: dict[int, Fault]) -> TimeError:
    """Return the error for some rows that are no time: row -> what is wrong."""
    row = min(faults)
    return TimeError(row, str(faults[row]), faults)

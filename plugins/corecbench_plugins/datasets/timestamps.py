"""Parses times as int64 or float64. float32 would lose seconds, and with them the order of interactions."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench_plugins.datasets.arrow_text import numbers
from corecbench_plugins.datasets.atomic_file import quoted

if TYPE_CHECKING:
    import pyarrow as pa

INTEGER_CHARACTERS = frozenset("0123456789+-")
NUMBER_CHARACTERS = INTEGER_CHARACTERS | frozenset(".eE")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DATE = re.compile(r"\d{4}\D?\d{2}", re.ASCII)
EXAMPLE = "2015-03-01T12:00:00Z"


class TimeError(ValueError):
    """A text that is no time."""

    def __init__(self, row: int, fault: str) -> None:
        super().__init__(fault)
        self.row = row
        """Number of the row, from 0."""


def parse_column(column: pa.ChunkedArray) -> np.ndarray:
    """Return what `parse_times` returns for a column of strings; plain numbers in one go.

    Raises:
        TimeError: as `parse_times`.
    """
    plain = numbers(column) if len(column) else None
    return parse_times(column.to_pylist()) if plain is None else plain


def parse_times(texts: list[str]) -> np.ndarray:
    """Return numbers as they are, or dates as int64 [M]. The first text says which of the two all texts are.

    Dates are ISO 8601. A date without a time zone is in UTC. Only the order of times counts, so their unit does not
    matter.

    >>> parse_times(["2015-03-01", "2015-03-01T12:00:00+02:00", "2015-03-01 10:00:00.5Z"]).argsort().tolist()
    [0, 1, 2]
    >>> parse_times(["1425168000", "7"]).tolist()
    [1425168000, 7]

    Raises:
        TimeError: a text is neither a number nor a date, or is not what the first text is.
    """
    if not texts or NUMBER.fullmatch(texts[0]):
        return parse_numbers(texts)
    if not DATE.match(texts[0]):
        raise TimeError(0, f"{quoted(texts[0])} is neither a number nor an ISO 8601 date such as {EXAMPLE}")
    dates = pd.to_datetime(pd.Series(texts, dtype=str), format="ISO8601", utc=True, errors="coerce")
    no_date = dates.isna().to_numpy() | ~np.array([DATE.match(text) is not None for text in texts])
    if no_date.any():
        row = int(no_date.argmax())
        raise TimeError(row, f"{quoted(texts[row])} is no ISO 8601 date such as {EXAMPLE}")
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
            if np.isfinite(parsed).all():
                return parsed
    except (ValueError, OverflowError):
        pass
    limit = 2.0**63 if integers else math.inf
    row = next(row for row, text in enumerate(texts) if not (NUMBER.fullmatch(text) and abs(float(text)) < limit))
    raise TimeError(row, f"{quoted(texts[row])} is not a number that int64 or float64 can hold")

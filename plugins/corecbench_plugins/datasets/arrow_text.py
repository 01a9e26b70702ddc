"""The fast way through large files of text: Arrow's reader, and checks of whole columns. M rows.

Only plain text is read here. Where anything is unusual, None is returned, and the reader that goes row by row
decides: it knows all rules, and names the line at fault. Both give the same tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corecbench.toolkit import in_memory_of_arrow
from corecbench_plugins.datasets.text_file import BYTE_ORDER_MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

INTEGER_CHARACTERS = b"0123456789+-"
EXACT = 15
"""A number of so many characters is always exact as float64."""
NUMBER_CHARACTERS = INTEGER_CHARACTERS + b".eE"


def read_columns(data: bytes, separator: str, names: Sequence[str], wanted: Sequence[str]) -> pa.Table | None:
    """Return some columns of separated text as strings, or None if Arrow cannot read it.

    Args:
        data: rows in UTF-8 without a header, which end in a line feed. Quotes are no special characters.
        separator: the character between fields.
        names: the names of all columns.
        wanted: the names of the columns that are returned.
    """
    import pyarrow.csv

    if len(separator.encode()) > 1 or data.startswith(BYTE_ORDER_MARK):  # which Arrow drops, wherever rows begin
        return None
    try:
        return pyarrow.csv.read_csv(
            in_memory_of_arrow(data),
            pyarrow.csv.ReadOptions(column_names=list(names)),
            pyarrow.csv.ParseOptions(delimiter=separator, quote_char=False),
            pyarrow.csv.ConvertOptions(
                include_columns=list(wanted), column_types=dict.fromkeys(wanted, pa.string()), check_utf8=False
            ),
        )
    except (pa.ArrowException, ValueError):
        return None


def longest_line(data: bytes) -> int:
    r"""Return the length in bytes of the longest line.

    >>> longest_line(b"a\nbcd\n")
    3
    """
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    return int(np.diff(ends, prepend=-1, append=len(data)).max(initial=1)) - 1


def has_empty(column: pa.ChunkedArray) -> bool:
    """Return whether any text of a column is empty."""
    return bool(pc.min(pc.binary_length(column)).as_py() == 0)


def numbers(column: pa.ChunkedArray) -> np.ndarray | None:
    """Return a column of numbers as int64 [M] if all are integers, else as float64 [M]; None if a text is unusual.

    >>> numbers(pa.chunked_array([["7", "-5"]])).tolist(), numbers(pa.chunked_array([["7", "0.5"]])).tolist()
    ([7, -5], [7.0, 0.5])
    >>> numbers(pa.chunked_array([["7", "+5"]])) is None
    True
    """
    used = np.flatnonzero(sum((_characters(chunk) for chunk in column.chunks), start=np.zeros(256, dtype=np.int64)))
    for allowed, kind in ((INTEGER_CHARACTERS, pa.int64()), (NUMBER_CHARACTERS, pa.float64())):
        if set(used.tolist()) <= set(allowed):
            try:
                values = column.cast(kind).to_numpy()
            except pa.ArrowException:
                return None
            is_plain = kind == pa.int64() or pc.max(pc.binary_length(column)).as_py() <= EXACT
            return values if is_plain and np.isfinite(values).all() else None
    return None


def _characters(texts: pa.StringArray) -> np.ndarray:
    """Return how often each byte occurs in some texts, int64 [256]."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return np.zeros(256, dtype=np.int64)
    kind = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    start, end = np.frombuffer(offsets, dtype=kind)[[texts.offset, texts.offset + len(texts)]]
    return np.bincount(np.frombuffer(data, dtype=np.uint8)[start:end], minlength=256)


def is_among(texts: pd.Series, others: pd.Series) -> np.ndarray:
    """Return whether each text is among others, bool [M]. The method `isin` of pandas would make objects of them.

    >>> import pandas as pd
    >>> is_among(pd.Series(["a", "b"]), pd.Series(["b", "c"])).tolist()
    [False, True]
    """
    own, known = (pa.chunked_array(pa.array(each, pa.large_string(), from_pandas=True)) for each in (texts, others))
    return np.asarray(pc.is_in(own, value_set=known.combine_chunks()))


def to_series(column: pa.ChunkedArray) -> pd.Series:
    """Return a column of texts as a pandas Series of str."""
    series = column.to_pandas()
    return series if series.dtype == "str" else series.astype(str)

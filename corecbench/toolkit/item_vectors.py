"""Reads vectors of items from files of several kinds. n rows of a file, N items, h the width of a vector."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from numbers import Number
from typing import TYPE_CHECKING, Any

from corecbench.api import DataError, UsageError
from corecbench.toolkit.folders import ordinary_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from zipfile import ZipInfo

    import numpy as np
    import pandas as pd

    from corecbench.api import Catalog

ID_NAMES = ("item_id", "item_ids", "id", "ids")
"""Names of the column or array that holds the ids of the items."""
ID_ENDINGS = (".ids", ".ids.txt", ".txt")
"""Endings of the file beside a .npy file that has the id of a row in each line."""
MOST_COMPRESSED, ALWAYS_READ = 50, 2**28
"""An .npz file of more bytes than the second is refused if it is more than so many times as large as its file."""


@dataclass(frozen=True)
class FoundVectors:
    """What a file holds: ids, and one vector or several for each."""

    path: Path
    ids: Sequence[str]
    parts: Mapping[str, np.ndarray]
    """Name -> float32 [n, h], such as states of several depths of an LLM."""

    def of(self, catalog: Catalog) -> tuple[dict[str, np.ndarray], int]:
        """Return each part as rows of a catalogue and how many items have a vector.

        Returns:
            Name -> float32 [N+1, h], zero for items without a vector; and the number of items with one.

        Raises:
            DataError: no id of the file is one of the catalogue.
        """
        import numpy as np

        place = {item_id: row for row, item_id in enumerate(catalog.item_ids) if row}
        known = [row for row, item_id in enumerate(self.ids) if item_id in place]
        if not known:
            raise DataError(
                f"{self.path}: none of its {len(self.ids):,} ids, such as {self.ids[0]!r:.40}, is an item of "
                f"{catalog.name}, whose ids are such as {catalog.item_ids[1]!r:.40}"
            )
        rows = [place[self.ids[row]] for row in known]
        whole = {
            name: np.zeros((catalog.n_items + 1, part.shape[1]), np.float32) for name, part in self.parts.items()
        }
        for name, part in self.parts.items():
            whole[name][rows] = part[known]
        return whole, len(known)


def vector_files(path: Path) -> list[Path]:
    """Return the files that vectors are read from: a file, and beside one of .npy that of its ids.

    Raises:
        UsageError: it is of another kind, or one of them is not there.
    """
    kind = path.suffix.lower()
    if kind not in READERS:
        raise UsageError(f"{path} is no file of vectors; allowed are {', '.join(READERS)}")
    if not path.is_file():
        raise UsageError(f"{path}: no such file of vectors")
    return [path, ids_beside(path)] if kind == ".npy" else [path]


def read_vectors(path: Path) -> FoundVectors:
    """Return what a file holds, checked.

    Raises:
        UsageError: there is no such file, see `vector_files`.
        DataError: it cannot be read, has no ids or vectors, an id twice, or a number that is not finite.
    """
    vector_files(path)
    try:
        ids, parts = READERS[path.suffix.lower()](ordinary_file(path))
    except DataError:
        raise
    except Exception as error:  # each library of a format raises errors of its own
        raise DataError(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from error
    texts = as_texts(path, ids)
    if not parts or not texts:
        raise DataError(f"{path}: has no {'vectors beside its ids' if texts else 'rows'}")
    if doubled := len(texts) - len(set(texts)):
        first = next(each for each, count in Counter(texts).items() if count > 1)
        raise DataError(f"{path}: {doubled:,} ids stand there more than once, such as {first!r:.40}")
    return FoundVectors(path, texts, {name: checked(path, name, part, len(texts)) for name, part in parts.items()})


def as_texts(path: Path, ids: Any) -> list[str]:
    """Return ids as texts; whole numbers in any format are written as whole numbers.

    Raises:
        DataError: there is not one for each row, or one is neither a text nor a number with all its digits.
    """
    import numpy as np
    import pandas as pd

    try:
        array = np.asarray(ids)
    except ValueError as error:
        raise DataError(f"{path}: its ids are lists of several lengths; one id for each row is needed") from error
    if array.ndim != 1:
        raise DataError(f"{path}: its ids are of shape {list(array.shape)}; one for each row is needed")
    missing = pd.isna(array)
    if array.dtype.kind == "f" and len(lost := array[np.abs(array) >= 2 / np.finfo(array.dtype).eps]):
        raise DataError(f"{path}: the id {lost[0]} has lost digits as {array.dtype}; write ids as text")
    if array.dtype.kind == "f" and not missing.any() and (array == array.round()).all():
        array = array.astype(np.int64)
    values = array if array.dtype.kind in "mM" else array.tolist()
    texts = ["" if no_id else as_text(path, each) for each, no_id in zip(values, missing, strict=True)]
    if n_missing := texts.count(""):
        raise DataError(f"{path}: {n_missing:,} of its {len(texts):,} rows have no id")
    return texts


def as_text(path: Path, given: Any) -> str:
    """Return an id as text; raise a DataError if it is neither a text in UTF-8 nor a number."""
    try:
        if isinstance(given, str | bytes | Number):
            return given.decode() if isinstance(given, bytes) else str(given)
    except UnicodeDecodeError:
        pass
    raise DataError(f"{path}: has the id {given!r:.40}; text in UTF-8 or a whole number is needed")


def checked(path: Path, name: str, part: Any, n_rows: int) -> np.ndarray:
    """Return vectors as float32 [n, h].

    Raises:
        DataError: there is not one for each id, they are not of one width, or float32 cannot hold a vector.
    """
    import numpy as np

    try:
        given = np.asarray(part)
        if given.dtype.kind not in "iufbO":
            raise TypeError(f"{given.dtype}, of which float32 would keep something else")
        with np.errstate(over="ignore"):
            rows = np.asarray(given, dtype=np.float32)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {name} has vectors of several widths, or what is no real number") from error
    if rows.ndim != 2 or len(rows) != n_rows or not rows.shape[1]:
        raise DataError(
            f"{path}: {name} is of shape {list(rows.shape)}; [{n_rows}, width] is needed, a row for each id"
        )
    if n_bad := int((~np.isfinite(rows)).any(axis=1).sum()):
        raise DataError(
            f"{path}: {name} has {n_bad:,} vectors with numbers that are missing or not finite as float32"
        )
    if n_lost := int((given[~rows.any(axis=1)] != 0).any(axis=1).sum()):
        raise DataError(f"{path}: {name} has {n_lost:,} vectors of numbers that are 0 as float32; scale them")
    return rows


# --- kinds of files -----------------------------------------------------------------------------------------------


def from_table(table: pd.DataFrame, path: Path) -> tuple[Any, dict[str, Any]]:
    """Return ids and vectors of a table: columns of lists, or else a column for each number of a vector."""
    if not len(table):
        return [], {}
    column = name_of_ids(path, "columns", table.columns)
    rest = table.drop(columns=column)
    if (index := next((name for name in rest if is_index(name, rest[name])), None)) is not None:
        raise DataError(
            f"{path}: column {index} is an index, no part of a vector; leave it out, as index=False does"
        )
    lists = {str(name): rest[name] for name in rest if rest[name].dtype.kind not in "iufb"}
    if not lists:
        return table[column].to_numpy(), {"vector": rest.to_numpy()} if len(rest.columns) else {}
    if len(lists) < len(rest.columns):
        others = [str(name) for name in rest if str(name) not in lists]
        raise DataError(
            f"{path}: has columns of numbers ({', '.join(others)[:80]}) beside {', '.join(lists)[:80]}; "
            "leave out those that are no vectors"
        )
    return table[column].to_numpy(), {name: stacked(path, name, values) for name, values in lists.items()}


def name_of_ids(path: Path, kind: str, names: Iterable[Any]) -> str:
    """Return which of some columns or arrays holds the ids, which must be one."""
    have = [str(name) for name in names]
    found = [name for name in have if name in ID_NAMES]
    if len(found) != 1:
        needed = f"one of them is needed, not {' and '.join(found)}" if found else "item_id is needed"
        raise DataError(f"{path}: has the {kind} {', '.join(have)[:200]}; {needed}")
    if twice := [name for name, count in Counter(have).items() if count > 1]:
        raise DataError(f"{path}: has two {kind} {twice[0]!r:.40}; one is needed")
    return found[0]


def is_index(name: object, values: pd.Series[Any]) -> bool:
    """Return whether a column is the index of a table: it has no name, or counts its rows."""
    counts = values.dtype.kind in "iu" and len(values) > 2 and bool((values.diff().iloc[1:] == 1).all())
    return str(name).startswith("Unnamed: ") or counts


def stacked(path: Path, name: str, values: pd.Series[Any]) -> np.ndarray:
    """Return the lists of a column as an array [n, h]."""
    import numpy as np

    try:
        rows = [json.loads(each) if isinstance(each, str) else each for each in values]
    except ValueError as error:
        comma = next((each for each in values if re.fullmatch(r"[+-]?\d+,\d+", str(each))), "")
        raise DataError(
            f"{path}: {name} has texts that are no lists of finite numbers, such as [0.5, 1]"
            + f"; the decimal comma of {comma!r} must be a point" * bool(comma)
        ) from error
    n_without = sum(np.ndim(each) != 1 for each in rows)
    if n_without == len(rows):
        raise DataError(f"{path}: {name} has no vectors, but is such as {str(rows[0])!r:.40}; leave it out")
    if n_without:
        raise DataError(f"{path}: {name} has no vector in {n_without:,} rows; leave them out")
    if (n_widths := len(set(map(len, rows)))) > 1:
        raise DataError(f"{path}: {name} has vectors of {n_widths} widths; one width for all is needed")
    return np.stack(rows)


def read_parquet(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return ids and vectors of a Parquet file; pandas may have written the ids as an index."""
    import pandas as pd

    table = pd.read_parquet(path)
    return from_table(table.reset_index() if table.index.name in ID_NAMES else table, path)


def read_csv(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return ids and vectors of a CSV file with commas between its fields; ids are read as text, "NA" too."""
    import pandas as pd

    table = pd.read_csv(path, dtype=dict.fromkeys(ID_NAMES, str), keep_default_na=False, na_values=[""])
    if len(table.columns) == 1 and (between := re.search("[;\t|]", str(table.columns[0]))):
        raise DataError(f"{path}: {between[0]!r} stands between its fields; a comma is needed")
    if not isinstance(table.index, pd.RangeIndex):
        raise DataError(
            f"{path}: rows have more fields than the header, as decimal commas or names of rows do; write 0.5"
        )
    return from_table(table, path)


def read_npz(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return the array of ids and all other arrays; pickled ones are refused."""
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        name = name_of_ids(path, "arrays", arrays.files)
        check_size(path, arrays.zip.infolist())
        return arrays[name], {each: arrays[each] for each in arrays.files if each != name}


def check_size(path: Path, entries: Iterable[ZipInfo]) -> None:
    """Raise a DataError if a small file becomes large in memory, as one does that is made to fill it."""
    n_bytes = sum(entry.file_size for entry in entries)
    if n_bytes > max(ALWAYS_READ, MOST_COMPRESSED * path.stat().st_size):
        raise DataError(
            f"{path}: its {path.stat().st_size:,} bytes become {n_bytes:,}, more than {MOST_COMPRESSED} times as "
            "many; np.savez writes an array as it is"
        )


def read_npy(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return the lines of the file of ids beside an array, and the array."""
    import numpy as np

    ids = ids_beside(path).read_text(encoding="utf-8").splitlines()
    return ids, {"vector": np.load(path, allow_pickle=False)}


def ids_beside(path: Path) -> Path:
    """Return the file of ids beside a .npy file.

    Raises:
        UsageError: there is none.
    """
    places = [path.with_suffix(ending) for ending in ID_ENDINGS]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        names = " or ".join(place.name for place in places)
        raise UsageError(f"{path}: has no file of ids beside it; {names} with an id in each line is needed")
    return found


def read_safetensors(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return ids, a tensor of whole numbers or a JSON list in the metadata, and all other tensors."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        tensors: dict[str, Any] = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        metadata = opened.metadata() or {}
    arrays = {name: (each.float() if each.is_floating_point() else each).numpy() for name, each in tensors.items()}
    written = {name: json.loads(metadata[name]) for name in ID_NAMES if name in metadata}
    name = name_of_ids(path, "tensors", [*arrays, *written])
    return {**arrays, **written}[name], {each: rows for each, rows in arrays.items() if each != name}


READERS: dict[str, Callable[[Path], tuple[Any, dict[str, Any]]]] = {
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".csv": read_csv,
    ".npz": read_npz,
    ".npy": read_npy,
    ".safetensors": read_safetensors,
}
"""Ending of a file -> what reads its ids and vectors."""

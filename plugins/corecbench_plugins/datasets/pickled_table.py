"""Columns of a pickled pandas DataFrame, read as data: nothing that the pickle names is imported or called."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.api import DataError

if TYPE_CHECKING:
    from pathlib import Path


class Named:
    """Stands for whatever a pickle names: keeps the arguments and the state, and does nothing."""

    args: tuple[Any, ...]
    state: Any = None

    def __new__(cls, *args: Any) -> Named:
        """Keep the arguments."""
        made = super().__new__(cls)
        made.args = args
        return made

    def __setstate__(self, state: Any) -> None:
        """Keep the state."""
        self.state = state


class Reader(pickle.Unpickler):
    """Reads numbers, texts and containers; each name becomes a class of its own that is inert."""

    def find_class(self, module: str, name: str) -> type:
        """Return the inert class, without looking for the real one."""
        return type(name, (Named,), {})


def read_columns(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a table by name: whole numbers, or objects such as texts and lists.

    Raises:
        DataError: The file is no such pickle.
    """
    try:
        with path.open("rb") as file:
            blocks, axes = Reader(file).load().state["_mgr"].args
        names = entries(axes[0].args[1]["data"])
        columns: dict[str, list[Any]] = {}
        for block in blocks:
            values, places = block.args[:2]
            where = range(*places.args) if type(places).__name__ == "slice" else entries(places)
            columns.update(zip((names[place] for place in where), entries(values), strict=True))
    except Exception as error:  # a pickle that means harm can raise any
        fault = f"{type(error).__name__}: {error}"
        raise DataError(f"{path.name}: not a pickled table that can be read ({' '.join(fault.split())})") from error
    return columns


def entries(array: Named) -> list[Any]:
    """Return the entries of a pickled array, or its rows where it has two dimensions."""
    if array.state is None:  # by numpy's _frombuffer
        content, dtype, shape, order = array.args
    else:
        _, shape, dtype, is_fortran, content = array.state
        order = "F" if is_fortran else "C"
    if isinstance(content, list):  # of objects, row by row in either order
        width = shape[-1]
        return content if len(shape) == 1 else [content[width * row : width * (row + 1)] for row in range(shape[0])]
    if dtype.args[0] != "i8":
        raise ValueError(f"an array of type {dtype.args[0]}, allowed are whole numbers and objects")
    return list(np.frombuffer(content, "<i8").reshape(shape, order=order).tolist())

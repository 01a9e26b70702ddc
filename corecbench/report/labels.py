"""The labels of rows and cells in plots, pages and the terminal, cut in the middle where they are long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.toolkit.printable import one_line

if TYPE_CHECKING:
    from corecbench.results.rows import RowKey

NAME_WIDTH = 24


def partner(key: RowKey, size: int = NAME_WIDTH, with_model: bool = True) -> str:
    ensemble = "ensemble" if key.side == "ensemble" else None
    names = (key.partner if with_model else None, key.sharing, ensemble, key.control)
    return ", ".join(shorten(name, size) for name in names if name)


def label(key: RowKey, size: int = NAME_WIDTH) -> str:
    own = shorten(key.own or "", size)
    return own if key.is_solo else f"{own} + {partner(key, size)}"


def cell_label(key: RowKey) -> str:
    models = " + ".join(shorten(name) for name in (key.domain, key.llm) if name)
    return ", ".join([models, *(shorten(name) for name in (key.sharing, key.control) if name)])


def shorten(name: str, size: int = NAME_WIDTH) -> str:
    """Return a name with its middle left out if it is long, such as one with a path in it.

    >>> shorten("llama:an/organisation/a-model"), shorten("sasrec"), shorten("shuffled-texts", 10)
    ('llama:an/o…ation/a-model', 'sasrec', 'shu…-texts')
    """
    name, first = one_line(name), size // 2 - 2
    return name if len(name) <= size else f"{name[:first]}…{name[first + 1 - size :]}"

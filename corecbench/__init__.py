"""Does training a recommender together with an LLM help either of them?

In Python, `corecbench.run(...)` is what `corecbench run` is on the command line; `corecbench.load` and
`corecbench.table` read what it stored, and `corecbench.load_model` loads a model that it kept.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from corecbench.version import __version__

if TYPE_CHECKING:
    from corecbench.python_api import load, load_model, run, table

__all__ = ["__version__", "load", "load_model", "run", "table"]


def __getattr__(name: str) -> Any:
    """Import what is offered only when it is used."""
    if name in __all__:
        return getattr(importlib.import_module("corecbench.python_api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return what is offered, also before it is used, so that a notebook completes it."""
    return sorted({*globals(), *__all__})

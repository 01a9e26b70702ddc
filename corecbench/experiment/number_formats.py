"""The number formats in which cells compute: a machine has its own wherever a setting leaves it the choice."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from typing import TYPE_CHECKING, get_type_hints

from corecbench.api import CellResult, Precision
from corecbench.toolkit import product_dtype

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.results.store import Store


def format_of(setting: Precision, device: str) -> str:
    return str(product_dtype(setting, device)).removeprefix("torch.")


def dtypes(cell: Cell, device: str) -> dict[str, dict[str, str]]:
    """Return the number formats that settings of a cell stand for on this machine, by component."""
    import torch

    kind = torch.device(device).type
    found: dict[str, dict[str, str]] = {}
    for part in cell.components:
        hints = {} if part.config is None else get_type_hints(type(part.config), include_extras=True)
        for name in (name for name, hint in hints.items() if hint == Precision):
            with contextlib.suppress(AssertionError, RuntimeError):  # the device is not there
                found.setdefault(part.label, {})[name] = format_of(getattr(part.config, name), kind)
    return found


@contextlib.contextmanager
def auto_as_in(record: CellResult) -> Iterator[None]:
    """Let `auto` stand for what it stood for in a stored cell, unless CORECBENCH_PRECISION says otherwise."""
    settings = record["settings"]
    formats = {
        stood_for
        for part, named in record.get("dtypes", {}).items()
        for name, stood_for in named.items()
        if settings.get(part, {}).get(name) == "auto"
    }
    if len(formats) != 1 or os.environ.get("CORECBENCH_PRECISION"):
        yield
        return
    os.environ["CORECBENCH_PRECISION"] = formats.pop()
    try:
        yield
    finally:
        del os.environ["CORECBENCH_PRECISION"]


def of_other_formats(plan: Plan, store: Store) -> list[str]:
    """Return a note for each number format of what is done that this machine would not choose for the same cell."""
    counts: Counter[tuple[str, str]] = Counter()
    for cell in (cell for cell in plan.cells if cell.done or cell.folder in plan.elsewhere):
        stored = store.read(plan.elsewhere.get(cell.folder, cell.folder)).get("dtypes", {})
        chosen = dtypes(cell, plan.config.device)
        counts.update(
            {(stored.get(part, {}).get(name, now), now) for part in chosen for name, now in chosen[part].items()}
        )
    return [
        f"cells that are done in {before}, where it would be {now} now: {n_cells}; CORECBENCH_PRECISION={before} "
        "keeps to one number format"
        for (before, now), n_cells in counts.items()
        if before != now
    ]

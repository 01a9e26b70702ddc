"""Whether a pair needs what its domain model learnt alone: its sharing module says so once it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.experiment.process_state import state_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host


def needs_alone(plan: Plan, host: Host) -> Callable[[Cell], bool]:
    """Return the function that says it of a pair. It builds each sharing module once for each data set."""
    known: dict[tuple[str, str], bool] = {}

    def ask(cell: Cell) -> bool:
        key = cell.data.name, "" if cell.sharing is None else cell.sharing.label
        if key not in known:
            known[key] = says_so(cell, plan, host)
        return known[key]

    return ask


def says_so(cell: Cell, plan: Plan, host: Host) -> bool:
    """Return whether the sharing module of a pair needs the model alone. If it cannot be built, the pair waits."""
    from corecbench.api import Setup
    from corecbench.plugin.abilities import sharing_abilities

    if cell.sharing is None:
        return True
    try:
        with state_kept():
            setup = Setup(cell.data.catalog, cell.max_history, cell.seed, "cpu", plan.cache)
            abilities = sharing_abilities(host.build(cell.sharing, setup))
    except (Exception, SystemExit):
        return True
    return abilities.alone_unless_better or abilities.start_from == "pretrained"

"""Finds out how the settings of a cell were searched, from the accounts that the run's files of settings hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.experiment.cells import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.experiment.cells import Cell
    from corecbench.settings.config import RunConfig


def account_of(cell: Cell, config: RunConfig) -> dict[str, Any] | None:
    """Return how the settings of a cell's domain model were found; None if they were not, or not these.

    The account of pairs counts for a pair, else that of the model alone, whose settings the pair then has.
    """
    if cell.domain is None:
        return None
    accounts = config.tuning.get(cell.data.whole_name, {}).get(cell.domain.label, {})
    for place in ("in_pairs", "alone") if cell.sharing is not None else ("alone",):
        account = accounts.get(place)
        if isinstance(account, dict) and has_what_was_found(cell, account):
            return {key: value for key, value in account.items() if key != "settings"}
    return None


def has_what_was_found(cell: Cell, account: Mapping[str, Any]) -> bool:
    """Return whether the components of a cell have the settings that a search found."""
    found = account.get("settings")
    if not isinstance(found, dict):
        return False
    own = {part.label: settings_of(part) for part in cell.components}
    return all(
        own[label].get(key) == value
        for label, settings in found.items()
        if label in own
        for key, value in settings.items()
    )

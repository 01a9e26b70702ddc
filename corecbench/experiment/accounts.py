"""How the settings of a cell were found: the accounts of searches, as `corecbench tune` wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.evaluation.protocol import split_words
from corecbench.experiment.cells import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from corecbench.experiment.cells import Cell
    from corecbench.settings.config import RunConfig

ALONE = "alone"
"""Where the account of a model's search alone stands; others stand at their sharing module."""


def account_of(cell: Cell, config: RunConfig) -> dict[str, Any] | None:
    """Return how the settings of a cell's domain model were found; None if they were not, or not these.

    For a pair that is the search with its sharing module, else one with another module that found the settings
    which the model has in all pairs, else that of the model alone.
    """
    if cell.domain is None:
        return None
    accounts = config.tuning.get(cell.data.whole_name, {}).get(cell.domain.label, {})
    fitting = {place: each for place, each in accounts.items() if has_what_was_found(cell, each)}
    alone = fitting.pop(ALONE, None)
    of_pairs: list[Any] = []
    if cell.sharing is not None:
        of_module = [each for each in fitting.values() if cell.sharing.label in each.get("with", ())]
        of_pairs = of_module + [each for each in fitting.values() if each["settings"].get(cell.domain.label)]
    account = next(iter(of_pairs), alone)
    return None if account is None else {key: value for key, value in account.items() if key != "settings"}


def has_what_was_found(cell: Cell, account: Any) -> bool:
    """Return whether this is an account of a search, and the components of a cell have the settings it found."""
    found = account.get("settings") if isinstance(account, dict) else None
    if not isinstance(found, dict):
        return False
    own = {part.label: settings_of(part) for part in cell.components}
    return all(
        own[label].get(key) == value
        for label, settings in found.items()
        if label in own
        for key, value in settings.items()
    )


def searched_otherwise(cells: Iterable[Cell], config: RunConfig) -> Iterator[str]:
    """Yield whose settings were searched under another split than that of the run, a line for each such split."""
    named: dict[tuple[str, str], dict[str, None]] = {}
    for cell in cells:
        there, here = searched_under(cell, config), split_words(config, cell.data.reduction.train_share)
        if there and cell.domain is not None and there != here:
            differs = [word for word in {**there, **here} if there.get(word) != here.get(word)]
            both = in_words(there, differs), in_words(here, differs)
            named.setdefault(both, {})[f"{cell.domain.label} on {cell.data.whole_name}"] = None
    for (searched, run), names in named.items():
        yield f"settings of {', '.join(names)} were searched under {searched}; this run has {run}"


def searched_under(cell: Cell, config: RunConfig) -> Mapping[str, Any]:
    found = (account_of(cell, config) or {}).get("protocol")
    return found if isinstance(found, dict) else {}


def in_words(protocol: Mapping[str, Any], words: Iterable[str]) -> str:
    """Return some words of a protocol with what they say.

    >>> in_words({"split": "time", "cut": "0.8, 0.9", "equal times": "random"}, ["split", "cut", "window"])
    'split time, cut 0.8, 0.9'
    """
    return ", ".join(f"{word} {protocol[word]}" for word in words if word in protocol) or "none of these"

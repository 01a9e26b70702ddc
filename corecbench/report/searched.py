"""The sentence of a caption about how the settings of models were searched, alone and in pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from corecbench.api import CellResult


def searched(records: Iterable[CellResult]) -> str:
    """Return how settings were searched, and how the budgets of both sides of a comparison differ."""
    sides: dict[tuple[str, str], dict[bool, Mapping[str, Any] | None]] = {}
    for record in records:
        cell = record["cell"]
        if cell["domain"] is not None and cell.get("control") is None:
            own = sides.setdefault((cell["domain"], cell["dataset"]), {})
            own[cell["sharing"] is not None] = own.get(cell["sharing"] is not None) or record.get("tuning")
    found = {key: own for key, own in sides.items() if any(own.values())}
    return "; ".join(f"{model} on {dataset}, {of_both(own)}" for (model, dataset), own in found.items())


def of_both(own: Mapping[bool, Mapping[str, Any] | None]) -> str:
    """Return how a model was searched alone and in pairs, where it was trained so."""
    alone, pair = own.get(False), own.get(True)
    said = []
    if False in own:
        said.append(f"alone {budget(alone)}")
    if True in own:
        with_ = f" (with {' and '.join(pair['with'])})" if pair is not None and pair["with"] else ""
        as_alone = pair is not None and not pair["with"]
        said.append("in pairs as alone" if as_alone else f"in pairs{with_} {budget(pair)}")
        if alone is not None and pair is not None and not as_alone:
            said.append(difference(alone, pair))
    return ", ".join(said)


def budget(account: Mapping[str, Any] | None) -> str:
    """Return what a search took."""
    if account is None:
        return "not searched"
    n, minutes = account["finished_trials"], account["minutes"]
    return f"{n} finished trial{'s' * (n != 1)} in {minutes:g} minutes"


def difference(alone: Mapping[str, Any], pair: Mapping[str, Any]) -> str:
    """Return how the budget of the pair differs from that of the model alone.

    >>> difference({"finished_trials": 9, "minutes": 3.0}, {"finished_trials": 4, "minutes": 3.0})
    'which is 5 trials fewer'
    >>> difference({"finished_trials": 4, "minutes": 3.0}, {"finished_trials": 4, "minutes": 9.5})
    'which is as many trials and 6.5 minutes more'
    """
    trials = pair["finished_trials"] - alone["finished_trials"]
    minutes = round(pair["minutes"] - alone["minutes"], 1)
    of_trials = f"{abs(trials)} trials {'more' if trials > 0 else 'fewer'}" if trials else "as many trials"
    of_minutes = f" and {abs(minutes):g} minutes {'more' if minutes > 0 else 'fewer'}" if minutes else ""
    return f"which is {of_trials}{of_minutes}"

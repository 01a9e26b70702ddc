"""The sentences of captions about protocol, versions, searches, imports, devices and number formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.report.wording import count, listed, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from corecbench.api import CellResult, ImportRecord
    from corecbench.results.rows import RowKey

LIBRARIES = ("corecbench", "torch", "recbole", "transformers", "peft")
DIGITS = 8
"""Digits of a checksum that a caption shows."""
MOST_NAMED = 6


def protocol_sentence(protocol: Mapping[str, Any]) -> str:
    return "Protocol: " + ", ".join(f"{name} {value}" for name, value in protocol.items())


def of_reductions(keys: Iterable[RowKey]) -> Iterator[str]:
    """Yield what a caption says of data sets that are trained on in part, or tested in several windows."""
    reductions = [key.reduction for key in keys]
    if any(reduction.windows > 1 for reduction in reductions):
        yield (
            "Windows: the split is repeated at so many cuts in a row, with models trained anew; who is tested in "
            "several of them is counted in each, and is one observation in the tests"
        )
    if any(reduction.train_share != 1 for reduction in reductions):
        yield (
            "Of users train: this seeded share of the users is learnt from; all users are ranked, with their "
            "histories"
        )
    if any(reduction.cold_items for reduction in reductions):
        yield (
            "Of items cold: this seeded share of the items is left out of all training; histories keep them, and "
            "they are candidates"
        )


def of_left_out(folders: Iterable[str]) -> Iterator[str]:
    """Yield the sentence of a caption about cells that are left out, if there are any.

    >>> list(of_left_out(["results/default/toy/sasrec/seed0-0123abcd"]))
    ['Left out, since what is stored cannot be used: results/default/toy/sasrec/seed0-0123abcd']
    """
    if names := listed(folders, "cells"):
        yield f"Left out, since what is stored cannot be used: {names}"


def made_with(records: Iterable[CellResult]) -> tuple[str, ...]:
    """Return settings of pairs only, searches, versions and devices of results with ranks, as sentences.

    Of imported results it is said where they come from, and what of them is not checked.
    """
    ranked = [record for record in records if record["sides"]]
    done = [record for record in ranked if "imported" not in record]
    versions = [(record["cell"]["name"], _versions(record)) for record in done]
    differ = " (they differ between cells)" if any(each != versions[0][1] for _, each in versions) else ""
    stated = ", ".join(f"{name} {version}" for name, version in together(versions, "cells").items())
    device = together([(record["cell"]["name"], {"Device": str(record["device"])}) for record in done], "cells")
    facts = {
        "Settings that a model has in pairs only": _in_pairs(done),
        "Settings were searched on validation": searched(done),
        f"Versions{differ}": stated,
        **device,
        "Number formats differ between cells": _formats(done),
        "Results of earlier versions do not say which weights and algorithms made them": _lacking(done),
    }
    return (*(f"{name}: {value}" for name, value in facts.items() if value), *of_imports(ranked))


def _formats(records: Sequence[CellResult]) -> str:
    """Return which cells have which number formats, as a machine can choose another one; "" where all agree."""
    used = [
        (
            record["cell"]["name"],
            {"formats": "/".join(sorted({each for part in dtypes.values() for each in part.values()}))},
        )
        for record in records
        if (dtypes := record.get("dtypes"))
    ]
    differ = any(each != used[0][1] for _, each in used)
    return together(used, "cells")["formats"] if differ else ""


def _lacking(records: Sequence[CellResult]) -> str:
    lacking = [record["cell"]["name"] for record in records if "algorithms" not in record]
    return listed(lacking, "cells") if len(lacking) < len(records) else ""


def _in_pairs(records: Sequence[CellResult]) -> str:
    named = {
        (record["cell"]["dataset"], name): settings
        for record in records
        for name, settings in record.get("in_pairs", {}).items()
    }
    return ", ".join(f"{name} on {dataset} ({', '.join(own)})" for (dataset, name), own in named.items())


def _versions(record: CellResult) -> dict[str, str]:
    versions = {name: record["versions"][name] for name in LIBRARIES if name in record["versions"]}
    return versions | ({"commit": record["commit"][:7]} if record["commit"] else {})


# --- searches -----------------------------------------------------------------------------------------------------


def searched(records: Iterable[CellResult]) -> str:
    """Return how settings were searched, and how the budgets of both sides of a comparison differ."""
    sides: dict[tuple[str, str], dict[str | None, Mapping[str, Any] | None]] = {}
    for record in records:
        cell = record["cell"]
        if cell["domain"] is not None and cell.get("control") is None:
            own = sides.setdefault((cell["domain"], cell["dataset"]), {})
            own[cell["sharing"]] = own.get(cell["sharing"]) or record.get("tuning")
    found = {key: own for key, own in sides.items() if any(own.values())}
    return "; ".join(f"{model} on {dataset}, {of_both(own)}" for (model, dataset), own in found.items())


def of_both(own: Mapping[str | None, Mapping[str, Any] | None]) -> str:
    alone, pairs = own.get(None), [account for sharing, account in own.items() if sharing is not None]
    said = [in_pairs(account, alone) for account in pairs if account is not None]
    if None in pairs:
        said.append("other pairs not searched" if said else "in pairs not searched")
    return ", ".join([*([f"alone {budget(alone)}"] if None in own else []), *dict.fromkeys(said)])


def in_pairs(account: Mapping[str, Any], alone: Mapping[str, Any] | None) -> str:
    if not account["with"]:
        return "in pairs as alone"
    differs = "" if alone is None else f", {difference(alone, account)}"
    return f"in pairs (with {' and '.join(account['with'])}) {budget(account)}{differs}"


def budget(account: Mapping[str, Any] | None) -> str:
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


# --- imports ------------------------------------------------------------------------------------------------------


def of_imports(records: Iterable[CellResult]) -> Iterator[str]:
    """Yield the sentences about the imported ones among some results."""
    imports = {_origin(record): record["imported"] for record in records if "imported" in record}
    if not imports:
        return
    yield (
        f"Imported, not trained here: {_some(imports)}; users, held-out items, candidates and items seen before "
        "are checked against this split; what a model was trained on, and how much of a history it read, is not"
    )

    def files(wanted: Callable[[ImportRecord], bool]) -> str:
        return _some(dict.fromkeys(each["file"] for each in imports.values() if wanted(each)))

    if ranks := files(lambda each: each["kind"] == "ranks"):
        yield f"Ranks of {ranks}: how ties count, and that all candidates were ranked, is not checked"
    if lists := files(lambda each: each["unknown_ranks"] > 0):
        yield (
            f"Lists of {lists} end before some held-out items: a metric has a value only where it is the same for "
            "all ranks beyond the list"
        )
    if blind := files(lambda each: each["kind"] == "lists" and not each["ties_are_seen"]):
        yield f"Lists of {blind} have no scores, so ties are not seen"
    for each in imports.values():
        if n_seen := each.get("seen_left_out"):
            yield f"From the lists of {each['file']} {count(n_seen)} items were taken that users saw before"
        if n_missing := each.get("missing_last"):
            yield f"For {count(n_missing)} users {each['file']} has no list; their item counts as ranked last"


def _origin(record: CellResult) -> str:
    cell, imported = record["cell"], record["imported"]
    file = f"{imported['file']}, sha256 {imported['sha256'][:DIGITS]}"
    return f"{cell['name']} on {cell['dataset']}, seed {cell['seed']} ({file})"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = [f"{len(listed) - MOST_NAMED} more"] if len(listed) > MOST_NAMED else []
    return ", ".join([*listed[:MOST_NAMED], *more])

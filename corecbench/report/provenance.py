"""The sentences of captions about protocol, versions, devices and number formats, and about where these differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from corecbench.api import CellResult
from corecbench.report.imports import of_imports
from corecbench.report.searched import searched
from corecbench.results.rows import RowKey

LIBRARIES = ("corecbench", "torch", "recbole", "transformers", "peft")
MOST_NAMED = 3


def together(named: Iterable[tuple[str, Mapping[str, Any]]], noun: str) -> dict[str, Any]:
    """Return the values of several owners as one mapping. Where values differ, a text says who has which.

    >>> together([("a", {"seen": "left out", "k": 5}), ("b", {"seen": "left out", "k": 9})], "data sets")
    {'seen': 'left out', 'k': '5 (a) and 9 (b)'}

    Args:
        named: pairs of a name and its values.
        noun: the kind of names in the plural; more than three with the same value are counted instead of named.
    """
    named = list(named)
    common: dict[str, Any] = {}
    for key in dict.fromkeys(key for _, values in named for key in values):
        owners: dict[str, list[str]] = {}
        for name, values in named:
            owners.setdefault(str(values.get(key)), []).append(name)
        several = " and ".join(f"{value} ({listed(names, noun)})" for value, names in owners.items())
        common[key] = several if len(owners) > 1 else named[0][1][key]
    return common


def listed(names: Iterable[str], noun: str) -> str:
    """Return the different names, or their number if there are more than three."""
    different = list(dict.fromkeys(names))
    return ", ".join(different) if len(different) <= MOST_NAMED else f"{len(different)} {noun}"


def protocol_sentence(protocol: Mapping[str, Any]) -> str:
    """Return a protocol as a caption states it."""
    return "Protocol: " + ", ".join(f"{name} {value}" for name, value in protocol.items())


def of_reductions(keys: Iterable[RowKey]) -> Iterator[str]:
    """Yield what a caption says of data sets that are trained on in part."""
    reductions = [key.reduction for key in keys]
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
    device = together([(record["cell"]["name"], {"Device:": record["device"]}) for record in done], "cells")
    return (
        *([f"Settings that a model has in pairs only: {own}"] if (own := _in_pairs(done)) else []),
        *([f"Settings were searched on validation: {found}"] if (found := searched(done)) else []),
        *([f"Versions{differ}: {stated}"] if stated else []),
        *(f"{name} {value}" for name, value in device.items()),
        *([f"Number formats differ between cells: {differing}"] if (differing := _formats(done)) else []),
        *(
            [f"Results of earlier versions do not say which weights and algorithms made them: {lack}"]
            if (lack := _lacking(done))
            else []
        ),
        *of_imports(ranked),
    )


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
    """Return the cells whose records do not name weights and algorithms, beside others that do; "" for none."""
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

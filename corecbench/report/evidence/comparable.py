"""Stored results that may share a table: they have the same protocol and split, settings and users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from corecbench.data.reduction import pooled_dataset
from corecbench.results.frames import SIMILARITY
from corecbench.results.record import ResultsError, algorithms_in, settings_in

if TYPE_CHECKING:
    from corecbench.report.evidence.rows import Row
    from corecbench.results.store import Entry
    from corecbench.results.user_ranks import UserRanks


def protocols_of(entries: Iterable[Entry], settings: bool = True) -> dict[str, Mapping[str, Any]]:
    """Return data set -> the protocol of all results that have ranks; of several windows the one of all.

    Args:
        entries: folders and their records.
        settings: whether a component must have the same settings, algorithms and weights in all results; otherwise
            in all seeds of a cell, which make one row. What only some of the records know came with a later
            version, and is not compared.

    Raises:
        ResultsError: results on one data set differ in protocol, in the split, or in the settings, algorithms or
            weights of a component.
    """
    first: dict[tuple[object, str, str, str], tuple[Any, Any]] = {}
    windows: dict[str, set[str]] = {}
    for folder, record in entries:
        windows.setdefault(pooled_dataset(record["cell"]), set()).add(record["cell"]["dataset"])
        if not record["sides"]:
            continue
        facts: dict[tuple[str, str], Any] = {
            ("protocol", ""): record["protocol"],
            ("split", ""): record["data"]["split_fingerprint"],
        }
        cell = "" if settings else folder.parent
        alike: dict[tuple[str, str], Any] = {
            (f"settings of {name}" + in_pairs * " in pairs", setting): value
            for name, setting, value, in_pairs in settings_in(record)
        }
        alike |= {("algorithm", name): number for name, number in algorithms_in(record)}
        alike |= {
            (f"what {label} read", name): value
            for label, read in record.get("fingerprints", {}).items()
            for name, value in read.items()
        }
        places = {("", *about): value for about, value in facts.items()}
        for (group, subject, setting), value in (
            places | {(cell, *about): alike[about] for about in alike}
        ).items():
            place = group, record["cell"]["dataset"], subject, setting
            earlier, expected = first.setdefault(place, (folder, value))
            if value != expected:
                raise ResultsError(
                    f"{folder}: {subject} is not that of {earlier} ({_difference(value, expected, setting)}); "
                    "such results share no table, run both alike"
                )
    found = {dataset: value for (_, dataset, subject, _), (_, value) in first.items() if subject == "protocol"}
    for name, of_windows in windows.items():
        known = sorted(of_windows & found.keys())
        if known and len(of_windows) > 1:
            first_of_all, *_ = [found.pop(dataset) for dataset in known]
            found[name] = {**first_of_all, "window": "each"}
    return found


def _difference(value: Any, expected: Any, setting: str) -> str:
    if setting:
        return f"{setting}: {value}, there {expected}"
    if isinstance(value, Mapping) and isinstance(expected, Mapping):
        names = [name for name in {**value, **expected} if value.get(name) != expected.get(name)]
        return f"{names[0]}: {value.get(names[0])}, there {expected.get(names[0])}"
    return f"{str(value)[:12]}, there {str(expected)[:12]}"


def check_users(rows: Iterable[Row]) -> None:
    """Make sure that all rows of a data set rank the same users on the same test items.

    Raises:
        ResultsError: the users or their test items differ.
    """
    first: dict[tuple[str, int | None], tuple[str, Row, int]] = {}
    for row in rows:
        dataset, model = row.key.dataset, row.key.model
        for seed, values in row.values.items():
            # which users and items are in a reduced training part depends on the seed
            place = dataset, seed if row.key.reduction else None
            earlier, other, its_seed = first.setdefault(place, (f"{model}, seed {seed}", row, seed))
            users = other.values[its_seed].index
            if not values.index.equals(users):
                lacks, adds = len(users.difference(values.index)), len(values.index.difference(users))
                raise ResultsError(
                    f"{dataset}: {model}, seed {seed}, ranks other users than {earlier}: {lacks} of its "
                    f"{len(users)} users are missing and {adds} are new; run both on the same data"
                )
            if differ := n_differing(row.users.get(seed), other.users.get(its_seed)):
                raise ResultsError(
                    f"{dataset}: {model}, seed {seed}, and {earlier} do not mean the same by {differ} of "
                    f"{len(users)} users: test items or histories differ; run both on the same data"
                )


def n_differing(ranks: UserRanks | None, other: UserRanks | None) -> int:
    """Return of how many users two rankings state different facts, in the columns that both have."""
    if ranks is None or other is None or ranks.facts is other.facts:
        return 0
    shared = [name for name in ranks.facts if name in other.facts and name != SIMILARITY]
    return int((ranks.facts[shared] != other.facts[shared]).any(axis=1).sum())

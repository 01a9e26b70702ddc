"""Runs the sides of a comparison in turn, round after round, and puts together what they took."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from measuring.sides import SideError, run_side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from measuring.options import Options
    from measuring.sides import Side

Quantity = Literal["cpu_s", "wall_s", "peak_memory_bytes"]
QUANTITIES: Sequence[Quantity] = ("cpu_s", "wall_s", "peak_memory_bytes")


@dataclass(frozen=True)
class Target:
    """What a ratio of two sides, or a quantity of one side, is to be."""

    over: str
    """The side above the line of the ratio."""
    under: str = ""
    """The side below the line; "" for the quantity of `over` itself."""
    at_least: float | None = None
    at_most: float | None = None
    quantity: str = "cpu_s"
    """One of `QUANTITIES`, or the name of a fact that all of these sides report as a number."""


@dataclass(frozen=True)
class Comparison:
    """Several ways to do the same work, measured side by side."""

    name: str
    sides: Sequence[Side]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()
    """What a reader must know, such as rules in which a side differs."""
    check: Callable[[Mapping[str, Mapping[str, Any]]], Sequence[str]] | None = None
    """Takes what each side measured in a first run, which does not count, and returns in sentences which results
    it found equal. It raises a SideError where results differ that must not. None where there is no first run."""
    most_rounds: int | None = None
    """For work that takes so long that fewer rounds must do."""


def measure(comparison: Comparison, options: Options) -> dict[str, Any]:
    """Run every side once in each round, in turn (A B C, A B C, ...), and return the record of the comparison.

    Of tiny sizes the first run, whose results are checked, is the only one.
    """
    checks: Sequence[str] = ()
    measured: dict[str, list[dict[str, Any]]] = {side.name: [] for side in comparison.sides}
    failed: dict[str, str] = {}
    rounds = min(options.rounds, comparison.most_rounds or options.rounds)

    def run(side: Side, what: str) -> dict[str, Any] | None:
        if side.name in failed:
            return None
        try:
            found = run_side(side, options.threads)
        except SideError as error:
            failed[side.name] = str(error)
            options.say(f"{comparison.name}: {error}")
            return None
        cost = f"{found['cpu_s']:.2f} CPU s" if "cpu_s" in found else f"cannot: {found['cannot']}"
        options.say(f"{comparison.name}: {side.name}: {what}: {cost}")
        return found

    if comparison.check is not None:
        first = {side.name: found for side in comparison.sides if (found := run(side, "check")) is not None}
        checks = comparison.check(first)
        if options.tiny:
            measured, rounds = {name: [first[name]] if name in first else [] for name in measured}, 0
    for number in range(rounds):
        for side in comparison.sides:
            found = run(side, f"round {number + 1} of {rounds}")
            if found is not None:
                measured[side.name].append(found)
    sides = {name: summary(runs, failed.get(name)) for name, runs in measured.items()}
    return {
        "name": comparison.name,
        "notes": list(comparison.notes),
        "checks": list(checks),
        "sides": sides,
        "targets": [outcome(target, sides) for target in comparison.targets],
    }


def summary(runs: Sequence[Mapping[str, Any]], failure: str | None) -> dict[str, Any]:
    """Return the median, the extremes and all values of each quantity of one side, or why there are none."""
    if failure is not None:
        return {"failed": failure}
    if not runs:
        return {"failed": "it was not run"}
    if "cannot" in runs[-1]:
        return {"cannot": runs[-1]["cannot"], "versions": runs[-1]["versions"]}
    facts = [run["facts"] for run in runs]
    numbers = {key for fact in facts for key, value in fact.items() if isinstance(value, int | float)}
    return {
        "versions": runs[-1]["versions"],
        **{quantity: spread([run[quantity] for run in runs]) for quantity in QUANTITIES},
        "facts": {
            key: spread([fact[key] for fact in facts if key in fact]) if key in numbers else value
            for key, value in facts[-1].items()
        },
    }


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Return the median, the extremes, and the values.

    >>> spread([3, 1, 2])
    {'median': 2, 'min': 1, 'max': 3, 'values': [3, 1, 2]}
    """
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "values": list(values)}


def outcome(target: Target, sides: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a target asks for, what was measured, and whether it is met; None where a side is missing."""
    medians = [median(sides.get(name, {}), target.quantity) for name in (target.over, target.under) if name]
    value = None
    if all(medians):
        over, *under = (median for median in medians if median is not None)
        value = over / under[0] if under else over
    met = value is not None and (target.at_least or value) <= value <= (target.at_most or value)
    return {**asdict(target), "value": value, "met": None if value is None else met}


def median(side: Mapping[str, Any], quantity: str) -> float | None:
    """Return the median of a quantity or a fact of a side; None where it has none."""
    found = side.get(quantity, side.get("facts", {}).get(quantity))
    return found["median"] if isinstance(found, dict) and "median" in found else None

"""The plan of a ledger: which rows are compared, from the rows that a pair and its controls have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from corecbench.report.comparison import why_not
from corecbench.report.ledger_rungs import (
    BAG_OF_WORDS,
    CONTRASTS,
    FROZEN_BAG_OF_WORDS,
    HYBRID,
    NO_TURN,
    NONE_SHARED,
    PAIR,
    STEPS,
    WHOLE,
    contrast_of,
    rung_of,
)
from corecbench.report.table import why_untested

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from corecbench.report.stored_rows import StoredRow
    from corecbench.results.rows import RowKey

Kind = Literal["whole", "step", "contrast"]


@dataclass(frozen=True)
class Planned:
    """One row minus another one."""

    kind: Kind
    tells: str
    """What the difference is due to, in a few words."""
    upper: RowKey
    lower: RowKey
    merged: tuple[str, ...] = ()
    """The rungs between the two that have no row."""


@dataclass(frozen=True)
class Plan:
    """The comparisons of a ledger."""

    planned: tuple[Planned, ...]
    """The whole gain, the steps from the bottom, then the single contrasts."""
    unit: RowKey
    """The row whose mean all changes are relative to."""
    no_alone: str | None
    """Why the model alone is no part of the ledger; None if it is."""
    lacking: Mapping[str, tuple[str, ...]]
    """A reason, such as "not run" -> the known controls that lack for it."""


def pairs_with_controls(
    rows: Mapping[RowKey, StoredRow], tested: str, unshared: Collection[str] = ()
) -> list[RowKey]:
    """Return the joint rows that have a ledger, in order.

    A variant of a sharing module without a control of its own has none where another pair of the same models has
    one: it is no pair that something is claimed of.
    """
    present = [key for key, row in rows.items() if row.has(tested) and key.sharing and key.side != "ensemble"]
    pairs = [key for key in present if not key.is_control(unshared)]
    controlled = {replace(key, control=None) for key in present if key.control}
    claimed = {replace(pair, sharing=None) for pair in pairs if pair in controlled}
    sharing_nothing = {replace(key, sharing=None) for key in present if key.sharing in unshared and not key.control}
    return [
        pair for pair in pairs if pair in controlled or replace(pair, sharing=None) in sharing_nothing - claimed
    ]


def plan(
    pair: RowKey, rows: Mapping[RowKey, StoredRow], tested: str, unshared: Collection[str] = ()
) -> Plan | None:
    """Return the comparisons of the ledger of a pair; None if no row can be compared with the pair."""
    controls = _controls(pair, rows, unshared)
    unasked = {HYBRID} - set(controls)
    no_alone = why_untested(rows[pair], rows.get(pair.solo), tested)
    reasons: dict[str, str] = {}
    kept = [] if no_alone else [pair.solo]
    steps: list[Planned] = []
    merged: list[tuple[str, str]] = []  # rungs without a row since the last one that has one
    ladder = STEPS["llm" if pair.side == "llm" else "domain"]
    for rung, tells in ladder.items():
        if rung in unasked:
            continue
        key = pair if rung == PAIR else controls.get(rung)
        if reason := _why_missing(key, pair, kept[-1:], rows, tested):
            reasons[rung] = reason
            merged.append((rung, tells))
        elif key is not None:
            if kept:
                told = " + ".join([*(skipped for _, skipped in merged), tells])
                steps.append(Planned("step", told, key, kept[-1], tuple(skipped for skipped, _ in merged)))
            kept.append(key)
            merged = []
    planned = [] if no_alone else [Planned("whole", WHOLE, pair, pair.solo)]
    planned += steps if len(steps) > 1 or no_alone else []
    no_contrast = unasked | {NONE_SHARED, "no-mutual"} | (NO_TURN if pair.side == "llm" else set())
    for control in dict.fromkeys([*CONTRASTS, *controls]):
        key = controls.get(control)
        stands_in = key is not None and rung_of(key) != control
        if stands_in or control in no_contrast:
            continue
        if reason := _why_missing(key, pair, [], rows, tested):
            reasons[control] = reason
        elif key is not None:
            planned.append(Planned("contrast", contrast_of(control), pair, key))
    if not planned:
        return None
    lacking = {
        reason: tuple(control for control, own in reasons.items() if own == reason)
        for reason in dict.fromkeys(reasons.values())
    }
    return Plan(tuple(planned), kept[0] if len(kept) > 1 else planned[0].lower, no_alone, lacking)


def _controls(pair: RowKey, rows: Mapping[RowKey, StoredRow], unshared: Collection[str]) -> dict[str, RowKey]:
    """Return the rows that a pair is judged by, by the names of controls."""
    found: dict[str, RowKey] = {}
    for key in rows:
        if key.control and replace(key, control=None) == pair:
            found[rung_of(key)] = key
        elif key.sharing in unshared and not key.control and replace(key, sharing=pair.sharing) == pair:
            found.setdefault(rung_of(key), key)
    if (words := found.get(BAG_OF_WORDS)) and rows[words].precedes_the_other_side():
        found.setdefault(FROZEN_BAG_OF_WORDS, words)
    return found


def _why_missing(
    key: RowKey | None, pair: RowKey, below: list[RowKey], rows: Mapping[RowKey, StoredRow], tested: str
) -> str | None:
    """Return why a row is no part of a ledger; None if it can be compared with the pair and the row below it."""
    if key is None:
        return "not run"
    if not rows[key].values:
        return "failed"
    others = [*below, *([pair] if key != pair else [])]
    if any(why_not(rows[key], rows[other], tested, "") for other in others):
        return "no seed in common" if rows[key].has(tested) else f"without {tested}"
    return None

"""The plan of a ledger: which rows are compared, from the rows that a pair and its controls have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from corecbench.report.evidence.contrasts import why_not, why_untested

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from corecbench.report.evidence.known_controls import KnownControl, KnownControls
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey

Kind = Literal["whole", "step", "contrast"]
ALONE, PAIR = "alone", "pair"
WHOLE = "the whole gain"


@dataclass(frozen=True)
class Planned:
    """One row minus another one."""

    kind: Kind
    tells: str
    """What the difference is due to, in a few words."""
    upper: RowKey
    lower: RowKey
    control: KnownControl | None = None
    """What the lower row is, unless that is the model alone."""
    merged: tuple[str, ...] = ()
    """The steps between the two that have no row."""


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


def pairs_with_controls(rows: Mapping[RowKey, Row], tested: str, unshared: Collection[str] = ()) -> list[RowKey]:
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


def plan(pair: RowKey, rows: Mapping[RowKey, Row], tested: str, controls: KnownControls) -> Plan | None:
    """Return the comparisons of the ledger of a pair; None if no row can be compared with the pair."""
    found = _found(pair, rows, controls)
    known = _known(pair, found, controls)
    ladder = sorted((each for each in known if each.entry.step is not None), key=lambda each: each.entry.step or 0)
    no_alone = why_untested(rows[pair], rows.get(pair.solo), tested)
    reasons: dict[str, str] = {}
    kept = [] if no_alone else [pair.solo]
    steps: list[Planned] = []
    merged: list[tuple[str, str]] = []  # steps without a row since the last one that has one
    top = ladder[-1].entry.takes_away if ladder else WHOLE
    for name, adds in [*((each.name, _adds(each, pair)) for each in ladder), (PAIR, top)]:
        key = pair if name == PAIR else found.get(name)
        if reason := _why_missing(key, pair, kept[-1:], rows, tested):
            reasons[name] = reason
            merged.append((name, adds))
        elif key is not None:
            if kept:
                tells = " + ".join([*(skipped for _, skipped in merged), adds])
                lower = None if kept[-1].is_solo else controls.of(kept[-1])
                steps.append(Planned("step", tells, key, kept[-1], lower, tuple(skipped for skipped, _ in merged)))
            kept.append(key)
            merged = []
    planned = [] if no_alone else [Planned("whole", WHOLE, pair, pair.solo)]
    planned += steps if len(steps) > 1 or no_alone else []
    for each in (each for each in known if each.entry.is_contrast):
        key = found.get(each.name)
        if key is not None and controls.of(key) != each:  # which stands for it, and is told of under its own name
            continue
        if reason := _why_missing(key, pair, [], rows, tested):
            reasons[each.name] = reason
        elif key is not None:
            planned.append(Planned("contrast", each.entry.takes_away, pair, key, each))
    if not planned:
        return None
    lacking = {
        reason: tuple(control for control, own in reasons.items() if own == reason)
        for reason in dict.fromkeys(reasons.values())
    }
    return Plan(tuple(planned), kept[0] if len(kept) > 1 else planned[0].lower, no_alone, lacking)


def _found(pair: RowKey, rows: Mapping[RowKey, Row], controls: KnownControls) -> dict[str, RowKey]:
    """Return the rows that a pair is judged by, by the names of controls."""
    found: dict[str, RowKey] = {}
    for key in rows:
        if key.control and replace(key, control=None) == pair:
            found[controls.of(key).name] = key
        elif key.sharing in controls.unshared and not key.control and replace(key, sharing=pair.sharing) == pair:
            found.setdefault(controls.of(key).name, key)
    for each in controls.by_label.values():
        other = found.get(each.begins_as)
        if other is not None and each.entry.in_ledger and rows[other].precedes_the_other_side():
            found.setdefault(each.name, other)
    return found


def _known(pair: RowKey, found: Mapping[str, RowKey], controls: KnownControls) -> list[KnownControl]:
    """Return the controls that one side of a pair has, or that a ledger asks for, in order."""
    asked = {each.name: each for each in controls.by_label.values() if each.entry.in_ledger or each.name in found}
    asked |= {each.name: each for each in map(controls.of, found.values())}
    mine = [each for each in asked.values() if pair.side in each.entry.sides]
    return sorted(mine, key=lambda each: each.entry.order)


def _adds(control: KnownControl, pair: RowKey) -> str:
    """Return what the step up to a control adds to the one below."""
    entry = control.entry
    return (pair.side == "llm" and entry.adds_to_llm) or entry.adds or f"what {control.name} has"


def _why_missing(
    key: RowKey | None, pair: RowKey, below: list[RowKey], rows: Mapping[RowKey, Row], tested: str
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

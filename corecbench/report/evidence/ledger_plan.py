"""What is known of controls, and the plan of a ledger: which rows are compared, and over which seeds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from corecbench.api import SIDES, ControlComponent, LedgerEntry, SharingComponent
from corecbench.plugin.host import split
from corecbench.report.evidence.contrasts import FEWEST_SEEDS, common_seeds, why_not, why_untested
from corecbench.report.wording import seed_list
from corecbench.results.record import variant_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from corecbench.plugin.host import Host
    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey
    from corecbench.results.store import Entry

Kind = Literal["whole", "step", "contrast"]
ALONE, PAIR = "alone", "pair"
WHOLE = "the whole gain"
NO_EFFECT = "had no effect on this model"


@dataclass(frozen=True)
class KnownControl:
    """A control, or a sharing module that shares nothing."""

    name: str
    entry: LedgerEntry
    summary: str = ""
    """How it differs from its pair; "" where its plugin is not here."""
    begins_as: str = ""
    """As `ControlComponent.begins_as`: another control that stands for it where no turn follows one of the LLM."""


@dataclass(frozen=True)
class KnownControls:
    """The controls that rows are judged by."""

    unshared: frozenset[str] = frozenset()
    """The sharing modules of the results that share nothing, by the names that the results know them by."""
    by_label: Mapping[str, KnownControl] = field(default_factory=dict)
    """Control, or sharing module that shares nothing -> what is known of it; several labels may mean one."""

    def of(self, key: RowKey) -> KnownControl:
        """Return what is known of the control that a row is; its name, if its plugin is not here."""
        label = key.control or key.sharing or ""
        return self.by_label.get(label) or plainly(label)


NO_CONTROLS = KnownControls()
"""Nothing is known of any control but its name."""


def plainly(name: str) -> KnownControl:
    """Return a control of which nothing but the name is known.

    >>> plainly("of-a-plugin").entry.takes_away
    'what of-a-plugin leaves out'
    """
    return KnownControl(name, LedgerEntry(f"what {name} leaves out", f"under the control {name}"))


def known_controls(host: Host, entries: Iterable[Entry] = ()) -> KnownControls:
    """Return the controls that plugins offer, and those sharing modules of some results that share nothing."""
    controls = [each for each, _ in host.list("controls") if isinstance(each, ControlComponent)]
    modules = [each for each, _ in host.list("sharing") if isinstance(each, SharingComponent) and not each.shares]
    offered: list[SharingComponent | ControlComponent] = [*modules, *controls]
    by_label = {each.name: _known_control(each) for each in offered}
    of_controls, of_modules = ({each.name for each in components} for components in (controls, modules))
    unshared = set()
    for _, record in entries:
        cell = record["cell"]
        if control := cell.get("control"):
            known = by_label.get(split("controls", control, of_controls)[0], plainly(control))
            by_label.setdefault(control, replace(known, name=control))
        label = cell["sharing"]
        if label is not None:
            name = split("sharing", variant_of(record, label) or label, of_modules)[0]
            if name in of_modules:
                unshared.add(label)
                by_label.setdefault(label, by_label[name])
    return KnownControls(frozenset(unshared), by_label)


def _known_control(component: ControlComponent | SharingComponent) -> KnownControl:
    begins_as = component.begins_as if isinstance(component, ControlComponent) else ""
    entry = component.ledger or plainly(component.name).entry
    return KnownControl(component.name, entry, component.summary, begins_as)


# --- the plan -----------------------------------------------------------------------------------------------------


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
    seeds: tuple[int, ...]
    """The seeds that all its rows have."""
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


def controls_of(pair: RowKey, rows: Iterable[RowKey], unshared: Collection[str] = ()) -> list[RowKey]:
    """Return the controls of a pair among rows, and the pairs of its models whose module shares nothing."""
    return [
        key
        for key in rows
        if (key.control and replace(key, control=None) == pair)
        or (not key.control and key.sharing in unshared and replace(key, sharing=pair.sharing) == pair)
    ]


def plan(pair: RowKey, rows: Mapping[RowKey, Row], tested: str, controls: KnownControls) -> Plan | None:
    """Return the comparisons of the ledger of a pair; None if no row can be compared with the pair.

    All are over the same seeds. A control without one of them takes it from the whole ledger. One that would leave
    fewer than FEWEST_SEEDS is left out.
    """
    found = _found(pair, rows, controls)
    known = _known(pair, found, controls)
    ladder = sorted((each for each in known if each.entry.step is not None), key=lambda each: each.entry.step or 0)
    contrasts = [each for each in known if each.entry.is_contrast]
    no_alone = why_untested(rows[pair], rows.get(pair.solo), tested)
    reasons: dict[str, str] = {}
    seeds = common_seeds(rows[pair], rows[pair] if no_alone else rows[pair.solo])
    taken: dict[str, RowKey] = {}
    for each in dict.fromkeys([*ladder, *contrasts]):
        key = found.get(each.name)
        if key is None:
            reasons[each.name] = "not run"
        elif has_no_effect(key, pair, rows, controls):
            reasons[each.name] = NO_EFFECT
        elif reason := _why_missing(rows[key], rows[pair], seeds, tested):
            reasons[each.name] = reason
        else:
            taken[each.name] = key
            seeds = _within(seeds, rows[key])
    lowest = pair if no_alone else pair.solo
    steps = list(_steps(pair, lowest, ladder, taken, controls))
    planned = [] if no_alone else [Planned("whole", WHOLE, pair, pair.solo)]
    planned += steps if len(steps) > 1 or no_alone else []
    for each in contrasts:
        key = taken.get(each.name)
        # a row that stands for another control, too, is told of under its own name
        if key is not None and controls.of(key) == each:
            planned.append(Planned("contrast", each.entry.takes_away, pair, key, each))
    if not planned:
        return None
    lacking = {
        reason: tuple(control for control, own in reasons.items() if own == reason)
        for reason in dict.fromkeys(reasons.values())
    }
    unit = pair.solo if not no_alone else steps[0].lower if steps else planned[0].lower
    return Plan(tuple(planned), seeds, unit, no_alone, lacking)


def _steps(
    pair: RowKey,
    lowest: RowKey,
    ladder: Sequence[KnownControl],
    taken: Mapping[str, RowKey],
    controls: KnownControls,
) -> Iterator[Planned]:
    """Yield the steps from the lowest row to the pair, each merged with those below it that have no row.

    Where the model alone is missing, the lowest row is that of the first step.
    """
    top = ladder[-1].entry.takes_away if ladder else WHOLE
    below = None if lowest == pair else lowest
    merged: list[tuple[str, str]] = []
    for name, adds in [*((each.name, _adds(each, pair)) for each in ladder), (PAIR, top)]:
        key = pair if name == PAIR else taken.get(name)
        if key is None:
            merged.append((name, adds))
            continue
        if below is not None:
            tells = " + ".join([*(skipped for _, skipped in merged), adds])
            control = None if below.is_solo else controls.of(below)
            yield Planned("step", tells, key, below, control, tuple(skipped for skipped, _ in merged))
        below, merged = key, []


def _within(seeds: tuple[int, ...], row: Row) -> tuple[int, ...]:
    """Return those of the seeds that a row has; all, where no seed can change it."""
    return seeds if row.is_deterministic else tuple(seed for seed in seeds if seed in row.values)


def _found(pair: RowKey, rows: Mapping[RowKey, Row], controls: KnownControls) -> dict[str, RowKey]:
    """Return the rows that a pair is judged by, by the names of controls."""
    found: dict[str, RowKey] = {}
    for key in controls_of(pair, rows, controls.unshared):
        name = controls.of(key).name
        found[name] = key if key.control else found.get(name, key)
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


def has_no_effect(key: RowKey, pair: RowKey, rows: Mapping[RowKey, Row], controls: KnownControls) -> bool:
    """Return whether a control changes no user's rank on either side of its pair, which is a fault.

    It is none where the pair stayed the model alone, or where what is left out would come by turns of the domain
    model after those of the LLM.
    """
    if controls.of(key).entry.needs_llm_turn:
        return False
    same: list[bool] = []
    for side in SIDES:
        row, base = (rows.get(replace(each, side=side)) for each in (key, pair))
        if row is not None and base is not None:
            alone = set(row.kept_alone()) & set(base.kept_alone())
            seeds = (row.users.keys() & base.users.keys()) - alone
            same += [np.array_equal(row.users[seed].rank, base.users[seed].rank) for seed in seeds]
    return bool(same) and all(same)


def _adds(control: KnownControl, pair: RowKey) -> str:
    """Return what the step up to a control adds to the one below."""
    entry = control.entry
    return (pair.side == "llm" and entry.adds_to_llm) or entry.adds or f"what {control.name} has"


def _why_missing(row: Row, pair: Row, seeds: tuple[int, ...], tested: str) -> str | None:
    """Return why a row is no part of a ledger over some seeds; None if it is."""
    if not row.values:
        return "failed"
    if not row.has(tested):
        return f"without {tested}"
    left = _within(seeds, row)
    if why_not(row, pair, tested, ""):
        return "no seed in common"
    if len(left) < min(FEWEST_SEEDS, len(seeds)):
        return f"left out, as it has {seed_list(left) or 'none'} of {seed_list(seeds, 'seed')}"
    return None

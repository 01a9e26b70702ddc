"""What is known of controls, and which rows are controls of a pair."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from corecbench.api import SIDES, ControlComponent, LedgerEntry, SharingComponent
from corecbench.plugin.host import Host, split
from corecbench.results.record import variant_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from corecbench.report.evidence.rows import Row
    from corecbench.results.rows import RowKey
    from corecbench.results.store import Entry

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
    of_modules = {each.name for each in modules}
    unshared = set()
    for _, record in entries:
        cell = record["cell"]
        if control := cell.get("control"):
            known = by_label.get(split("controls", control, ())[0], plainly(control))
            by_label.setdefault(control, replace(known, name=control))
        label = cell["sharing"]
        if label is not None:
            name = split("sharing", variant_of(record, label) or label, ())[0]
            if name in of_modules:
                unshared.add(label)
                by_label.setdefault(label, by_label[name])
    return KnownControls(frozenset(unshared), by_label)


def _known_control(component: ControlComponent | SharingComponent) -> KnownControl:
    begins_as = component.begins_as if isinstance(component, ControlComponent) else ""
    entry = component.ledger or plainly(component.name).entry
    return KnownControl(component.name, entry, component.summary, begins_as)


# --- pairs and their controls -------------------------------------------------------------------------------------


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
    return [
        key
        for key in rows
        if (key.control and replace(key, control=None) == pair)
        or (not key.control and key.sharing in unshared and replace(key, sharing=pair.sharing) == pair)
    ]


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


def found_controls(pair: RowKey, rows: Mapping[RowKey, Row], controls: KnownControls) -> dict[str, RowKey]:
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


def asked_controls(pair: RowKey, found: Mapping[str, RowKey], controls: KnownControls) -> list[KnownControl]:
    asked = {each.name: each for each in controls.by_label.values() if each.entry.in_ledger or each.name in found}
    asked |= {each.name: each for each in map(controls.of, found.values())}
    mine = [each for each in asked.values() if pair.side in each.entry.sides]
    return sorted(mine, key=lambda each: each.entry.order)

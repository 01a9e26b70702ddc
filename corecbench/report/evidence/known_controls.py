"""What the controls among stored results take away, as their components say it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from corecbench.api import ControlComponent, LedgerEntry, SharingComponent
from corecbench.plugin.host import split
from corecbench.results.record import variant_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from corecbench.plugin.host import Host
    from corecbench.results.rows import RowKey
    from corecbench.results.store import Entry


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
    by_label = {each.name: _known(each) for each in offered}
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


def _known(component: ControlComponent | SharingComponent) -> KnownControl:
    begins_as = component.begins_as if isinstance(component, ControlComponent) else ""
    entry = component.ledger or plainly(component.name).entry
    return KnownControl(component.name, entry, component.summary, begins_as)

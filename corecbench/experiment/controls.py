"""Which controls a pair has, and why it lacks others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from corecbench.api import ControlComponent, SharingComponent, Turn
from corecbench.experiment.cells import is_only_read
from corecbench.plugin.abilities import control_abilities
from corecbench.plugin.guard import guard

if TYPE_CHECKING:
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected
    from corecbench.settings.config import RunConfig, Settings
    from corecbench.training.controls import AppliedControl

DOMAIN_TURNS = [Turn("domain", 2), Turn("domain", 1)]
"""Such as a module plans where the LLM has no turn."""


def choose_control(host: Host, label: str, settings: Settings) -> AppliedControl:
    """Select a control, and ask it what it changes.

    Raises:
        UsageError: there is none of this name, or a setting that it does not have.
        PluginError: it is faulty.
    """
    return applied(host.select("controls", label, settings), host)


def with_ledger(config: RunConfig, host: Host) -> RunConfig:
    """Return the settings of a run with all that a ledger is made of, if it asks for that.

    These are the controls, and the sharing modules that share nothing, whose plugins say so. The control that tells
    most about the LLM comes first.
    """
    if not config.ledger:
        return config
    asked = {}
    for kind in ("controls", "sharing"):
        offered = [each for each, _ in host.list(kind) if isinstance(each, ControlComponent | SharingComponent)]
        of_ledger = [(each.ledger.order, each.name) for each in offered if each.ledger and each.ledger.in_ledger]
        asked[kind] = tuple(dict.fromkeys([*getattr(config, kind), *(name for _, name in sorted(of_ledger))]))
    return replace(config, controls=asked["controls"], sharing=asked["sharing"])


def applied(selected: Selected, host: Host) -> AppliedControl:
    """Build a control, and ask it what it changes.

    Raises:
        PluginError: it is faulty.
    """
    from corecbench.training.controls import AppliedControl

    built = host.build(selected)
    with guard(str(selected), "build"):
        return AppliedControl(selected, control_abilities(built))


def why_not(control: AppliedControl, llm: Selected, module: Selected) -> str | None:
    """Return why a pair lacks a control, as a note of the plan; None if it has it.

    It lacks a control that cannot be, and one that would be the pair itself.
    """
    name = control.selected.label
    if not module.shares:
        return f"{module.label} shares nothing, so it is a control itself and has no further ones"
    if control.selected.untrained_llm and not llm.can_be_untrained:
        return f"{llm.label} cannot be built with random weights, so it has no control {name}"
    if control.abilities.item_texts is not None and not llm.reads_texts:
        return f"{llm.label} does not read item texts, so it has no control {name}"
    if control.selected.of_module_texts and not module.reads_texts:
        return f"{module.label} reads no texts of the LLM, so it has no control {name}"
    if control.abilities.teacher == "self" and not module.couples:
        return f"{module.label} has no coupling losses, so it has no control {name}"
    if control.abilities.teacher == "self" and not module.reads_other:
        return f"{module.label} has losses without a teacher, so it has no control {name}"
    if control.abilities.turns is not None and not module.trains:
        return f"{module.label} has no training phases, so it has no control {name}"
    settings = control.abilities.sharing_settings
    if lacking := [key for key in settings if not hasattr(module.config, key)]:
        return f"{module.label} has no setting {', '.join(lacking)}, so it has no control {name}"
    if changes_nothing(control, llm, module):
        return f"{module.label} is the same under the control {name}, so it has none"
    return None


def changes_nothing(control: AppliedControl, llm: Selected, module: Selected) -> bool:
    """Return whether a pair under a control would be trained exactly as it is without."""
    abilities = control.abilities
    only_read = is_only_read(llm, module)
    couples = module.couples and (not only_read or module.couples_with_untrained or abilities.teacher == "self")
    return (
        not (control.selected.untrained_llm and (module.trains or module.reads_texts))
        and all(each is None for each in (abilities.item_texts, abilities.text))
        and (abilities.turns is None or (only_read and control.turns(DOMAIN_TURNS) == DOMAIN_TURNS))
        and (abilities.teacher == "other" or not couples)
        and all(getattr(module.config, key) == value for key, value in abilities.sharing_settings.items())
    )

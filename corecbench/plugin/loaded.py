"""One plugin: it is registered, asked for components, and its faults are remembered."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass

import pluggy

from corecbench.api import PROJECT, Component, DatasetComponent, Download, PluginError
from corecbench.plugin import spec as hookspecs
from corecbench.plugin.discovery import Origin, reason, staying
from corecbench.plugin.kinds import KINDS
from corecbench.settings.configure import unknown

TRAINED = ("models", "llms", "sharing", "controls")
"""Kinds of the components of a cell."""


@dataclass(frozen=True)
class PluginInfo:
    """A plugin as it is listed."""

    name: str
    distribution: str
    """The installed distribution, or the path of a loose file; "" for a listener of this process."""
    version: str
    error: str | None = None
    """Why the plugin, or one of its answers, cannot be used."""

    def __str__(self) -> str:
        origin = f"{self.distribution} {self.version}".strip()
        return f"{self.name} ({origin})" if origin else self.name


class Plugin:
    """A plugin and its faults. It has a plugin manager of its own, so that no other plugin shares its faults."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.faults: list[str] = []
        self.cause: BaseException | None = None
        self.offers: dict[str, list[Component]] = {}

    @property
    def info(self) -> PluginInfo:
        origin = self.origin
        return PluginInfo(origin.name, origin.distribution, origin.version, "; ".join(self.faults) or None)

    def register(self, implementation: object) -> None:
        """Register the object that implements the hooks, or nothing of it at all."""
        name = self.origin.name
        try:
            self.manager.register(implementation, name)
            self.check_hooks()
            if not self.manager.get_hookcallers(implementation):
                raise PluginError("it implements no hook; is @hookimpl missing?")
        except Exception:
            if self.manager.has_plugin(name):  # pluggy can leave a plugin half registered
                self.manager.unregister(name=name)
            raise

    def check_hooks(self) -> None:
        hooks = {
            name: hook for name, hook in vars(self.manager.hook).items() if isinstance(hook, pluggy.HookCaller)
        }
        for name in [name for name, hook in hooks.items() if not hook.has_spec()]:
            raise unknown("hook", name, (known for known, hook in hooks.items() if hook.has_spec()))

    def offered(self, kind: str) -> list[Component]:
        """Return the plugin's components of one kind; none if its answer is faulty, which is remembered."""
        if kind not in self.offers:
            hook_name = KINDS[kind].hook
            try:
                with staying():
                    self.offers[kind] = self.ask(hook_name, KINDS[kind].component)
                self.check_names(kind)
            except (Exception, SystemExit) as error:
                self.offers[kind] = []
                self.blame(f"{hook_name}: {reason(error)}", error)
        return self.offers[kind]

    def check_names(self, kind: str) -> None:
        for other in TRAINED if kind in TRAINED else ():
            names = {component.name for component in self.offers.get(other, ()) if other != kind}
            if twice := next((each.name for each in self.offers[kind] if each.name in names), None):
                both = f"{KINDS[other].label} and {KINDS[kind].label}"
                raise PluginError(f"{twice!r} is the name of a {both}; settings are found by names, so rename one")

    def blame(self, fault: str, cause: BaseException) -> None:
        self.faults.append(fault)
        self.cause = self.cause or cause

    def ask(self, hook_name: str, component_class: type[Component]) -> list[Component]:
        """Return the plugin's answer to a registration hook, components of the class that the hook is for.

        Raises:
            Exception: the plugin's own exception, or a PluginError about its answer.
        """
        hook = getattr(self.manager.hook, hook_name)
        answers = hook()
        if len(answers) < len([i for i in hook.get_hookimpls() if not (i.hookwrapper or i.wrapper)]):
            raise PluginError("it returned None instead of a list")  # pluggy leaves None out
        found: list[Component] = []
        for answer in answers:
            offered = answer if isinstance(answer, list) else [answer]
            if not isinstance(answer, list) or not all(isinstance(each, component_class) for each in offered):
                needed = f"a list of {component_class.__name__}"
                raise PluginError(f"it returned {answer!r:.80}; {needed} is needed")
            for component in offered:
                check_component(component)
            found += offered
        return found


def check_component(component: Component) -> None:
    """Raise PluginError for a component that could not be chosen or configured."""
    name, config = component.name, component.config
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise PluginError(f"component name {name!r} must be letters, digits, '.', '_' or '-'")
    if config is not None and not (isinstance(config, type) and is_dataclass(config)):
        raise PluginError(f"config of component {name!r} is {config!r}, must be a dataclass or None")
    if component.argument is not None and component.argument not in {f.name for f in fields(config or Component)}:
        raise PluginError(f"argument {component.argument!r} of component {name!r} is no field of its config")
    if component.label is not None and (component.argument is None or component.fingerprint is None):
        raise PluginError(f"component {name!r} has a label, so it needs an argument and a fingerprint")
    number = component.algorithm
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
        raise PluginError(
            f"algorithm of component {name!r} is {number!r}, must be a whole number from 1 on or None"
        )
    if isinstance(component, DatasetComponent) and not isinstance(component.download, Download | None):
        raise PluginError(f"download of component {name!r} is {component.download!r}, must be a Download or None")

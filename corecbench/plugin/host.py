"""Finds plugins, asks each for its components, builds those that were chosen, and names the one at fault."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.api import Component, CorecbenchWarning, DatasetComponent, PluginError, Setup, UsageError, resolve
from corecbench.plugin.discovery import Origin, installed, loose_file, reason, staying
from corecbench.plugin.guard import Guarded, guard
from corecbench.plugin.kinds import KINDS
from corecbench.plugin.loaded import Plugin, PluginInfo
from corecbench.plugin.metadata import large_defaults
from corecbench.plugin.selected import Selected
from corecbench.plugin.wrapped import base_of, digests, with_build
from corecbench.settings.configure import configure, unknown
from corecbench.toolkit.folders import dataset_places

if TYPE_CHECKING:
    from corecbench.settings.config import PerDataset, RunConfig, Variant

RECOMMENDERS = ("models", "llms")
"""Kinds whose components are modules in training; they are guarded where they are called."""


class Host:
    """Every plugin that was found, broken ones included."""

    def __init__(self, files: Sequence[Path] = (), blocked: Sequence[str] = ()) -> None:
        self.files, self.blocked = tuple(files), tuple(blocked)
        self._plugins: list[Plugin] = []

    @classmethod
    def discover(cls, files: Sequence[Path] = (), blocked: Sequence[str] = (), strict: bool = True) -> Host:
        """Load the installed plugins and those of loose files, each named like its file.

        Unless it is strict, a file that is broken is listed as broken, too.

        Raises:
            UsageError: a file cannot be read, or a name in `blocked` does not exist.
            PluginError: a file is broken.
        """
        paths = list(dict.fromkeys(Path(file).resolve() for file in files))
        host = cls(paths, blocked)
        found = [*installed(), *(loose_file(path) for path in paths)]
        for name in blocked:
            if name not in {origin.name for origin in found}:
                raise unknown("plugin", name, (origin.name for origin in found))
        for origin in found:
            if origin.name not in blocked:
                host._add(origin)
        if strict:
            host._check_files(paths)
        return host

    def _add(self, origin: Origin) -> None:
        plugin = Plugin(origin)
        self._plugins.append(plugin)
        try:
            with staying():
                plugin.register(origin.load())
        except (Exception, SystemExit) as error:
            plugin.blame(reason(error), error)

    def _check_files(self, paths: Sequence[Path]) -> None:
        self.plugins()  # asks each for all it offers
        for plugin in self._plugins:
            if plugin.faults and Path(plugin.origin.distribution) in paths:
                raise PluginError(f"plugin {plugin.info} is broken: {plugin.info.error}") from plugin.cause

    def register(self, implementation: object, name: str, distribution: str = "", version: str = "") -> None:
        """Add an object of this process that implements hooks, such as a progress display.

        Raises:
            PluginError: it implements none, or a hook that does not exist.
        """
        plugin = Plugin(Origin(name, distribution, version, lambda: implementation))
        try:
            plugin.register(implementation)
        except Exception as error:
            raise PluginError(f"plugin {plugin.info}: {reason(error)}") from error
        self._plugins.append(plugin)

    def track(self, selected: Selected) -> None:
        """Build a tracker and let it hear of what happens from now on.

        Raises:
            CorecbenchError: it cannot be built, such as for want of its package.
            PluginError: it implements no hook, or one that does not exist.
        """
        info = selected.plugin
        self.register(self.build(selected), f"{info.name}/{selected.label}", info.distribution, info.version)

    def plugins(self) -> Sequence[PluginInfo]:
        for kind in KINDS:
            self.list(kind)
        return [plugin.info for plugin in self._plugins]

    def list(self, kind: str) -> Sequence[tuple[Component, PluginInfo]]:
        asked = [(plugin, plugin.offered(kind)) for plugin in self._plugins]
        return [(component, plugin.info) for plugin, offered in asked for component in offered]

    def select(
        self,
        kind: str,
        text: str,
        settings: Mapping[str, Mapping[str, Any]],
        variants: Mapping[str, Variant] | None = None,
        n_items: int = 0,
    ) -> Selected:
        """Return the component that a text such as `NAME`, `NAME:ARGUMENT` or `NAME@ARGUMENT` chooses.

        Args:
            kind: one of `KINDS`.
            text: what the user wrote. For data sets also a folder, which chooses the component `folder`.
            settings: component or variant -> setting -> value, what differs from the defaults. A variant has the
                settings of its component, its own over them, and over these what stands under its name.
            variants: name -> variant, further names that `text` may be.
            n_items: of the data set, where it is known; a large one has defaults of its own.

        Raises:
            UsageError: an unknown name, an argument that the component does not take, or settings that do not fit.
            PluginError: two plugins offer the name, or the component's config class is faulty.
        """
        variants = variants or {}
        variant = variants.get(text)
        if variant is None:
            component, info, argument = self._find(kind, text, variants)
            owner, own = component.name, argument
        else:
            try:
                component, info, argument = self._find(kind, variant.of, {})
            except UsageError as error:
                raise UsageError(f"variant '{text}': {error}") from error
            owner, own = text, {**argument, **variant.settings, **settings.get(text, {})}
        given = settings.get(component.name, {})
        values = {**large_defaults(component.config, n_items), **given, **own}
        if component.config is None and values:
            raise UsageError(f"{KINDS[kind].label} '{owner}' has no settings, got {', '.join(values)}")
        selected = Selected(kind, text, component, None, info, is_variant=variant is not None)
        if component.config is None:
            return selected
        with guard(str(selected), "its config"):
            config: Any = configure(component.config, values, owner)
            if component.label is None or variant is not None:
                return replace(selected, config=config)
            name = resolve(component.label)
            if component.argument in given:  # results know it by its label, beside the settings that it stands for
                known: Any = configure(component.config, given, owner)
                config = known if name(known) == text else config
            return replace(selected, config=config, label=name(config))

    def _find(
        self, kind: str, text: str, variants: Mapping[str, Variant]
    ) -> tuple[Component, PluginInfo, dict[str, Any]]:
        """Return the component that a text names, its plugin, and the setting that the text's argument fills."""
        offered = self.list(kind)
        name, argument = split(kind, text, [component for component, _ in offered])
        matching = [(component, info) for component, info in offered if component.name == name]
        if not matching:
            raise self._unknown(kind, name, variants)
        if len(matching) > 1:
            both = " and ".join(str(info) for _, info in matching)
            raise PluginError(
                f"{KINDS[kind].label} '{name}' is offered by several plugins: {both}; leave one out by --no-plugin"
            )
        component, info = matching[0]
        if argument is None:
            return component, info, {}
        if component.argument is None or not argument:
            takes = f"takes {component.argument or 'nothing'} after ':' or '@'"
            raise UsageError(f"{KINDS[kind].label} '{name}' {takes}, got {text!r}")
        return component, info, {component.argument: argument}

    def _unknown(self, kind: str, name: str, variants: Mapping[str, Variant]) -> UsageError:
        offered = {component.name for component, _ in self.list(kind)}
        alike = {own for own, variant in variants.items() if base_of(variant.of) in offered}
        error = unknown(KINDS[kind].label, name, offered | alike)
        broken = [f"{info}: {info.error}" for info in self.plugins() if info.error]
        return UsageError(f"{error}; broken plugins: {', '.join(broken)}") if broken else error

    def check_settings(self, config: RunConfig) -> None:
        """Check every name in the settings of a run, also of components and data sets that it leaves out.

        Raises:
            UsageError: a component, control or setting that does not exist, or a variant that cannot be.
        """
        known: dict[str, set[str]] = {}  # component or variant -> its settings
        for component, _ in (offered for kind in KINDS for offered in self.list(kind)):
            config_fields = () if component.config is None else fields(component.config)
            known.setdefault(component.name, set()).update(field.name for field in config_fields)
        recommenders = {component.name for kind in RECOMMENDERS for component, _ in self.list(kind)}
        varied = recommenders | {component.name for component, _ in self.list("sharing")}
        for name, variant in config.variants.items():
            if name in known:
                raise UsageError(f"variant '{name}' has the name of a component; choose another one")
            if base_of(variant.of) not in varied:
                raise unknown(f"component of variant '{name}':", base_of(variant.of), varied)
        known |= {name: known[base_of(variant.of)] for name, variant in config.variants.items()}
        of_variants = {name: variant.settings for name, variant in config.variants.items()}
        everywhere: list[RunConfig | PerDataset] = [config, *config.per_dataset.values()]
        in_pairs = [own.in_pairs for own in everywhere]
        for name in dict.fromkeys(name for settings in in_pairs for name in settings):
            base = base_of(config.variants[name].of) if name in config.variants else name
            if base not in recommenders:
                raise unknown("model or LLM in the settings of pairs", name, recommenders | config.variants.keys())
        for settings in (of_variants, *(own.settings for own in everywhere), *in_pairs):
            for name, values in settings.items():
                if name not in known:
                    raise unknown("component in the settings", name, known)
                for key in values:
                    if key not in known[name]:
                        raise unknown(f"setting of {name}", key, known[name])
        for control in config.controls:
            self.select("controls", control, config.settings)

    def build(self, selected: Selected, *args: Any) -> Any:
        """Build a component from its config and what its kind is built from.

        Whatever the component raises then or, unless it is a recommender, later on names it.

        Raises:
            CorecbenchError: the component's own, as it is.
            PluginError: anything else that the component raised.
        """
        given = [with_build(self, selected, arg) if isinstance(arg, Setup) else arg for arg in args]
        with guard(str(selected), "build"):
            built = resolve(selected.component.build)(selected.config, *given)
        return built if selected.kind in (*RECOMMENDERS, "trackers") else Guarded(built, str(selected))

    def needs(self, selected: Selected, cache: Path) -> Sequence[str]:
        if selected.component.needs is None:
            return []
        with guard(str(selected), "needs"):
            return [str(line) for line in resolve(selected.component.needs)(selected.config, cache)]

    def with_fingerprint(self, selected: Selected, cache: Path) -> Selected:
        """Return the component with the checksums of what it reads beside its settings, and of what it builds."""
        built = digests(self, selected, cache)
        if selected.component.fingerprint is None:
            return replace(selected, fingerprint=built) if built else selected
        with guard(str(selected), "fingerprint"):
            found = resolve(selected.component.fingerprint)(selected.config, cache)
            if not isinstance(found, Mapping) or not all(
                isinstance(each, str) for item in found.items() for each in item
            ):
                raise PluginError(f"it gives {found!r:.80}; a mapping of names to texts is needed")
        return replace(selected, fingerprint={**found, **built})

    def notify(self, hook_name: str, **arguments: Any) -> None:
        """Call a lifecycle hook of each plugin that implements it, with a copy of the arguments.

        An exception becomes a warning and stops nothing.
        """
        for plugin in self._plugins:
            hook = getattr(plugin.manager.hook, hook_name)
            if not hook.get_hookimpls():
                continue
            try:
                hook(**copy.deepcopy(arguments))
            except (Exception, SystemExit) as error:
                warnings.warn(
                    f"plugin {plugin.info}: {hook_name}: {reason(error)}", CorecbenchWarning, stacklevel=2
                )


def split(kind: str, text: str, offered: Collection[Component]) -> tuple[str, str | None]:
    """Split what a user wrote into a component's name and its argument, None if there is none.

    What no data set is called may be a file with a suffix that a component is for, or a folder, here or where data
    sets are kept.
    """
    name = base_of(text)
    argument = text[len(name) + 1 :] if len(name) < len(text) else None
    if kind != "datasets" or name in {component.name for component in offered}:
        return name, argument
    suffix = "" if os.path.isdir(text) else os.path.splitext(text)[1].lower()
    for component in offered:
        if isinstance(component, DatasetComponent) and suffix in component.suffixes:
            return component.name, text
    if os.sep in text or "/" in text or os.path.isdir(text):
        return "folder", text
    kept = [] if argument else [str(place) for place in dataset_places(name) if place.is_dir()]
    return ("folder", kept[0]) if kept else (name, argument)

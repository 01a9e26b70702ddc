"""Components that other components build and wrap: only those that are named, and part of what decides ranks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Hashable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

from corecbench.api import PROJECT, PluginError, Setup
from corecbench.settings.configure import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from corecbench.api import Component
    from corecbench.plugin.loaded import PluginInfo
    from corecbench.plugin.selected import Selected

WRAPPED = {"model": "models", "llm": "llms", "sharing": "sharing"}
"""What another component may build, as it says the kind."""


class Made(NamedTuple):
    """What a model was built from."""

    name: str
    settings: Mapping[str, Any]


MADE: WeakKeyDictionary[Any, Made] = WeakKeyDictionary()
"""A model that another component built -> what it was built from."""


def made(model: object) -> Made | None:
    return MADE.get(model) if isinstance(model, Hashable) else None


class Components(Protocol):
    """What is asked of the host."""

    def list(self, kind: str) -> Sequence[tuple[Component, PluginInfo]]: ...

    def select(self, kind: str, text: str, settings: Mapping[str, Mapping[str, Any]]) -> Selected: ...

    def build(self, selected: Selected, *args: Any) -> Any: ...

    def with_fingerprint(self, selected: Selected, cache: Path) -> Selected: ...


def with_build(host: Components, selected: Selected, setup: Setup) -> Setup:
    """Return a setup by which a component can build those that it names in `builds`."""

    def build(kind: str, name: str, settings: Mapping[str, Any] | None = None, ids: Any = None) -> Any:
        if name not in selected.component.builds:
            raise PluginError(f"it builds {name!r}; its component needs builds=({name!r},)")
        if kind not in WRAPPED:
            raise unknown("kind to build", kind, WRAPPED)
        chosen = dict(settings or {})
        other = host.select(WRAPPED[kind], name, {base_of(name): chosen})
        built = host.build(other, setup, *([] if kind == "sharing" else [ids]))
        if kind == "model" and isinstance(built, Hashable):
            MADE[built] = Made(name, chosen)
        return built

    return replace(setup, build=build)


def digests(host: Components, selected: Selected, cache: Path) -> dict[str, str]:
    return {f"builds {name}": digest(host, name, cache) for name in selected.component.builds}


def digest(host: Components, name: str, cache: Path) -> str:
    """Return the sha256, in hex, of version, default settings and fingerprint of a component.

    Raises:
        UsageError: no model, LLM or sharing module has the name, or several have it.
    """
    offered = {kind: {component.name for component, _ in host.list(kind)} for kind in WRAPPED.values()}
    kinds = [kind for kind, names in offered.items() if base_of(name) in names]
    if len(kinds) != 1:
        raise unknown("component to build", name, set().union(*offered.values()))
    selected = host.with_fingerprint(host.select(kinds[0], name, {}), cache)
    ours, number = selected.plugin.distribution == PROJECT, selected.component.algorithm
    version = number or (1 if ours else selected.plugin.version)
    settings = {} if selected.config is None else asdict(selected.config)
    decisive = [kinds[0], name, version, settings, dict(selected.fingerprint)]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()


def base_of(name: str) -> str:
    """Return the name of a component without an argument.

    >>> base_of("recbole:BPR"), base_of("sasrec")
    ('recbole', 'sasrec')
    """
    return re.split("[:@]", name, maxsplit=1)[0]

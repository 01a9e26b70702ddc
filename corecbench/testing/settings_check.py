"""The check of a component's settings, the same for every kind."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

from corecbench.experiment.cells import settings_of
from corecbench.settings.configure import configure
from corecbench.testing.kit import NotApplicableError, require

if TYPE_CHECKING:
    from corecbench.plugin.selected import Selected


class HasSelected(Protocol):
    """The bench of any kind of component."""

    @property
    def selected(self) -> Selected:
        """The component and its settings."""
        ...


def settings_survive_json(bench: HasSelected) -> None:
    """A result stores the settings as JSON: what is read from there is what was written."""
    config = bench.selected.config
    if config is None:
        raise NotApplicableError("it has no settings")
    require(type(config).__dataclass_params__.frozen, f"{type(config).__name__} is not frozen")
    again = configure(type(config), settings_of(bench.selected), bench.selected.name)
    differing = [
        f"{field.name}: {getattr(config, field.name)!r} became {getattr(again, field.name)!r}"
        for field in dataclasses.fields(config)
        if getattr(config, field.name) != getattr(again, field.name)
    ]
    require(not differing, "; ".join(differing))

"""A component that was chosen for a run, with its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from corecbench.api import Component, ControlComponent, resolve
from corecbench.plugin.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.plugin.loaded import PluginInfo


@dataclass(frozen=True)
class Selected:
    """A component that was chosen, with its settings."""

    kind: str
    label: str
    """What the user wrote, such as "llama:PATH", or the name of a variant."""
    component: Component
    config: Any
    """An instance of the component's config class, or None."""
    plugin: PluginInfo
    is_variant: bool = False
    fingerprint: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Name -> checksum of what it reads beside its settings, such as weights; only a plan asks for it."""

    @property
    def name(self) -> str:
        return self.component.name

    @property
    def joint(self) -> bool:
        return self._says("joint", otherwise=True)

    @property
    def is_reference(self) -> bool:
        return self._says("reference")

    @property
    def can_be_untrained(self) -> bool:
        return self._says("untrained")

    @property
    def shares(self) -> bool:
        return self._says("shares")

    @property
    def reads_texts(self) -> bool:
        return self._says("reads_texts")

    @property
    def couples(self) -> bool:
        return self._says("trains") and self._says("couples")

    @property
    def couples_with_untrained(self) -> bool:
        return self.couples and self._says("couples_with_untrained")

    @property
    def reads_other(self) -> bool:
        return self.couples and self._says("reads_other")

    @property
    def trains(self) -> bool:
        return self._says("trains", otherwise=True)

    @property
    def llm_turns(self) -> bool:
        return self.trains and self._says("llm_turns", otherwise=True)

    @property
    def takes_scores(self) -> bool:
        return self._says("takes_scores")

    @property
    def content(self) -> bool:
        return self._says("content")

    @property
    def untrained_llm(self) -> bool:
        return self._says("untrained_llm")

    @property
    def of_module_texts(self) -> bool:
        return self._says("of_module_texts")

    @property
    def begins_as(self) -> str:
        return self.component.begins_as if isinstance(self.component, ControlComponent) else ""

    @property
    def combines(self) -> bool:
        return self._says("combines")

    def __str__(self) -> str:
        return f"{KINDS[self.kind].label} '{self.name}' of plugin {self.plugin}"

    def _says(self, field: str, otherwise: bool = False) -> bool:
        answer = getattr(self.component, field, otherwise)
        return answer if isinstance(answer, bool) else bool(resolve(answer)(self.config))

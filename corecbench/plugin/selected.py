"""A component that was chosen for a run, with its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from corecbench.api import (
    Component,
    ControlComponent,
    DomainModelComponent,
    LlmComponent,
    SharingComponent,
    resolve,
)
from corecbench.plugin.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        """The component's name."""
        return self.component.name

    @property
    def joint(self) -> bool:
        """Whether a model reads ids and can be trained in a pair, as every LLM can."""
        return self._holds(self.component.joint) if isinstance(self.component, DomainModelComponent) else True

    @property
    def is_reference(self) -> bool:
        """Whether every run trains a domain model, so that gains can be said over it."""
        return isinstance(self.component, DomainModelComponent) and self.component.reference

    @property
    def can_be_untrained(self) -> bool:
        """Whether an LLM can be built with random weights."""
        return isinstance(self.component, LlmComponent) and self.component.untrained

    @property
    def shares(self) -> bool:
        """Whether a sharing module shares anything; one that does not is a control."""
        return isinstance(self.component, SharingComponent) and self.component.shares

    @property
    def reads_texts(self) -> bool:
        """Whether an LLM reads item texts, or a sharing module what the LLM says of them."""
        component = self.component
        return isinstance(component, LlmComponent | SharingComponent) and self._holds(component.reads_texts)

    @property
    def couples(self) -> bool:
        """Whether a sharing module has coupling losses."""
        component = self.component
        return isinstance(component, SharingComponent) and component.trains and self._holds(component.couples)

    @property
    def trains(self) -> bool:
        """Whether the sides of a pair are trained under a sharing module; otherwise the LLM has no row."""
        return not isinstance(self.component, SharingComponent) or self.component.trains

    @property
    def content(self) -> bool:
        """Whether a domain model or a sharing module has something to say of texts in the scores of a side."""
        component = self.component
        return isinstance(component, DomainModelComponent | SharingComponent) and self._holds(component.content)

    @property
    def untrained_llm(self) -> bool:
        """Whether the LLM has random weights under a control."""
        return isinstance(self.component, ControlComponent) and self.component.untrained_llm

    @property
    def of_module_texts(self) -> bool:
        """Whether a control is about the texts that a sharing module reads."""
        return isinstance(self.component, ControlComponent) and self.component.of_module_texts

    @property
    def begins_as(self) -> str:
        """The row whose first turn of the domain model a control shares: "pair", a control, or "" for none."""
        return self.component.begins_as if isinstance(self.component, ControlComponent) else ""

    @property
    def combines(self) -> bool:
        """Whether a sharing module combines both sides' scores, which gives a third row."""
        return isinstance(self.component, SharingComponent) and self.component.combines

    def __str__(self) -> str:
        return f"{KINDS[self.kind].label} '{self.name}' of plugin {self.plugin}"

    def _holds(self, answer: bool | str | Callable[[Any], bool]) -> bool:
        """Return an answer that a component may leave to its settings."""
        return answer if isinstance(answer, bool) else bool(resolve(answer)(self.config))

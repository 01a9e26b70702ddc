"""A component that was chosen for a run, with its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corecbench.api import Component, DomainModelComponent, LlmComponent, SharingComponent, resolve
from corecbench.plugin.kinds import KINDS

if TYPE_CHECKING:
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

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.name

    @property
    def joint(self) -> bool:
        """Whether a model reads ids and can be trained in a pair, as every LLM can."""
        joint = self.component.joint if isinstance(self.component, DomainModelComponent) else True
        return joint if isinstance(joint, bool) else bool(resolve(joint)(self.config))

    @property
    def can_be_untrained(self) -> bool:
        """Whether an LLM can be built with random weights."""
        return isinstance(self.component, LlmComponent) and self.component.untrained

    @property
    def shares(self) -> bool:
        """Whether a sharing module shares anything; one that does not is a control."""
        return isinstance(self.component, SharingComponent) and self.component.shares

    @property
    def combines(self) -> bool:
        """Whether a sharing module combines both sides' scores, which gives a third row."""
        return isinstance(self.component, SharingComponent) and self.component.combines

    def __str__(self) -> str:
        return f"{KINDS[self.kind].label} '{self.name}' of plugin {self.plugin}"

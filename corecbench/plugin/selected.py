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
        """The component's name."""
        return self.component.name

    @property
    def joint(self) -> bool:
        """Whether a model reads ids and can be trained in a pair, as every LLM can."""
        return self._says("joint", otherwise=True)

    @property
    def is_reference(self) -> bool:
        """Whether every run trains a domain model, so that gains can be said over it."""
        return self._says("reference")

    @property
    def can_be_untrained(self) -> bool:
        """Whether an LLM can be built with random weights."""
        return self._says("untrained")

    @property
    def shares(self) -> bool:
        """Whether a sharing module shares anything; one that does not is a control."""
        return self._says("shares")

    @property
    def reads_texts(self) -> bool:
        """Whether a model or an LLM reads item texts, or a sharing module what the LLM says of them."""
        return self._says("reads_texts")

    @property
    def couples(self) -> bool:
        """Whether a sharing module has coupling losses."""
        return self._says("trains") and self._says("couples")

    @property
    def couples_with_untrained(self) -> bool:
        """Whether a sharing module has coupling losses that need no trained partner."""
        return self.couples and self._says("couples_with_untrained")

    @property
    def reads_other(self) -> bool:
        """Whether a sharing module has coupling losses that read the states of the other side."""
        return self.couples and self._says("reads_other")

    @property
    def trains(self) -> bool:
        """Whether the sides of a pair are trained under a sharing module; otherwise the LLM has no row."""
        return self._says("trains", otherwise=True)

    @property
    def llm_turns(self) -> bool:
        """Whether the LLM may have turns under a sharing module."""
        return self.trains and self._says("llm_turns", otherwise=True)

    @property
    def takes_scores(self) -> bool:
        """Whether a sharing module also takes a domain model that reads no ids, as it is alone."""
        return self._says("takes_scores")

    @property
    def content(self) -> bool:
        """Whether a domain model or a sharing module has something to say of texts in the scores of a side."""
        return self._says("content")

    @property
    def untrained_llm(self) -> bool:
        """Whether the LLM has random weights under a control."""
        return self._says("untrained_llm")

    @property
    def of_module_texts(self) -> bool:
        """Whether a control is about the texts that a sharing module reads."""
        return self._says("of_module_texts")

    @property
    def begins_as(self) -> str:
        """The row whose first turn of the domain model a control shares: "pair", a control, or "" for none."""
        return self.component.begins_as if isinstance(self.component, ControlComponent) else ""

    @property
    def combines(self) -> bool:
        """Whether a sharing module combines both sides' scores, which gives a third row."""
        return self._says("combines")

    def __str__(self) -> str:
        return f"{KINDS[self.kind].label} '{self.name}' of plugin {self.plugin}"

    def _says(self, field: str, otherwise: bool = False) -> bool:
        """Return the answer of a component, which may leave it to its settings; `otherwise` where none is asked."""
        answer = getattr(self.component, field, otherwise)
        return answer if isinstance(answer, bool) else bool(resolve(answer)(self.config))

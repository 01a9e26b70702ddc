"""The one place where the core asks what a built component has beside what it must have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from corecbench.api import PluginError, Teacher

if TYPE_CHECKING:
    import torch

    from corecbench.api import (
        Batch,
        Budget,
        Catalog,
        Control,
        Interactions,
        Pretrained,
        Recommender,
        SharingModule,
        Side,
        States,
        Turn,
    )
    from corecbench.api.optional import Content

Abilities = TypeVar("Abilities")


@dataclass(frozen=True)
class RecommenderAbilities:
    """The methods and attributes of a recommender, None for each that it lacks."""

    states: Callable[[Batch], States] | None
    last_states: Callable[[Batch], States] | None
    """Its own `last_states`, else its `states`."""
    scores: Callable[[Batch], torch.Tensor] | None
    fit: Callable[[Interactions], None] | None
    read_texts: Callable[[Pretrained], None] | None
    loss: Callable[[Batch, States | None], torch.Tensor] | None
    text: torch.Tensor | None
    text_states: torch.Tensor | None
    contents: Sequence[Content]

    @property
    def answer(self) -> Callable[[Batch], States | torch.Tensor]:
        """What the recommender ranks by: its scores if it has any, else its states after the last item.

        Raises:
            PluginError: it has neither.
        """
        answer = self.scores or self.last_states
        if answer is None:
            raise PluginError("it has neither a method `states` nor a method `scores`; one of them is needed")
        return answer


def recommender_abilities(model: Recommender) -> RecommenderAbilities:
    last_states = getattr(model, "last_states", getattr(model, "states", None))
    return had(RecommenderAbilities, model, last_states=last_states, contents=contents_of(model))


def had(abilities: type[Abilities], component: object, **known: Any) -> Abilities:
    others = [each.name for each in fields(abilities) if each.name not in known]  # type: ignore[arg-type]
    return abilities(**known, **{name: getattr(component, name, None) for name in others})


def contents_of(component: object) -> Sequence[Content]:
    content = getattr(component, "content", None)
    if content is None:
        return ()
    return tuple(content) if isinstance(content, Sequence) else (content,)


@dataclass(frozen=True)
class SharingAbilities:
    """The optional methods and attributes of a sharing module, None for each method that it lacks."""

    start_from: Literal["pretrained", "new"]
    cosine_temperature: float | None
    alone_unless_better: bool
    contents: Sequence[Content]
    fit: Callable[[Interactions], None] | None
    prepare: Callable[[Budget], Iterator[tuple[Side, float]]] | None
    trained_with: Callable[[Side], torch.nn.Module | None] | None
    renew: Callable[[torch.Tensor], None] | None
    combine: Callable[[torch.Tensor, torch.Tensor, Batch], torch.Tensor] | None
    settle: Callable[[Callable[[], float]], Mapping[str, float]] | None


def sharing_abilities(module: SharingModule) -> SharingAbilities:
    """Return what a built sharing module has.

    Raises:
        PluginError: `start_from` is neither "pretrained" nor "new", or `cosine_temperature` no positive number.
    """
    start_from: Any = getattr(module, "start_from", "pretrained")
    if start_from not in ("pretrained", "new"):
        raise PluginError(f"start_from is {start_from!r}, must be 'pretrained' or 'new'")
    temperature: Any = getattr(module, "cosine_temperature", None)
    if temperature is not None and not (isinstance(temperature, int | float) and 0 < temperature < math.inf):
        raise PluginError(f"cosine_temperature is {temperature!r:.80}, must be a positive number or None")
    unless_better = bool(getattr(module, "alone_unless_better", False))
    known = {"start_from": start_from, "alone_unless_better": unless_better, "contents": contents_of(module)}
    return had(SharingAbilities, module, **known)


def coupling_terms(module: SharingModule, *given: Any) -> Mapping[str, torch.Tensor]:
    terms: Any = module.losses(*given)
    if not isinstance(terms, Mapping):
        raise PluginError(f"its losses are a {type(terms).__name__}, must be a dict of names to scalar tensors")
    return terms


@dataclass(frozen=True)
class ControlAbilities:
    """The changes that a control makes, None or an empty value for each that it does not make."""

    item_texts: Callable[[Catalog, int], Sequence[str]] | None = None
    text: Callable[[Catalog, int, torch.Tensor], torch.Tensor] | None = None
    sharing_settings: Mapping[str, Any] = field(default_factory=dict)
    turns: Callable[[Sequence[Turn]], Sequence[Turn]] | None = None
    teacher: Teacher = "other"


def control_abilities(control: Control) -> ControlAbilities:
    """Return what a built control changes.

    Raises:
        PluginError: `teacher` is not one of `Teacher`, or `sharing_settings` is no mapping.
    """
    teacher: Any = getattr(control, "teacher", "other")
    if teacher not in get_args(Teacher):
        raise PluginError(f"teacher is {teacher!r:.80}, must be one of {', '.join(map(repr, get_args(Teacher)))}")
    settings = getattr(control, "sharing_settings", {})
    if not isinstance(settings, Mapping):
        raise PluginError(f"sharing_settings is {settings!r:.80}, must be a mapping of settings to values")
    return had(ControlAbilities, control, sharing_settings=dict(settings), teacher=teacher)

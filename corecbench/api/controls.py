"""What a control may change in a pair: one small protocol for each change. A control has one of them or several.

A plugin need not name these protocols; it is enough to have the method or attribute. corecbench looks once, after
the control is built. All that a control does not change is as in the pair, seeds included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from corecbench.api.data import Catalog
    from corecbench.api.sharing import Turn

Teacher = Literal["other", "self", "none"]
"""Whom a side of a pair learns from by the coupling losses: the other side, itself, or nobody."""


class Control(Protocol):
    """What the `build` of a control returns: an object with one or several of the members below.

    With `untrained_llm=True` in its component it needs none of them.
    """


class ReplacesItemTexts(Protocol):
    """A control under which the whole cell, the LLM included, reads other item texts."""

    def item_texts(self, catalog: Catalog, seed: int) -> Sequence[str]:
        """Return the texts that replace `catalog.item_texts`, N+1 of them, "" for padding.

        Args:
            catalog: that of the pair.
            seed: of the cell; draw random numbers by `generator(seed, catalog.name, "NAME")`.
        """
        ...


class ReplacesText(Protocol):
    """A control under which the sharing module is told something else of the item texts. The LLM itself is not."""

    def text(self, catalog: Catalog, seed: int, text: torch.Tensor) -> torch.Tensor:
        """Return [N+1, k], which `Pretrained.text` is then; asked once more for `text_states`, if there are any.

        Args:
            catalog: that of the pair, or with the `item_texts` of the control.
            seed: of the cell.
            text: [N+1, k'], the LLM's `text`, or its `text_states`.
        """
        ...


class ReplacesSettings(Protocol):
    """A control under which the sharing module has other settings. A module without them lacks the control."""

    sharing_settings: Mapping[str, Any]
    """Setting -> value."""


class LeavesOutTurns(Protocol):
    """A control under which some turns are not trained."""

    def turns(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        """Return the turns that are trained, no side longer than before.

        Args:
            turns: those of the sharing module.
        """
        ...


class ChoosesTeacher(Protocol):
    """A control under which a side does not learn from the ranking of the other side."""

    teacher: Teacher
    """"none": the coupling losses are left out. "self": a side learns from what it was itself before the turn.

    The first turn of a side has no teacher then. In later ones the sharing module's `losses` are given the side's
    own states of before the turn as `other` (Furlanello et al., Born-Again Neural Networks, 2018,
    arXiv 1805.04770).
    """

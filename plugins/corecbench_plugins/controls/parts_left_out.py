"""Controls that leave out a part of the method, and need nothing for it but to name the part."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import Turn


class UntrainedLlm:
    """The LLM has random weights, which its component says (`untrained_llm=True`); all else is as in the pair."""

    def __init__(self, config: None) -> None:
        pass


class FrozenTexts:
    """The domain model reads the texts as the LLM reads them before it learns: the LLM has no turn.

    The turns of the domain model stay as they are. It learns nothing from the LLM's ranking, since a side that was
    never trained teaches nothing. The row of the LLM is the LLM as it starts.
    """

    def __init__(self, config: None) -> None:
        pass

    def turns(self, turns: Sequence[Turn]) -> list[Turn]:
        """Return the turns of the domain side."""
        return [turn for turn in turns if turn.side == "domain"]


class OwnTeacher(FrozenTexts):
    """The domain model learns from what it was itself before the turn, in place of the LLM, which has no turn.

    A model gains by a second look at its own scores as well (Furlanello et al., Born-Again Neural Networks, 2018,
    arXiv 1805.04770). What a pair has beyond this control is what the LLM in particular teaches, or writes.
    """

    teacher = "self"


class NoNeighbours:
    """Items of the sharing module share nothing with the items whose texts are nearest to theirs."""

    def __init__(self, config: None) -> None:
        self.sharing_settings = {"neighbours": 0}


class NoMutual:
    """No side learns from the other's ranking: the coupling losses are left out. Tables and turns stay."""

    teacher = "none"

    def __init__(self, config: None) -> None:
        pass

"""The ranks and records that an attempt at a cell leaves, or why there are none."""

from __future__ import annotations

import contextlib
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch

    from corecbench.api import Failure, RowSide, Side, SideRecord
    from corecbench.evaluation.ranking import Ranks
    from corecbench.keeping.folder import KeptCell
    from corecbench.training.loop import SideTraining


@dataclass
class Outcome:
    """What became of a cell: of each row its ranks and record, or why there are none."""

    rows: tuple[RowSide, ...]
    """The rows that the cell has."""
    trained: dict[Side, SideTraining] = field(default_factory=dict)
    ranks: dict[RowSide, Ranks] = field(default_factory=dict)
    sides: dict[RowSide, SideRecord] = field(default_factory=dict)
    failures: dict[RowSide, Failure] = field(default_factory=dict)
    llm_parameters: int | None = None
    """The number of parameters of an LLM that is only read."""
    kept: KeptCell | None = None
    """The models, if the run keeps them."""
    before_refit: Mapping[str, torch.Tensor] | None = None
    """What a domain model alone had learnt before its refit, where there is one."""

    @contextlib.contextmanager
    def losing(self, *rows: RowSide) -> Iterator[None]:
        try:
            yield
        except (Exception, SystemExit) as error:
            message, trace = " ".join(str(error).split()), "".join(traceback.format_exception(error))
            failure: Failure = {"type": type(error).__name__, "message": message, "traceback": trace}
            self.failures |= dict.fromkeys(rows, failure)

    @property
    def checkpoint(self) -> Mapping[str, torch.Tensor]:
        state = self.trained["domain"].best_state
        if self.before_refit is None:
            return state
        parts = {"choosing": self.before_refit, "refit": state}
        return {f"{part}.{name}": tensor for part, of in parts.items() for name, tensor in of.items()}

    def failed_sides(self) -> dict[RowSide, Failure]:
        return self.failures if self.sides else {}

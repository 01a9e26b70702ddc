"""Makes the cell of a pair that is not trained: the domain model as it is alone, beside what an LLM reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from corecbench.api import Pretrained
from corecbench.training.alone import build_alone
from corecbench.training.cell import Trained
from corecbench.training.pair import begin, told

if TYPE_CHECKING:
    from corecbench.api import SharingModule
    from corecbench.training.cell import CellTraining
    from corecbench.training.pair import Pair, Solo


def stand_beside(training: CellTraining, pair: Pair, solo: Solo) -> Trained:
    """Return the domain model as it is alone, and the sharing module once it was told of the texts.

    The LLM is built without ids, and only if the module reads what it says of texts. It has no turn.

    Raises:
        PluginError: a component does not keep the contract.
        CorecbenchError: what the domain model learnt alone cannot be read.
    """
    training.seed("weights")
    module: SharingModule = training.host.build(pair.sharing, training.setup)
    of_texts: tuple[torch.Tensor | None, torch.Tensor | None] = (None, None)
    if pair.sharing.reads_texts:
        of_texts = told(pair, training.build_solo("llm", pair.llm)[0])
    catalog = training.setup.catalog
    user, item = (torch.zeros(n + 1, 0) for n in (catalog.n_users, catalog.n_items))
    begin(module, Pretrained(user, item, *of_texts))
    model = build_alone(training, solo)
    return Trained({"domain": training.side_training("domain", solo.selected, model, epochs=0)}, module)

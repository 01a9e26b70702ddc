"""LLM-SRec: the LLM's states of users are drawn to those of a frozen sequential recommender.

What the paper states (Kim et al., "Lost in Sequence: Do Large Language Models Understand Sequential
Recommendation?", KDD 2025, arXiv 2502.13909): LLMs hardly heed the order of a history. The LLM reads the frozen
recommender's item embeddings through an MLP beside the titles, and is trained to retrieve the next item. Two
losses are added, over the users of a batch. With h the LLM's state of a user and o the recommender's, mapped by an
MLP (linear, LayerNorm, GELU, linear), both of length 1:
- distillation: the mean square of the entries of MLP(o) - h;
- uniformity: the mean over pairs of users of exp(-2 |h_u - h_v|^2), plus the same of MLP(o), so that the states do
  not all become one. All three count alike. The recommender is not trained further.

Where we differ:
- The LLM's own layers are trained as its settings say (LoRA); in the paper the LLM is frozen, with trained tokens
  and MLPs around it.
- The MLP of the items is that of `collm`. The paper maps the LLM's states of users and items by further MLPs; here
  they score as they are.
- The LLM reads no rows of users. The domain side is the domain model as it was trained alone.
- The MLP needs states as wide as each side's id tables.

B users of a batch, d the width of a state.
"""

import torch
from torch import nn
from torch.nn.functional import mse_loss, normalize

from corecbench.api import Batch, Ids, PluginError, Setup, Side, States, last_position
from corecbench_plugins.sharing.collm import Collm
from corecbench_plugins.sharing.settings import LlmsrecConfig
from corecbench_plugins.sharing.store import ZeroTable


class Llmsrec(Collm):
    """The LLM reads the domain side's frozen items, and its states of users are drawn to the domain side's."""

    config: LlmsrecConfig

    def __init__(self, config: LlmsrecConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.mapping: nn.Module | None = None
        self.widths: dict[Side, int] = {}

    def ids(self, side: Side, width: int) -> Ids:
        """Return what `collm` returns, without rows of users for the LLM."""
        tables = super().ids(side, width)
        self.widths[side] = width
        if side == "domain":
            return tables
        hidden = self.config.taught_size
        enter, leave = nn.Linear(self.widths["domain"], hidden), nn.Linear(hidden, width)
        self.mapping = nn.Sequential(enter, nn.LayerNorm(hidden), nn.GELU(), leave)
        return Ids(ZeroTable(self.catalog.n_users + 1, width), tables.item)

    def trained_with(self, side: Side) -> nn.Module | None:
        """Return the mapping of the domain side's states, which trains with the LLM."""
        return self.mapping if side == "llm" else None

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return distillation and uniformity of the LLM's states of users."""
        if side == "domain" or self.mapping is None or not (self.config.distillation or self.config.uniformity):
            return {}
        learnt, taught = (last_position(states.user, batch.history) for states in (own, other))  # [B, d] each
        for name, states, width in (
            ("LLM", learnt, self.widths["llm"]),
            ("domain model", taught, self.widths["domain"]),
        ):
            if states.shape[1] != width:
                raise PluginError(
                    f"states of the {name} are {states.shape[1]} wide, needed is the id tables' {width}"
                )
        learnt, taught = normalize(learnt, dim=1), normalize(self.mapping(taught), dim=1)
        return {
            "distillation": self.config.distillation * mse_loss(learnt, taught),
            "uniformity": self.config.uniformity * (likeness(learnt) + likeness(taught)),
        }


def likeness(states: torch.Tensor) -> torch.Tensor:
    """Return the mean of exp(-2 |a - b|^2) over pairs of states [B, d] of length 1; 0 where there is no pair.

    >>> round(likeness(torch.eye(2)).log().item(), 3)  # at right angles the squared distance is 2
    -4.0
    """
    first, second = torch.triu_indices(len(states), len(states), offset=1, device=states.device)
    squared = 2 - 2 * (states @ states.T)[first, second]
    return (-2 * squared).exp().sum() / max(len(first), 1)

"""AlphaFuse: an item's row is what its text says, and its id is learnt where texts say little.

What the paper states (Hu et al., "AlphaFuse: Learn ID Embeddings for Sequential Recommendation in Null Space of
Language Embeddings", SIGIR 2025, arXiv 2504.19218; github.com/Hugo-Chinn/AlphaFuse): the covariance of the vectors
x of texts is decomposed, cov = U S U'. The first directions are rich in meaning, the last are a null space. The
row of an item has the first d of (x - mean) U S^(-1/2), of which none is trained. To the last of these d
dimensions the id is added (or takes their place, `cover`). There is no adapter, and no other loss. Scores are
cosines at a temperature of .07.

Where we differ:
- The vectors are the LLM's `text_states`. An LLM without them gives its `text`, of which the first d dimensions
  are taken as they stand: our LLMs decompose it already.
- All dimensions are scaled to a deviation of `scale`; the paper's is 1, beside positions that start as large. Ours
  start small.
- The loss is that of the domain model over these scores; the paper's tells the next item from one other.
- Ids start as other ids do. Of an item without a text, and where there are fewer than d directions, the whole row
  or the rest of it is learnt.

N items, k the width of a text's vector, d that of a row.
"""

import torch
from torch import nn

from corecbench.api import Pretrained, Setup, Table
from corecbench.toolkit import whitened
from corecbench_plugins.sharing.none import OverItems
from corecbench_plugins.sharing.settings import AlphafuseConfig


class NullSpaceTable(nn.Module):
    """A table whose rows say what texts say, and are learnt in a part of the dimensions."""

    said: torch.Tensor | None
    """float32 [N+1, d], what the texts say; None before they are read."""
    learnt: torch.Tensor
    """bool [N+1, d], what of the own rows counts."""

    def __init__(self, own: Table) -> None:
        super().__init__()
        self.own = own
        self.register_buffer("said", None, persistent=False)
        self.register_buffer("learnt", None, persistent=False)

    def read(self, said: torch.Tensor, n_learnt: int, cover: bool) -> None:
        """Read what texts say [N+1, k], k at most d. The last `n_learnt` of d dimensions are learnt, at least."""
        width = self.own.weight.shape[1]
        wider = torch.nn.functional.pad(said, (0, width - said.shape[1]))
        dimension = torch.arange(width, device=said.device)
        free = (dimension >= width - n_learnt) | (dimension >= said.shape[1])
        self.said = wider * ~free if cover else wider
        self.learnt = free | ~said.any(dim=1, keepdim=True)

    @property
    def weight(self) -> torch.Tensor:
        """float32 [N+1, d]."""
        if self.said is None:
            return self.own.weight
        return self.said + self.own.weight * self.learnt

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        own = self.own(index)
        return own if self.said is None else self.said[index] + own * self.learnt[index]


class Alphafuse(OverItems):
    """Private tables. The domain side's items say what their texts say, and are learnt in a null space."""

    config: AlphafuseConfig
    item: NullSpaceTable
    """The domain side's items."""

    def __init__(self, config: AlphafuseConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.cosine_temperature = config.temperature or None

    def item_table(self, own: Table) -> NullSpaceTable:
        """Return a table that can read texts."""
        return NullSpaceTable(own)

    def start(self, pretrained: Pretrained) -> None:
        """Let the domain side's items read the texts, where there are texts."""
        super().start(pretrained)
        states, n_new = pretrained.text_states, self.catalog.n_new_items
        rich = pretrained.text if states is None else whitened(states.float().cpu(), n_new=n_new)
        if rich is None:
            return
        width = pretrained.item.shape[1]
        said = scaled(rich[:, :width].float(), self.config.scale, n_new).to(pretrained.item.device)
        self.item.read(said, round(self.config.null_space * width), self.config.cover)


def scaled(rows: torch.Tensor, deviation: float, n_new: int = 0) -> torch.Tensor:
    """Return rows [N+1, k] with this root mean square of their entries, in rows but zeros and the last `n_new`.

    >>> scaled(torch.tensor([[0.0], [1.0], [0.0], [7.0]]), 10.0).flatten()  # 1 and 7 have 5
    tensor([ 0.,  2.,  0., 14.])
    """
    known = rows[: len(rows) - n_new]
    return rows * (deviation / known[known.any(dim=1)].square().mean().sqrt())

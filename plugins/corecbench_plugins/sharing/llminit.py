"""LLMInit: the domain model's item embeddings start as some dimensions of what the LLM makes of the texts.

What the paper states (Zhang et al., "LLMInit: A Free Lunch from Large Language Models for Selective Initialization
of Recommendation", 2025, arXiv 2503.01814): the embeddings of a collaborative filtering model start from those of
an LLM. An LLM's embeddings are too wide, so dimensions are selected: at random, uniformly or by variance. Users are
pooled from their items. Training is as usual.

Where we differ:
- The LLM's embeddings are its states of a text, averaged over the tokens (`text_states`, or `text` where an LLM
  gives no other). The dimensions with the largest variance over the items are taken, unless `selection` says
  otherwise.
- The rows are centred and scaled to a standard deviation of `deviation`, over all dimensions together so that their
  proportions stay: the states of an LLM are a thousand times as large as new embeddings. An item without a text
  keeps its random row. Dimensions that an LLM narrower than the domain model does not fill stay random too.
- Users start at random, since a sharing module sees no interactions.
- The LLM side and the turns are as under `none`.
"""

import torch

from corecbench.api import Pretrained
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import LlminitConfig


class Llminit(Private):
    """Private tables. The domain side's items start from the LLM's states of their texts."""

    config: LlminitConfig

    def start(self, pretrained: Pretrained) -> None:
        """Write the chosen dimensions over the item rows."""
        states = pretrained.text if pretrained.text_states is None else pretrained.text_states
        if states is None:
            return
        table = self.tables["domain"].item.weight
        has_text = states.any(dim=1)
        text_states = states[has_text].float()
        known = slice(int(has_text[: self.catalog.n_known_items + 1].sum()))
        chosen = select(text_states[known], table.shape[1], self.config.selection)
        rows = text_states[:, chosen] - text_states[known, chosen].mean(dim=0)
        with torch.no_grad():
            table[has_text, : len(chosen)] = rows * (self.config.deviation / rows[known].square().mean().sqrt())


def select(states: torch.Tensor, width: int, selection: str) -> torch.Tensor:
    """Return which dimensions of states [N, k] are taken, int64 [width], ascending; all where there are no more.

    >>> select(torch.tensor([[1.0, 5.0, 0.0, 2.0], [1.0, -5.0, 0.0, 4.0]]), 2, "variance")
    tensor([1, 3])

    Args:
        states: float32.
        width: number of dimensions to take.
        selection: "variance" takes the dimensions that vary most over the items, of equal ones the first;
            "uniform" takes dimensions at equal distances; "random" draws them.
    """
    n = states.shape[1]
    if width >= n:
        return torch.arange(n, device=states.device)
    if selection == "uniform":
        return torch.arange(width, device=states.device) * n // width
    if selection == "random":
        return torch.randperm(n)[:width].sort().values.to(states.device)
    return states.var(dim=0).argsort(descending=True, stable=True)[:width].sort().values

"""semantic: items are their row and the rows of their codes, which k-means makes of texts in steps, as in TIGER.

Rajput et al., "Recommender Systems with Generative Retrieval", NeurIPS 2023, arXiv 2305.05065: residual codes. Here
they are features of a model with states; the paper's model generates them. N items, k the width of a text.
"""

from dataclasses import dataclass

import torch

from corecbench.api import DomainModelComponent, States, Training, hookimpl


@dataclass(frozen=True)
class SemanticConfig(Training):
    """Settings of the codes."""

    embedding_size: int = 16
    levels: int = 2
    codes: int = 4
    """Number of codes of a level."""


class Semantic(torch.nn.Module):
    """The state of a user is the mean of the items so far. Alone, without an LLM, no item has a code."""

    examples = "windows"

    def __init__(self, config, setup, ids):
        super().__init__()
        self.item = ids(config.embedding_size).item
        self.levels = torch.nn.ModuleList(
            torch.nn.Embedding(config.codes + 1, config.embedding_size, padding_idx=0) for _ in range(config.levels)
        )
        codes = torch.zeros(setup.catalog.n_items + 1, config.levels, dtype=torch.int64)
        self.register_buffer("codes", codes)  # 0: none

    def read_texts(self, pretrained):
        rest = pretrained.text.float().clone()
        known = rest.any(dim=1)
        for level in range(self.codes.shape[1]):
            centre, code = k_means(rest[known], self.levels[level].num_embeddings - 1)
            self.codes[known, level] = code + 1
            rest[known] -= centre[code]

    def states(self, batch):
        items = self.item.weight + sum(level(self.codes[:, n]) for n, level in enumerate(self.levels))
        count = torch.arange(1, batch.history.shape[1] + 1, device=items.device)[:, None]  # [L, 1]
        return States(torch.nn.functional.embedding(batch.history, items).cumsum(dim=1) / count, items)


def k_means(rows, n, steps=10):
    """Return n centres and the number of each row's own."""
    centre = rows[torch.linspace(0, len(rows) - 1, n, device=rows.device).long()].clone()
    for _ in range(steps):
        code = torch.cdist(rows, centre).argmin(dim=1)
        for each in code.unique().tolist():
            centre[each] = rows[code == each].mean(dim=0)
    return centre, code


@hookimpl
def corecbench_domain_models():
    """Offer the model."""
    return [DomainModelComponent("semantic", Semantic, SemanticConfig, summary="items of codes of their texts")]

"""Llama4Rec's adaptive aggregation: an ensemble in which the LLM counts more where a history is short.

What the paper states (Luo et al., "Integrating Large Language Models into Recommendation via Mutual Augmentation
and Adaptive Aggregation", 2024, arXiv 2401.13870): the LLM augments the data of the conventional model, that model
augments the prompts of the LLM, and an adaptive aggregation joins the predictions of both. The reason is that
conventional models struggle with sparse data, and LLMs with collaborative information.

Where we differ:
- Only the aggregation is reproduced. The sides are not augmented: the domain side is the domain model as it was
  trained alone, and the LLM trains over private ids and texts, as under `none`.
- Both sides' scores are standardised over the catalogue for each user, since their scales have nothing in common.
  The ensemble's score is (1 - w) * domain + w * LLM.
- w = weight * (1 - tail * log(n) / log(longest history)) for a user with n items of history. With a tail of 0 all
  users have the same w. With a tail of 1 the LLM does not count for users with the longest history. Weight and tail
  are the pair from the settings `weights` and `tails` that ranks the validation items best, of equal pairs the
  first.
"""

import itertools
import math
from collections.abc import Callable

import torch

from corecbench.api import Batch, Setup
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import Llama4recConfig


class Llama4rec(Private):
    """Private tables, and an ensemble of both sides as a third row."""

    config: Llama4recConfig

    def __init__(self, config: Llama4recConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.longest = setup.max_history
        self.weight, self.tail = config.weights[0], config.tails[0]

    def settle(self, validate: Callable[[], float]) -> dict[str, float]:
        """Choose the weight and the tail that rank the validation items best."""
        ndcg = {}
        for weight, tail in itertools.product(self.config.weights, self.config.tails):
            self.weight, self.tail = weight, tail
            ndcg[weight, tail] = validate()
        self.weight, self.tail = max(ndcg, key=ndcg.__getitem__)  # of equal pairs the first
        return {"weight": self.weight, "tail": self.tail}

    def combine(self, domain: torch.Tensor, llm: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the weighted mean of both sides' standardised scores, float32 [B, N]."""
        length = (batch.history != 0).sum(dim=1).clamp(min=1, max=self.longest)  # [B]
        filled = length.log() / math.log(max(self.longest, 2))
        weight = (self.weight * (1 - self.tail * filled))[:, None]  # [B, 1]
        return torch.lerp(standardised(domain), standardised(llm), weight)


def standardised(scores: torch.Tensor) -> torch.Tensor:
    """Return each user's scores with mean 0 and deviation 1 over the catalogue; 0 where all scores are the same."""
    deviation = scores.std(dim=1, keepdim=True, correction=0)
    return (scores - scores.mean(dim=1, keepdim=True)) / deviation.clamp(min=1e-9)

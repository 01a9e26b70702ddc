"""A recommender that scores by cosines, as a sharing module may wish for both sides."""

from __future__ import annotations

from typing import cast

import torch
from torch.nn.functional import normalize

from corecbench.api import Batch, Recommender, States
from corecbench.plugin.abilities import recommender_abilities


class ByCosine(torch.nn.Module):
    """A recommender whose states are of norm 1, users' divided by a temperature; else it is as it was."""

    def __init__(self, model: Recommender, temperature: float) -> None:
        super().__init__()
        self.model, self.examples, self.temperature = model, model.examples, temperature
        abilities = recommender_abilities(model)
        self.content = abilities.contents
        if abilities.loss is not None:
            self.loss = abilities.loss

    def states(self, batch: Batch) -> States:
        return self.scaled(self.model.states(batch))

    def last_states(self, batch: Batch) -> States:
        answer = recommender_abilities(self.model).last_states or self.model.states
        return self.scaled(answer(batch))

    def scaled(self, states: States) -> States:
        return States(normalize(states.user, dim=-1) / self.temperature, normalize(states.item, dim=-1))


def by_cosine(model: Recommender, temperature: float) -> Recommender:
    return cast("Recommender", ByCosine(model, temperature))

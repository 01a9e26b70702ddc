"""A toy domain model and a toy LLM, of which a sharing module under test makes a pair.

B examples, L positions of a history, N items, d the width of a state.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from corecbench.api import (
    Batch,
    DomainModelComponent,
    Ids,
    IdsFactory,
    Interactions,
    LlmComponent,
    Setup,
    Side,
    States,
    Training,
)
from corecbench.plugin.loaded import PluginInfo
from corecbench.plugin.selected import Selected
from corecbench.version import __version__

WIDTHS = {"domain": 8, "llm": 12}
"""Widths of the two sides. They differ, so that a module has to keep them apart."""
TEXT_WIDTH = 6
EPOCHS = {"domain": 6, "llm": 4}
PLUGIN = PluginInfo("corecbench.testing", "corecbench", __version__)


class Partner(nn.Module):
    """A state of a position is the row of its item plus that of the user, times a matrix; nothing is random."""

    examples: Literal["windows", "pairs"] = "windows"

    def __init__(self, ids: Ids, width: int) -> None:
        super().__init__()
        self.user, self.item = ids.user, ids.item
        self.own = nn.Linear(width, width, bias=False)

    def states(self, batch: Batch) -> States:
        """Return user states [B, L, d] and the item table."""
        rows = self.item(batch.history) + self.user(batch.user)[:, None]
        return States(self.own(rows), self.item.weight)


class TextPartner(Partner):
    """What texts say is added to the rows of items, so that items differ without rows, too."""

    text: torch.Tensor

    def states(self, batch: Batch) -> States:
        """Return user states [B, L, d] and the item table."""
        table = self.item.weight
        said = nn.functional.pad(self.text, (0, table.shape[1] - TEXT_WIDTH))
        rows = self.item(batch.history) + said[batch.history] + self.user(batch.user)[:, None]
        return States(self.own(rows), table + said)


def build_domain(config: Training, setup: Setup, ids: IdsFactory) -> Partner:
    """Build the toy domain model."""
    return Partner(ids(WIDTHS["domain"]), WIDTHS["domain"])


def build_llm(config: Training, setup: Setup, ids: IdsFactory) -> Partner:
    """Build the toy LLM, whose view of texts is random numbers."""
    model = TextPartner(ids(WIDTHS["llm"]), WIDTHS["llm"])
    model.register_buffer("text", toy_text(setup.catalog.n_items), persistent=False)
    return model


def toy_text(n_items: int) -> torch.Tensor:
    """Return the view of texts of the toy LLM, float32 [N+1, TEXT_WIDTH]."""
    text = torch.randn(n_items + 1, TEXT_WIDTH, generator=torch.Generator().manual_seed(0))
    text[0] = 0
    return text


def partner(side: Side, epochs: int | None = None) -> Selected:
    """Return a partner as if it had been chosen for a run, with so many epochs (those of `EPOCHS` by default)."""
    epochs = EPOCHS[side] if epochs is None else epochs
    config = Training(epochs=epochs, patience=100, batch_size=16, learning_rate=0.01)
    domain = DomainModelComponent("toy-domain", build_domain, Training)
    llm = LlmComponent("toy-llm", build_llm, Training)
    kind, component = ("models", domain) if side == "domain" else ("llms", llm)
    return Selected(kind, component.name, component, config, PLUGIN)


class Popular:
    """A domain model that gives scores, the same for every user: how often an item occurs in training."""

    examples: Literal["windows", "pairs"] = "windows"

    def __init__(self, config: None, setup: Setup, ids: IdsFactory) -> None:
        self.count, self.device = torch.zeros(setup.catalog.n_items + 1), setup.device

    def fit(self, train: Interactions) -> None:
        """Count."""
        self.count = torch.as_tensor(train.item).bincount(minlength=len(self.count)).float().to(self.device)

    def scores(self, batch: Batch) -> torch.Tensor:
        """Return the counts for each history, float32 [B, N+1]."""
        return self.count.expand(len(batch.user), -1)


def popular() -> Selected:
    """Return the toy domain model that gives scores as if it had been chosen for a run."""
    component = DomainModelComponent("toy-popular", f"{__name__}:Popular", joint=False)
    return Selected("models", component.name, component, None, PLUGIN)

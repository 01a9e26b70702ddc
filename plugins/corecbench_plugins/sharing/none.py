"""The controls in which nothing is shared: each side has ids of its own."""

from typing import Any

import torch
from torch import nn

from corecbench.api import Batch, Budget, Ids, Pretrained, Setup, Side, States, Table, Turn, private_ids
from corecbench.toolkit import kept_word_summaries
from corecbench_plugins.sharing.schedule import alternate
from corecbench_plugins.sharing.settings import HybridConfig, Schedule


class Private(nn.Module):
    """Each side has tables of its own; the domain side's start where the domain model alone ended."""

    config: Schedule

    def __init__(self, config: Schedule, setup: Setup) -> None:
        super().__init__()
        self.config, self.catalog = config, setup.catalog
        self.start_from, self.alone_unless_better = config.start, config.alone_unless_better
        self.tables: dict[Side, Ids] = {}

    def ids(self, side: Side, width: int) -> Ids:
        """Return new tables."""
        self.tables[side] = private_ids(self.catalog.n_users, self.catalog.n_items, width)
        return self.tables[side]

    def start(self, pretrained: Pretrained) -> None:
        """Copy the pretrained tables to the domain side, unless it starts anew."""
        if self.config.start == "new" or "domain" not in self.tables:
            return
        with torch.no_grad():
            self.tables["domain"].user.weight.copy_(pretrained.user)
            self.tables["domain"].item.weight.copy_(pretrained.item)

    def turns(self, budget: Budget) -> list[Turn]:
        """Alternate, as the modules that share do."""
        return alternate(self.config, budget)

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return no coupling terms."""
        return {}


class OverItems(Private):
    """Private tables. The domain side's items stand in a table over their own rows, which can read more."""

    item: nn.Module

    def ids(self, side: Side, width: int) -> Ids:
        """Return private tables, with `item_table` over the domain side's items."""
        tables = super().ids(side, width)
        if side == "llm":
            return tables
        self.item = table = self.item_table(tables.item)
        return Ids(tables.user, table)

    def item_table(self, own: Table) -> Any:
        """Return a table over the domain side's items, whose own rows are given."""
        raise NotImplementedError


class Hybrid(Private):
    """Nothing is shared, and counted words have a say in the scores of each trained side: no LLM knows them.

    A weighted hybrid of a recommender and its items' contents (Burke, 2002, DOI 10.1023/A:1021240730564).
    """

    def __init__(self, config: HybridConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.words, self.phrases, self.cache = config.words, config.phrases, setup.cache
        self.content: torch.Tensor | None = None

    def start(self, pretrained: Pretrained) -> None:
        """Count the words, and copy the pretrained tables."""
        super().start(pretrained)
        texts, n_new = self.catalog.item_texts, self.catalog.n_new_items
        self.content = kept_word_summaries(texts, self.words, self.cache, self.phrases, n_new)

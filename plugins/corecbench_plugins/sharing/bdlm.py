"""BDLM: one store of user and item embeddings, read by both sides, trained in turns with mutual learning.

What the paper states ("Bridging the Information Gap Between Domain-Specific Model and General LLM for Personalized
Recommendation", 2023, arXiv 2311.03778): an information-sharing module stores user and item embeddings. The tokens
`<uid>` and `<iid>`, whose embeddings come from that module, join the LLM's input. The store starts from a
pretrained domain model. LLM and domain model update it in turn under deep mutual learning (Zhang et al., CVPR 2018,
arXiv 1706.00384). Either side predicts alone.

What is our reconstruction, since no equations or settings of the paper are public in a form that we have:
- The store has the domain model's width. Each side reads it through a linear projection without bias. The domain
  side's projection starts as the identity.
- An item of the store is a row of its own plus what the LLM makes of its text: a learnt projection of the text's
  summary, and a learnt share of the mean row of the items whose texts the LLM finds nearest (as in LATTICE's graphs
  of items by content, Zhang et al., MM 2021, arXiv 2104.09036). So similar items learn from each other, the domain
  model reads the LLM's knowledge, and either side can be used without the other.
- With `words`, TF-IDF vectors of the texts stand beside the LLM's summaries, so that the LLM has to add what the
  words do not say.
- The setting `start` says whether the pair starts from the pretrained domain model or from new weights. From the
  pretrained model the text part starts at zero, so the pair starts exactly where the domain model ended.
- A domain model without a user table gives its users' states as the start of the user rows.
- `<uid>` is a row of zeros unless `llm_reads_users` is set: trained user rows give away the LLM's targets.
- With `renewed`, what the LLM's present layers make of an item, after each of its turns, stands beside the item's
  row for the domain side, through a projection of its own that starts at zero.
- With `content`, what is said of the texts, and their words, also have a say in the scores of each trained side,
  which no training wears off.
- Mutual learning compares distributions over the catalogue at positions of a history, drawn anew for each batch,
  by KL(other || own) at a temperature, with a weight for each side. The other side's distributions are those at the
  start of the turn.
- A turn is a number of epochs.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import kl_div, log_softmax

from corecbench.api import Batch, Budget, Ids, Pretrained, Setup, Side, States, Table, Turn, generator, private_ids
from corecbench.toolkit import beside, kept_word_summaries, word_summaries
from corecbench_plugins.sharing.compared import comparable_scores
from corecbench_plugins.sharing.schedule import alternate
from corecbench_plugins.sharing.settings import BdlmConfig
from corecbench_plugins.sharing.store import ProjectedTable, RenewedTable, StoreTable, ZeroTable


class Bdlm(nn.Module):
    """The store, a projection for each side, and mutual learning."""

    def __init__(self, config: BdlmConfig, setup: Setup) -> None:
        super().__init__()
        self.config, self.catalog, self.seed, self.cache = config, setup.catalog, setup.seed, setup.cache
        self.start_from, self.alone_unless_better = config.start, config.alone_unless_better
        self.user: StoreTable | None = None
        self.item: StoreTable | None = None
        self.content: torch.Tensor | None = None
        self.renewed: RenewedTable | None = None

    def ids(self, side: Side, width: int) -> Ids:
        """Return the store through a projection. The domain side asks first and decides the store's width."""
        users, items = self.store(width)
        projection = nn.Linear(items.table.weight.shape[1], width, bias=False)
        if side == "domain":
            nn.init.eye_(projection.weight)
        writes = side == "domain" or self.config.llm_writes
        user: Table
        item: Table
        user, item = (ProjectedTable(rows, projection, writes) for rows in (users, items))
        if side == "domain" and self.config.renewed:
            item = self.renewed = RenewedTable(item, self.catalog.n_items + 1, width, self.catalog.n_new_items)
        if side == "llm" and self.renewed is not None:
            self.renewed.expect(width)
        if side == "llm" and not self.config.llm_reads_users:
            user = ZeroTable(self.catalog.n_users + 1, width)
        return Ids(user, item)

    def store(self, width: int) -> tuple[StoreTable, StoreTable]:
        """Return the tables of users and items, made at this width at the first call."""
        if self.user is None or self.item is None:
            tables = private_ids(self.catalog.n_users, self.catalog.n_items, width)
            self.user, self.item = (
                StoreTable(table, self.config.row_dropout) for table in (tables.user, tables.item)
            )
        return self.user, self.item

    def start(self, pretrained: Pretrained) -> None:
        """Fill the store with what the domain model learnt alone, unless it starts anew, and with the texts."""
        users, items = self.store(pretrained.item.shape[1])
        if self.config.start == "pretrained":
            with torch.no_grad():
                users.table.weight.copy_(pretrained.user)
                items.table.weight.copy_(pretrained.item)
        if self.config.texts and pretrained.text is not None:
            at_zero = self.config.start == "pretrained"
            said = self.said(pretrained.text)
            n_new = self.catalog.n_new_items
            items.read_texts(said, self.config.neighbours, start_at_zero=at_zero, n_new=n_new)
            if self.config.content:
                self.content = self.say(said)

    def say(self, said: torch.Tensor) -> torch.Tensor:
        """Return what has a say in the scores: what is said of the texts and, beside it, their words."""
        dimensions, phrases = self.config.content_words, self.config.content_phrases
        if not dimensions:
            return said
        texts, n_new = self.catalog.item_texts, self.catalog.n_new_items
        return beside(kept_word_summaries(texts, dimensions, self.cache, phrases, n_new), said, n_new)

    def said(self, text: torch.Tensor) -> torch.Tensor:
        """Return what is said of the item texts: by the LLM and, if the settings ask for them, by counted words."""
        if not self.config.words:
            return text
        random = generator(self.seed, self.catalog.name, "words")
        texts, n_new = self.catalog.item_texts, self.catalog.n_new_items
        return beside(word_summaries(texts, self.config.words, random, n_new), text, n_new)

    @property
    def renew(self) -> Callable[[torch.Tensor], None] | None:
        """Takes what the LLM makes of each item; None where the settings do not ask for it."""
        return None if self.renewed is None else self.renewed.tell

    def turns(self, budget: Budget) -> list[Turn]:
        """Alternate after the domain model's warm-up."""
        return alternate(self.config, budget)

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the mutual term: how far the own distribution over the catalogue is from the other side's."""
        weight = self.config.domain_weight if side == "domain" else self.config.llm_weight
        if weight == 0:
            return {}
        own_scores, other_scores, _ = comparable_scores(own, other, batch, self.config.positions)
        temperature = self.config.temperature
        own_log, other_log = (log_softmax(scores / temperature, dim=1) for scores in (own_scores, other_scores))
        divergence = kl_div(own_log, other_log, log_target=True, reduction="batchmean")
        return {"mutual": weight * temperature**2 * divergence}

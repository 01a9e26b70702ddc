"""RLMRec: the recommender's states of users and items are drawn to what a frozen LLM says of their texts.

What the paper states (Ren et al., "Representation Learning with Large Language Models for Recommendation", WWW
2024, arXiv 2310.15950; github.com/HKUDS/RLMRec): a state e and the vector s of a text share information, which
InfoNCE raises. With cosines at a temperature t and MLPs of one hidden layer of (k + d) / 2 units and LeakyReLU:
- contrastive: -log exp(cos(e_i, MLP(s_i)) / t) / sum_j exp(cos(e_i, MLP(s_j)) / t), MLP from k to d;
- generative: the rows of a random share of the users and items are hidden behind a learnt token. From their
  states, an MLP from d to k tells their texts: -log exp(cos(MLP(e_i), s_i) / t) / sum_j exp(cos(MLP(e_i), s_j) /
  t) over those that are hidden. The loss is added to that of the recommender. The LLM is never trained.

Where we differ:
- The paper's LLM writes profiles of users and items. Here the vector of an item is the LLM's `text`, and that of a
  user the mean vector of the items of the history.
- j runs over `positions` users, and items of histories, of the batch at most. Those without a text are left out.
- A model with a state per position, such as SASRec, has no item states but its rows. Under `generative` it tells
  the text of a hidden item from the state at the position of the item, and nothing of users.
- The MLPs need states as wide as the domain model's id tables.

B examples, L positions of a history, N items, k the width of a text's vector, d that of a state, P rows compared.
"""

import itertools

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from corecbench.api import Batch, Ids, PluginError, Pretrained, Setup, Side, States, Table, last_position
from corecbench.toolkit import mean_texts
from corecbench_plugins.sharing.compared import drawn
from corecbench_plugins.sharing.none import Private
from corecbench_plugins.sharing.settings import RlmrecConfig


class HidingTable(nn.Module):
    """A table of which some rows are hidden behind a learnt token while it is trained."""

    hidden: torch.Tensor
    """bool [rows]. It is stored with the side, since a training goes on with it."""

    def __init__(self, table: Table, n_rows: int, width: int) -> None:
        super().__init__()
        self.table, self.token = table, nn.Parameter(torch.zeros(width))
        self.register_buffer("hidden", torch.zeros(n_rows, dtype=torch.bool))

    def hide(self, share: float) -> None:
        """Draw anew which rows are hidden. The mask that was read stays as it is for the backward pass."""
        hidden = torch.rand(len(self.hidden), device=self.hidden.device) < share
        hidden[0] = False
        self.hidden = hidden

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, d]."""
        return self.seen(self.table.weight, self.hidden)

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        return self.seen(self.table(index), self.hidden[index])

    def seen(self, rows: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """Return rows [*, d], in training with the token in place of those that are hidden, bool [*]."""
        return torch.where(hidden[..., None], self.token, rows) if self.training else rows


class Rlmrec(Private):
    """Private tables, and the domain side's alignment with texts."""

    config: RlmrecConfig

    def __init__(self, config: RlmrecConfig, setup: Setup) -> None:
        super().__init__(config, setup)
        self.hiding: list[HidingTable] = []
        """Those of users and items, under `generative`."""
        self.mapping: nn.Sequential | None = None
        self.text: torch.Tensor
        """float32 [N+1, k], once there is a mapping."""

    def ids(self, side: Side, width: int) -> Ids:
        """Return private tables. Under `generative` rows of the domain side's can be hidden."""
        tables = super().ids(side, width)
        if side == "llm" or self.config.kind == "contrastive":
            return tables
        n_rows = self.catalog.n_users + 1, self.catalog.n_items + 1
        self.hiding = [HidingTable(*of, width) for of in zip((tables.user, tables.item), n_rows, strict=True)]
        return Ids(*self.hiding)

    def start(self, pretrained: Pretrained) -> None:
        """Make the mapping between states and texts, where there are texts."""
        super().start(pretrained)
        if pretrained.text is None:
            return
        self.text = pretrained.text.float()
        d, k = pretrained.item.shape[1], self.text.shape[1]
        widths = (k, (k + d) // 2, d) if self.config.kind == "contrastive" else (d, (k + d) // 2, k)
        enter, leave = (nn.Linear(*pair) for pair in itertools.pairwise(widths))
        for layer in (enter, leave):
            nn.init.xavier_uniform_(layer.weight)
        self.mapping = nn.Sequential(enter, nn.LeakyReLU(), leave).to(self.text.device)

    def trained_with(self, side: Side) -> nn.Module | None:
        """Return the mapping, which trains with the domain side."""
        return self.mapping if side == "domain" else None

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> dict[str, torch.Tensor]:
        """Return the alignment of the domain side's states with texts."""
        if side == "llm" or self.mapping is None or self.config.weight == 0:
            return {}
        if own.item.shape[1] != self.tables["domain"].item.weight.shape[1]:
            raise PluginError(f"states are {own.item.shape[1]} wide, and must be as wide as the id tables")
        compared = self.contrasted if self.config.kind == "contrastive" else self.reconstructed
        terms = compared(own, batch, self.mapping)
        for table in self.hiding:
            table.hide(self.config.hidden)
        return {name: self.config.weight * term for name, term in terms.items()}

    def contrasted(self, own: States, batch: Batch, mapping: nn.Module) -> dict[str, torch.Tensor]:
        """Return how well states of users, and of items, are told from others by their texts."""
        compared = {"users": self.users(own, batch), "items": self.items(own, batch)}
        return {
            name: info_nce(states, mapping(texts), self.config.temperature, same)
            for name, (states, texts, same) in compared.items()
        }

    def reconstructed(self, own: States, batch: Batch, mapping: nn.Module) -> dict[str, torch.Tensor]:
        """Return how well the texts of what is hidden are told from others; nothing where nothing is."""
        users, items = (table.hidden for table in self.hiding)
        if own.user.dim() == 3:
            places = torch.nonzero(items[batch.history] & self.has_text(batch.history))
            row, position = drawn(places, self.config.positions).T
            item = batch.history[row, position]
            states, texts, same = own.user[row, position], self.text[item], item
        else:
            parts = zip(self.users(own, batch, users), self.items(own, batch, items), strict=True)
            states, texts, same = (torch.cat(part) for part in parts)
        if not len(states):
            return {}
        return {"texts": info_nce(mapping(states), texts, self.config.temperature, same)}

    def has_text(self, item: torch.Tensor) -> torch.Tensor:
        """Return which of the items have a text, bool [*item.shape]."""
        return self.text.any(dim=1)[item]

    def users(self, own: States, batch: Batch, among: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        """Return states [P, d] of users of the batch, their texts [P, k] and numbers [P], of some or of all."""
        texts = mean_texts(batch.history, self.text, 1.0)  # [B, k]
        wanted = texts.any(dim=1) if among is None else texts.any(dim=1) & among[batch.user]
        row = drawn(wanted.nonzero().squeeze(1), self.config.positions)
        return last_position(own.user[row], batch.history[row]), texts[row], -batch.user[row]

    def items(self, own: States, batch: Batch, among: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        """Return states [P, d] of items of the histories, their texts [P, k] and numbers [P], of some or of all."""
        item = batch.history.unique()
        wanted = self.has_text(item) if among is None else self.has_text(item) & among[item]
        item = drawn(item[wanted], self.config.positions)
        return own.item[item], self.text[item], item


def info_nce(own: torch.Tensor, others: torch.Tensor, temperature: float, same: torch.Tensor) -> torch.Tensor:
    """Return InfoNCE by cosines, from vectors to others [P, d]; rows of the same number [P] are not told apart."""
    if not len(own):
        return own.sum()
    cosine = normalize(own, dim=1) @ normalize(others, dim=1).T  # [P, P]
    itself = torch.eye(len(same), dtype=torch.bool, device=same.device)
    similarity = (cosine / temperature).masked_fill((same[:, None] == same) & ~itself, -torch.inf)
    return cross_entropy(similarity, torch.arange(len(same), device=same.device))

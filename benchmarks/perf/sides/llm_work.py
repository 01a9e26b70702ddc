"""The work of an LLM: item texts, histories, and the weights that both sides start from.

B histories, L positions, N items.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from corecbench.api import Batch, Catalog, Interactions, Recommender, Setup
from corecbench.data.split import HeldItems
from corecbench.training.examples import make_examples
from corecbench.training.loop import SideTraining
from corecbench_plugins.hf_llm.backend import LlmRecommender, build
from corecbench_plugins.hf_llm.settings import LlamaConfig
from sides.training_work import MAX_HISTORY, TrainingWork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corecbench.data.ranking_task import RankingTask

BATCH = 16
"""Histories in a step."""
LEARNING_RATE = 2e-3


@dataclass(frozen=True)
class LlmWork:
    """Texts and interactions, the model, and a cache."""

    folder: Path
    """Where all of it lies."""
    interactions: TrainingWork
    texts: tuple[str, ...]
    """Of items 1 to N, behind an empty one for padding."""
    model: str
    """Folder of the LLM."""

    @classmethod
    def load(cls, folder: Path) -> LlmWork:
        """Read what `save` wrote."""
        facts = json.loads((folder / "llm.json").read_text(encoding="utf-8"))
        return cls(folder, TrainingWork.load(folder), tuple(facts["texts"]), facts["model"])

    def save(self) -> None:
        """Write all of it into the folder."""
        self.interactions.save(self.folder)
        facts = json.dumps({"texts": self.texts, "model": self.model})
        (self.folder / "llm.json").write_text(facts, encoding="utf-8")

    def setup(self, cache: Path) -> Setup:
        """Return where a recommender is built."""
        n_users, n_items = self.interactions.sizes.tolist()
        user_ids, item_ids = (("", *map(str, range(1, n + 1))) for n in (n_users, n_items))
        return Setup(Catalog("work", user_ids, item_ids, self.texts), MAX_HISTORY, seed=0, cache=cache)

    def config(self, layout: str, dtype: str) -> LlamaConfig:
        """Return the settings of a layout; nothing is random in its training."""
        return LlamaConfig(weights=self.model, layout=layout, dtype=dtype, dropout=0.0)  # type: ignore[arg-type]

    def build(self, layout: str, dtype: str) -> LlmRecommender:
        """Build the LLM alone as corecbench does, with the weights that both sides start from."""
        model = build(self.config(layout, dtype), self.setup(self.folder / "cache"), None)
        path = self.folder / f"start-{layout}-{dtype}.safetensors"
        weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        if not path.exists():
            save_file({name: weight.detach().clone() for name, weight in weights.items()}, path)
        with torch.no_grad():
            for name, start in load_file(path).items():
                weights[name].copy_(start)
        return model

    def training(self, model: LlmRecommender, layout: str, dtype: str) -> SideTraining:
        """Return the training of the LLM alone, for its loss."""
        train = Interactions(self.interactions.user, self.interactions.item)
        examples = make_examples("windows", train, self.setup(self.folder).catalog, MAX_HISTORY)
        generator = np.random.default_rng(0)
        config = self.config(layout, dtype)
        return SideTraining("llm", cast("Recommender", model), config, examples, lambda _: 0.0, generator, 1)

    def batches(self, n_histories: int) -> Iterator[Batch]:
        """Yield batches of the latest training items of the first users, each with the next item as its target."""
        user, item = self.interactions.user, self.interactions.item
        users = np.flatnonzero(np.bincount(user) > 1)[:n_histories]
        for some in np.array_split(users, range(BATCH, len(users), BATCH)):
            rows = [item[user == number][-MAX_HISTORY - 1 :] for number in some]
            longest = max(map(len, rows)) - 1
            history, target = np.zeros((2, len(rows), longest), dtype=np.int64)
            for number, row in enumerate(rows):
                history[number, : len(row) - 1], target[number, : len(row) - 1] = row[:-1], row[1:]
            yield Batch(*(torch.from_numpy(array) for array in (some, history, target)))

    def task(self, n_users: int) -> RankingTask:
        """Return the validation of the first users."""
        part, train = slice(n_users), Interactions(self.interactions.user, self.interactions.item)
        users, validation = self.interactions.users[part], self.interactions.validation[part]
        return HeldItems.after(train, users, validation).task(MAX_HISTORY)

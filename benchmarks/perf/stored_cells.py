"""Stored results of many cells, to time what reads them. They are drawn, not trained, but their files are real.

The cells are those of a grid: data sets x seeds x (models alone, then pairs under several sharing modules). The
held-out item of a user is easy or hard to find for every model alike, and a pair is a little better.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corecbench.results.record import sides_of
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

if TYPE_CHECKING:
    from corecbench.api import CellResult

DATASETS = {"small": (943, 1_682), "medium": (6_040, 3_416), "large": (22_363, 12_101)}
"""data set -> tested users and items, as many as ml-100k, ml-1m and amazon-beauty have."""
DOMAIN_MODELS = ("bert4rec", "gru4rec", "lightgcn", "narm", "sasrec")
LLMS = ("llama", "qwen")
SHARING = ("none", "bdlm", "collm", "ctrl", "dllm2rec", "llmd4rec")
METRICS = ("HR@1", "HR@5", "HR@10", "HR@20", "NDCG@5", "NDCG@10", "NDCG@20", "MRR")
SEEDS = 10
EPOCHS = 40


@dataclass(frozen=True, eq=False)
class Population:
    """The tested users of a data set."""

    user_id: pd.Series
    target_item_id: pd.Series
    n_items: int
    history_length: np.ndarray
    """int64 [U]."""
    target_frequency: np.ndarray
    """int64 [U]."""
    difficulty: np.ndarray
    """float64 [U], the logarithm of a usual rank of the held-out item."""


def write_cells(root: Path, n_cells: int, benchmark: str = "grid", shrink: int = 1) -> Store:
    """Write so many cells into a folder, and return the store that holds them.

    Args:
        root: the folder.
        n_cells: how many cells there are.
        benchmark: the name of the benchmark.
        shrink: the factor by which data sets have fewer users and items than those in DATASETS.
    """
    store = Store(root, benchmark)
    populations = {
        name: draw_population(max(n_users // shrink, 20), max(n_items // shrink, 50), seed)
        for seed, (name, (n_users, n_items)) in enumerate(DATASETS.items())
    }
    for number, (dataset, seed, domain, llm, sharing) in enumerate(itertools.islice(grid(n_cells), n_cells)):
        write_cell(store, populations[dataset], dataset, seed, domain, llm, sharing, number)
    return store


def grid(n_cells: int) -> Iterator[tuple[str, int, str | None, str | None, str | None]]:
    """Yield data set, seed, domain model, LLM and sharing module of at least so many cells."""
    alone = [*((domain, None, None) for domain in DOMAIN_MODELS), *((None, llm, None) for llm in LLMS)]
    pairs = [(domain, llm, sharing) for sharing in SHARING for llm in LLMS for domain in DOMAIN_MODELS]
    n_seeds = max(1, min(SEEDS, n_cells // (len(DATASETS) * len(alone))))
    for cell in itertools.cycle([*alone, *pairs]):  # a grid is never longer than one round of these
        for dataset, seed in itertools.product(DATASETS, range(n_seeds)):
            yield dataset, seed, *cell


def draw_population(n_users: int, n_items: int, seed: int) -> Population:
    """Draw the users of a data set."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(n_users)
    return Population(
        user_id=pd.Series([f"A{name:013d}" for name in names], dtype=str),
        target_item_id=pd.Series([f"B{item:09d}" for item in rng.integers(n_items, size=n_users)], dtype=str),
        n_items=n_items,
        history_length=3 + rng.geometric(0.1, n_users),
        target_frequency=rng.geometric(0.02, n_users) - 1,
        difficulty=rng.uniform(0, np.log(n_items), n_users),
    )


def write_cell(
    store: Store,
    users: Population,
    dataset: str,
    seed: int,
    domain: str | None,
    llm: str | None,
    sharing: str | None,
    number: int,
) -> None:
    """Write the record and the ranks of one cell."""
    rng = np.random.default_rng(number)
    metrics = dict.fromkeys(METRICS, 0.1)
    record: CellResult = toy_record(
        domain,
        llm,
        sharing,
        seed=seed,
        dataset=dataset,
        n_users=len(users.user_id),
        side={"metrics": metrics},
        settings={name: {"batch_size": 128, "epochs": EPOCHS} for name in (domain, llm, sharing) if name},
        versions={"corecbench": "0", "torch": "2"},
        epochs=[
            {"side": "domain", "turn": 0, "epoch": epoch, "loss": 1 / epoch, "validation": 0.1, "duration_s": 1.0}
            for epoch in range(1, EPOCHS + 1)
        ],
    )
    skill = 0.02 * (sharing is not None) * SHARING.index(sharing or "none")
    ranks = {side: draw_ranks(users, skill, rng) for side in sides_of(record["cell"])}
    folder = store.folder(record["cell"]["name"], dataset, seed, record["hash"])
    store.write(folder, record, ranks)


def draw_ranks(users: Population, skill: float, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the ranks of one side of a cell."""
    n_candidates = users.n_items - users.history_length
    rank = np.exp(users.difficulty - skill + rng.normal(0, 0.7, len(users.difficulty)))
    return pd.DataFrame(
        {
            "user_id": users.user_id,
            "target_item_id": users.target_item_id,
            "rank": np.clip(rank.astype(np.int64), 1, n_candidates),
            "n_candidates": n_candidates,
            "history_length": users.history_length,
            "target_frequency": users.target_frequency,
        }
    )

"""The contract between corecbench and its plugins: the one module that a plugin imports.

Importing it loads neither torch nor recbole nor transformers, so components can be listed in a moment.

Shapes use these letters: B examples in a batch, L positions of a history, U users, N items, d the width of a
state. Users and items are numbered from 1; row 0 of every table is padding and is never ranked.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import pluggy

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch

__all__ = [
    "Batch",
    "Budget",
    "Catalog",
    "Component",
    "CorecbenchError",
    "DataError",
    "DatasetSource",
    "Download",
    "Ids",
    "IdsFactory",
    "Interactions",
    "Mark",
    "Metric",
    "PluginError",
    "Pretrained",
    "Recommender",
    "Report",
    "Reporter",
    "Setup",
    "SharingModule",
    "Side",
    "States",
    "Style",
    "Table",
    "Training",
    "Turn",
    "UsageError",
    "cache_folder",
    "dataset_folder",
    "dataset_places",
    "hookimpl",
    "last_position",
    "private_ids",
    "resolve",
]

PROJECT = "corecbench"
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of the same name."""

Side = Literal["domain", "llm"]


# --- errors -----------------------------------------------------------------------------------------------------


class CorecbenchError(Exception):
    """An error meant for the user: printed as one line, its class decides the exit code."""

    exit_code = 1


class UsageError(CorecbenchError):
    """A name, option or setting that does not exist or does not fit."""

    exit_code = 2


class PluginError(CorecbenchError):
    """A fault inside a plugin; the message names the plugin."""

    exit_code = 3


class DataError(CorecbenchError):
    """Data that cannot be used; the message names file, line and column where it can."""

    exit_code = 4


# --- data -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Catalog:
    """The users and items of one data set. Entry 0 of each tuple is "" and stands for padding."""

    name: str
    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    item_texts: tuple[str, ...]

    @property
    def n_users(self) -> int:
        """U, without the padding row."""
        return len(self.user_ids) - 1

    @property
    def n_items(self) -> int:
        """N, without the padding row."""
        return len(self.item_ids) - 1


@dataclass(frozen=True)
class Interactions:
    """Interactions in the order in which they happened, user by user."""

    user: np.ndarray
    """int64 [M], user indices, ascending."""
    item: np.ndarray
    """int64 [M], item indices, oldest first within a user."""


@dataclass(frozen=True)
class Batch:
    """Examples on their way into a model. Histories are right-padded with 0, oldest item first."""

    user: torch.Tensor
    """int64 [B]."""
    history: torch.Tensor
    """int64 [B, L]."""
    target: torch.Tensor | None = None
    """int64 [B, L] for windows (the item after each position, 0 = none), [B] for pairs, None for evaluation."""
    negatives: torch.Tensor | None = None
    """int64 [B], for each pair an item that the user has not interacted with in training; None for windows."""
    sampled: torch.Tensor | None = None
    """int64 [K], different items drawn uniformly that all targets are told apart from; None if not asked for."""


@dataclass(frozen=True)
class States:
    """What a recommender makes of a batch: the score of an item is user state . item state."""

    user: torch.Tensor
    """float32 [B, d], or [B, L, d] with one state per position of the history."""
    item: torch.Tensor
    """float32 [N+1, d]."""


def last_position(user: torch.Tensor, history: torch.Tensor) -> torch.Tensor:
    """Return the user states [B, d] after the last item of each history.

    Args:
        user: float32 [B, L, d], or [B, d], which is returned as it is.
        history: int64 [B, L], right-padded with 0.
    """
    if user.dim() == 2:
        return user
    last = (history != 0).sum(dim=1).clamp(min=1) - 1  # [B]
    return user.take_along_dim(last[:, None, None], dim=1).squeeze(1)  # [B, d]


# --- models -----------------------------------------------------------------------------------------------------


@runtime_checkable
class Table(Protocol):
    """A table of embeddings that behaves like `torch.nn.Embedding` (it is a `torch.nn.Module`)."""

    @property
    def weight(self) -> torch.Tensor:
        """float32 [rows, d]."""
        ...

    def __call__(self, index: torch.Tensor) -> torch.Tensor:
        """Return float32 [*index.shape, d]."""
        ...


@dataclass(frozen=True)
class Ids:
    """The id embeddings that a side reads. They belong to the sharing module.

    A recommender keeps the tables that it reads as attributes, so that they are among its parameters.
    """

    user: Table
    """U+1 rows."""
    item: Table
    """N+1 rows."""


IdsFactory = Callable[[int], Ids]
"""`ids(width)` gives a side its id tables at the width that it chooses."""


def private_ids(n_users: int, n_items: int, width: int) -> Ids:
    """Return new tables of trainable embeddings, drawn from a normal distribution of deviation 0.02.

    This is what a model reads when it is trained alone.
    """
    import torch

    user, item = (torch.nn.Embedding(n + 1, width, padding_idx=0) for n in (n_users, n_items))
    with torch.no_grad():
        for table in (user, item):
            torch.nn.init.normal_(table.weight, std=0.02)[0] = 0
    return Ids(user, item)


@dataclass(frozen=True)
class Training:
    """Training settings that every trainable component has; its config class adds its own."""

    epochs: int = 100
    patience: int = 10
    """Epochs without a better validation NDCG@10 after which training stops."""
    batch_size: int = 128
    max_examples: int = 0
    """Windows or pairs of an epoch, drawn at random for each; 0 for all there are."""
    negatives: int = 0
    """K, the items sampled for each batch, which all its targets are told apart from (sampled softmax); 0 for the
    whole catalogue in training on windows, and for one negative of its own for each pair."""
    learning_rate: float = 1e-3
    schedule: Literal["constant", "linear"] = "constant"
    """`linear`: the learning rate falls to 0 over the epochs that the side is going to train."""
    weight_decay: float = 0.0
    averaging: float = 0.0
    """Decay, per step, of a moving average of the weights, such as 0.99; the average is what is validated and kept.
    0 keeps the weights themselves."""


@dataclass(frozen=True)
class Setup:
    """Where a component is built: the catalog and the machine, nothing of validation or test."""

    catalog: Catalog
    max_history: int
    seed: int
    device: str = "cpu"
    cache: Path = Path()
    """A folder for what is expensive and can be computed again."""
    progress: Callable[[str, int, int], None] = field(default=lambda what, done, total: None, repr=False)
    """`progress(what, done, total)` tells the user about long work outside the epochs."""
    untrained_llm: bool = False
    """Whether an LLM is built with random weights of the same shapes, drawn from `seed`: a placebo."""


class Recommender(Protocol):
    """A domain model or an LLM: a function over the ids that it was given.

    Trainable recommenders are `torch.nn.Module`s. Two methods are optional:
    `fit(train: Interactions)` is called once before the first epoch: models without gradients learn here, graph
    models build their graph. `loss(batch: Batch, states: States) -> scalar tensor` replaces the standard task
    loss: cross-entropy over the catalogue, or over sampled items, at every position for windows, BPR for pairs.
    So is an attribute of LLMs: `text`, float32 [N+1, k], what the LLM makes of each item's text untrained,
    zero where there is none. Sharing modules may give it to both sides.
    """

    examples: Literal["windows", "pairs"]
    """Train on windows of a user's history, or on pairs of a user and an item."""

    def states(self, batch: Batch) -> States:
        """Return the states of the batch's users and of all items."""
        ...


# --- sharing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Budget:
    """Epochs that are left for each side of a pair, so that no joint row trains longer than its solo row."""

    domain_epochs: int
    llm_epochs: int


@dataclass(frozen=True)
class Turn:
    """A stretch of training of one side, while the other is frozen."""

    side: Side
    epochs: int


@dataclass(frozen=True)
class Pretrained:
    """What each side brings to a pair: the tables of the domain model trained alone, and the LLM's view of texts.

    A model that reads no user table gives its users' states after their training history instead.
    """

    user: torch.Tensor
    """float32 [U+1, d]."""
    item: torch.Tensor
    """float32 [N+1, d]."""
    text: torch.Tensor | None = None
    """float32 [N+1, k], the LLM's `text`; None where it has none."""


class SharingModule(Protocol):
    """Owns the id embeddings of both sides, and says how and when they learn from each other.

    An attribute is optional: `start_from`, "pretrained" (the default) or "new". A pair that starts anew trains its
    domain model from new weights and has that model's whole budget of epochs.
    """

    def ids(self, side: Side, width: int) -> Ids:
        """Return the tables of one side, at its width."""
        ...

    def start(self, pretrained: Pretrained) -> None:
        """Take over what the domain model learnt alone. Called once, after both sides were built."""
        ...

    def turns(self, budget: Budget) -> Sequence[Turn]:
        """Return who trains when; within the budget."""
        ...

    def losses(self, side: Side, own: States, other: States, batch: Batch) -> Mapping[str, torch.Tensor]:
        """Return the coupling terms of the side in training, each a weighted scalar; `other` has no gradient."""
        ...


# --- data sets and metrics --------------------------------------------------------------------------------------


class DatasetSource(Protocol):
    """Where interactions and item texts come from. Ids are text.

    An attribute is optional: `k_core: int`, for a set that is published with its users and items filtered. Those
    with fewer interactions are left out when the data are loaded.
    """

    def interactions(self) -> pd.DataFrame:
        """Return columns user_id (str), item_id (str), timestamp (int64 or float64), in file order."""
        ...

    def items(self) -> pd.DataFrame:
        """Return columns item_id (str) and title (str; "" where there is none)."""
        ...


@dataclass(frozen=True)
class Download:
    """Where a data set is published: a zip archive, which `corecbench datasets fetch NAME` gets into the cache.

    `build(config)` of such a data set reads `dataset_folder(NAME)` and downloads nothing itself.
    """

    url: str
    """Begins with https."""
    files: tuple[str, ...] = (".inter", ".item")
    """Suffixes. The archive has one file with each, which becomes NAME + suffix in the folder; others are left."""
    sha256: str = ""
    """Of the archive, in hex. Where it is "", that of the first fetch is recorded and later ones must be equal."""
    max_bytes: int = 1 << 30
    """Of the archive; a larger one is refused."""
    max_unpacked_bytes: int = 4 << 30
    """Of all that is in the archive."""
    terms: str = ""
    """Terms of use in a few words, shown with the download."""


def cache_folder() -> Path:
    """Return where what is expensive to get or to compute is kept: CORECBENCH_CACHE, or the platform's place."""
    chosen = os.environ.get("CORECBENCH_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path(PROJECT)


def dataset_places(name: str) -> list[Path]:
    """Return the folders that a published data set may be in, the first first.

    That is NAME in the data folder (`--data-dir`, or CORECBENCH_DATA), if there is one, then NAME in the cache,
    where `corecbench datasets fetch` puts it.
    """
    chosen = os.environ.get("CORECBENCH_DATA")
    roots = [Path(chosen).expanduser()] if chosen else []
    return [root / name for root in (*roots, cache_folder() / "datasets")]


def dataset_folder(name: str) -> Path:
    """Return the folder of a published data set.

    Raises:
        DataError: it is in none of its places; the message has the command that gets it.
    """
    places = dataset_places(name)
    for place in places:
        if place.is_dir():
            return place
    looked = ", ".join(map(str, places))
    raise DataError(f"data set '{name}' is not here; looked for {looked}; get it: corecbench datasets fetch {name}")


class Metric(Protocol):
    """A value per user, computed from the rank of the held-out item."""

    higher_is_better: bool

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U] that start at 1."""
        ...


Mark = Literal["best", "second", "significant"]
"""What can be special about a cell of a table."""


@dataclass(frozen=True)
class Style:
    """How a format writes text, marked cells and the direction of a metric; "{}" stands for what is marked."""

    escape: Callable[[str], str] = str
    """Makes text safe to stand in the format; called for every cell, header and the caption before it is marked."""
    best: str = "{}"
    second: str = "{}"
    significant: str = "{}*"
    higher: str = "{} ↑"
    """Of the header of a metric of which higher is better."""
    lower: str = "{} ↓"


@dataclass(frozen=True, eq=False)
class Report:
    """A table on its way to a reporter. `frame` and `caption` are enough for a simple one."""

    name: str
    """Such as "table"."""
    frame: pd.DataFrame
    """str, cells formatted for reading, without marks."""
    values: pd.DataFrame
    """The same rows as numbers that are not rounded; None where there is none. A column of `frame` that has several
    numbers in a cell, such as an interval, has a column here for each."""
    caption: str
    marks: Mapping[tuple[int, str], Sequence[Mark]] = field(default_factory=dict)
    """(row from 0, column of `frame`) -> what is special about the cell."""
    legend: Mapping[Mark, str] = field(default_factory=dict)
    """Mark -> what it means, for every mark of the table."""
    higher_is_better: Mapping[str, bool] = field(default_factory=dict)
    """Column of `frame` -> direction, for the metrics."""

    @property
    def numeric(self) -> list[str]:
        """The columns of `frame` that hold numbers and no text, which formats align to the right."""
        found = {column: self.values[column].dropna() for column in self.frame if column in self.values}
        return [
            column
            for column, values in found.items()
            if len(values) and not values.map(lambda value: isinstance(value, str)).any()
        ]

    def styled(self, style: Style) -> tuple[pd.DataFrame, str]:
        """Return the cells and headers in a format's style, and the caption with the legend of the marks."""
        cells = self.frame.map(style.escape)
        for (row, column), marks in self.marks.items():
            place = row, self.frame.columns.get_loc(column)
            for mark in marks:
                cells.iloc[place] = getattr(style, mark).format(cells.iloc[place])
        directions = {True: style.higher, False: style.lower, None: "{}"}
        cells.columns = [
            directions[self.higher_is_better.get(column)].format(style.escape(column)) for column in self.frame
        ]
        shown = [(mark, getattr(style, mark), meaning) for mark, meaning in self.legend.items()]
        legend = [f"{sign.format(mark)}: {style.escape(meaning)}." for mark, sign, meaning in shown if sign != "{}"]
        return cells, " ".join([style.escape(self.caption), *legend])


class Reporter(Protocol):
    """Writes a table in one format."""

    suffix: str
    """Of the file that the text goes to, such as "md"."""

    def render(self, report: Report) -> str:
        """Return the text."""
        ...


# --- registration -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Component:
    """One thing that a plugin offers. It is listed without being built."""

    name: str
    build: str | Callable[..., Any]
    """A callable or "module:attribute", loaded only when the component is used. It is called as
    `build(config, setup, ids)` for domain models, `build(config, setup, ids_or_None)` for LLMs,
    `build(config, setup)` for sharing modules, `build(config)` for data sets, metrics and reporters."""
    config: type | None = None
    """A frozen dataclass: the settings with their types and defaults; None if there are none."""
    summary: str = ""
    paper: str = ""
    """Authors or method, year, DOI or arXiv id."""
    argument: str | None = None
    """The setting that NAME:VALUE (or NAME@VALUE) fills on the command line."""
    joint: bool = True
    """False for a domain model that reads no ids and cannot be trained together with an LLM."""
    shares: bool = True
    """False for a sharing module under which nothing is shared: a control itself, it has no further controls."""
    untrained: bool = False
    """True for an LLM that heeds `Setup.untrained_llm`; another one gets no such control."""
    needs: str | Callable[..., Any] | None = None
    """`needs(config, cache) -> list[str]` (or "module:attribute" of it) names what would be downloaded, one line
    each; it must not import heavy libraries."""
    download: Download | None = None
    """Where `corecbench datasets fetch NAME` gets a data set; None for one that needs no download."""


def resolve(reference: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return a callable, importing it first when it is given as "module:attribute"."""
    if not isinstance(reference, str):
        return reference
    module, _, attribute = reference.partition(":")
    resolved: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return resolved

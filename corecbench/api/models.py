"""Domain models and LLMs, and the id tables that they read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, runtime_checkable

from corecbench.api.errors import PluginError
from corecbench.api.fields import Choices, Count, Fraction, Natural, Positive, Precision, Sampling, Weight

if TYPE_CHECKING:
    import torch

    from corecbench.api.data import Batch, Catalog, States

Side = Literal["domain", "llm"]
"""A side of a pair: its domain model or its LLM."""

SIDES: tuple[Side, Side] = ("domain", "llm")
"""Both sides, in the order in which a pair's are built and listed."""

RowSide = Literal["domain", "llm", "ensemble"]
"""What is ranked: a side, or the scores of both sides of a pair combined."""


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

    A recommender keeps the tables that it reads as submodules, so that they are among its parameters.
    """

    user: Table
    """U+1 rows."""
    item: Table
    """N+1 rows."""


IdsFactory = Callable[[int], Ids]
"""`ids(width)` gives a side its id tables at the width that it chooses. A side asks once, while it is built."""


def private_ids(n_users: int, n_items: int, width: int) -> Ids:
    """Return new tables of trainable embeddings, drawn from a normal distribution of deviation 0.02.

    A model that is trained alone reads such tables.
    """
    import torch

    from corecbench.api.tables import IdTable

    user, item = IdTable("user", n_users + 1, width), IdTable("item", n_items + 1, width)
    with torch.no_grad():
        for table in (user, item):
            torch.nn.init.normal_(table.weight, std=0.02)[0] = 0
    return Ids(user, item)


@dataclass(frozen=True)
class Training:
    """Training settings that every trainable component has; its config class adds its own."""

    epochs: Annotated[Count, Choices(())] = 100
    patience: Annotated[Count, Choices(())] = 10
    """Epochs without a better validation NDCG@10 after which training stops."""
    batch_size: Natural = 128
    max_examples: Annotated[Count, Choices(())] = 0
    """Windows or pairs of an epoch, drawn at random for each; 0 for all there are."""
    negatives: Count = 0
    """K, the items sampled for each batch, which all its targets are told apart from (sampled softmax); 0 for the
    whole catalogue in training on windows, and for one negative of its own for each pair."""
    sampling: Sampling = "uniform"
    """How they are drawn: all items alike, or half of them by how often they occur in training (mixed negative
    sampling; Yang et al., WWW 2020, DOI 10.1145/3366424.3386195). Scores are corrected for the latter."""
    learning_rate: Positive = 1e-3
    schedule: Literal["constant", "linear"] = "constant"
    """`linear`: the learning rate falls to 0 over the epochs that the side is going to train."""
    weight_decay: Annotated[Weight, Choices((0.0, 0.01, 0.1))] = 0.0
    averaging: Annotated[Fraction, Choices((0.0, 0.99, 0.998))] = 0.0
    """Decay, per step, of a moving average of the weights, such as 0.99; the average is what is validated and kept.
    0 keeps the weights themselves."""
    loss_dtype: Precision = "auto"
    """Number format of the scores of the whole catalogue in the loss. `auto` takes bfloat16 where the processor or
    the GPU multiplies faster in it."""


def nothing_else(*_: object, **__: object) -> None:
    """Stand for `Setup.build` where no component is built."""
    raise PluginError("only a component that is built by corecbench can build another one")


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
    plain_texts: tuple[str, ...] | None = field(default=None, repr=False)
    """The item texts as they are, N+1 of them, where a control replaces those of the catalog; else None."""
    build: Callable[..., Any] = field(default=nothing_else, repr=False, compare=False)
    """`build(kind, name, settings={}, ids=None)` returns another component to be wrapped, such as
    `setup.build("model", "sasrec", {"embedding_size": 32}, ids)`. The one that wraps it names it in `builds`, and
    passes on what it is asked: `fit`, `states` and others. Settings of a run do not reach what is wrapped."""


class Recommender(Protocol):
    """A domain model or an LLM: a function over the ids that it was given.

    Trainable recommenders are `torch.nn.Module`s, and their config is a `Training`. What a recommender may have
    beside `examples` and `states` stands in `corecbench.api.optional`: `fit`, `read_texts`, `loss`,
    `scores`, `text` and `text_states`.
    """

    examples: Literal["windows", "pairs"]
    """Whether it trains on windows of a user's history, or on pairs of a user and an item."""

    def states(self, batch: Batch) -> States:
        """Return the states of the batch's users and of all items."""
        ...

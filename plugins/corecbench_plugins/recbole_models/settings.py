"""Settings of the domain models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from corecbench.api import (
    Added,
    Choices,
    Count,
    Follows,
    Fraction,
    Large,
    Natural,
    Positive,
    Precision,
    Sampling,
    Search,
    Training,
    Weight,
)
from corecbench_plugins.recbole_models.defaults import check_parameters
from corecbench_plugins.recbole_models.registry import MODELS, family_of

SIZES = Choices((64, 128))
SAMPLED = Choices((0, 256, 1024))
DROPOUT = Search(0.1, 0.7)


@dataclass(frozen=True)
class SequentialConfig(Training):
    """Settings that SASRec and GRU4Rec share."""

    batch_size: Annotated[Natural, Choices((64, 128, 256)), Large(256)] = 64
    negatives: Annotated[Count, SAMPLED, Large(256)] = 0
    sampling: Annotated[Sampling, Large("mixed")] = "uniform"
    learning_rate: Annotated[Positive, Search(5e-4, 5e-3, log=True)] = 2e-3
    layers_dtype: Precision = "auto"
    """Number format of the products in the model's layers while it is trained. `auto` takes bfloat16 where the
    processor or the GPU multiplies faster in it. Weights, and all that is computed in evaluation, are float32."""
    by_length: Annotated[bool, Added(before=False), Large(True), Choices(())] = False
    """Whether long and short histories of a batch are trained apart on a processor, so that less of a batch is
    padding. Training is the same but for what dropout draws and for last digits."""


@dataclass(frozen=True)
class SASRecConfig(SequentialConfig):
    """Settings of SASRec."""

    embedding_size: Annotated[Natural, SIZES] = 64
    n_layers: Annotated[Natural, Search(1, 3)] = 2
    n_heads: Annotated[Natural, Search(1, 2)] = 2
    inner_size: Annotated[Natural, Follows("embedding_size", times=4)] = 256
    hidden_dropout: Annotated[Fraction, DROPOUT] = 0.3
    """Dropout of hidden states; `hidden_dropout_prob` in RecBole."""
    attention_dropout: Annotated[Fraction, Follows("hidden_dropout")] = 0.3
    """Dropout of attention weights; `attn_dropout_prob` in RecBole."""

    def __post_init__(self) -> None:
        """Check that the heads share the width, which the types do not say."""
        if self.embedding_size % self.n_heads:
            raise ValueError(
                f"embedding_size is {self.embedding_size}, must be a multiple of n_heads, {self.n_heads}"
            )


@dataclass(frozen=True)
class ESASRecConfig(SASRecConfig):
    """Settings of SASRec that make it strong, as published with eSASRec (RecSys 2025, arXiv 2508.06450)."""

    epochs: Annotated[Count, Choices(())] = 200
    patience: Annotated[Count, Choices(())] = 50
    negatives: Annotated[Count, SAMPLED] = 256
    learning_rate: Annotated[Positive, Search(5e-4, 5e-3, log=True)] = 1e-3
    n_layers: Annotated[Natural, Search(1, 3)] = 1
    n_heads: Annotated[Natural, Search(1, 2)] = 1
    hidden_dropout: Annotated[Fraction, DROPOUT] = 0.2
    attention_dropout: Annotated[Fraction, Follows("hidden_dropout")] = 0.2


@dataclass(frozen=True)
class GRU4RecConfig(SequentialConfig):
    """Settings of GRU4Rec."""

    embedding_size: Annotated[Natural, SIZES] = 64
    hidden_size: Annotated[Natural, Choices((64, 128, 256))] = 128
    n_layers: Annotated[Natural, Search(1, 2)] = 1
    """Number of recurrent layers; `num_layers` in RecBole."""
    dropout: Annotated[Fraction, DROPOUT] = 0.3
    """Dropout of the embeddings of a history; `dropout_prob` in RecBole."""


@dataclass(frozen=True)
class LightGCNConfig(Training):
    """Settings of LightGCN."""

    epochs: Count = 200
    patience: Count = 20
    batch_size: Annotated[Natural, Choices((2048, 8192, 32768)), Large(65536)] = 8192
    """A batch propagates over the whole graph, of which its users and items are two steps away from nearly all."""
    negatives: Annotated[Count, SAMPLED] = 0
    learning_rate: Annotated[Positive, Search(1e-3, 3e-2, log=True)] = 1e-2
    embedding_size: Annotated[Natural, SIZES] = 64
    n_layers: Annotated[Count, Search(1, 4)] = 2
    regularisation: Annotated[Weight, Search(1e-6, 1e-2, log=True, when=("negatives", (0,)))] = 1e-4
    """Weight of the squared norm of a batch's embeddings in BPR; `reg_weight` in RecBole."""
    temperature: Annotated[Weight, Search(0.06, 0.3, log=True, when=("negatives", (256, 1024)))] = 0.0
    """Above 0, states are compared by their cosine divided by the temperature instead of by their product."""
    user_rows: Annotated[bool, Added(before=True), Choices(())] = True
    """True: a user has a row of their own, as in the paper. False: a user's state is made of items alone, so it
    changes with the history as much at test time as it did in training."""


@dataclass(frozen=True)
class RecBoleConfig(Training):
    """Settings of any model of RecBole by its name."""

    model: str = field(default="", metadata={"completed": tuple(MODELS)})
    """Name of the model's class, such as BERT4Rec; it stands behind `recbole:` on the command line."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Hyperparameters of the model under RecBole's names. They win over the defaults in RecBole's wheel."""
    batch_size: Count = 0
    """Windows or pairs in a batch. 0 stands for what suits the model: 64 windows of histories, or 2,048 pairs."""
    prefixes: Annotated[Count, Choices(())] = 4
    """Number of prefixes of each window that are trained on, drawn anew for each batch, for models that learn one
    target from a history; 0 for all."""

    def __post_init__(self) -> None:
        """Check model and parameters, and fill in the batch size."""
        family = family_of(self.model)
        check_parameters(self.model, self.parameters)
        if not self.batch_size:
            object.__setattr__(self, "batch_size", family.batch_size)


@dataclass(frozen=True)
class NeuMFConfig(RecBoleConfig):
    """Settings of NeuMF. Its hyperparameters are `parameters`, under RecBole's names."""

    model: Annotated[str, Choices(())] = field(default="NeuMF", metadata={"completed": ("NeuMF",)})

    def __post_init__(self) -> None:
        """Check that it is NeuMF, and what all models of RecBole check."""
        if self.model != "NeuMF":
            raise ValueError(f"model is {self.model!r}, must be 'NeuMF'; recbole:{self.model} is any other one")
        super().__post_init__()

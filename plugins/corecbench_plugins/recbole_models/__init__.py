"""Domain models whose classes come from RecBole 1.2.1 (Zhao et al., CIKM 2021, doi:10.1145/3459637.3482016)."""

from dataclasses import dataclass, field
from typing import Any

from corecbench.api import DomainModelComponent, Training, hookimpl, resolve
from corecbench_plugins.recbole_models.parameters import check
from corecbench_plugins.recbole_models.registry import known


@dataclass(frozen=True)
class SASRecConfig(Training):
    """Settings of SASRec; the names that RecBole uses for them stand behind those that differ."""

    batch_size: int = 64
    learning_rate: float = 2e-3
    embedding_size: int = 64
    n_layers: int = 2
    n_heads: int = 2
    inner_size: int = 256
    hidden_dropout: float = 0.3
    """RecBole: hidden_dropout_prob."""
    attention_dropout: float = 0.3
    """RecBole: attn_dropout_prob."""


@dataclass(frozen=True)
class GRU4RecConfig(Training):
    """Settings of GRU4Rec; the names that RecBole uses for them stand behind those that differ."""

    batch_size: int = 64
    learning_rate: float = 2e-3
    embedding_size: int = 64
    hidden_size: int = 128
    n_layers: int = 1
    """RecBole: num_layers."""
    dropout: float = 0.3
    """RecBole: dropout_prob."""


@dataclass(frozen=True)
class LightGCNConfig(Training):
    """Settings of LightGCN; the names that RecBole uses for them stand behind those that differ."""

    epochs: int = 200
    patience: int = 20
    batch_size: int = 8192
    learning_rate: float = 1e-2
    embedding_size: int = 64
    n_layers: int = 2
    regularisation: float = 1e-4
    """Weight of the squared norm of a batch's embeddings in BPR. RecBole: reg_weight."""
    temperature: float = 0.0
    """Above 0, states are compared by their cosine divided by it instead of by their product."""


@dataclass(frozen=True)
class RecBoleConfig(Training):
    """Settings of any model of RecBole by its name."""

    model: str = ""
    """The name of its class, such as BERT4Rec; what stands behind `recbole:`."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Its hyperparameters under RecBole's names, over the defaults in RecBole's wheel."""
    batch_size: int = 0
    """0 for what suits the model: 64 windows of histories, or 2,048 pairs."""
    prefixes: int = 4
    """Of each window in a batch, drawn anew each time, for models that learn one target from a history; 0: all."""

    def __post_init__(self) -> None:
        family = known(self.model).family
        check(self.model, self.parameters)
        if not self.batch_size:
            object.__setattr__(self, "batch_size", family.batch_size)


def build(config: RecBoleConfig, setup, ids):
    """Build a model by the adapter of its family."""
    adapter = resolve(f"corecbench_plugins.recbole_models.{known(config.model).family.adapter}")
    return adapter(config, setup, ids)


def is_joint(config: RecBoleConfig) -> bool:
    """Return whether a model has id tables that can be given from outside."""
    return bool(known(config.model).tables)


@hookimpl
def corecbench_domain_models():
    """Offer RecBole's models."""
    return [
        DomainModelComponent(
            "sasrec",
            "corecbench_plugins.recbole_models.sequential:build_sasrec",
            SASRecConfig,
            summary="self-attention over the user's history",
            paper="Kang and McAuley, ICDM 2018, arXiv 1808.09781",
        ),
        DomainModelComponent(
            "gru4rec",
            "corecbench_plugins.recbole_models.sequential:build_gru4rec",
            GRU4RecConfig,
            summary="a recurrent network over the user's history",
            paper="Hidasi et al., ICLR 2016, arXiv 1511.06939; the variant of Tan et al., 2016, arXiv 1606.08117",
        ),
        DomainModelComponent(
            "lightgcn",
            "corecbench_plugins.recbole_models.graph:build_lightgcn",
            LightGCNConfig,
            summary="embeddings propagated over the graph of users and items",
            paper="He et al., SIGIR 2020, arXiv 2002.02126",
        ),
        DomainModelComponent(
            "recbole",
            build,
            RecBoleConfig,
            summary="any sequential or general model of RecBole by its name, such as recbole:BERT4Rec",
            paper="Zhao et al., CIKM 2021, doi:10.1145/3459637.3482016, which names the paper of each model",
            argument="model",
            joint=is_joint,
        ),
    ]

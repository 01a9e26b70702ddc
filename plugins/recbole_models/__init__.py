"""Domain models whose classes come from RecBole 1.2.1 (Zhao et al., CIKM 2021, doi:10.1145/3459637.3482016)."""

from dataclasses import dataclass

from corecbench.api import Component, Training, hookimpl


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


@hookimpl
def corecbench_domain_models():
    """Offer RecBole's models."""
    return [
        Component(
            "sasrec",
            "corecbench_plugins.recbole_models.sequential:build_sasrec",
            SASRecConfig,
            summary="self-attention over the user's history",
            paper="Kang and McAuley, ICDM 2018, arXiv 1808.09781",
        ),
        Component(
            "gru4rec",
            "corecbench_plugins.recbole_models.sequential:build_gru4rec",
            GRU4RecConfig,
            summary="a recurrent network over the user's history",
            paper="Hidasi et al., ICLR 2016, arXiv 1511.06939; the variant of Tan et al., 2016, arXiv 1606.08117",
        ),
        Component(
            "lightgcn",
            "corecbench_plugins.recbole_models.graph:build_lightgcn",
            LightGCNConfig,
            summary="embeddings propagated over the graph of users and items",
            paper="He et al., SIGIR 2020, arXiv 2002.02126",
        ),
    ]

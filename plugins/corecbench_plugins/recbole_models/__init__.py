"""Domain models whose classes come from RecBole 1.2.1 (Zhao et al., CIKM 2021, doi:10.1145/3459637.3482016)."""

from __future__ import annotations

from corecbench.api import DomainModelComponent, hookimpl
from corecbench_plugins.recbole_models.registry import MODELS
from corecbench_plugins.recbole_models.settings import (
    ESASRecConfig,
    GRU4RecConfig,
    LightGCNConfig,
    NeuMFConfig,
    RecBoleConfig,
    SASRecConfig,
)


def is_joint(config: RecBoleConfig) -> bool:
    """Return whether a model has id tables that can be given from outside."""
    return bool(MODELS[config.model].tables)


@hookimpl
def corecbench_domain_models() -> list[DomainModelComponent]:
    """Offer RecBole's models."""
    return [
        DomainModelComponent(
            "sasrec",
            "corecbench_plugins.recbole_models.sasrec_gru4rec:build_sasrec",
            SASRecConfig,
            summary="self-attention over the user's history",
            paper="Kang and McAuley, ICDM 2018, arXiv 1808.09781",
        ),
        DomainModelComponent(
            "esasrec",
            "corecbench_plugins.recbole_models.sasrec_gru4rec:build_sasrec",
            ESASRecConfig,
            summary="SASRec with sampled softmax in the settings of eSASRec, without its layers",
            paper="settings of Tikhonovich et al., RecSys 2025, arXiv 2508.06450",
        ),
        DomainModelComponent(
            "gru4rec",
            "corecbench_plugins.recbole_models.sasrec_gru4rec:build_gru4rec",
            GRU4RecConfig,
            summary="a recurrent network over the user's history",
            paper="Hidasi et al., ICLR 2016, arXiv 1511.06939; the variant of Tan et al., 2016, arXiv 1606.08117",
        ),
        DomainModelComponent(
            "lightgcn",
            "corecbench_plugins.recbole_models.lightgcn:build_lightgcn",
            LightGCNConfig,
            summary="embeddings propagated over the graph of users and items",
            paper="He et al., SIGIR 2020, arXiv 2002.02126",
        ),
        DomainModelComponent(
            "neumf",
            "corecbench_plugins.recbole_models.adapter:build_adapter",
            NeuMFConfig,
            summary="a network over rows of users and items, which gives scores of pairs",
            paper="He et al., WWW 2017, arXiv 1708.05031",
            joint=False,
        ),
        DomainModelComponent(
            "recbole",
            "corecbench_plugins.recbole_models.adapter:build_adapter",
            RecBoleConfig,
            summary="any sequential or general model of RecBole by its name, such as recbole:BERT4Rec",
            paper="Zhao et al., CIKM 2021, doi:10.1145/3459637.3482016, which names the paper of each model",
            argument="model",
            joint=is_joint,
        ),
    ]

"""References that count instead of training: neighbours of items, in and out of order, and EASE."""

from __future__ import annotations

from corecbench.api import DomainModelComponent, hookimpl
from corecbench_plugins.neighbours.settings import (
    EaseConfig,
    ItemKnnConfig,
    ItemKnnWordsConfig,
    SequenceKnnConfig,
    SequenceKnnLsaConfig,
    SequenceKnnWordsConfig,
)

MODELS = "corecbench_plugins.neighbours.models"


@hookimpl
def corecbench_domain_models() -> list[DomainModelComponent]:
    """Offer the models."""
    return [
        DomainModelComponent(
            "item-knn",
            f"{MODELS}:ItemKnn",
            ItemKnnConfig,
            summary="items that share users with the history; not trained",
            paper="Sarwar et al., WWW 2001, doi:10.1145/371920.372071",
            joint=False,
            reference=True,
        ),
        DomainModelComponent(
            "sequence-knn",
            f"{MODELS}:SequenceKnn",
            SequenceKnnConfig,
            summary="items that share users with the history or follow it; not trained",
            paper="Ludewig and Jannach, 2018, arXiv 1803.09587; Garg et al., 2019, doi:10.1145/3331184.3331322",
            joint=False,
            reference=True,
        ),
        DomainModelComponent(
            "item-knn-words",
            f"{MODELS}:ItemKnnWords",
            ItemKnnWordsConfig,
            summary="item-knn with counted words of the texts in its scores; not trained",
            paper="Lops, de Gemmis and Semeraro, 2011, doi:10.1007/978-0-387-85820-3_3",
            joint=False,
            content=True,
            reference=True,
            reads_texts=True,
        ),
        DomainModelComponent(
            "sequence-knn-words",
            f"{MODELS}:SequenceKnnWords",
            SequenceKnnWordsConfig,
            summary="sequence-knn with counted words of the texts in its scores; not trained",
            paper="Lops, de Gemmis and Semeraro, 2011, doi:10.1007/978-0-387-85820-3_3",
            joint=False,
            content=True,
            reference=True,
            reads_texts=True,
        ),
        DomainModelComponent(
            "sequence-knn-lsa",
            f"{MODELS}:SequenceKnnLsa",
            SequenceKnnLsaConfig,
            summary="sequence-knn-words with the words in a second form, by latent semantic analysis; not trained",
            paper="Deerwester et al., 1990, doi:10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9",
            joint=False,
            content=True,
            reference=True,
            reads_texts=True,
        ),
        DomainModelComponent(
            "ease",
            "corecbench_plugins.neighbours.ease:Ease",
            EaseConfig,
            summary="a linear model of all items at once, in closed form",
            paper="Steck, WWW 2019, arXiv 1905.03375",
            joint=False,
        ),
    ]

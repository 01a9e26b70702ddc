"""Metrics of the rank of the held-out item."""

from dataclasses import dataclass

from corecbench.api import Component, hookimpl


@dataclass(frozen=True)
class Cutoff:
    """Where a metric stops looking."""

    k: int | None = None
    """Ranks beyond k count 0; None looks at all ranks, which only MRR can."""


@hookimpl
def corecbench_metrics():
    """Offer hit rate, NDCG and reciprocal rank, chosen as HR@10, NDCG@10, MRR@10 or MRR."""
    module = "corecbench_plugins.metrics.top_k"
    return [
        Component(
            "HR",
            f"{module}:HitRate",
            Cutoff,
            summary="share of users whose held-out item is among the first k",
            paper="Deshpande and Karypis, 2004, doi:10.1145/963770.963776",
            argument="k",
        ),
        Component(
            "NDCG",
            f"{module}:NDCG",
            Cutoff,
            summary="gain of the held-out item, discounted by the logarithm of its rank, within the first k",
            paper="Järvelin and Kekäläinen, 2002, doi:10.1145/582415.582418",
            argument="k",
        ),
        Component(
            "MRR",
            f"{module}:MRR",
            Cutoff,
            summary="one over the rank of the held-out item, within the first k or untruncated",
            paper="Voorhees, 1999, TREC-8 question answering track",
            argument="k",
        ),
    ]

"""Metrics of the rank of the held-out item, and of the lists of recommended items."""

from __future__ import annotations

from corecbench.api import MetricComponent, hookimpl
from corecbench_plugins.metrics.settings import Cutoff

HERLOCKER = "Herlocker et al., 2004, doi:10.1145/963770.963772"
ABDOLLAHPOURI = "Abdollahpouri, Burke and Mobasher, 2019, arXiv 1901.07555"
GE = "Ge, Delgado-Battenfeld and Jannach, 2010, doi:10.1145/1864708.1864761"

RANK_METRICS = {
    "HR": (
        "HitRate",
        "share of users whose held-out item is among the first k",
        "Deshpande and Karypis, 2004, doi:10.1145/963770.963776",
    ),
    "NDCG": (
        "NDCG",
        "gain of the held-out item, discounted by the logarithm of its rank, within the first k",
        "Järvelin and Kekäläinen, 2002, doi:10.1145/582415.582418",
    ),
    "MRR": (
        "MRR",
        "one over the rank of the held-out item, within the first k or untruncated",
        "Voorhees, 1999, TREC-8 question answering track",
    ),
    "recall": ("Recall", "share of the held-out items among the first k; with one per user equal to HR", HERLOCKER),
    "precision": ("Precision", "share of the first k items that are held out; with one per user HR / k", HERLOCKER),
    "MAP": (
        "MAP",
        "mean average precision within the first k; with one held-out item per user equal to MRR",
        "Voorhees and Harman, 2005, TREC: Experiment and Evaluation in Information Retrieval",
    ),
}
"""name -> class in `rank_metrics`, summary, paper."""

LIST_METRICS = {
    "average-popularity": ("AveragePopularity", "training interactions of a recommended item", ABDOLLAHPOURI),
    "novelty": (
        "Novelty",
        "bits of self-information of a recommended item, -log2 of its share of the training interactions",
        "Vargas and Castells, 2011, doi:10.1145/2043932.2043955",
    ),
    "tail-share": ("TailShare", "share of recommended items outside the most frequent fifth", ABDOLLAHPOURI),
    "serendipity": (
        "Serendipity",
        "share of the first k items that are held out and not the most popular",
        GE,
    ),
    "coverage": ("Coverage", "share of the catalogue that is recommended to anyone", GE),
    "Gini": (
        "Gini",
        "how unevenly recommendations are spread over the catalogue, from 0 to 1",
        "Shani and Gunawardana, 2011, doi:10.1007/978-0-387-85820-3_8",
    ),
}
"""name -> class in `list_metrics`, summary, paper."""


@hookimpl
def corecbench_metrics() -> list[MetricComponent]:
    """Offer metrics with a cutoff, such as NDCG@10 or coverage@10. MRR and MAP also work without one."""
    return [
        MetricComponent(
            name,
            f"corecbench_plugins.metrics.{module}:{attribute}",
            Cutoff,
            summary=summary,
            paper=paper,
            argument="k",
        )
        for module, metrics in (("rank_metrics", RANK_METRICS), ("list_metrics", LIST_METRICS))
        for name, (attribute, summary, paper) in metrics.items()
    ]

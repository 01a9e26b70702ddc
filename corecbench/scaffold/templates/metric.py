"""plugname: the area under the ROC curve, to be replaced by your metric."""

import numpy as np

from corecbench.api import MetricComponent, hookimpl


class PlugnameMetric:
    """The share of the other candidates that rank below the held-out item (Rendle et al., UAI 2009)."""

    higher_is_better = True

    def __init__(self, config: None) -> None:
        pass

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return a value for each user, float64 [U], from int64 ranks [U] that start at 1."""
        return (n_candidates - rank) / np.maximum(n_candidates - 1, 1)


@hookimpl
def corecbench_metrics() -> list[MetricComponent]:
    """Offer the metric."""
    return [MetricComponent("plugname", PlugnameMetric, summary="share of the other candidates that rank below")]

"""old-metric: the area under the ROC curve, to be replaced by your metric."""

import numpy as np

from corecbench.api import Component, hookimpl


class OldMetric:
    """The share of the other candidates that are ranked below the held-out item (Rendle et al., UAI 2009)."""

    higher_is_better = True

    def __init__(self, config: None):
        pass

    def per_user(self, rank: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
        """Return float64 [U] for int64 ranks [U], the first of which is 1."""
        return (n_candidates - rank) / np.maximum(n_candidates - 1, 1)


@hookimpl
def corecbench_metrics():
    """Offer the metric."""
    return [Component("old-metric", OldMetric, summary="share of the other candidates that are ranked below")]

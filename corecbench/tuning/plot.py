"""The plots of a search, which Optuna draws: how its trials went, and what each setting was in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corecbench.results.layout import slug
from corecbench.tuning.study import best_of

if TYPE_CHECKING:
    from pathlib import Path

    import optuna

TARGET = "best NDCG@10 on validation"


def write_plots(study: optuna.Study, folder: Path) -> list[Path]:
    """Write the plots of a search as SVG and PNG; none before a trial is complete."""
    import warnings

    import matplotlib
    import numpy as np
    from matplotlib import pyplot
    from optuna.trial import TrialState
    from optuna.visualization import matplotlib as drawn

    if not study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]):
        return []
    name, paths = slug(study.study_name.replace("/", "-")), []
    pyplot.switch_backend("agg")  # Optuna opens its figures there
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        warnings.simplefilter("ignore")  # that Optuna may change this, and that one trial spans no axis
        for kind, plot in (("history", drawn.plot_optimization_history), ("settings", drawn.plot_slice)):
            axes: Any = plot(study, target=best_of, target_name=TARGET)  # one, or an array of them
            figure = np.ravel(axes)[0].figure
            for suffix, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
                paths.append(folder / f"{name}-{kind}.{suffix}")
                figure.savefig(paths[-1], metadata=metadata, bbox_inches="tight")
            pyplot.close(figure)
    return paths

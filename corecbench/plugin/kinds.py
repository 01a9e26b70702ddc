"""The kinds of components that plugins offer."""

from __future__ import annotations

from typing import NamedTuple

from corecbench.api import (
    Component,
    ControlComponent,
    DatasetComponent,
    DomainModelComponent,
    LlmComponent,
    MetricComponent,
    ReporterComponent,
    SharingComponent,
    TrackerComponent,
)


class Kind(NamedTuple):
    """One kind of component."""

    word: str
    """The word for one component of the kind on the command line."""
    label: str
    """The name of one component of the kind in messages."""
    hook: str
    """Name of the hook by which plugins offer components of the kind."""
    component: type[Component]
    """The class of what such a hook returns."""


KINDS = {
    "models": Kind("model", "domain model", "corecbench_domain_models", DomainModelComponent),
    "llms": Kind("llm", "LLM", "corecbench_llms", LlmComponent),
    "sharing": Kind("sharing", "sharing module", "corecbench_sharing_modules", SharingComponent),
    "controls": Kind("control", "control", "corecbench_controls", ControlComponent),
    "datasets": Kind("dataset", "data set", "corecbench_datasets", DatasetComponent),
    "metrics": Kind("metric", "metric", "corecbench_metrics", MetricComponent),
    "reporters": Kind("reporter", "reporter", "corecbench_reporters", ReporterComponent),
    "trackers": Kind("tracker", "tracker", "corecbench_trackers", TrackerComponent),
}
WORDS = {kind.word: key for key, kind in KINDS.items()}
"""The word for one -> the key in `KINDS`."""

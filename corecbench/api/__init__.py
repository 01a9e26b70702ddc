"""The contract between corecbench and its plugins: what a plugin may implement, and what it is given.

Tools that a plugin may use beside it are in `corecbench.toolkit`. Importing either loads neither torch nor recbole
nor transformers, so components can be listed in a moment.

Shapes use these letters: B examples in a batch, L positions of a history, U users, N items, d the width of a
state. Users and items are numbered from 1; row 0 of every table is padding and is never ranked.
"""

import importlib
import warnings
from typing import Any

from corecbench.api.components import (
    Component,
    ControlComponent,
    DatasetComponent,
    DomainModelComponent,
    LedgerEntry,
    LlmComponent,
    MetricComponent,
    ReporterComponent,
    SharingComponent,
    TrackerComponent,
    resolve,
)
from corecbench.api.controls import (
    ChoosesTeacher,
    Control,
    LeavesOutTurns,
    ReplacesItemTexts,
    ReplacesSettings,
    ReplacesText,
    Teacher,
)
from corecbench.api.data import (
    Batch,
    Catalog,
    Interactions,
    States,
    last_position,
)
from corecbench.api.errors import (
    CorecbenchError,
    CorecbenchWarning,
    DataError,
    PluginError,
    UsageError,
)
from corecbench.api.fields import (
    Added,
    Choices,
    Count,
    Follows,
    Fraction,
    Natural,
    Positive,
    Precision,
    Search,
    Share,
    Weight,
)
from corecbench.api.hooks import PROJECT, hookimpl
from corecbench.api.models import (
    SIDES,
    Ids,
    IdsFactory,
    Recommender,
    RowSide,
    Setup,
    Side,
    Table,
    Training,
    private_ids,
)
from corecbench.api.optional import (
    Fits,
    HasContent,
    HasLastStates,
    HasLoss,
    HasText,
    HasTextStates,
    IsToldAnew,
    KeepsAlone,
    Scores,
    Settles,
    StartsFrom,
    TrainsLayers,
)
from corecbench.api.records import (
    CellFacts,
    CellRecord,
    CellResult,
    DataRecord,
    EpochRecord,
    Failure,
    ImportRecord,
    PluginRecord,
    RunRecord,
    SideRecord,
)
from corecbench.api.reports import (
    ListMetric,
    Lists,
    Mark,
    Metric,
    OverallMetric,
    RankMetric,
    Report,
    Reporter,
    Style,
)
from corecbench.api.seeds import generator
from corecbench.api.sharing import (
    Budget,
    Combiner,
    Pretrained,
    SharingModule,
    Turn,
)
from corecbench.api.sources import DatasetSource, Download

__all__ = [
    "PROJECT",
    "SIDES",
    "Added",
    "Batch",
    "Budget",
    "Catalog",
    "CellFacts",
    "CellRecord",
    "CellResult",
    "Choices",
    "ChoosesTeacher",
    "Combiner",
    "Component",
    "Control",
    "ControlComponent",
    "CorecbenchError",
    "CorecbenchWarning",
    "Count",
    "DataError",
    "DataRecord",
    "DatasetComponent",
    "DatasetSource",
    "DomainModelComponent",
    "Download",
    "EpochRecord",
    "Failure",
    "Fits",
    "Follows",
    "Fraction",
    "HasContent",
    "HasLastStates",
    "HasLoss",
    "HasText",
    "HasTextStates",
    "Ids",
    "IdsFactory",
    "ImportRecord",
    "Interactions",
    "IsToldAnew",
    "KeepsAlone",
    "LeavesOutTurns",
    "LedgerEntry",
    "ListMetric",
    "Lists",
    "LlmComponent",
    "Mark",
    "Metric",
    "MetricComponent",
    "Natural",
    "OverallMetric",
    "PluginError",
    "PluginRecord",
    "Positive",
    "Precision",
    "Pretrained",
    "RankMetric",
    "Recommender",
    "ReplacesItemTexts",
    "ReplacesSettings",
    "ReplacesText",
    "Report",
    "Reporter",
    "ReporterComponent",
    "RowSide",
    "RunRecord",
    "Scores",
    "Search",
    "Settles",
    "Setup",
    "Share",
    "SharingComponent",
    "SharingModule",
    "Side",
    "SideRecord",
    "StartsFrom",
    "States",
    "Style",
    "Table",
    "Teacher",
    "TrackerComponent",
    "Training",
    "TrainsLayers",
    "Turn",
    "UsageError",
    "Weight",
    "generator",
    "hookimpl",
    "last_position",
    "private_ids",
    "resolve",
]


def __getattr__(name: str) -> Any:
    """Return a tool that moved to `corecbench.toolkit`, and warn; corecbench 0.3 no longer does."""
    toolkit = importlib.import_module("corecbench.toolkit")  # which imports this package
    if name not in toolkit.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"import {name} from corecbench.toolkit; it left corecbench.api", DeprecationWarning, stacklevel=2
    )
    return getattr(toolkit, name)

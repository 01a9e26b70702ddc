"""The contract between corecbench and its plugins: the one module that a plugin imports.

Importing it loads neither torch nor recbole nor transformers, so components can be listed in a moment.

Shapes use these letters: B examples in a batch, L positions of a history, U users, N items, d the width of a
state. Users and items are numbered from 1; row 0 of every table is padding and is never ranked.
"""

from corecbench.api.components import (
    Component,
    DatasetComponent,
    DomainModelComponent,
    LlmComponent,
    MetricComponent,
    ReporterComponent,
    SharingComponent,
    TrackerComponent,
    resolve,
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
    DataError,
    PluginError,
    UsageError,
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
    project,
)
from corecbench.api.optional import Fits, HasLoss, HasText, HasTextStates, Scores, Settles, StartsFrom, TrainsLayers
from corecbench.api.precision import Precision, product_dtype
from corecbench.api.records import (
    CellFacts,
    CellRecord,
    CellResult,
    DataRecord,
    EpochRecord,
    Failure,
    PluginRecord,
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
from corecbench.api.sharing import (
    Budget,
    Combiner,
    Pretrained,
    SharingModule,
    Turn,
)
from corecbench.api.sources import (
    DatasetSource,
    Download,
    cache_folder,
    dataset_folder,
    dataset_places,
)

__all__ = [
    "PROJECT",
    "SIDES",
    "Batch",
    "Budget",
    "Catalog",
    "CellFacts",
    "CellRecord",
    "CellResult",
    "Combiner",
    "Component",
    "CorecbenchError",
    "DataError",
    "DataRecord",
    "DatasetComponent",
    "DatasetSource",
    "DomainModelComponent",
    "Download",
    "EpochRecord",
    "Failure",
    "Fits",
    "HasLoss",
    "HasText",
    "HasTextStates",
    "Ids",
    "IdsFactory",
    "Interactions",
    "ListMetric",
    "Lists",
    "LlmComponent",
    "Mark",
    "Metric",
    "MetricComponent",
    "OverallMetric",
    "PluginError",
    "PluginRecord",
    "Precision",
    "Pretrained",
    "RankMetric",
    "Recommender",
    "Report",
    "Reporter",
    "ReporterComponent",
    "RowSide",
    "Scores",
    "Settles",
    "Setup",
    "SharingComponent",
    "SharingModule",
    "Side",
    "SideRecord",
    "StartsFrom",
    "States",
    "Style",
    "Table",
    "TrackerComponent",
    "Training",
    "TrainsLayers",
    "Turn",
    "UsageError",
    "cache_folder",
    "dataset_folder",
    "dataset_places",
    "hookimpl",
    "last_position",
    "private_ids",
    "product_dtype",
    "project",
    "resolve",
]

"""The contract between corecbench and its plugins: what a plugin may implement, and what it is given.

Tools that a plugin may use beside it are in `corecbench.toolkit`. Importing either loads neither torch nor recbole
nor transformers, so components can be listed in a moment.

Shapes use these letters: B examples in a batch, L positions of a history, U users, N items, d the width of a
state. Users and items are numbered from 1; row 0 of every table is padding and is never ranked.
"""

from corecbench.api.components import (
    Component as Component,
    ControlComponent as ControlComponent,
    DatasetComponent as DatasetComponent,
    DomainModelComponent as DomainModelComponent,
    LedgerEntry as LedgerEntry,
    LlmComponent as LlmComponent,
    MetricComponent as MetricComponent,
    ReporterComponent as ReporterComponent,
    SharingComponent as SharingComponent,
    TrackerComponent as TrackerComponent,
    resolve as resolve,
)
from corecbench.api.controls import (
    ChoosesTeacher as ChoosesTeacher,
    Control as Control,
    LeavesOutTurns as LeavesOutTurns,
    ReplacesItemTexts as ReplacesItemTexts,
    ReplacesSettings as ReplacesSettings,
    ReplacesText as ReplacesText,
    Teacher as Teacher,
)
from corecbench.api.data import (
    Batch as Batch,
    Catalog as Catalog,
    Interactions as Interactions,
    States as States,
    last_position as last_position,
)
from corecbench.api.errors import (
    CorecbenchError as CorecbenchError,
    CorecbenchWarning as CorecbenchWarning,
    DataError as DataError,
    PluginError as PluginError,
    UsageError as UsageError,
)
from corecbench.api.fields import (
    Added as Added,
    Choices as Choices,
    Count as Count,
    Follows as Follows,
    Fraction as Fraction,
    Large as Large,
    Natural as Natural,
    Positive as Positive,
    Precision as Precision,
    Sampling as Sampling,
    Search as Search,
    Share as Share,
    Weight as Weight,
)
from corecbench.api.hooks import (
    PROJECT as PROJECT,
    hookimpl as hookimpl,
)
from corecbench.api.models import (
    SIDES as SIDES,
    Ids as Ids,
    IdsFactory as IdsFactory,
    Recommender as Recommender,
    RowSide as RowSide,
    Setup as Setup,
    Side as Side,
    Table as Table,
    Training as Training,
    private_ids as private_ids,
)
from corecbench.api.optional import (
    Fits as Fits,
    HasContent as HasContent,
    HasLastStates as HasLastStates,
    HasLoss as HasLoss,
    HasText as HasText,
    HasTextStates as HasTextStates,
    IsToldAnew as IsToldAnew,
    KeepsAlone as KeepsAlone,
    Prepares as Prepares,
    ReadsTexts as ReadsTexts,
    Scores as Scores,
    ScoresByCosine as ScoresByCosine,
    Settles as Settles,
    StartsFrom as StartsFrom,
    TellsOfHistories as TellsOfHistories,
    TrainsLayers as TrainsLayers,
)
from corecbench.api.records import (
    CellFacts as CellFacts,
    CellRecord as CellRecord,
    CellResult as CellResult,
    DataRecord as DataRecord,
    EpochRecord as EpochRecord,
    Failure as Failure,
    ImportRecord as ImportRecord,
    PluginRecord as PluginRecord,
    RunRecord as RunRecord,
    SideRecord as SideRecord,
)
from corecbench.api.reports import (
    ListMetric as ListMetric,
    Lists as Lists,
    Mark as Mark,
    Metric as Metric,
    OverallMetric as OverallMetric,
    RankMetric as RankMetric,
    Report as Report,
    Reporter as Reporter,
    Style as Style,
)
from corecbench.api.seeds import (
    generator as generator,
)
from corecbench.api.sharing import (
    Budget as Budget,
    Combiner as Combiner,
    Pretrained as Pretrained,
    SharingModule as SharingModule,
    Turn as Turn,
)
from corecbench.api.sources import (
    DatasetSource as DatasetSource,
    Download as Download,
)

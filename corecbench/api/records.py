"""What lifecycle hooks are told: the facts of a cell, the record of an epoch, and the result of a cell.

Each is a TypedDict. A result is stored as it is in result.json. A key marked `NotRequired` is absent from results
of earlier versions, or where it does not apply.
"""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from corecbench.api.models import RowSide, Side


class Failure(TypedDict):
    """Why a cell, or one of its rows, failed."""

    type: str
    """Class of the exception."""
    message: str
    traceback: str


class CellRecord(TypedDict):
    """Which cell this is. A part that the cell does not have is None."""

    name: str
    """Such as "sasrec", "llama", "sasrec+llama+bdlm" or "sasrec+llama+bdlm+no-mutual"."""
    dataset: str
    """The name of the data set; it says so where only a part of it trains."""
    domain: str | None
    llm: str | None
    sharing: str | None
    control: NotRequired[str | None]
    """The control that the cell is, such as "shuffled-texts". None for a solo cell or a pair."""
    train_share: NotRequired[float]
    """Share of the users whose interactions are learnt from, where it is not all of them."""
    cold_items: NotRequired[float]
    """Share of the items that are left out of training, where there are any."""
    window: NotRequired[int]
    """Which of several windows of a split by time is tested, from 1."""
    windows: NotRequired[int]
    """Their number."""
    combines: NotRequired[bool]
    """Whether the sharing module combines both sides' scores, which gives a third row."""
    reference: NotRequired[bool]
    """Whether the cell is a model alone over which gains are said, since its component is a reference."""
    trains: NotRequired[bool]
    """False where nothing is trained together: the LLM is only read, and the cell has no row of it."""
    llm_epochs: NotRequired[int]
    """0 where the LLM of a pair has no epochs: it is only read, and the cell has no row of it."""
    seed: int


class CellFacts(CellRecord):
    """A cell before it is trained, as `corecbench_cell_started` is told of it."""

    max_history: int
    """Number of most recent items of a history that the models see."""
    hash: str
    """8 hexadecimal digits of everything that decides the result, beside the seed."""
    settings: dict[str, dict[str, Any]]
    """component or variant -> setting -> value."""


class EpochRecord(TypedDict):
    """One epoch of one side."""

    side: Side
    turn: int
    """Number of the turn, from 1; 0 for a model that is trained alone."""
    epoch: int
    """Number of the epoch, counted over all turns of the side, from 1."""
    loss: float
    """Mean over the batches, coupling losses included."""
    validation: float
    """NDCG@10 on the validation items."""
    duration_s: float
    planned_epochs: NotRequired[int]
    """The most epochs that the cell will train, both sides together."""


class DataRecord(TypedDict):
    """The data that the cell saw. The loader adds the facts that it counted."""

    fingerprint: str
    """sha256 of ids, order and texts."""
    split_fingerprint: str
    """sha256 of the split."""
    n_users: NotRequired[int]
    n_items: NotRequired[int]
    n_interactions: NotRequired[int]
    users_without_history: NotRequired[int]
    """Of a split by time: so many users are in the test, and not ranked, since they have no history before it."""


class PluginRecord(TypedDict):
    """Where a component comes from."""

    distribution: str
    version: str
    variant_of: NotRequired[str]
    """The component, where the name is that of a variant."""


class RunRecord(TypedDict):
    """What it takes to run a cell again, beside its settings, its protocol and what it is made of."""

    dataset: str
    """The data set as the run named it, such as "ml-100k" or "csv:FILE"."""
    dataset_settings: dict[str, dict[str, Any]]
    """The component of the data set -> setting -> value, without what `dataset` says."""
    metrics: list[str]
    top_k: int
    """Number of best candidates per user that were stored."""
    threads: NotRequired[int]
    """Number of threads that computed; absent where the process ended before it could say so."""
    alone: NotRequired[dict[str, dict[str, Any]]]
    """Domain model or LLM of a pair -> setting -> value alone, for settings that differ in pairs."""


class ImportRecord(TypedDict):
    """Where the ranks of a cell come from that was not trained by corecbench."""

    file: str
    """Name of the file, without its folder."""
    sha256: str
    """Checksum of the file, in hex."""
    kind: Literal["ranks", "lists"]
    list_depth: int
    """Number of best items of every list that lacks some, 100 at most; 0 for ranks, which have no lists."""
    ties_are_seen: bool
    """Whether lists have scores, so that ties count against the model. Of ranks it is not known how ties count."""
    unknown_ranks: int
    """Number of users whose rank is only known to lie between two bounds, since their list ends before it."""
    seen_left_out: NotRequired[int]
    """Number of items that a user had seen before, and that were taken out of the lists."""
    missing_last: NotRequired[int]
    """Number of users without a list, whose held-out item counts as ranked last."""
    not_tested: NotRequired[int]
    """Number of users in the file who are not tested, whose lines were left aside."""


class SideRecord(TypedDict):
    """One row of a cell after training. An ensemble costs what both sides cost together."""

    metrics: dict[str, float]
    """Metric -> its mean over users, not rounded. A metric that failed is in `faults` instead."""
    faults: NotRequired[dict[str, str]]
    """Metric -> why it has no value."""
    n_users: int
    epochs: int
    """Number of epochs that were trained; those of a refit count, which have no curve."""
    best_epoch: int | None
    validation: float | None
    """NDCG@10 on the validation items at the best epoch."""
    stopped_by: Literal["patience", "epochs", "schedule", "turns"] | None
    """"epochs": the limit came before the patience ran out, so more training may have helped. "schedule": the
    learning rate had fallen to 0."""
    train_s: NotRequired[float]
    """Absent from imported results, as the next is."""
    trainable_parameters: NotRequired[int]
    parameters: NotRequired[int]
    """Number of parameters, trainable or not, of the model as it ranks."""
    inference_ms_per_user: NotRequired[float]
    """Time in which the test items of all users were ranked and their best candidates taken, over the number of
    users."""
    kept_alone: NotRequired[bool]
    """True where the domain side of a pair predicts with what the domain model learnt alone, since nothing more was
    clearly better on validation. `epochs` and `train_s` are those of the pair; `best_epoch` is 0."""
    predicts: NotRequired[Literal["pair", "alone", "alone with texts"]]
    """What the domain side of a pair predicts with, where it may stay what the domain model learnt alone. "alone
    with texts": with that model, in whose scores texts have a say."""
    needed_epochs: NotRequired[int]
    """Where the domain model of a pair has no turn after one of the LLM: the least `epochs` with which it has."""
    stage_epochs: NotRequired[int]
    """Epochs that the sharing module took of the side's budget before the turns; `train_s` holds their time."""
    coupled: NotRequired[bool]
    """Whether a turn of the side was coupled to the other side; absent where the sharing module has no losses."""
    chosen: NotRequired[dict[str, float]]
    """Values that were chosen by validation after the training: by a sharing module for an ensemble, or the weight
    of what texts say for a side. `content_weight` is of the first content, `content_2_weight` of the second,
    `content_share` the spread of its scores in spreads of the side's own, `content_new` a factor for new items, and
    `content_version` the place of the version that was chosen."""


class CellResult(TypedDict):
    """A stored cell: the contents of result.json, as `corecbench_cell_finished` is told of them."""

    schema: Literal[3]
    status: Literal["ok", "failed"]
    """"failed" if any row of the cell has no ranks."""
    error: Failure | None
    """Why the cell, or the first of its rows that failed, has no ranks."""
    failed_sides: NotRequired[dict[RowSide, Failure]]
    """Row -> why it has no ranks, where the other rows of the cell have some."""
    cell: CellRecord
    hash: str
    """8 hexadecimal digits of the resolved settings."""
    settings: dict[str, dict[str, Any]]
    """component or variant -> setting -> value."""
    in_pairs: NotRequired[dict[str, list[str]]]
    """model or LLM -> those of its settings in a pair that differ from its settings alone."""
    tuning: NotRequired[dict[str, Any]]
    """How the settings of the domain model were found, as `corecbench tune` wrote it: trials, minutes and so on."""
    protocol: dict[str, Any]
    """How the ranks were computed. Results under different protocols never share a table."""
    data: DataRecord
    versions: dict[str, str]
    plugins: dict[str, PluginRecord]
    commit: str | None
    device: str
    machine: NotRequired[str]
    """Accelerator, processor and threads."""
    dtypes: NotRequired[dict[str, dict[str, str]]]
    """component or variant -> setting of a number format -> the format that it stood for on this machine."""
    algorithms: NotRequired[dict[str, int]]
    """Algorithm of the core, component or variant -> its number. Without one, its distribution's version counts."""
    fingerprints: NotRequired[dict[str, dict[str, str]]]
    """component or variant -> what it read beside its settings, such as "weights" -> checksum."""
    run: NotRequired[RunRecord]
    """What it takes to run the cell again."""
    started: str
    """ISO 8601."""
    duration_s: NotRequired[float]
    """Absent from imported results, as the next is."""
    peak_memory_bytes: NotRequired[int]
    llm_parameters: NotRequired[int]
    """The parameters of an LLM that is only read, since no row says them."""
    imported: NotRequired[ImportRecord]
    """Where ranks come from that corecbench did not compute."""
    sides: dict[RowSide, SideRecord]
    """The rows that have ranks."""
    epochs: list[dict[str, Any]]
    """One `EpochRecord` for each epoch."""
    files: NotRequired[dict[str, str]]
    """File that is stored with the record, such as "domain/ranks.parquet" -> its sha256."""
    checksum: NotRequired[str]
    """sha256 of everything else in the record."""

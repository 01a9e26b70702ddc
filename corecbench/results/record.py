"""The schema of result.json, and its check."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from corecbench.api import CorecbenchError, Side

SCHEMA: Literal[1] = 1

SIDES: tuple[Side, Side] = ("domain", "llm")

RowSide = Side | Literal["ensemble"]
"""What is ranked: a side, or the scores of both sides of a pair combined."""


class ResultsError(CorecbenchError):
    """Stored results that are missing, damaged or do not belong together."""

    exit_code = 5


class Failure(TypedDict):
    """Why a cell failed."""

    type: str
    message: str
    traceback: str


class CellRecord(TypedDict):
    """Which cell this is; what it does not have is None."""

    name: str
    """Such as "sasrec", "llama", "sasrec+llama+bdlm" or "sasrec+llama+bdlm+no-mutual"."""
    dataset: str
    domain: str | None
    llm: str | None
    sharing: str | None
    control: NotRequired[str | None]
    """What is different from the pair that it stands beside, such as "shuffled-texts"."""
    combines: NotRequired[bool]
    """Whether its sharing module combines both sides' scores, which gives a third row."""
    seed: int


class DataRecord(TypedDict):
    """The data that the cell saw, beside whatever facts its loader counted."""

    fingerprint: str
    """sha256 of ids, order and texts."""
    split_fingerprint: str
    n_users: NotRequired[int]
    n_items: NotRequired[int]
    n_interactions: NotRequired[int]


class PluginRecord(TypedDict):
    """Where a component came from."""

    distribution: str
    version: str
    variant_of: NotRequired[str]
    """The component, where the name is that of a variant."""


class SideRecord(TypedDict):
    """One side of a cell after training, or the ensemble of both, which takes what they take together."""

    metrics: dict[str, float]
    """Mean over users, not rounded."""
    n_users: int
    epochs: int
    """Epochs trained."""
    best_epoch: int | None
    validation: float | None
    """NDCG@10 at the best epoch."""
    stopped_by: Literal["patience", "epochs", "schedule", "turns"] | None
    """"epochs": the limit came before the patience ran out, so more training may have helped. "schedule": the
    learning rate had fallen to 0."""
    train_s: float
    trainable_parameters: int
    parameters: NotRequired[int]
    """Trainable or not, of the model as it ranks."""
    inference_ms_per_user: NotRequired[float]
    """The time in which the test items of all users were ranked and their best candidates taken, over the number of
    users."""
    chosen: NotRequired[dict[str, float]]
    """Of an ensemble: what the sharing module chose by validation."""


class Record(TypedDict):
    """The contents of result.json."""

    schema: Literal[1]
    status: Literal["ok", "failed"]
    error: Failure | None
    cell: CellRecord
    hash: str
    """8 hexadecimal digits of the resolved settings."""
    settings: dict[str, dict[str, Any]]
    """component or variant -> setting -> value."""
    in_pairs: NotRequired[dict[str, list[str]]]
    """Of a pair: model or LLM -> those of its settings that it has not alone (`RunConfig.in_pairs`)."""
    protocol: dict[str, Any]
    """How the ranks came about; results under different protocols never share a table."""
    data: DataRecord
    versions: dict[str, str]
    plugins: dict[str, PluginRecord]
    commit: str | None
    device: str
    machine: NotRequired[str]
    """Its accelerator, processor and threads."""
    started: str
    """ISO 8601."""
    duration_s: float
    peak_memory_bytes: int
    sides: dict[RowSide, SideRecord]
    """Empty if the cell failed."""
    epochs: list[dict[str, Any]]
    """One entry per epoch, as `corecbench_epoch_finished` was given it."""


def settings_in(record: Record) -> Iterator[tuple[str, str, Any, bool]]:
    """Yield every component, its settings, their values, and whether they are on purpose those of pairs only."""
    for name, values in record["settings"].items():
        of_pairs = record.get("in_pairs", {}).get(name, ())
        for setting, value in values.items():
            yield name, setting, value, setting in of_pairs


def sides_of(cell: CellRecord) -> tuple[RowSide, ...]:
    """Return the sides that a cell has, the ensemble last if it has one."""
    sides: tuple[RowSide, ...] = tuple(side for side in SIDES if cell[side] is not None)
    return (*sides, "ensemble") if cell.get("combines") else sides


def own_side(side: RowSide) -> Side:
    """Return the side whose model alone a row is compared with: of an ensemble the domain model."""
    return "domain" if side == "ensemble" else side


@functools.cache
def _schema():
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def validate(record: Any, file: Path) -> Record:
    """Return the record if it has the schema.

    Raises:
        ResultsError: naming the file and the first field at fault.
    """
    from pydantic import ValidationError

    try:
        _schema().validate_python(record, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "record"
        raise ResultsError(
            f"{file}: {where}: {fault['msg']}; run the cell again with --existing replace"
        ) from error
    if record["status"] == "ok" and set(record["sides"]) != set(sides_of(record["cell"])):
        raise ResultsError(
            f"{file}: sides: {sorted(record['sides'])} are not those of cell {record['cell']['name']}"
        )
    return record

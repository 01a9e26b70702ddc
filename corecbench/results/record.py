"""Checks result.json, whose schema is `corecbench.api.CellResult`, and answers questions about a record."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Literal

from corecbench.api import SIDES, CellRecord, CellResult, CorecbenchError, Failure, RowSide, Side

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import TypeAdapter


SCHEMA: Literal[3] = 3
"""The version of the schema of result.json. Since 3 rows of ranks stand in the order of the users."""


MEND = "run the cell again with --existing replace-damaged, or delete its folder"
"""How a damaged cell is mended."""


class ResultsError(CorecbenchError):
    """Stored results that are missing, damaged or do not belong together."""

    exit_code = 5


class DamagedError(ResultsError):
    """A stored cell that is not as it was stored. It costs its own row; other cells are read all the same."""


class NewerError(ResultsError):
    """A stored cell of a newer version of corecbench, which this one can neither read nor replace."""


def damaged(file: Path, what: str) -> DamagedError:
    return DamagedError(f"{file}: {what}; {MEND}")


def variant_of(record: CellResult, label: str) -> str | None:
    plugin = record["plugins"].get(label)
    return plugin.get("variant_of") if plugin else None


def settings_in(record: CellResult) -> Iterator[tuple[str, str, Any, bool]]:
    for name, values in record["settings"].items():
        in_pairs_only = record.get("in_pairs", {}).get(name, ())
        for setting, value in values.items():
            yield name, setting, value, setting in in_pairs_only


def model_of(record: CellResult, label: str) -> str:
    """Return in pairs of which model a component has the settings that it has in a cell; "" if in all cells.

    Settings of a sharing module may be searched for each model.
    """
    cell = record["cell"]
    return cell["domain"] or "" if label == cell["sharing"] else ""


def algorithms_in(record: CellResult) -> Iterator[tuple[str, int | str]]:
    numbers = record.get("algorithms")
    if numbers is not None:
        yield from numbers.items()
        for name, plugin in record["plugins"].items():
            if name not in numbers:
                yield name, plugin["version"]


def sides_of(cell: CellRecord) -> tuple[RowSide, ...]:
    if cell.get("trains") is False or cell.get("llm_epochs") == 0:
        return ("domain",)
    sides: tuple[RowSide, ...] = tuple(side for side in SIDES if cell[side] is not None)
    return (*sides, "ensemble") if cell.get("combines") else sides


def own_side(side: RowSide) -> Side:
    return "domain" if side == "ensemble" else side


def failure_of(record: CellResult, side: RowSide) -> Failure | None:
    if side in record["sides"]:
        return None
    failure = record.get("failed_sides", {}).get(side) or record["error"]
    return failure or {"type": "", "message": "no reason recorded", "traceback": ""}


def record_text(record: CellResult) -> str:
    return json.dumps(record, sort_keys=True, indent=2) + "\n"


@functools.cache
def _schema() -> TypeAdapter[CellResult]:
    from pydantic import TypeAdapter

    return TypeAdapter(CellResult)


def validate(record: Any, file: Path) -> CellResult:
    """Return the record if it has the schema.

    A successful cell has all its rows. A failed cell may have some of them; then `failed_sides` says why each of
    the others has no ranks.

    Raises:
        DamagedError: naming the file and the first field at fault.
        NewerError: the schema is a later one.
    """
    from pydantic import ValidationError

    schema = record.get("schema") if isinstance(record, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise NewerError(
            f"{file}: schema {schema} of a newer corecbench, and this one reads {SCHEMA}; update corecbench, or "
            "use another --benchmark"
        )
    if isinstance(schema, int) and schema < SCHEMA:
        raise damaged(file, f"schema {schema} of an earlier corecbench, and this one reads {SCHEMA}")
    try:
        _schema().validate_python(record, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "record"
        raise damaged(file, f"{where}: {fault['msg']}") from error
    checked: CellResult = record
    cell, ranked, failed = checked["cell"], set(checked["sides"]), set(checked.get("failed_sides", {}))
    rows = set(sides_of(cell))
    if checked["status"] == "ok" and ranked != rows:
        raise damaged(file, f"sides: {sorted(ranked)} are not those of cell {cell['name']}")
    if ranked & failed or not ranked | failed <= rows:
        raise damaged(
            file,
            f"failed_sides: {sorted(failed)} beside sides {sorted(ranked)} do not fit cell {cell['name']}, "
            f"whose rows are {sorted(rows)}",
        )
    if checked["status"] == "failed" and ranked and (ranked == rows or ranked | failed != rows):
        raise damaged(
            file,
            "failed_sides: a failed cell with some ranks says for each other row why it has none; "
            f"ranks of {sorted(ranked)}, reasons of {sorted(failed)}, rows {sorted(rows)}",
        )
    return checked

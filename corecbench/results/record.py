"""The check of result.json, and the errors of stored results. The schema is `corecbench.api.CellResult`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal

from corecbench.api import SIDES, CellResult, CorecbenchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corecbench.api import CellRecord, RowSide, Side


SCHEMA: Literal[1] = 1
"""The version of the schema of result.json."""


class ResultsError(CorecbenchError):
    """Stored results that are missing, damaged or do not belong together."""

    exit_code = 5


def settings_in(record: CellResult) -> Iterator[tuple[str, str, Any, bool]]:
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

    return TypeAdapter(CellResult)


def validate(record: Any, file: Path) -> CellResult:
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

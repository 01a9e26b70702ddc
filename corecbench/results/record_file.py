"""Reads result.json, and refuses one that is damaged or lies where another belongs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from corecbench.results.checksums import check_links, check_record
from corecbench.results.layout import RECORD_FILE, own_folder
from corecbench.results.packed import contents_of, exists
from corecbench.results.privacy import hides, is_private, without_private
from corecbench.results.record import ResultsError, damaged, validate

if TYPE_CHECKING:
    from pathlib import Path

    from corecbench.api import CellResult


def read_record(folder: Path) -> CellResult:
    """Return the record of the cell in a folder.

    Raises:
        ResultsError: there is no such folder.
        DamagedError: the record is missing, was changed, or is that of another folder.
        NewerError: a newer version of corecbench wrote it.
    """
    file = folder / RECORD_FILE
    if not exists(folder):
        raise ResultsError(f"{file}: no such result")
    check_links(file, folder)
    contents = contents_of(file)
    try:
        text = contents.decode("utf-8")
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged(file, f"cannot be read ({error})") from error
    record = validate(found, file)
    check_record(record, file)
    names = record["cell"]["dataset"], record["cell"]["name"], ""
    for what, name, stated, there in zip(
        ("data set", "cell", "seed and hash"), names, own_folder(record), folder.parts[-3:], strict=True
    ):
        if stated != there and not hides(name):  # the folder is named by the whole name
            raise damaged(file, f"its {what} is {stated}, and that of its folder {there}")
    return without_private(record) if is_private(text) else record


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")

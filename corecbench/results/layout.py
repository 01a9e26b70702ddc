"""Where the files of a stored cell lie. `corecbench.results.store` shows the whole."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from corecbench.results.record import sides_of

if TYPE_CHECKING:
    from pathlib import Path

    from corecbench.api import CellRecord, CellResult, RowSide

RECORD_FILE = "result.json"
MODEL, CHECKPOINT = "model", "checkpoint.safetensors"
"""The folder with the models of a cell, if they are kept, and the weights from which pairs of a model start."""
RANKS_FILE, TOP_FILE = "ranks.parquet", "top.parquet"
ITEMS_FILE, USERS_FILE, TRAINING_FILE = SHARED = ("items.parquet", "users.parquet", "training.parquet")
"""Files that the cells of a data set share."""

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names that no file has on Windows, whatever their ending."""


def slug(label: str) -> str:
    """Return a name for a file that is safe in a path on every system, readable, and tells labels apart.

    >>> slug("sasrec+llama+bdlm")
    'sasrec+llama+bdlm'
    >>> slug("llama:org/model")
    'llama-org-model-824a0d'
    >>> slug("aux.2")
    '_aux.2-0a24b3'
    """
    safe = re.sub(r"[^A-Za-z0-9._+-]+", "-", label).strip("-.")[:100]
    if safe == label and label and not RESERVED.match(label):
        return safe
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{'_' * bool(RESERVED.match(safe))}{safe}-{digest}".lstrip("-")


def cell_folder(cell_name: str, dataset: str, seed: int, hash8: str) -> tuple[str, str, str]:
    return slug(dataset), slug(cell_name), f"seed{seed}-{hash8}"


def own_folder(record: CellResult) -> tuple[str, str, str]:
    cell = record["cell"]
    return cell_folder(cell["name"], cell["dataset"], cell["seed"], record["hash"])


def side_file(cell: CellRecord, side: RowSide, name: str) -> str:
    return f"{side}/{name}" if len(sides_of(cell)) > 1 else name


def shared_file(folder: Path, name: str, digest: str) -> Path:
    """Return where a file lies that a cell shares with others of its data set.

    Args:
        folder: the folder of the cell.
        name: the name by which the record knows it, one of SHARED.
        digest: its sha256, so that other contents lie elsewhere.
    """
    stem, ending = name.split(".")
    return folder.parents[1] / f"{stem}-{digest[:16]}.{ending}"

"""The files of kept sides, in the folder `model` of a cell. Nothing is pickled.

model/
    items.json               ids and titles of the items; the texts that the cell saw, where these are others
    sharing.safetensors      the sharing module of a pair, as its last turn left it: neither side needs it
    domain/  llm/            the sides that were ranked:
        side.json            `KeptSide.facts`
        weights.safetensors  `KeptSide.weights`
        interactions.safetensors   `KeptSide.interactions`, where there are any
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from corecbench.api import SIDES, Catalog, UsageError
from corecbench.keeping.kept import KeptSide
from corecbench.results.checksums import check_record, read_file
from corecbench.results.layout import MODEL, RECORD_FILE
from corecbench.results.packed import contents_of
from corecbench.results.record import ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch

    from corecbench.api import CellRecord, Side

FORMAT = 4
"""Version of the files."""
SIDE, WEIGHTS, INTERACTIONS, ITEMS = "side.json", "weights.safetensors", "interactions.safetensors", "items.json"


@dataclass
class KeptCell:
    """What is kept of a cell."""

    cell: CellRecord
    catalog: Catalog
    """That of the data set."""
    seen: Catalog
    """That which the cell saw; a control may have replaced its texts. A side with "plain_texts" saw those of the
    data set."""
    sides: dict[Side, KeptSide] = field(default_factory=dict)
    """The sides that were ranked."""
    sharing: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """The sharing module; empty where there is none, or where it has no weights."""

    def write(self, folder: Path) -> None:
        """Write everything into a new folder."""
        folder.mkdir()
        items = {"item_ids": self.catalog.item_ids[1:], "titles": self.catalog.item_texts[1:]}
        if self.seen.item_texts != self.catalog.item_texts:
            items["texts"] = self.seen.item_texts[1:]
        write_json(folder / ITEMS, items)
        if self.sharing:
            write_tensors(folder / "sharing.safetensors", dict(self.sharing))
        for side, kept in self.sides.items():
            place = folder / side
            place.mkdir()
            write_json(place / SIDE, {"format": FORMAT, "cell": self.cell, **kept.facts})
            write_tensors(place / WEIGHTS, kept.weights)
            if kept.interactions:
                write_tensors(place / INTERACTIONS, kept.interactions)


def write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def write_tensors(file: Path, tensors: dict[str, torch.Tensor]) -> None:
    file.write_bytes(save(tensors))


def sides_in(cell: Path) -> list[Side]:
    """Return the sides that were kept with a cell.

    Raises:
        ResultsError: none was kept.
    """
    found = [side for side in SIDES if (cell / MODEL / side / SIDE).exists()]
    if not found:
        raise ResultsError(
            f"{cell}: no model was kept with this cell; run it again with --keep-models"
            if (cell / RECORD_FILE).exists()
            else f"{cell}: no folder of a cell; it holds result.json and, if models were kept, the folder {MODEL}"
        )
    return found


def choose_side(cell: Path, side: str | None) -> Side:
    """Return the side of a cell that is meant: by default the only one or, in a pair, the domain model.

    Raises:
        ResultsError: none was kept.
        UsageError: this one was not kept.
    """
    have = sides_in(cell)
    if side is None:
        return have[0]
    if side not in have:
        hint = "; an ensemble is no side: load both and combine them" if side == "ensemble" else ""
        raise UsageError(f"{cell}: no {side} side was kept; have: {', '.join(have)}{hint}")
    return next(kept for kept in have if kept == side)


def read_side(cell: Path, side: Side) -> KeptSide:
    """Return what was kept of a side.

    Raises:
        ResultsError: a file is missing, damaged or of a later version.
    """
    facts = read(cell, f"{side}/{SIDE}", json.loads)
    if facts.get("format") != FORMAT:
        raise ResultsError(
            f"{cell / MODEL / side / SIDE}: format {facts.get('format')!r} is not {FORMAT}; it "
            "was kept by another version of corecbench"
        )
    needed = facts["fits"] or facts["knows_users"]
    weights = read(cell, f"{side}/{WEIGHTS}", load)
    return KeptSide(facts, weights, read(cell, f"{side}/{INTERACTIONS}", load) if needed else {})


def read_items(cell: Path) -> dict[str, tuple[str, ...]]:
    """Return `item_ids`, `titles` and `texts`, each with "" as entry 0.

    Raises:
        ResultsError: the file is missing or damaged.
    """
    stored = read(cell, ITEMS, json.loads)
    columns = {name: ("", *stored.get(name, stored["titles"])) for name in ("item_ids", "titles", "texts")}
    if len({len(column) for column in columns.values()}) != 1:
        raise ResultsError(f"{cell / MODEL / ITEMS}: ids and titles differ in number; run the cell again")
    return columns


def read(cell: Path, name: str, decode: Callable[[bytes], Any]) -> dict[str, Any]:
    """Return what a file of the folder `model` holds, if it is the one that was stored with the cell.

    Raises:
        ResultsError: it is missing or damaged, or was changed.
    """
    file = cell / MODEL / name
    try:
        record: Any = json.loads(contents_of(cell / RECORD_FILE)) if (cell / RECORD_FILE).exists() else {}
        if "checksum" in record:
            check_record(record, cell / RECORD_FILE)
        return dict(decode(read_file(cell, f"{MODEL}/{name}", record)))
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise ResultsError(f"{file}: cannot be read ({reason}); run the cell again with --keep-models") from error

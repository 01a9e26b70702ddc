"""What a run needs beside names that exist, checked before training: a device, texts, and room on disk."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from corecbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from corecbench.data.loaded import SplitDataset
    from corecbench.experiment.cells import Cell
    from corecbench.plugin.selected import Selected
    from corecbench.settings.config import RunConfig

FLOAT = 4
"""Bytes of a number of a weight."""
PER_USER, PER_PLACE, PER_ITEM = 64, 16, 32
"""Bytes of a rank, of a place of a stored list, and of an item's frequency, ids included."""
STATES = 10
"""Copies of the weights in the two states of a training: weights, best weights, average, two moments."""
TEXT = 2 * 1024 * FLOAT
"""Bytes of the states that an LLM keeps of an item's text, at two depths."""
CONVERTED = 2**30
"""Bytes of an LLM that is downloaded and converted."""
WIDTH = 64
"""Width of a model's tables if its settings do not say it."""


def check_device(name: str) -> None:
    """Raise a UsageError if there is no such device, or torch cannot compute on it here."""
    if name == "cpu":  # always here, and torch takes a second to load
        return
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(
            f"device {name!r} does not exist; allowed are cpu, cuda, cuda:0 and so on, or mps"
        ) from error
    if device.type == "cuda":  # nothing is put there: the process of a cell may do that, not this one
        n_devices = torch.cuda.device_count()
        if (device.index or 0) >= n_devices:
            raise UsageError(f"device {name!r} is not here: torch finds {n_devices} GPUs; use --device cpu")
        return
    try:
        torch.ones(1, device=device).item()
    except Exception as error:
        reason = str(error).splitlines()[0].split(". ")[0]
        raise UsageError(f"device {name!r} cannot be used: {reason}; use --device cpu") from error


def check_texts(data_sets: Iterable[SplitDataset], llms: Sequence[Selected]) -> None:
    """Raise a UsageError if no item of a data set has a text, and an LLM reads texts."""
    llms = [llm for llm in llms if llm.reads_texts]
    for data in data_sets if llms else ():
        if not any(data.catalog.item_texts):
            name = data.selected.name
            hint = f" (--set {name}.title=COLUMN)" if hasattr(data.selected.config, "title") else ""
            raise UsageError(
                f"no item of {data.whole_name} has a text, and {llms[0].label} reads the texts of items; give the "
                f"items titles{hint}, or run without --llm"
            )


def check_disk(cells: Sequence[Cell], config: RunConfig, results: Path, cache: Path, n_downloads: int) -> None:
    """Raise a UsageError if a disk, of results or cache, lacks room for what the training of cells writes."""
    if not cells:
        return
    needed = {results: results_bytes(cells, config)}
    if config.executor == "processes":
        needed[cache] = needed.get(cache, 0) + CONVERTED * n_downloads + cache_bytes(cells)
    by_disk: dict[int, list[Path]] = {}
    for place in needed:
        by_disk.setdefault(existing(place).stat().st_dev, []).append(place)
    for places in by_disk.values():
        total, free = sum(needed[place] for place in places), shutil.disk_usage(existing(places[0])).free
        if total > free:
            named = " and ".join(map(str, places))
            raise UsageError(
                f"the disk of {named} has {megabytes(free)} free, but this run needs about {megabytes(total)}; "
                "free some room, or choose other folders by --results and CORECBENCH_CACHE"
            )


def results_bytes(cells: Sequence[Cell], config: RunConfig) -> int:
    """Return about how much the results and the states of trainings take."""
    total = 0
    for cell in cells:
        n_rows = len(sides_of(cell)) + cell.combines
        n_kept = (cell.llm is None) + (len(sides_of(cell)) if config.keep_models else 0)
        top_k = min(config.top_k, cell.data.catalog.n_items)
        total += n_rows * len(cell.data.split.held["test"].users) * (PER_USER + PER_PLACE * top_k)
        total += PER_ITEM * cell.data.catalog.n_items + n_kept * tables_bytes(cell)
    at_once = min(config.jobs or os.cpu_count() or 1, len(cells))
    return total + at_once * max(STATES * len(sides_of(cell)) * tables_bytes(cell) for cell in cells)


def cache_bytes(cells: Sequence[Cell]) -> int:
    read = {id(cell.data): cell.data.catalog.n_items for cell in cells if cell.llm is not None}
    begun = max((STATES * tables_bytes(cell) for cell in cells if cell.sharing is not None), default=0)
    return TEXT * sum(read.values()) + begun


def tables_bytes(cell: Cell) -> int:
    configs = [part.config for part in (cell.domain, cell.llm) if part is not None]
    width = max(getattr(config, "embedding_size", WIDTH) for config in configs)
    return FLOAT * width * (cell.data.catalog.n_users + cell.data.catalog.n_items)


def sides_of(cell: Cell) -> list[Selected]:
    return [part for part in (cell.domain, cell.llm) if part is not None]


def existing(place: Path) -> Path:
    absolute = place.absolute()
    return next(folder for folder in (absolute, *absolute.parents) if folder.exists())


def megabytes(n_bytes: int) -> str:
    """Return a size as text.

    >>> megabytes(1_500_000), megabytes(2_300_000_000)
    ('1.5 MB', '2,300 MB')
    """
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 1e8 else f"{n_bytes / 1e6:,.0f} MB"

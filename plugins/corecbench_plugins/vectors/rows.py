"""Vectors of a file as rows of a catalogue, and what is done with them. N items, h and k widths of rows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from corecbench.api import CorecbenchWarning, DataError, UsageError
from corecbench.toolkit import checksum, principal_axes, read_vectors, vector_files, whitened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import Catalog
    from corecbench_plugins.vectors.settings import FileConfig

NORM = 5.0
"""Root mean square norm of a row, that of the other LLM backends."""


def fingerprint(config: FileConfig, cache: Path) -> dict[str, str]:
    """Return the checksum of the file and, if there is one, of the file of ids beside it."""
    paths = vector_files(path_of(config))
    return {name: checksum(path, cache) for name, path in zip(("vectors", "ids"), paths, strict=False)}


def path_of(config: FileConfig) -> Path:
    """Return the file.

    Raises:
        UsageError: none is named.
    """
    if not config.file:
        raise UsageError(f"{config.component} needs a file; write {config.component}:FILE")
    return Path(config.file).expanduser()


def rows_of(config: FileConfig, catalog: Catalog) -> list[torch.Tensor]:
    """Return each part of the file as float32 [N+1, h], zero for items without a vector, which are counted.

    Raises:
        DataError: no id of the file is one of the catalogue.
    """
    found = read_vectors(path_of(config))
    parts, n_with = found.of(catalog)
    if n_without := catalog.n_items - n_with:
        said = f"{n_without:,} of {catalog.n_items:,} items of {catalog.name} have no vector in {found.path.name}"
        warnings.warn(f"{said}; their rows are zero", CorecbenchWarning, stacklevel=2)
    return [torch.from_numpy(rows) for rows in parts.values()]


def text_of(parts: Sequence[torch.Tensor], config: FileConfig, n_new: int) -> torch.Tensor:
    """Return the parts, each transformed on its own, side by side.

    Args:
        parts: what `rows_of` returned.
        config: says what is done.
        n_new: `Catalog.n_new_items`; the vectors of these decide nothing.

    Returns:
        float32 [N+1, k], of a root mean square norm of 5.
    """
    scale: float = NORM / len(parts) ** 0.5
    return scale * torch.cat([transformed(part, config, n_new) for part in parts], dim=1)


def transformed(rows: torch.Tensor, config: FileConfig, n_new: int) -> torch.Tensor:
    """Return one part as the settings say, scaled to a root mean square norm of 1; zero rows stay zero.

    Raises:
        DataError: `pca` is more than the numbers of a vector.
    """
    if config.pca > rows.shape[1]:
        raise DataError(f"{config.component}.pca is {config.pca}, but a vector has {rows.shape[1]} numbers")
    if config.normalise:
        rows = torch.nn.functional.normalize(rows, dim=1)
    has = (rows != 0).any(dim=1)
    known = has & (torch.arange(len(rows)) < len(rows) - n_new)
    if config.transform == "whiten":
        white = whitened(rows, n_new=n_new)
        return scaled(white[:, : config.pca], known) if config.pca else white
    if config.transform == "centre":
        centred = torch.where(has[:, None], rows - rows[known].mean(dim=0), 0.0)
        rows = centred @ principal(centred[known], config.pca) if config.pca else centred
    return scaled(rows, known)


def scaled(rows: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Return rows whose known ones have a root mean square norm of 1.

    Raises:
        DataError: these are all zero.
    """
    norm = rows[known].double().square().sum(dim=1).mean().sqrt()
    if not norm > 0:
        raise DataError("all vectors are alike, so there is nothing to tell items apart by")
    return (rows / norm).float()


def principal(centred: torch.Tensor, count: int) -> torch.Tensor:
    """Return the directions in which centred rows differ most, float32 [h, count], the largest first."""
    return principal_axes(centred.double())[1].flip(-1)[:, :count].float()

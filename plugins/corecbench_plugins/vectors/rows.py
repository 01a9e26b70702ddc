"""Vectors of a file as rows of a catalogue, and what is done with them. N items, h and k widths of rows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch

from corecbench.api import CorecbenchWarning, DataError
from corecbench.toolkit import one_thread, whitened
from corecbench_plugins.vectors.files import path_of, read_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import Catalog
    from corecbench_plugins.vectors.settings import VectorsConfig

NORM = 5.0
"""Root mean square norm of a row, that of the other LLM backends."""


def rows_of(config: VectorsConfig, catalog: Catalog) -> list[torch.Tensor]:
    """Return each part of the file as float32 [N+1, h], zero for items without a vector, which are counted.

    Raises:
        DataError: no id of the file is one of the catalogue.
    """
    path = path_of(config)
    found = read_vectors(path)
    place = {item_id: row for row, item_id in enumerate(catalog.item_ids) if row}
    known = [row for row, item_id in enumerate(found.ids) if item_id in place]
    if not known:
        raise DataError(
            f"{path}: none of its {len(found.ids):,} ids, such as {found.ids[0]!r:.40}, is an item of "
            f"{catalog.name}, whose ids are such as {catalog.item_ids[1]!r:.40}"
        )
    if n_without := catalog.n_items - len(known):
        said = f"{n_without:,} of {catalog.n_items:,} items of {catalog.name} have no vector in {path.name}"
        warnings.warn(f"{said}; their rows are zero", CorecbenchWarning, stacklevel=2)
    rows = []
    for part in found.parts.values():
        whole = np.zeros((catalog.n_items + 1, part.shape[1]), dtype=np.float32)
        whole[[place[found.ids[row]] for row in known]] = part[known]
        rows.append(torch.from_numpy(whole))
    return rows


def text_of(parts: Sequence[torch.Tensor], config: VectorsConfig, n_new: int) -> torch.Tensor:
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


def transformed(rows: torch.Tensor, config: VectorsConfig, n_new: int) -> torch.Tensor:
    """Return one part as the settings say, scaled to a root mean square norm of 1; zero rows stay zero."""
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
    with one_thread():  # LAPACK's last digits depend on the number of threads
        directions = torch.linalg.eigh(centred.T.double() @ centred.double()).eigenvectors
    largest: torch.Tensor = directions.flip(-1)[:, :count].float()
    return largest

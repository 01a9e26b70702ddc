"""Work that consists of arrays, with a file for each in a folder. It needs numpy alone: every side reads it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self


@dataclass(frozen=True)
class SavedArrays:
    """The base of dataclasses whose fields are arrays."""

    def save(self, folder: Path) -> None:
        """Write the arrays into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for array in fields(self):
            np.save(folder / f"{array.name}.npy", getattr(self, array.name))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(**{array.name: np.load(folder / f"{array.name}.npy") for array in fields(cls)})

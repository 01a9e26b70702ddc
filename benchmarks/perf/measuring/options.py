"""What every measuring script is told."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How a script measures, as its command line says."""

    tiny: bool
    """Whether sizes are so small that only the script itself is tested."""
    rounds: int
    threads: int
    out: Path | None
    """Folder of the records; None if nothing is kept."""
    peers: Path
    """Folder of the peers' environments."""
    install: bool
    """Whether peers that are not there are installed."""
    pip_args: str
    busy: bool
    """Whether other work runs on the machine, as far as the user knows."""

    def say(self, text: str) -> None:
        """Tell the user how far the script is."""
        print(text, file=sys.stderr, flush=True)

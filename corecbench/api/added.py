"""A mark for a setting that a component got after results of it had been stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Added:
    """Marks a setting that came later, and tells with which value the component is what it was before.

    It stands in `typing.Annotated`, as in `Annotated[bool, Added(before=True)]`. Cells in which the setting has
    this value keep the hash that they had, so stored results stay theirs, whatever the default is.
    """

    before: Any
    """The value, one that the setting may have."""

"""A mark for a setting that a component got after results of it had been stored."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Added:
    """Marks a setting with whose default the component is what it was before there was this setting.

    It stands in `typing.Annotated`, as in `Annotated[bool, Added()]`. Cells in which the setting has its default
    keep the hash that they had, so stored results stay theirs. Whoever changes the default takes the mark away.
    """

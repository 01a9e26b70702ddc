"""The sentences of a caption about imported results: where they come from, and what of them is not checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corecbench.report.wording import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from corecbench.api import CellResult, ImportRecord

DIGITS = 8
"""Digits of a checksum that a caption shows."""
MOST_NAMED = 6


def of_imports(records: Iterable[CellResult]) -> Iterator[str]:
    """Yield the sentences about the imported ones among some results."""
    imports = {_origin(record): record["imported"] for record in records if "imported" in record}
    if not imports:
        return
    yield (
        f"Imported, not trained here: {_some(imports)}; users, held-out items, candidates and items seen before "
        "are checked against this split; what a model was trained on, and how much of a history it read, is not"
    )

    def files(wanted: Callable[[ImportRecord], bool]) -> str:
        return _some(dict.fromkeys(each["file"] for each in imports.values() if wanted(each)))

    if ranks := files(lambda each: each["kind"] == "ranks"):
        yield f"Ranks of {ranks}: how ties count, and that all candidates were ranked, is not checked"
    if lists := files(lambda each: each["unknown_ranks"] > 0):
        yield (
            f"Lists of {lists} end before some held-out items: a metric has a value only where it is the same for "
            "all ranks beyond the list"
        )
    if blind := files(lambda each: each["kind"] == "lists" and not each["ties_are_seen"]):
        yield f"Lists of {blind} have no scores, so ties are not seen"
    for each in imports.values():
        if n_seen := each.get("seen_left_out"):
            yield f"From the lists of {each['file']} {count(n_seen)} items were taken that users saw before"
        if n_missing := each.get("missing_last"):
            yield f"For {count(n_missing)} users {each['file']} has no list; their item counts as ranked last"


def _origin(record: CellResult) -> str:
    cell, imported = record["cell"], record["imported"]
    file = f"{imported['file']}, sha256 {imported['sha256'][:DIGITS]}"
    return f"{cell['name']} on {cell['dataset']}, seed {cell['seed']} ({file})"


def _some(names: Iterable[str]) -> str:
    """Return names, of many the first ones and how many more there are."""
    listed = list(names)
    more = [f"{len(listed) - MOST_NAMED} more"] if len(listed) > MOST_NAMED else []
    return ", ".join([*listed[:MOST_NAMED], *more])

"""Shows records as Markdown tables: the targets of all scripts, and what each side took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEBIBYTE = 1024**2
GIBIBYTE = 1024**3
WORDS = {
    "cpu_s": "CPU s",
    "peak_memory_bytes": "peak memory",
}


def table(records: Sequence[Mapping[str, Any]]) -> str:
    """Return all records as text: where they were measured, the ratios, and every side."""
    return "\n".join([*processors(records), "", *ratios(records), "", *sides(records)])


def processors(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table of where the records were measured, and by which versions of corecbench and torch."""
    rows = [
        [
            *(record["name"], record["started"][:10], record["machine"]),
            str(record["rounds"]),
            *(record["versions"][name] for name in ("corecbench", "torch")),
            "tiny sizes, no measurement" if record["tiny"] else "yes" if record["busy"] else "no",
        ]
        for record in records
    ]
    return lines(["script", "date", "processor", "rounds", "corecbench", "torch", "other work"], rows)


def ratios(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table of targets, those of the same sides in one row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for comparison in record["comparisons"]:
            for target in comparison["targets"]:
                named = f"{target['over']} / {target['under']}" if target["under"] else target["over"]
                what = WORDS.get(target["quantity"], target["quantity"])
                shown = f"{what} {number(target['value'], target)}{wanted(target)}"
                rows.setdefault((f"{record['name']}: {comparison['name']}", named), []).append(shown)
    return lines(["work", "ratio", "measured"], [[*key, ", ".join(shown)] for key, shown in rows.items()])


def sides(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table of all sides, by medians."""
    rows = []
    for record in records:
        for comparison in record["comparisons"]:
            for name, side in comparison["sides"].items():
                missing = side.get("failed") or side.get("cannot")
                remark = f"not measured: {missing.splitlines()[0]}" if missing else side["facts"].get("remark")
                cells = ["", ""]
                if not missing:
                    cells = [f"{side['cpu_s']['median']:.3g}", size(side["peak_memory_bytes"]["median"])]
                shown = f"{name} ({remark})" if remark else name
                rows.append([f"{record['name']}: {comparison['name']}", shown, *cells])
    return lines(["work", "side", "CPU s", "peak memory"], rows)


def lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table. A cell of the first column that repeats the one above it stays empty."""
    above = [None, *(row[0] for row in rows)]
    shown = [["" if row[0] == before else row[0], *row[1:]] for row, before in zip(rows, above, strict=False)]
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *shown)]


def size(n_bytes: float) -> str:
    """Return a size in MiB or GiB.

    >>> size(3 * 1024**3), size(5 * 1024**2)
    ('3.00 GiB', '5 MiB')
    """
    return f"{n_bytes / GIBIBYTE:.2f} GiB" if n_bytes >= GIBIBYTE else f"{n_bytes / MEBIBYTE:.0f} MiB"


def number(value: float | None, target: Mapping[str, Any]) -> str:
    """Return a measured value of a target; "-" where there is none."""
    if value is None:
        return "-"
    return size(value) if target["quantity"] == "peak_memory_bytes" and not target["under"] else f"{value:.3g}"


def wanted(target: Mapping[str, Any]) -> str:
    """Return what a target asks for, in brackets; "" where it asks for nothing."""
    for bound, words in (("at_least", "at least"), ("at_most", "at most")):
        if target[bound] is not None:
            return f" ({words} {number(target[bound], target)}{', missed' * (target['met'] is False)})"
    return ""

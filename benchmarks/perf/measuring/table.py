"""Shows records as Markdown tables: the targets of all scripts, and what each side took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEBIBYTE = 1024**2
GIBIBYTE = 1024**3
WORDS = {
    "cpu_s": "CPU s",
    "wall_s": "wall s",
    "peak_memory_bytes": "peak memory",
    "page_mb": "MB of the page",
    "to_100_cpu_s": "CPU s",
    "to_98_cpu_s": "CPU s to 98 % of it",
    "to_95_cpu_s": "CPU s to 95 % of it",
}


def table(records: Sequence[Mapping[str, Any]]) -> str:
    """Return all records as text: where they were measured, the ratios, and every side."""
    return "\n".join([*map(place, records), "", *ratios(records), "", *sides(records)])


def place(record: Mapping[str, Any]) -> str:
    """Return in a line when, where and with what a record was measured."""
    there = {name: version for name, version in record["versions"].items() if version != "missing"}
    libraries = ", ".join(f"{name} {version}" for name, version in there.items())
    remarks = [
        "tiny sizes, no measurement" if record["tiny"] else "",
        "other work ran on the machine" if record["busy"] else "",
    ]
    parts = [record["started"][:10], record["machine"], counted(record["threads"], "thread")]
    parts += [counted(record["rounds"], "round"), libraries, *(f"**{remark}**" for remark in remarks if remark)]
    return f"- {record['name']}: {'; '.join(parts)}"


def ratios(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table of targets."""
    rows = [
        [
            record["name"],
            comparison["name"],
            f"{target['over']} / {target['under']}" if target["under"] else target["over"],
            WORDS.get(target["quantity"], target["quantity"]),
            number(target["value"], target),
            wanted(target),
            {None: "", True: "yes", False: "no"}[target["met"]] if wanted(target) else "",
        ]
        for record in records
        for comparison in record["comparisons"]
        for target in comparison["targets"]
    ]
    return lines(["script", "work", "ratio", "of", "measured", "target", "met"], rows)


def sides(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table of all sides: medians with the extremes in brackets."""
    rows = []
    for record in records:
        for comparison in record["comparisons"]:
            for name, side in comparison["sides"].items():
                missing = side.get("failed") or side.get("cannot")
                cells = ["", "", "", f"not measured: {missing.splitlines()[0]}" if missing else ""]
                if not missing:
                    peak = size(side["peak_memory_bytes"]["median"])
                    cells = [seconds(side["cpu_s"]), seconds(side["wall_s"]), peak, side["facts"].get("remark", "")]
                rows.append([record["name"], comparison["name"], name, *cells])
    return lines(["script", "work", "side", "CPU s", "wall s", "peak memory", "remark"], rows)


def lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table. A cell that repeats the one above it stays empty in the first two columns."""
    shown, before = [], [""] * len(head)
    for row in rows:
        same = [bool(row[0] == before[0]), bool(row[:2] == before[:2])]
        shown.append(["" if column < 2 and same[column] else cell for column, cell in enumerate(row)])
        before = list(row)
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *shown)]


def seconds(spread: Mapping[str, float]) -> str:
    """Return a median with its extremes.

    >>> seconds({"median": 2.0, "min": 1.5, "max": 12.25})
    '2 (1.5 to 12.2)'
    """
    return f"{spread['median']:.3g} ({spread['min']:.3g} to {spread['max']:.3g})"


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
    """Return what a target asks for; "" where it asks for nothing."""
    for bound, words in (("at_least", "at least"), ("at_most", "at most")):
        if target[bound] is not None:
            return f"{words} {number(target[bound], target)}"
    return ""


def counted(n: int, what: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "round"), counted(5, "round")
    ('1 round', '5 rounds')
    """
    return f"{n} {what}{'s' * (n != 1)}"

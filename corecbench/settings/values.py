"""Reads settings as plain values from options, --set and tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_SEEDS = 1000
"""Most seeds of a run."""
DATE = re.compile(r"\d{4}-\d\d(-\d\d.*)?", re.ASCII)


def over(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Return two mappings as one. Tables that are in both are merged; any other value of `high` wins.

    >>> over({"epochs": 1, "sasrec": {"n_heads": 1, "epochs": 2}}, {"sasrec": {"epochs": 3}})
    {'epochs': 1, 'sasrec': {'n_heads': 1, 'epochs': 3}}
    """
    merged = dict(low)
    for key, value in high.items():
        lower = low.get(key)
        merged[key] = over(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged


def parse_set(text: str) -> tuple[str, str, Any]:
    """Split "component.key=value". A value that is no TOML value is text.

    >>> parse_set("sasrec.epochs=3")
    ('sasrec', 'epochs', 3)
    >>> parse_set("llama.layout=titles")
    ('llama', 'layout', 'titles')
    """
    import tomllib

    match = re.fullmatch(r"([^=\s]+)\.(\w+)\s*=\s*(.*)", text.strip(), flags=re.DOTALL)
    if match is None:
        raise UsageError(f"--set {text!r} is not of the form component.key=value")
    component, key, value = match.groups()
    try:
        parsed = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):  # ValueError is that of a number of too many digits, too
        return component, key, value
    return component, key, parsed["value"] if len(parsed) == 1 else value


def parse_sets(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        component, key, value = parse_set(text)
        found.setdefault(component, {})[key] = value
    return found


def names(value: object) -> Any:
    if isinstance(value, str | Path):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(part, str | Path) for part in value):
        return value  # `configure` says what does not fit
    return tuple(dict.fromkeys(name.strip() for part in value for name in str(part).split(",") if name.strip()))


def seeds(value: object) -> object:
    """Return seeds from a number, a list of numbers, or text with ranges.

    >>> seeds("0-2,5")
    (0, 1, 2, 5)

    Raises:
        UsageError: the text has another form.
    """
    if not isinstance(value, str):
        return (value,) if isinstance(value, int) else value
    numbers: list[int] = []
    for part in value.split(","):
        match = re.fullmatch(r"\s*(\d{1,19})\s*(?:-\s*(\d{1,19})\s*)?", part)
        if match is None:
            raise UsageError(f"seeds {value!r} do not have the form 0, 0-2 or 0-2,5")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(f"seeds {part.strip()!r} end before they begin; write the smaller number first")
        if len(numbers) + last - first >= MOST_SEEDS:
            raise UsageError(f"seeds {value!r} are more than {MOST_SEEDS:,}, which is the most of a run")
        numbers.extend(range(first, last + 1))
    return tuple(dict.fromkeys(numbers))


def shares(value: object) -> object:
    """Return shares from a number, a list of numbers, or text such as ".1,.25,1"; the same share counts once.

    >>> shares(".1,.25,1"), shares([0.5, "1"]), shares(0.5)
    ((0.1, 0.25, 1.0), (0.5, 1.0), (0.5,))

    Raises:
        UsageError: the text has another form.
    """
    parts: list[Any] = list(value) if isinstance(value, list | tuple) else [value]
    numbers: list[float] = []
    for part in parts:
        try:
            if isinstance(part, bool):
                raise TypeError
            numbers += map(float, part.split(",")) if isinstance(part, str) else [float(part)]
        except (TypeError, ValueError):
            raise UsageError(f"shares {value!r} do not have the form .25 or .1,.25,1") from None
    return tuple(dict.fromkeys(numbers))


def cut(value: object) -> object:
    """Return the two parts of a cut as text, from a text such as ".8,.9" or a list.

    >>> cut(".8,.9"), cut([0.8, 0.9]), cut("2014-01-01,2014-07-01")
    (('0.8', '0.9'), ('0.8', '0.9'), ('2014-01-01', '2014-07-01'))
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return value
    texts = [str(part).strip() for part in parts]
    return tuple(text if share_of(text) is None else f"{share_of(text):g}" for text in texts)


def check_cut(cut: Sequence[str]) -> None:
    """Make sure that a cut has the form of one.

    Raises:
        UsageError: it has not two parts, a part is neither a share nor a date, or the second is no later one.
    """
    form = "cut must be two shares of the interactions or two dates, such as .8,.9 or 2014-01-01,2014-07-01"
    if len(cut) != 2 or not all(share_of(part) is not None or DATE.fullmatch(part) for part in cut):
        raise UsageError(f"{form}; got {','.join(cut) or 'nothing'}")
    first, second = (share_of(part) for part in cut)
    if (first is None) != (second is None):
        raise UsageError(f"{form}, not one of each; got {','.join(cut)}")
    if first is not None and second is not None:
        if not 0 < first < second < 1:
            raise UsageError(f"cut is {','.join(cut)}; the shares must rise, and lie between 0 and 1")
    elif not cut[0] < cut[1]:
        raise UsageError(f"cut is {','.join(cut)}; validation begins at the first date, test at a later one")


def share_of(text: str) -> float | None:
    """Return a part of a cut as a share; None where it is a date.

    >>> share_of(".8"), share_of("1e-05"), share_of("2014-01-01")
    (0.8, 1e-05, None)
    """
    return float(text) if re.fullmatch(r"\d*\.\d+|[01]|\d(\.\d+)?e-\d+", text, re.ASCII) else None


def resources(value: object) -> object:
    """Return resources from a table, or from texts such as "GPU=1,memory=2e9".

    >>> resources("GPU=1,memory=2e9")
    {'GPU': 1.0, 'memory': 2000000000.0}

    Raises:
        UsageError: a text has another form.
    """
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        return value
    found = {}
    for text in value:
        match = re.fullmatch(r"\s*([^\s=]+)\s*=\s*(\d[\d.e+]*)\s*", str(text))
        if match is None:
            raise UsageError(f"resource {text!r} does not have the form NAME=NUMBER, such as GPU=1")
        found[match[1]] = float(match[2])
    return found


def tables(value: object, name: str, each: str) -> dict[str, dict[str, Any]]:
    """Return a copy of tables such as [settings.sasrec].

    Raises:
        UsageError: the value has another form.
    """
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise UsageError(f"{name} must be tables such as [{name}.NAME], one for each {each}")
    return {key: dict(table) for key, table in value.items()}

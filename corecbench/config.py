"""The settings of one run: a TOML file, then command-line options, then --set; frozen and checked."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from corecbench.api import UsageError

Settings = Mapping[str, Mapping[str, Any]]
"""component -> setting -> value, for what differs from the component's defaults."""

Config = TypeVar("Config")

METRICS = (*(f"{name}@{k}" for name in ("HR", "NDCG", "MRR") for k in (5, 10, 20)), "MRR")


@dataclass(frozen=True)
class RunConfig:
    """What one run is asked to do. Components are named as on the command line, such as "llama:PATH"."""

    benchmark: str = "default"
    """Names the folder of the results and the table."""
    datasets: tuple[str, ...] = ("ml-100k",)
    models: tuple[str, ...] = ()
    llms: tuple[str, ...] = ()
    sharing: tuple[str, ...] = ("bdlm",)
    seeds: tuple[int, ...] = (0,)
    metrics: tuple[str, ...] = METRICS
    max_history: int = 50
    """Items of a user's history that a model sees, the most recent ones."""
    repeats: Literal["first", "last", "all"] = "first"
    """Which of several interactions of a user with the same item counts."""
    k_core: int = 0
    """Users and items with fewer interactions are left out, until none are; 0 keeps all."""
    device: str = "cpu"
    existing: Literal["skip", "fail", "replace"] = "skip"
    """What happens to a cell that is done already."""
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what the types do not say."""
        if not re.fullmatch(r"\w[\w.-]*", self.benchmark):
            raise UsageError(f"benchmark {self.benchmark!r} is no folder name; allowed are letters, digits, '._-'")
        if not self.datasets:
            raise UsageError("no data set given; the default is --datasets ml-100k")
        if not self.metrics:
            raise UsageError("no metric given; allowed are names such as HR@10 or MRR")
        if not self.seeds or min(self.seeds) < 0:
            raise UsageError(f"seeds {list(self.seeds)} must be one number or more, none below 0")
        if self.max_history < 1:
            raise UsageError(f"max_history is {self.max_history}, must be at least 1")
        if self.k_core < 0:
            raise UsageError(f"k_core is {self.k_core}, must be at least 0")


def cache_folder() -> Path:
    """Return where what is expensive to compute is kept: CORECBENCH_CACHE, or the platform's place for it."""
    chosen = os.environ.get("CORECBENCH_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("corecbench")


def load(path: Path | None, options: Mapping[str, Any], sets: Sequence[str]) -> RunConfig:
    """Return the settings of a run.

    Args:
        path: a TOML file with the fields of `RunConfig`; components' settings are tables such as
            [settings.sasrec].
        options: fields given on the command line, which win over the file; None stands for "not given".
        sets: "component.key=value", which win over the file too.

    Raises:
        UsageError: an unknown key, or a value that does not fit.
    """
    values = read_toml(path) if path else {}
    values.update({key: value for key, value in options.items() if value is not None})
    settings = values.pop("settings", {})
    if not isinstance(settings, dict) or not all(isinstance(table, dict) for table in settings.values()):
        raise UsageError("settings must be tables such as [settings.sasrec], one for each component")
    settings = {component: dict(table) for component, table in settings.items()}
    for text in sets:
        component, key, value = parse_set(text)
        settings.setdefault(component, {})[key] = value
    for key in ("datasets", "models", "llms", "sharing", "metrics"):
        if key in values:
            values[key] = names(values[key])
    if "seeds" in values:
        values["seeds"] = seeds(values["seeds"])
    return configure(RunConfig, {**values, "settings": settings}, "run")


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says.

    Raises:
        UsageError: it cannot be read, or is no TOML.
    """
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # tomllib.TOMLDecodeError and UnicodeDecodeError
        raise UsageError(f"{path} is no TOML file: {error}") from error


def parse_set(text: str) -> tuple[str, str, Any]:
    """Split "component.key=value"; the value is a TOML scalar or list where it reads as one, else text.

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
    except tomllib.TOMLDecodeError:
        return component, key, value
    return component, key, parsed["value"] if len(parsed) == 1 else value


def names(value: Any) -> Any:
    """Return names without repetition, from "a,b" or a list whose members may be such texts too."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        return value  # left to `configure`, which says what is wrong
    return tuple(dict.fromkeys(name.strip() for part in value for name in part.split(",") if name.strip()))


def seeds(value: Any) -> Any:
    """Return seeds from a number, a list of numbers, or text with ranges.

    >>> seeds("0-2,5")
    (0, 1, 2, 5)

    Raises:
        UsageError: the text is something else.
    """
    if not isinstance(value, str):
        return (value,) if isinstance(value, int) else value
    found: list[int] = []
    for part in value.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None:
            raise UsageError(f"seeds {value!r} are not of the form 0, 0-2 or 0-2,5")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(f"seeds {part.strip()!r} end before they begin")
        found.extend(range(first, last + 1))
    return tuple(dict.fromkeys(found))


def configure(config_class: type[Config], values: Mapping[str, Any], owner: str) -> Config:
    """Return a config with the given values, its own defaults elsewhere.

    Args:
        config_class: a frozen dataclass; its annotations are checked and values brought to them.
        values: setting -> value.
        owner: whose settings they are, for messages.

    Raises:
        UsageError: an unknown setting, or a value that does not fit its type.
    """
    fields = {f.name: f for f in dataclasses.fields(config_class) if f.init}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise unknown(f"setting of {owner}", key, fields)
    for key, setting in fields.items():
        required = setting.default is dataclasses.MISSING and setting.default_factory is dataclasses.MISSING
        if required and key not in values:
            raise UsageError(f"{owner} needs a value for {key!r}")
    hints = get_type_hints(config_class, include_extras=True)
    checked = {key: check(hints[key], value, f"{owner}.{key}") for key, value in values.items()}
    try:
        return config_class(**checked)
    except ValueError as error:
        raise UsageError(f"{owner}: {error}") from error


def check(hint: Any, value: Any, name: str) -> Any:
    """Return the value as its annotation wants it.

    Raises:
        UsageError: it does not fit; the message says what is allowed.
    """
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    if isinstance(value, bool) and not takes_bool(hint):
        raise UsageError(f"{name} is {str(value).lower()}, which does not fit: {shown(hint)} is needed")
    strictness = ConfigDict(allow_inf_nan=False, coerce_numbers_to_str=True, arbitrary_types_allowed=True)
    try:
        return TypeAdapter(hint, config=strictness).validate_python(value)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        reason = problem["msg"].splitlines()[0]
        raise UsageError(f"{name} is {value!r}, which does not fit: {reason[:1].lower()}{reason[1:]}") from error


def takes_bool(hint: Any) -> bool:
    """Return whether an annotation allows true and false, which would pass for 1 and 0 otherwise."""
    return hint in (bool, Any, object) or any(takes_bool(part) for part in get_args(hint))


def shown(hint: Any) -> str:
    """Return an annotation as a user may read it."""
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that does not exist, with close matches and all that do.

    >>> print(unknown("sharing module", "bdml", ["none", "bdlm"]))
    unknown sharing module 'bdml'; did you mean 'bdlm'? have: bdlm, none
    """
    have = sorted(set(known))
    lower = {candidate.lower(): candidate for candidate in have}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    hint = f" did you mean '{lower[close[0]]}'?" if close else ""
    return UsageError(f"unknown {what} '{name}';{hint} have: {', '.join(have) or 'none at all'}")

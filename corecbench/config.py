"""The settings of one run: a TOML file, then command-line options, then --set; frozen and checked."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_type_hints

from corecbench.api import UsageError

if TYPE_CHECKING:
    from pathlib import Path

Settings = Mapping[str, Mapping[str, Any]]
"""component -> setting -> value, for what differs from the component's defaults."""

Config = TypeVar("Config")

CONTROLS = {
    "shuffled-texts": "each item has the text of another item",
    "untrained-llm": "the LLM starts from random weights",
    "no-mutual": "the coupling losses are left out",
}
"""control -> what is different from the pair that it stands beside."""

METRICS = (*(f"{name}@{k}" for name in ("HR", "NDCG", "MRR") for k in (5, 10, 20)), "MRR")


@dataclass(frozen=True)
class Variant:
    """A component under settings of its own and a name of its own, which makes rows of its own."""

    of: str
    """The component as on the command line, such as "sasrec" or "llama:PATH"."""
    settings: dict[str, Any] = field(default_factory=dict)
    """They win over the component's in `RunConfig.settings`."""


@dataclass(frozen=True)
class PerDataset:
    """What differs on one data set."""

    max_history: int | None = None
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """component or variant -> setting -> value; they win over `RunConfig.settings`."""


@dataclass(frozen=True)
class RunConfig:
    """What one run is asked to do. Components are named as on the command line, such as "llama:PATH"."""

    benchmark: str = "default"
    """Names the folder of the results and the table."""
    datasets: tuple[str, ...] = ("ml-100k",)
    models: tuple[str, ...] = ()
    llms: tuple[str, ...] = ()
    sharing: tuple[str, ...] = ("bdlm",)
    controls: tuple[str, ...] = ()
    """Names in `CONTROLS`: every pair is trained under each of them, too."""
    seeds: tuple[int, ...] = (0,)
    metrics: tuple[str, ...] = METRICS
    max_history: int = 50
    """Items of a user's history that a model sees, the most recent ones."""
    repeats: Literal["first", "last", "all"] = "first"
    """Which of several interactions of a user with the same item counts."""
    k_core: int = 0
    """Users and items with fewer interactions are left out, until none are; 0 keeps all."""
    top_k: int = 10
    """Best candidates per user that are stored beside the ranks of the test items; 0 stores none."""
    device: str = "cpu"
    existing: Literal["skip", "fail", "replace"] = "skip"
    """What happens to a cell that is done already."""
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    """name -> variant; the name is used like that of a domain model, LLM or sharing module."""
    per_dataset: dict[str, PerDataset] = field(default_factory=dict)
    """data set -> what differs on it; those that are not in the run are left aside."""

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
        for max_history in (self.max_history, *map(self.max_history_on, self.per_dataset)):
            if max_history < 1:
                raise UsageError(f"max_history is {max_history}, must be at least 1")
        for name in ("k_core", "top_k"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is {getattr(self, name)}, must be at least 0")
        for control in self.controls:
            if control not in CONTROLS:
                raise unknown("control", control, CONTROLS)
        for name in self.variants:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                raise UsageError(f"variant {name!r} is no name; allowed are letters, digits, '.', '_' and '-'")

    def max_history_on(self, dataset: str) -> int:
        """Return how many items of a history a model sees on one data set."""
        own = self.per_dataset.get(dataset, PerDataset()).max_history
        return self.max_history if own is None else own

    def settings_on(self, dataset: str) -> Settings:
        """Return the settings that hold on one data set."""
        return over(self.settings, self.per_dataset.get(dataset, PerDataset()).settings)


def load(path: Path | None, options: Mapping[str, Any], sets: Sequence[str]) -> RunConfig:
    """Return the settings of a run.

    Args:
        path: a TOML file with the fields of `RunConfig`; components' settings are tables such as
            [settings.sasrec], variants such as [variants.NAME] with `of` and settings, and what differs on a data
            set such as [per_dataset.NAME] and [per_dataset.NAME.settings.sasrec]. `include` lists further files.
        options: fields given on the command line, which win over the file; None stands for "not given".
        sets: "component.key=value", which win over the file too.

    Raises:
        UsageError: an unknown key, or a value that does not fit.
    """
    values = read_files(path) if path else {}
    given = {key: value for key, value in options.items() if value is not None}
    values.update(given)
    settings = tables(values.pop("settings", {}), "settings", "component")
    variants = tables(values.pop("variants", {}), "variants", "variant")
    per_dataset = tables(values.pop("per_dataset", {}), "per_dataset", "data set")
    for name, table in per_dataset.items():
        table["settings"] = tables(table.get("settings", {}), f"per_dataset.{name}.settings", "component")
        if "max_history" in given:
            table.pop("max_history", None)
    for text in sets:
        component, key, value = parse_set(text)
        settings.setdefault(component, {})[key] = value
        for table in per_dataset.values():
            table["settings"].get(component, {}).pop(key, None)
    values["settings"] = settings
    values["variants"] = {name: variant(name, table) for name, table in variants.items()}
    values["per_dataset"] = {
        name: configure(PerDataset, table, f"per_dataset.{name}") for name, table in per_dataset.items()
    }
    for key in ("datasets", "models", "llms", "sharing", "controls", "metrics"):
        if key in values:
            values[key] = names(values[key])
    if "seeds" in values:
        values["seeds"] = seeds(values["seeds"])
    return configure(RunConfig, values, "run")


def variant(name: str, table: Mapping[str, Any]) -> Variant:
    """Return what a table such as [variants.NAME] says."""
    of = {key: value for key, value in table.items() if key == "of"}
    settings = {key: value for key, value in table.items() if key != "of"}
    return configure(Variant, {**of, "settings": settings}, f"variants.{name}")


def tables(value: Any, name: str, each: str) -> dict[str, dict[str, Any]]:
    """Return a copy of tables such as [settings.sasrec].

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise UsageError(f"{name} must be tables such as [{name}.NAME], one for each {each}")
    return {key: dict(table) for key, table in value.items()}


def read_files(path: Path, including: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return what a TOML file says, over what the files say that its key `include` lists; a later one wins.

    Raises:
        UsageError: a file cannot be read, is no TOML, or includes itself.
    """
    if path.resolve() in including:
        raise UsageError(f"{path} includes itself")
    values = read_toml(path)
    included = values.pop("include", [])
    if not isinstance(included, list) or not all(isinstance(file, str) for file in included):
        raise UsageError(f"{path}: include is {included!r}, must be a list of files such as ['tuned.toml']")
    merged: dict[str, Any] = {}
    for file in included:
        merged = over(merged, read_files(path.parent / file, (*including, path.resolve())))
    return over(merged, values)


def over(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Return two mappings as one: tables in both are merged, any other value of `high` wins.

    >>> over({"epochs": 1, "sasrec": {"n_heads": 1, "epochs": 2}}, {"sasrec": {"epochs": 3}})
    {'epochs': 1, 'sasrec': {'n_heads': 1, 'epochs': 3}}
    """
    merged = dict(low)
    for key, value in high.items():
        lower = low.get(key)
        merged[key] = over(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged


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

"""The settings of one run, frozen and checked. Options win over the TOML file, and --set wins over both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from corecbench.api import UsageError
from corecbench.settings import run_files
from corecbench.settings.configure import configure
from corecbench.settings.values import (
    MOST_SEEDS,
    check_cut,
    cut,
    names,
    over,
    parse_sets,
    resources,
    seeds,
    shares,
    tables,
)

Settings = Mapping[str, Mapping[str, Any]]
"""Component -> setting -> value, for the settings that differ from the component's defaults."""

METRICS = (*(f"{name}@{k}" for name in ("HR", "NDCG", "MRR") for k in (5, 10, 20)), "MRR")
"""Metrics that are stored with a cell by default."""

SHOWN = ("HR@10", "NDCG@10", "MRR")
"""Metrics of the table by default. Others can be computed from the stored ranks at any time."""

MOST_THREADS = 1024
"""Most threads of a cell; a process that starts more of them hangs."""

RUN = "run"
"""The owner of the settings of a run."""

READ: dict[str, Callable[[object], object]] = {
    **dict.fromkeys(("datasets", "models", "llms", "sharing", "controls", "metrics", "trackers"), names),
    "cut": cut,
    "resources": resources,
    "train_shares": shares,
    "seeds": seeds,
}
"""Field of `RunConfig` -> what reads it from text."""


@dataclass(frozen=True)
class Variant:
    """A component with settings, a name and rows of its own."""

    of: str
    """Name of the component as on the command line, such as "sasrec" or "llama:PATH"."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Setting -> value; they win over the component's settings in `RunConfig.settings`."""


@dataclass(frozen=True)
class PerDataset:
    """Settings that differ on one data set."""

    max_history: int | None = None
    """Number of most recent items of a history that a model sees; None for the same as on other data sets."""
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Component or variant -> setting -> value; they win over `RunConfig.settings`."""
    in_pairs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The same for models and LLMs in pairs; they win over `RunConfig.in_pairs`."""
    item_text: str | None = None
    """What the text of an item is made of; None for the same as on other data sets."""


@dataclass(frozen=True)
class RunConfig:
    """The settings of one run. Components are named as on the command line, such as "llama:PATH"."""

    benchmark: str = "default"
    """Name of the results folder and of the table."""
    datasets: tuple[str, ...] = ("ml-100k",)
    models: tuple[str, ...] = ()
    llms: tuple[str, ...] = ()
    sharing: tuple[str, ...] = ("bdlm",)
    controls: tuple[str, ...] = ()
    """Names of controls, such as "shuffled-texts". Every pair is also trained under each of them."""
    ledger: bool = False
    """Whether every pair is also trained under all that a ledger is made of: the controls, and the sharing modules
    that share nothing, whose plugins say so (`LedgerEntry.in_ledger`)."""
    solo_llms: bool = True
    """Whether every LLM is also trained alone. Without that row the LLM's side of a pair has nothing to be tested
    against."""
    references: bool = True
    """Whether the models that plugins offer as references are run, too: quick ones without an LLM, such as
    neighbours, over the strongest of which a gain is said first."""
    seeds: tuple[int, ...] = (0,)
    metrics: tuple[str, ...] = METRICS
    max_history: int = 50
    """Number of most recent items of a user's history that a model sees."""
    repeats: Literal["first", "last", "all"] = "first"
    """Which of several interactions of a user with the same item are kept."""
    ties: Literal["file", "random", "exclude"] = "random"
    """What orders the interactions of a user at the same time: the file, or a hash of user and item. With "exclude"
    it is the file, and users whose held-out items it would decide are not ranked."""
    split: Literal["leave-one-out", "time"] = "leave-one-out"
    """Whether each user's last two interactions are held out, or all that is later than a cut."""
    cut: tuple[str, ...] = ("0.8", "0.9")
    """Where validation and test begin under the split by time: shares of the interactions, or dates."""
    target: Literal["first", "last", "random"] = "first"
    """Which of a user's interactions behind a cut is ranked under the split by time."""
    windows: int = 1
    """Into how many parts all behind the second cut is divided under the split by time. Each is tested by models of
    its own, trained on all before its own first cut. A row is the mean over the tests of all windows."""
    window: int = 0
    """The only window that is run, from 1; 0 for all."""
    refit: bool | None = None
    """Whether each cell is trained again, on all before the test items, once validation has chosen. All that was
    chosen stays: epochs, phases, weights of texts, and what predicts. None: so it is under the split by time, where
    a model would else not know what lies between the cuts, and not under leave-one-out."""
    k_core: int = 0
    """Users and items with fewer interactions are left out, repeatedly until none are left; 0 keeps all."""
    item_text: str = ""
    """What the text of an item is made of: names of fields of items in braces, such as "{title}; {categories}". If
    empty, it is the title."""
    train_shares: tuple[float, ...] = (1.0,)
    """Shares of the users whose training interactions are learnt from. All users are ranked. Each share gives rows
    of its own."""
    selection: Literal["training-users", "all-users"] = "training-users"
    """Whose validation items choose epochs, weights of texts and the like where a share of the users trains."""
    validation_users: int = 0
    """Users, a seeded sample, whose validation items are ranked after each epoch, which decides when training ends
    and which epoch is best. 0 for 20,000 where more than 100,000 users are validated, else for all. Whatever is
    decided after the epochs, all users decide."""
    cold_items: float = 0.0
    """Share of the items that are left out of all training. They stay in histories and among the candidates."""
    top_k: int = 10
    """Number of best candidates per user that are stored beside the ranks of the test items; 0 stores none."""
    keep_models: bool = False
    """Whether each cell keeps its models beside its results, so that they can be loaded and recommend."""
    trackers: tuple[str, ...] = ()
    """Names of trackers, such as "mlflow", which log every cell and epoch."""
    device: str = "cpu"
    jobs: int | None = None
    """Number of cells that run side by side, each in a process of its own; None for as many as there are cores for,
    and for one on a GPU."""
    threads: int | None = None
    """Number of threads of each cell; None for one on a processor, and for torch's own choice with a GPU. Ranks can
    differ in last digits between numbers of threads."""
    executor: Literal["processes", "dask"] = "processes"
    """What runs the cells: processes of this machine, or a Dask cluster."""
    scheduler: str | None = None
    """Address of the cluster's scheduler, or its scheduler file; None for a cluster on this machine."""
    resources: dict[str, float] = field(default_factory=dict)
    """Resource -> how much of it a cell needs of a worker of the cluster, such as {"GPU": 1}."""
    checkpoint_minutes: float = 5.0
    """Least minutes between two states of a cell that are written within a phase. A killed run goes on there."""
    cell_timeout: float | None = None
    """Minutes that a cell may take. One that takes longer is ended and has failed. None for no limit."""
    existing: Literal["skip", "fail", "replace", "replace-damaged"] = "skip"
    """What happens to a cell that has a result already. "skip" leaves a damaged one out, "replace-damaged" runs it
    again."""
    retry_failed: bool = False
    """Whether cells that failed before are run again."""
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Component -> setting -> value."""
    in_pairs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Model, LLM or variant -> setting -> value, for settings that differ in its pairs.

    The best settings alone need not be the best ones in a pair. Each pair is still compared with the model
    alone."""
    variants: dict[str, Variant] = field(default_factory=dict)
    """Name -> variant. The name is used like the name of a domain model, LLM or sharing module."""
    per_dataset: dict[str, PerDataset] = field(default_factory=dict)
    """Data set -> settings that differ on it. Data sets that are not in the run are ignored."""
    tuning: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Data set -> model -> how its settings were found, "alone" and by sharing module, as `corecbench tune` says.

    Files of earlier versions have "in_pairs" for any module."""

    def __post_init__(self) -> None:
        """Check names, ranges and what must not be empty, which the types do not say."""
        if not re.fullmatch(r"\w[\w.-]*", self.benchmark):
            raise UsageError(f"benchmark {self.benchmark!r} is no folder name; allowed are letters, digits, '._-'")
        if not self.datasets:
            raise UsageError("no data set given; the default is --datasets ml-100k")
        if not self.metrics:
            raise UsageError("no metric given; allowed are names such as HR@10 or MRR")
        if not self.seeds or min(self.seeds) < 0 or max(self.seeds) >= 2**63:
            raise UsageError(f"seeds {list(self.seeds)} must be one number or more, each from 0 to {2**63 - 1}")
        if len(self.seeds) > MOST_SEEDS:
            raise UsageError(f"{len(self.seeds):,} seeds, at most {MOST_SEEDS:,} are allowed")
        self._check_split()
        for max_history in (self.max_history, *map(self.max_history_on, self.per_dataset)):
            if max_history < 1:
                raise UsageError(f"max_history is {max_history}, must be at least 1")
        least_values = {
            "k_core": 0,
            "top_k": 0,
            "validation_users": 0,
            "jobs": 1,
            "threads": 1,
            "checkpoint_minutes": 0,
        }
        for name, least in least_values.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name} is {value}, must be at least {least}")
        if self.threads is not None and self.threads > MOST_THREADS:
            raise UsageError(f"threads is {self.threads}, must be at most {MOST_THREADS}")
        if not self.train_shares or not all(0 < share <= 1 for share in self.train_shares):
            raise UsageError(
                f"train_shares {list(self.train_shares)} must be shares of the users above 0, at most 1"
            )
        if not 0 <= self.cold_items < 1:
            raise UsageError(f"cold_items is {self.cold_items}, must be a share of the items from 0 to below 1")
        if self.cell_timeout is not None and not self.cell_timeout > 0:
            raise UsageError(f"cell_timeout is {self.cell_timeout}, must be more than 0 minutes")
        for name in ("scheduler", "resources"):
            if getattr(self, name) and self.executor != "dask":
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}, which needs executor dask (--set run.executor=dask)"
                )
        for name in self.variants:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                raise UsageError(f"variant {name!r} is no name; allowed are letters, digits, '.', '_' and '-'")
            if name == "alone":
                raise UsageError("variant 'alone' is called as searches of a model alone are; give it another name")

    def _check_split(self) -> None:
        check_cut(self.cut)
        if self.split == "time":
            if self.ties != "random":
                raise UsageError(
                    f"ties is {self.ties!r}; the split by time draws among equal times, so leave it out"
                )
            if self.windows < 1 or not 0 <= self.window <= self.windows:
                raise UsageError(
                    f"window is {self.window} and windows is {self.windows}; at least one window is needed, and "
                    "window must be one of them, or 0 for all"
                )
            return
        for name in ("cut", "target", "windows", "window"):
            if getattr(self, name) != getattr(RunConfig, name):
                value = getattr(self, name)
                stated = ",".join(value) if isinstance(value, tuple) else value
                raise UsageError(f"{name} is {stated}, which needs --split time")

    @property
    def refits(self) -> bool:
        return self.split == "time" if self.refit is None else self.refit

    def max_history_on(self, dataset: str) -> int:
        own = self.per_dataset.get(dataset, PerDataset()).max_history
        return self.max_history if own is None else own

    def item_text_on(self, dataset: str) -> str:
        own = self.per_dataset.get(dataset, PerDataset()).item_text
        return self.item_text if own is None else own

    def settings_on(self, dataset: str) -> Settings:
        return over(self.settings, self.per_dataset.get(dataset, PerDataset()).settings)

    def settings_in_pairs_on(self, dataset: str) -> Settings:
        own = over(self.in_pairs, self.per_dataset.get(dataset, PerDataset()).in_pairs)
        return over(self.settings_on(dataset), own)


def load(
    paths: str | Path | Sequence[str | Path] | None, options: Mapping[str, Any], sets: Sequence[str]
) -> RunConfig:
    """Return the settings of a run.

    Args:
        paths: TOML files with the fields of `RunConfig`, or names of some that come with corecbench; a later one
            wins over an earlier one. Settings of components are tables such as [settings.sasrec] and, for pairs,
            [in_pairs.sasrec]. Variants are tables such as [variants.NAME] with `of` and settings. Settings that
            differ on a data set are tables such as [per_dataset.NAME] and [per_dataset.NAME.settings.sasrec].
            `include` lists further files.
        options: fields given on the command line or in Python. They win over the files, and tables are merged. None
            stands for an option that is not given. Controls also take the place of a file's `ledger = true`.
        sets: texts "component.key=value", or "run.key=value" for a field of `RunConfig`. They win over both.

    Raises:
        UsageError: a key is unknown, or a value does not fit.
    """
    values: dict[str, Any] = {}
    for path in (paths,) if isinstance(paths, str | Path) else paths or ():
        values = over(values, run_files.read_files(run_files.find(path)))
    of_components = parse_sets(sets)
    given = {key: value for key, value in options.items() if value is not None}
    given = over(given, of_components.pop(RUN, {}))
    if "controls" in given:
        given.setdefault("ledger", False)
    values = over(values, given)
    settings = tables(values.pop("settings", {}), "settings", "component")
    in_pairs = tables(values.pop("in_pairs", {}), "in_pairs", "component")
    variants = tables(values.pop("variants", {}), "variants", "variant")
    per_dataset = tables(values.pop("per_dataset", {}), "per_dataset", "data set")
    for name, table in per_dataset.items():
        for key in ("settings", "in_pairs"):
            table[key] = tables(table.get(key, {}), f"per_dataset.{name}.{key}", "component")
        for key in ("max_history", "item_text"):
            if key in given:
                table.pop(key, None)
    own = [table[kind] for table in per_dataset.values() for kind in ("settings", "in_pairs")]
    for component, changed in of_components.items():
        settings.setdefault(component, {}).update(changed)
        for table in (in_pairs, *own):
            for key in changed:
                table.get(component, {}).pop(key, None)
    values["settings"], values["in_pairs"] = settings, in_pairs
    values["variants"] = {name: variant(name, table) for name, table in variants.items()}
    values["per_dataset"] = {
        name: configure(PerDataset, table, f"per_dataset.{name}") for name, table in per_dataset.items()
    }
    for key, read in READ.items():
        if key in values:
            values[key] = read(values[key])
    return configure(RunConfig, values, RUN)


def variant(name: str, table: Mapping[str, Any]) -> Variant:
    of = {key: value for key, value in table.items() if key == "of"}
    settings = {key: value for key, value in table.items() if key != "of"}
    return configure(Variant, {**of, "settings": settings}, f"variants.{name}")

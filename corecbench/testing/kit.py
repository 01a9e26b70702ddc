"""Checks and their outcomes, and the checks that there are for each kind of component."""

from __future__ import annotations

import functools
import importlib
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from corecbench.api import Component, CorecbenchError, UsageError, resolve
from corecbench.experiment.cells import settings_of
from corecbench.plugin.discovery import reason
from corecbench.plugin.host import RECOMMENDERS, Host, split
from corecbench.plugin.kinds import KINDS, WORDS
from corecbench.settings.configure import configure, unknown
from corecbench.toolkit import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from corecbench.data.dataset import Dataset
    from corecbench.plugin.selected import Selected

PACKAGE = "corecbench.testing"
CHECKS = {
    "models": f"{PACKAGE}.recommender_checks",
    "llms": f"{PACKAGE}.recommender_checks",
    "sharing": f"{PACKAGE}.sharing_checks",
    "controls": f"{PACKAGE}.control_checks",
    "datasets": f"{PACKAGE}.dataset_checks",
    "metrics": f"{PACKAGE}.metric_checks",
    "reporters": f"{PACKAGE}.reporter_checks",
    "trackers": f"{PACKAGE}.tracker_checks",
}
"""kind -> the module with `CHECKS`, functions of a `Bench`, which may be a class of the module."""
BUILT = ("datasets", "metrics", "reporters")
"""Kinds whose components are built of their settings alone."""
ON_DATA = ("models", "llms", "sharing")
"""Kinds that are checked on a data set."""

SHORT = {"epochs": 10, "patience": 10, "batch_size": 16, "learning_rate": 0.01}
"""Settings of a short training."""


class CheckError(CorecbenchError):
    """A fault that a check found in a component."""


class NotApplicableError(Exception):
    """Why a check does not concern a component."""


def require(condition: object, fault: str) -> None:
    """Raise a CheckError unless a condition holds."""
    __tracebackhide__ = True
    if not condition:
        raise CheckError(fault)


@dataclass(frozen=True)
class Bench:
    """A component to be checked."""

    host: Host
    selected: Selected
    built: Any = None
    """What the component builds, if it is of a kind in `BUILT`."""
    data: Dataset | None = None
    """The data set whose items a component that is bound to them is checked on; toy data if it is None."""


def settings_survive_json(bench: Bench) -> None:
    """A result stores the settings as JSON: what is read from there is what was written."""
    config = bench.selected.config
    if config is None:
        raise NotApplicableError("it has no settings")
    require(type(config).__dataclass_params__.frozen, f"{type(config).__name__} is not frozen")
    again = configure(type(config), settings_of(bench.selected), bench.selected.name)
    differing = [
        f"{field.name}: {getattr(config, field.name)!r} became {getattr(again, field.name)!r}"
        for field in fields(config)
        if getattr(config, field.name) != getattr(again, field.name)
    ]
    require(not differing, "; ".join(differing))


def what_it_reads_is_said_alike_each_time(bench: Bench) -> None:
    """`needs` gives lines of text, and `fingerprint` the same texts at each call."""
    component, config = bench.selected.component, bench.selected.config
    if component.needs is not None:
        lines = resolve(component.needs)(config, cache_folder())
        is_text = isinstance(lines, list) and all(isinstance(line, str) and "\n" not in line for line in lines)
        require(is_text, f"needs gives {lines!r:.80}; a list of single lines is needed")
    one, two = (bench.host.with_fingerprint(bench.selected, cache_folder()).fingerprint for _ in range(2))
    require(one == two, f"fingerprint gives {one} and then {two}; it must say the same in every process")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a check."""

    name: str
    status: Literal["ok", "failed", "not applicable"]
    reason: str = ""
    error: BaseException | None = None
    """The exception of a check that failed."""


@dataclass(frozen=True)
class Check:
    """One check of one component."""

    name: str
    """A sentence, such as "states are finite"."""
    run: Callable[[], None]
    """Raises a CheckError, NotApplicableError, or whatever the component raises."""

    def outcome(self) -> Outcome:
        """Run the check and return what became of it."""
        try:
            self.run()
        except NotApplicableError as why:
            return Outcome(self.name, "not applicable", str(why))
        except (Exception, SystemExit) as error:
            return Outcome(self.name, "failed", reason(error), error)
        return Outcome(self.name, "ok")


def find(host: Host, name: str, kind: str | None = None) -> str:
    """Return of which kind ("models", "llms", ...) the component is that a text such as `llama:PATH` chooses.

    Args:
        host: knows the components.
        name: as on the command line; for data sets also a folder.
        kind: "model", "llm", "sharing", "control", "dataset", "metric", "reporter" or "tracker", where several have
            the name.

    Raises:
        UsageError: there is none, or there are some of several kinds.
    """
    if kind is not None and kind not in WORDS:
        raise unknown("kind", kind, WORDS)
    kinds = list(KINDS) if kind is None else [WORDS[kind]]
    offered = {key: {component.name: component for component, _ in host.list(key)} for key in kinds}
    found = [key for key in kinds if re.split("[:@]", name)[0] in offered[key]]
    datasets = offered.get("datasets", {})
    if not found and split("datasets", name, datasets.values())[0] in datasets:
        found = ["datasets"]
    if len(found) > 1 and re.search("[:@]", name):  # "csv:PATH" is no reporter
        found = [key for key in found if component_of(host, key, name).argument] or found
    if len(found) > 1:
        words = " and a ".join(KINDS[key].label for key in found)
        raise UsageError(f"'{name}' is a {words}; say which kind is meant, by --kind in `check`")
    if not found:
        broken = [f"{info}: {info.error}" for info in host.plugins() if info.error]
        error = unknown("component", name, set().union(*offered.values()))
        raise UsageError(f"{error}; broken plugins: {', '.join(broken)}") if broken else error
    return found[0]


def component_of(host: Host, kind: str, name: str) -> Component:
    """Return the component that a text chooses, which `find` found."""
    offered = {component.name: component for component, _ in host.list(kind)}
    return offered[split(kind, name, offered.values())[0]]


def select(host: Host, kind: str, name: str, settings: Mapping[str, Any]) -> Selected:
    """Return a component; a recommender with settings such that it trains in a moment, unless others are given."""
    component = component_of(host, kind, name)
    known = {field.name for field in fields(component.config)} if component.config else set()
    short = {key: value for key, value in SHORT.items() if key in known and kind in RECOMMENDERS}
    return host.select(kind, name, {component.name: {**short, **settings}})


def checks(host: Host, selected: Selected, data: Dataset | None = None) -> list[Check]:
    """Return the checks of a component, none of them run yet, on a few users of a data set or on toy data.

    Raises:
        DataError: it is a data set that is not here.
        UsageError: a component of its kind is checked on no data set.
    """
    if data is not None and selected.kind not in ON_DATA:
        kinds = ", ".join(KINDS[kind].label for kind in ON_DATA)
        raise UsageError(f"a {KINDS[selected.kind].label} is checked on no data set; allowed for: {kinds}")
    module = importlib.import_module(CHECKS[selected.kind])
    built = host.build(selected) if selected.kind in BUILT else None
    bench = getattr(module, "Bench", Bench)(host, selected, built, data)
    component = selected.component
    reads = component.needs is not None or component.fingerprint is not None or component.builds
    functions = [*module.CHECKS, *([what_it_reads_is_said_alike_each_time] if reads else [])]
    return [
        Check(function.__name__.replace("_", " "), functools.partial(function, bench)) for function in functions
    ]

"""What a run will do: the cells, in the order in which they are run, and what is done already."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import operator
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from corecbench.api import Lists, PluginError, UsageError, cache_folder
from corecbench.data.dataset import Dataset, load_dataset
from corecbench.data.split import Split, leave_one_out
from corecbench.evaluation.measuring import depth, is_overall, measure, method_of
from corecbench.guard import guard
from corecbench.record import SIDES
from corecbench.report.lists import lists_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.api import Metric, Side
    from corecbench.config import RunConfig, Settings
    from corecbench.host import Host, Selected
    from corecbench.results import Store


CHECKPOINT = "checkpoint.safetensors"
"""In the folder of a domain model alone: its best weights."""


@dataclass(frozen=True, eq=False)
class Data:
    """A data set, loaded and split."""

    selected: Selected
    dataset: Dataset
    split: Split

    @property
    def name(self) -> str:
        """Of the data set."""
        return self.dataset.catalog.name


@dataclass(frozen=True)
class Cell:
    """One training: a domain model alone, an LLM alone, or a pair joined by a sharing module."""

    dataset: Data
    domain: Selected | None
    llm: Selected | None
    sharing: Selected | None
    control: str | None
    """What is different from the pair of these components, one of `CONTROLS`; None for the pair itself."""
    max_history: int
    seed: int
    hash: str
    """8 hexadecimal digits of everything that decides the result, beside the seed."""
    folder: Path
    done: bool

    @property
    def components(self) -> Sequence[Selected]:
        """The domain model, the LLM and the sharing module, those that there are."""
        return [part for part in (self.domain, self.llm, self.sharing) if part is not None]

    @property
    def name(self) -> str:
        """Such as "sasrec", "llama", "sasrec+llama+bdlm" or "sasrec+llama+bdlm+no-mutual"."""
        return cell_name(self.components, self.control)

    @property
    def combines(self) -> bool:
        """Whether its sharing module combines both sides' scores, which gives a third row."""
        return self.sharing is not None and self.sharing.component.combines

    @property
    def seeded_as(self) -> str:
        """What generators are named by: a control draws the same numbers as the pair that it stands beside."""
        return cell_name(self.components)


@dataclass(frozen=True)
class Plan:
    """All cells of a run. A joint cell stands behind the solo cell of its domain model, which it starts from."""

    config: RunConfig
    cells: Sequence[Cell]
    downloads: Sequence[str]
    notes: Sequence[str]
    cache: Path

    def solo_of(self, cell: Cell, side: Side = "domain") -> Cell:
        """Return the solo cell of a joint cell's domain model, or of its LLM; a control has that of its pair."""
        of_side = operator.attrgetter(side)
        same = (of_side(cell).label, cell.dataset, cell.seed)
        return next(
            other
            for other in self.cells
            if other.sharing is None
            and of_side(other) is not None
            and (of_side(other).label, other.dataset, other.seed) == same
        )

    def in_pairs(self, cell: Cell) -> dict[str, list[str]]:
        """Return which settings the models of a joint cell have on purpose that they have not alone, by label."""
        found: dict[str, list[str]] = {}
        for side in SIDES if cell.sharing is not None else ():
            own, alone = (settings_of(getattr(each, side)) for each in (cell, self.solo_of(cell, side)))
            if other := [key for key, value in own.items() if value != alone[key]]:
                found[getattr(cell, side).label] = other
        return found


def make_plan(config: RunConfig, host: Host, store: Store) -> Plan:
    """Resolve every name, read the data sets and lay out the cells.

    Raises:
        UsageError: an unknown name or setting, or a cell that exists under `existing="fail"`.
        DataError: a data set cannot be used.
        ResultsError: what is done already lacks the lists that a metric reads.
    """
    chosen = choose(config, host, config.settings)  # a misspelt name is to be found before data are read
    metrics = try_metrics(config, host)
    for label in config.trackers:
        host.select("trackers", label, config.settings)
    cells: list[Cell] = []
    needed: list[Selected] = []
    data_sets = read_datasets(config, host)
    for data in data_sets:
        alone = choose(config, host, config.settings_on(data.name))
        paired = choose(config, host, config.settings_in_pairs_on(data.name))
        needed += [*alone.llms, *paired.llms]
        for seed in config.seeds:
            for parts in combinations(alone, paired, config.controls):
                cells.append(make_cell(data, parts, seed, config, store))
    if config.existing == "fail" and any(cell.done for cell in cells):
        done = next(cell for cell in cells if cell.done)
        raise UsageError(f"{done.folder} exists; use --existing skip or replace, or another --benchmark")
    check_done(cells, metrics, store)
    cache = cache_folder()
    downloads = list(dict.fromkeys(line for llm in needed for line in host.needs(llm, cache)))
    return Plan(config, cells, downloads, notes(config, chosen, data_sets), cache)


def try_metrics(config: RunConfig, host: Host) -> dict[str, Metric]:
    """Return the metrics, each asked for the values of two users: a fault is to be found before any training.

    Raises:
        UsageError: an unknown name, a metric that cannot be built with its settings, or one of longer lists than
            are going to be stored.
        PluginError: a metric is faulty.
    """
    rank = np.array([1, 2])
    lists = Lists(np.array([[1, 2], [2, 3]]), np.array([1, 3]), rank, frequency=np.array([0, 3, 2, 1]))
    built = {}
    for name in config.metrics:
        selected = host.select("metrics", name, config.settings)
        metric = built[name] = host.build(selected)
        with guard(str(selected), method_of(metric)):
            if depth(metric) > config.top_k:
                raise UsageError(
                    f"{name} reads the {depth(metric)} best items of each user, but {config.top_k} are stored; "
                    f"give --top-k {depth(metric)}"
                )
            values = measure(metric, rank, np.array([3, 3]), lists)
            needed, shape = ("a number", ()) if is_overall(metric) else ("an array of two numbers", (2,))
            if not isinstance(values, np.ndarray if shape else Real) or np.shape(values) != shape:
                raise PluginError(f"it gives {values!r:.80} for two users; {needed} is needed")
    return built


def check_done(cells: Sequence[Cell], metrics: Mapping[str, Metric], store: Store) -> None:
    """Make sure that the cells that are done already have the lists that metrics read.

    Raises:
        ResultsError: one has none, or too short ones.
    """
    if any(map(depth, metrics.values())):
        for cell in cells:
            for side in store.read(cell.folder)["sides"] if cell.done else ():
                lists_of(store, cell.folder, side, store.ranks(cell.folder, side).set_index("user_id"), metrics)


class Choice(NamedTuple):
    """The components of a run."""

    models: Sequence[Selected]
    llms: Sequence[Selected]
    sharing: Sequence[Selected]


def choose(config: RunConfig, host: Host, settings: Settings) -> Choice:
    """Select the components of a run under these settings."""
    asked = {"models": config.models, "llms": config.llms, "sharing": config.sharing}
    return Choice(
        *(
            [host.select(kind, label, settings, config.variants) for label in labels]
            for kind, labels in asked.items()
        )
    )


Parts = tuple["Selected | None", "Selected | None", "Selected | None", "str | None"]
"""Domain model, LLM, sharing module, control."""


def combinations(alone: Choice, paired: Choice, controls: Sequence[str]) -> Iterator[Parts]:
    """Yield every model alone, every LLM alone, and every pair under every sharing module, then its controls."""
    yield from ((model, None, None, None) for model in alone.models)
    yield from ((None, llm, None, None) for llm in alone.llms)
    for model in paired.models:
        if model.joint:
            for llm, module in itertools.product(paired.llms, paired.sharing):
                yield model, llm, module, None
                yield from ((model, llm, module, control) for control in controls if can_be(control, llm, module))


def can_be(control: str, llm: Selected, module: Selected) -> bool:
    """Return whether a pair has a control: not where nothing is shared, which is a control itself."""
    return module.component.shares and (control != "untrained-llm" or llm.component.untrained)


def notes(config: RunConfig, choice: Choice, data_sets: Sequence[Data]) -> list[str]:
    """Return what a reader of the plan may wonder about."""
    found = []
    if choice.llms:
        found += [
            f"{model.label} takes no ids from outside, so it is trained alone only"
            for model in choice.models
            if not model.joint
        ]
    if config.controls:
        found += [
            f"{module.label} shares nothing, so it is a control itself and has no further ones"
            for module in choice.sharing
            if not module.component.shares
        ]
    if "untrained-llm" in config.controls:
        found += [
            f"{llm.label} cannot be built with random weights, so it has no control untrained-llm"
            for llm in choice.llms
            if not llm.component.untrained
        ]
    if aside := config.per_dataset.keys() - {data.name for data in data_sets}:
        found.append(f"settings of data sets that are not in this run are left aside: {', '.join(sorted(aside))}")
    return found


def cell_name(components: Sequence[Selected], control: str | None = None) -> str:
    """Return the name of a cell: what the user called its components, and the control if it is one."""
    return "+".join([*(part.label for part in components), *([control] if control else [])])


def read_datasets(config: RunConfig, host: Host) -> list[Data]:
    """Load and split every data set."""
    read = []
    for label in config.datasets:
        selected = host.select("datasets", label, config.settings)
        name = Path(label.removeprefix(f"{selected.name}:")).name or selected.name
        selected = host.select("datasets", label, config.settings_on(name))
        source = host.build(selected)
        with guard(str(selected), "loading"):
            dataset = load_dataset(name, source, config.repeats, config.k_core)
        read.append(Data(selected, dataset, leave_one_out(dataset)))
    names = [data.name for data in read]
    if len(set(names)) < len(names):
        raise UsageError(f"data sets {', '.join(config.datasets)} do not have different names; rename a folder")
    return read


def make_cell(data: Data, parts: Parts, seed: int, config: RunConfig, store: Store) -> Cell:
    """Return one cell, with the place of its result."""
    *selected, control = parts
    components = [part for part in selected if part is not None]
    max_history = config.max_history_on(data.name)
    decisive = {
        "components": {
            part.label: [settings_of(part), part.plugin.version, *([part.name] if part.is_variant else [])]
            for part in components
        },
        "data": [data.dataset.fingerprint, data.split.fingerprint],
        "device": config.device,
        "max_history": max_history,
        **({"control": control} if control else {}),
    }
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()[:8]
    folder = store.folder(cell_name(components, control), data.name, seed, digest)
    done = config.existing != "replace" and is_done(folder, parts, store)
    return Cell(data, *selected, control, max_history, seed, digest, folder, done)


def is_done(folder: Path, parts: Parts, store: Store) -> bool:
    """Return whether a cell is stored whole: a domain model alone with the checkpoint that its pairs start from."""
    llm = parts[1]
    return store.is_done(folder) and (llm is not None or (folder / CHECKPOINT).exists())


def settings_of(selected: Selected) -> dict[str, Any]:
    """Return a component's settings, as they are stored."""
    settings = {} if selected.config is None else dataclasses.asdict(selected.config)
    return json.loads(json.dumps(settings, default=str))

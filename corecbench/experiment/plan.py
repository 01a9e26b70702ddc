"""What a run will do: the cells, in the order in which they are run, and what is done already."""

from __future__ import annotations

import contextlib
import operator
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from corecbench.api import SIDES, Lists, Metric, PluginError, Side, UsageError
from corecbench.data.loaded import SplitDataset, read_datasets
from corecbench.data.time_split import warnings
from corecbench.evaluation.measuring import depth, is_overall, measure, method_of
from corecbench.evaluation.protocol import sampled_users
from corecbench.experiment.accounts import searched_otherwise
from corecbench.experiment.cells import Cell, is_done, settings_of
from corecbench.experiment.layout import (
    Choice,
    check_count,
    choices_on,
    choose,
    lacking_controls,
    lay_out,
    said_of_size,
    stands_alone,
)
from corecbench.experiment.preflight import check_device, check_texts
from corecbench.plugin.guard import guard
from corecbench.results.lists import lists_of
from corecbench.results.record import DamagedError, ResultsError
from corecbench.results.spare import spare_folder
from corecbench.toolkit import cache_folder
from corecbench.toolkit.processor import auto_precision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig


@dataclass(frozen=True)
class Plan:
    """All cells of a run. A joint cell stands behind the solo cell of its domain model, which it starts from."""

    config: RunConfig
    cells: Sequence[Cell]
    downloads: Sequence[str]
    notes: Sequence[str]
    cache: Path
    elsewhere: Mapping[Path, Path] = field(default_factory=dict)
    """Folder of a cell that is not done -> that of the same cell in another benchmark, where it is."""
    unasked: Sequence[Cell] = ()
    """Cells of LLMs alone that the run is told to leave out: pairs are recorded beside their settings."""
    left_out: Mapping[Path, str] = field(default_factory=dict)
    """Folder of a cell that is not run -> why: what is stored of it or of its domain model is damaged, or it is not
    needed."""

    @property
    def begun(self) -> Path:
        return self.cache / "begun"

    @property
    def n_to_do(self) -> int:
        return len(self.to_do)

    @property
    def to_do(self) -> Sequence[Cell]:
        aside = {*self.elsewhere, *self.left_out}
        return [cell for cell in self.cells if not (cell.done or cell.failed or cell.folder in aside)]

    def solo_of(self, cell: Cell, side: Side = "domain") -> Cell:
        """Return the solo cell of a joint cell's domain model, or of its LLM; a control has that of its pair."""
        of_side = operator.attrgetter(side)
        same = (of_side(cell).label, cell.data, cell.seed)
        return next(
            other
            for other in (*self.cells, *self.unasked)
            if other.sharing is None
            and of_side(other) is not None
            and (of_side(other).label, other.data, other.seed) == same
        )

    def in_pairs(self, cell: Cell) -> dict[str, list[str]]:
        return {label: list(settings) for label, settings in self.alone(cell).items()}

    def alone(self, cell: Cell) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for side in SIDES if cell.sharing is not None else ():
            own, alone = (settings_of(getattr(each, side)) for each in (cell, self.solo_of(cell, side)))
            if other := {key: alone[key] for key, value in own.items() if value != alone[key]}:
                found[getattr(cell, side).label] = other
        return found


def make_plan(config: RunConfig, host: Host, store: Store) -> Plan:
    """Resolve every name, read the data sets and lay out the cells.

    Raises:
        UsageError: an unknown name or setting, a device that is not here, a data set without texts beside an LLM,
            or a cell that exists under `existing="fail"`.
        DataError: a data set cannot be used.
        ResultsError: what is done already lacks the lists that a metric reads, or is of a newer version.
    """
    chosen = choose(config, host, config.settings)  # a misspelt name is to be found before data are read
    auto_precision()
    if config.executor == "processes":
        check_device(config.device)
    metrics = try_metrics(config, host)
    for label in config.trackers:
        host.select("trackers", label, config.settings)
    cells: list[Cell] = []
    needed: list[Selected] = []
    lacking: list[str] = []
    data_sets = read_datasets(config, host)
    check_texts(data_sets, chosen.llms)
    for data in data_sets:
        alone, paired = choices_on(data, config, host)
        check_count(config, alone, paired)
        needed += [*alone.llms, *paired.llms]
        lacking += [*lacking_controls(paired), *said_of_size(data, alone)]
        cells += lay_out(data, alone, paired, config, store)
    unasked = [] if config.solo_llms else [cell for cell in cells if cell.domain is None]
    cells = [cell for cell in cells if config.solo_llms or cell.domain is not None]
    if config.existing == "fail" and any(cell.done or cell.damage for cell in cells):
        there = next(cell for cell in cells if cell.done or cell.damage)
        raise UsageError(f"{there.folder} exists; use --existing skip or replace, or another --benchmark")
    cells = [with_lists(cell, metrics, store) for cell in cells]
    cache = cache_folder()
    takes_over = config.existing in ("skip", "replace-damaged")
    elsewhere = done_elsewhere(cells, metrics, config, store, cache) if takes_over else {}
    downloads = list(dict.fromkeys(line for llm in needed for line in host.needs(llm, cache)))
    said = [
        *notes(config, chosen, lacking, data_sets),
        *searched_otherwise(cells, config),
        *without_models(cells, config, store),
    ]
    return Plan(config, cells, downloads, said, cache, elsewhere, unasked)


def without_models(cells: Sequence[Cell], config: RunConfig, store: Store) -> list[str]:
    if not config.keep_models or config.existing != "skip":
        return []
    again = sum(not cell.done and store.is_done(cell.folder) for cell in cells)
    return [f"{again} cells that are done have no models kept, so they are trained again"] if again else []


def done_elsewhere(
    cells: Sequence[Cell], metrics: Mapping[str, Metric], config: RunConfig, store: Store, cache: Path
) -> dict[Path, Path]:
    """Return the folders of cells that are not done here -> where the same cells are whole.

    These are other benchmarks, and the cache where a cell is kept that could not be stored. A cell without the
    lists that metrics read is not among them, and neither is one whose own folder holds something damaged.
    """

    def is_whole(other: Path, cell: Cell) -> bool:
        with contextlib.suppress(ResultsError):
            check_lists(other, metrics, store)
            return is_done(other, cell.llm is not None, store, config.keep_models)
        return False

    found: dict[Path, Path] = {}
    for cell in (cell for cell in cells if not cell.done and not cell.damage):
        spare = spare_folder(store, cell.folder, cache)
        others = [*reversed(list(store.elsewhere(cell.folder))), spare]  # equal copies; one of them is read whole
        if other := next((other for other in others if is_whole(other, cell)), None):
            found[cell.folder] = other
    return found


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
                    f"give --set run.top_k={depth(metric)}"
                )
            values = measure(metric, rank, np.array([3, 3]), lists)
            needed, shape = ("a number", ()) if is_overall(metric) else ("an array of two numbers", (2,))
            if not isinstance(values, np.ndarray if shape else Real) or np.shape(values) != shape:
                raise PluginError(f"it gives {values!r:.80} for two users; {needed} is needed")
    return built


def with_lists(cell: Cell, metrics: Mapping[str, Metric], store: Store) -> Cell:
    """Return the cell, as a damaged one if the lists that metrics read are damaged.

    Raises:
        ResultsError: it has no lists, or too short ones.
    """
    if not cell.done:
        return cell
    try:
        check_lists(cell.folder, metrics, store)
    except DamagedError as error:
        return replace(cell, done=False, damage=str(error))
    return cell


def check_lists(folder: Path, metrics: Mapping[str, Metric], store: Store) -> None:
    if any(map(depth, metrics.values())):
        for side in store.read(folder)["sides"]:
            lists_of(store, folder, side, store.ranks(folder, side).set_index("user_id"), metrics)


def notes(
    config: RunConfig, choice: Choice, lacking: Sequence[str], data_sets: Sequence[SplitDataset]
) -> list[str]:
    """Return what a reader of the plan may wonder about, such as why pairs lack controls."""
    found = []
    if choice.llms:
        taken = [module.label for module in choice.sharing if stands_alone(module)]
        only = f"stands only under {', '.join(taken)} beside an LLM" if taken else "is trained alone only"
        found += [
            f"{model.label} takes no ids from outside, so it {only}" for model in choice.models if not model.joint
        ]
    found += dict.fromkeys(lacking)
    if aside := config.per_dataset.keys() - {data.whole_name for data in data_sets}:
        found.append(f"settings of data sets that are not in this run are left aside: {', '.join(sorted(aside))}")
    found += dict.fromkeys(
        line for data in data_sets for line in warnings(data.dataset, data.split, config.ties, data.name)
    )
    sampled = {data.name: sampled_users(data.split, config) for data in data_sets}
    found += [
        f"{name}: {n_users:,} users, a sample, are validated after each epoch, and all in the end "
        "(run.validation_users)"
        for name, n_users in sampled.items()
        if n_users
    ]
    return found

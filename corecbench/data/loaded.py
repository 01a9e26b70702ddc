"""The data sets of a run: loaded, filtered and split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.data.dataset import Dataset, load_dataset
from corecbench.data.reduction import NOTHING_LEFT_OUT, Reduction
from corecbench.data.split import Split, leave_one_out
from corecbench.data.time_split import by_time
from corecbench.plugin.guard import guard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.api import Catalog, Interactions
    from corecbench.data.reduction import Selection
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected
    from corecbench.settings.config import RunConfig


@dataclass(frozen=True, eq=False)
class SplitDataset:
    """A data set, loaded and split."""

    selected: Selected
    """The component that it comes from, with its settings."""
    dataset: Dataset
    split: Split
    reduction: Reduction = NOTHING_LEFT_OUT
    """What training does not see, and which window is tested."""

    def given(self, config: RunConfig) -> dict[str, dict[str, Any]]:
        settings = config.settings_on(self.whole_name).get(self.selected.name, {})
        given = {key: value for key, value in settings.items() if key != self.selected.component.argument}
        return {self.selected.name: given} if given else {}

    @property
    def name(self) -> str:
        return self.reduction.name_of(self.whole_name)

    @property
    def whole_name(self) -> str:
        return self.dataset.catalog.name

    @property
    def catalog(self) -> Catalog:
        return self.dataset.catalog

    @property
    def train(self) -> Interactions:
        return self.split.train

    @property
    def facts(self) -> dict[str, int | float]:
        return {**self.dataset.facts, **self.split.facts}

    @cached_property
    def choosing(self) -> SplitDataset:
        before = self.split.choosing
        if before is None:
            return self
        catalog = replace(self.catalog, n_new_items=before.n_new_items)
        split = replace(self.split, train=before.train, choosing=None)
        return replace(self, dataset=replace(self.dataset, catalog=catalog), split=split)

    def reduced(self, reduction: Reduction, seed: int, selection: Selection) -> SplitDataset:
        if not reduction:
            return self
        catalog = self.catalog
        split = reduction.apply(self.split, catalog.name, catalog.n_users, catalog.n_items, seed, selection)
        return replace(self, split=split, reduction=reduction)


def splits_of(selected: Selected, dataset: Dataset, config: RunConfig) -> Iterator[SplitDataset]:
    """Yield a data set with its split under the settings of a run, once for each window of a split by time.

    The items are then in an order of the window: those that exist before it come first.
    """
    if config.split != "time":
        yield SplitDataset(selected, dataset, leave_one_out(dataset, config.ties, config.refits))
    elif config.windows == 1:
        yield SplitDataset(selected, *by_time(dataset, config.cut, config.target, refit=config.refits))
    else:
        for window in [config.window] if config.window else range(1, config.windows + 1):
            split = by_time(dataset, config.cut, config.target, window, config.windows, config.refits)
            yield SplitDataset(selected, *split, Reduction(window=window, windows=config.windows))


def can_be_utf8(text: str) -> bool:
    r"""Return whether a text can be written as UTF-8; the name of a file may hold any bytes.

    >>> can_be_utf8("shop"), can_be_utf8("shop\udcff")
    (True, False)
    """
    return text == text.encode(errors="replace").decode()


def read_datasets(config: RunConfig, host: Host) -> list[SplitDataset]:
    """Load and split every data set of a run, those with several windows once for each."""
    datasets: list[SplitDataset] = []
    for label in config.datasets:
        selected = host.select("datasets", label, config.settings)
        name = Path(label.removeprefix(f"{selected.name}:")).name or selected.name
        if not can_be_utf8(name):
            raise UsageError(f"data set {name!a}: its name is no UTF-8 text, as results need; rename it")
        selected = host.select("datasets", label, config.settings_on(name))
        source = host.build(selected)
        with guard(str(selected), "loading"):
            dataset = load_dataset(name, source, config.repeats, config.k_core, config.item_text_on(name))
        datasets += splits_of(selected, dataset, config)
    names = [data.name for data in datasets]
    if len(set(names)) < len(names):
        raise UsageError(f"data sets {', '.join(config.datasets)} do not have different names; rename a folder")
    return datasets

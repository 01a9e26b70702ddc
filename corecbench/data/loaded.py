"""The data sets of a run: loaded, filtered and split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from corecbench.api import UsageError
from corecbench.data.dataset import Dataset, load_dataset
from corecbench.data.reduction import NOTHING_LEFT_OUT, Reduction
from corecbench.data.split import Split, leave_one_out
from corecbench.data.time_split import by_time
from corecbench.plugin.guard import guard

if TYPE_CHECKING:
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
    """What training does not see."""

    @property
    def name(self) -> str:
        """The name of the data set; it says what training does not see."""
        return self.reduction.name_of(self.whole_name)

    @property
    def whole_name(self) -> str:
        """The name of the data set, whatever training does not see."""
        return self.dataset.catalog.name

    @property
    def catalog(self) -> Catalog:
        """The users and items."""
        return self.dataset.catalog

    @property
    def train(self) -> Interactions:
        """The training part."""
        return self.split.train

    @property
    def facts(self) -> dict[str, int | float]:
        """The counts of the whole data set that a reader of results must know."""
        return {**self.dataset.facts, **self.split.facts}

    def reduced(self, reduction: Reduction, seed: int, selection: Selection) -> SplitDataset:
        """Return the data set with a part of its training data, itself where nothing is left out."""
        if not reduction:
            return self
        catalog = self.catalog
        split = reduction.apply(self.split, catalog.name, catalog.n_users, catalog.n_items, seed, selection)
        return replace(self, split=split, reduction=reduction)


def split_by(dataset: Dataset, config: RunConfig) -> tuple[Dataset, Split]:
    """Return a data set, its items maybe in another order, and its split under the settings of a run."""
    if config.split == "time":
        return by_time(dataset, config.cut, config.target)
    return dataset, leave_one_out(dataset, config.ties)


def can_be_utf8(text: str) -> bool:
    """Return whether a text can be written as UTF-8; the name of a file may hold any bytes.

    >>> can_be_utf8("shop"), can_be_utf8("shop\udcff")
    (True, False)
    """
    return text == text.encode(errors="replace").decode()


def read_datasets(config: RunConfig, host: Host) -> list[SplitDataset]:
    """Load and split every data set of a run."""
    datasets = []
    for label in config.datasets:
        selected = host.select("datasets", label, config.settings)
        name = Path(label.removeprefix(f"{selected.name}:")).name or selected.name
        if not can_be_utf8(name):
            raise UsageError(f"data set {name!a}: its name is no UTF-8 text, as results need; rename it")
        selected = host.select("datasets", label, config.settings_on(name))
        source = host.build(selected)
        with guard(str(selected), "loading"):
            dataset = load_dataset(name, source, config.repeats, config.k_core, config.item_text_on(name))
        datasets.append(SplitDataset(selected, *split_by(dataset, config)))
    names = [data.name for data in datasets]
    if len(set(names)) < len(names):
        raise UsageError(f"data sets {', '.join(config.datasets)} do not have different names; rename a folder")
    return datasets

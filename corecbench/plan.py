"""What a run will do: the cells, in the order in which they are run, and what is done already."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError
from corecbench.config import RunConfig, cache_folder
from corecbench.data.dataset import Dataset, load_dataset
from corecbench.data.split import Split, leave_one_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        """Such as "sasrec", "llama" or "sasrec+llama+bdlm"."""
        return cell_name(self.components)


@dataclass(frozen=True)
class Plan:
    """All cells of a run. A joint cell stands behind the solo cell of its domain model, which it starts from."""

    config: RunConfig
    cells: Sequence[Cell]
    downloads: Sequence[str]
    notes: Sequence[str]
    cache: Path

    def solo_of(self, cell: Cell) -> Cell:
        """Return the solo cell of a joint cell's domain model."""
        same = (cell.dataset, cell.domain, None, cell.seed)
        return next(other for other in self.cells if (other.dataset, other.domain, other.llm, other.seed) == same)


def make_plan(config: RunConfig, host: Host, store: Store) -> Plan:
    """Resolve every name, read the data sets and lay out the cells.

    Raises:
        UsageError: an unknown name or setting, or a cell that exists under `existing="fail"`.
        DataError: a data set cannot be used.
    """

    def select(kind: str, labels: Sequence[str]) -> list[Selected]:
        return [host.select(kind, label, config.settings) for label in labels]

    models, llms = select("models", config.models), select("llms", config.llms)
    sharing = select("sharing", config.sharing)
    select("metrics", config.metrics)  # a misspelt name is to be found before hours of training
    cells = []
    for data in read_datasets(config, host):
        for seed in config.seeds:
            for parts in combinations(models, llms, sharing):
                cells.append(make_cell(data, parts, seed, config, store))
    if config.existing == "fail" and any(cell.done for cell in cells):
        done = next(cell for cell in cells if cell.done)
        raise UsageError(f"{done.folder} exists; use --existing skip or replace, or another --benchmark")
    cache = cache_folder()
    downloads = [line for llm in llms for line in host.needs(llm, cache)]
    notes = [
        f"{model.name} reads no ids, so it is trained alone only"
        for model in models
        if llms and not model.component.joint
    ]
    return Plan(config, cells, downloads, notes, cache)


Parts = tuple["Selected | None", "Selected | None", "Selected | None"]
"""Domain model, LLM, sharing module."""


def combinations(
    models: Sequence[Selected], llms: Sequence[Selected], sharing: Sequence[Selected]
) -> Iterator[Parts]:
    """Yield every model alone, every LLM alone, and every pair under every sharing module."""
    yield from ((model, None, None) for model in models)
    yield from ((None, llm, None) for llm in llms)
    for model in models:
        if model.component.joint:
            yield from ((model, llm, module) for llm in llms for module in sharing)


def cell_name(components: Sequence[Selected]) -> str:
    """Return the name of a cell: what the user called its components."""
    return "+".join(part.label for part in components)


def read_datasets(config: RunConfig, host: Host) -> list[Data]:
    """Load and split every data set."""
    read = []
    for label in config.datasets:
        selected = host.select("datasets", label, config.settings)
        name = Path(label.removeprefix(f"{selected.name}:")).name or selected.name
        dataset = load_dataset(name, host.build(selected), config.repeats, config.k_core)
        read.append(Data(selected, dataset, leave_one_out(dataset)))
    names = [data.name for data in read]
    if len(set(names)) < len(names):
        raise UsageError(f"data sets {', '.join(config.datasets)} do not have different names; rename a folder")
    return read


def make_cell(data: Data, parts: Parts, seed: int, config: RunConfig, store: Store) -> Cell:
    """Return one cell, with the place of its result."""
    components = [part for part in parts if part is not None]
    decisive = {
        "components": {part.label: [settings_of(part), part.plugin.version] for part in components},
        "data": [data.dataset.fingerprint, data.split.fingerprint],
        "device": config.device,
        "max_history": config.max_history,
    }
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()[:8]
    folder = store.folder(cell_name(components), data.name, seed, digest)
    done = config.existing != "replace" and is_done(folder, parts, store)
    return Cell(data, *parts, seed, digest, folder, done)


def is_done(folder: Path, parts: Parts, store: Store) -> bool:
    """Return whether a cell is stored whole: a domain model alone with the checkpoint that its pairs start from."""
    llm = parts[1]
    return store.is_done(folder) and (llm is not None or (folder / CHECKPOINT).exists())


def settings_of(selected: Selected) -> dict[str, Any]:
    """Return a component's settings, as they are stored."""
    settings = {} if selected.config is None else dataclasses.asdict(selected.config)
    return json.loads(json.dumps(settings, default=str))

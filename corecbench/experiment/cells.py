"""The cells of a benchmark: which data, components and seed one training has, and where its result lies."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from corecbench.api import PROJECT, Added, CellFacts, CellRecord, Training
from corecbench.evaluation.protocol import later_words, protocol_on
from corecbench.experiment.algorithms import component_algorithms, core_algorithms, hashed, number_of, version_of
from corecbench.plugin.metadata import hints_of, marks_in
from corecbench.results.layout import CHECKPOINT, MODEL
from corecbench.results.record import DamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from corecbench.data.loaded import SplitDataset
    from corecbench.plugin.selected import Selected
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig


@dataclass(frozen=True)
class Cell:
    """One training: a domain model alone, an LLM alone, or a pair joined by a sharing module."""

    data: SplitDataset
    domain: Selected | None
    llm: Selected | None
    sharing: Selected | None
    control: Selected | None
    """The control that the cell is; None for the pair itself or a model alone."""
    max_history: int
    seed: int
    hash: str
    """8 hexadecimal digits of everything that decides the result, beside the seed."""
    folder: Path
    done: bool
    start_hash: str = ""
    """The hash of the pair, for the pair and for its controls that begin as it does; else the hash of the cell."""
    algorithms: Mapping[str, int] = field(default_factory=dict)
    """Algorithm of the core, component or variant -> its number."""
    failed: bool = False
    """Whether it failed before, and is not to be run again."""
    damage: str = ""
    """Why what is stored of the cell cannot be used, in one line; empty if it can, or if nothing is stored."""

    @property
    def components(self) -> Sequence[Selected]:
        return Parts(self.domain, self.llm, self.sharing).components

    @property
    def recorded(self) -> Sequence[Selected]:
        control = self.control
        return [*self.components, *([] if control is None or has_only_a_name(control) else [control])]

    @property
    def name(self) -> str:
        return cell_name(self.components, label_of(self.control))

    @property
    def combines(self) -> bool:
        return self.sharing is not None and self.sharing.combines

    @property
    def facts(self) -> CellFacts:
        return {
            **record_of(self),
            "max_history": self.max_history,
            "hash": self.hash,
            "settings": {part.label: settings_of(part) for part in self.recorded},
        }

    @property
    def seeded_as(self) -> str:
        return cell_name(self.components)


def record_of(cell: Cell) -> CellRecord:
    """Return which cell it is, as results have it."""
    record: CellRecord = {
        "name": cell.name,
        "dataset": cell.data.name,
        "domain": label_of(cell.domain),
        "llm": label_of(cell.llm),
        "sharing": label_of(cell.sharing),
        "control": label_of(cell.control),
        "seed": cell.seed,
    }
    record |= cast("CellRecord", cell.data.reduction.fields())
    if cell.combines:
        record["combines"] = True
    if cell.sharing is None and cell.domain is not None and cell.domain.is_reference:
        record["reference"] = True
    if cell.sharing is not None and not cell.sharing.trains:
        record["trains"] = False
    elif cell.sharing is not None and not cell.combines and cell.llm and is_only_read(cell.llm, cell.sharing):
        record["llm_epochs"] = 0
    return record


def is_only_read(llm: Selected, sharing: Selected) -> bool:
    return not sharing.llm_turns or (isinstance(llm.config, Training) and llm.config.epochs == 0)


def label_of(part: Selected | None) -> str | None:
    return None if part is None else part.label


def cell_name(components: Sequence[Selected], control: str | None = None) -> str:
    return "+".join([*(part.label for part in components), *([control] if control else [])])


class Parts(NamedTuple):
    """What a cell is made of."""

    domain: Selected | None = None
    llm: Selected | None = None
    sharing: Selected | None = None
    control: Selected | None = None

    @property
    def components(self) -> Sequence[Selected]:
        return [part for part in (self.domain, self.llm, self.sharing) if part is not None]


def make_cell(data: SplitDataset, parts: Parts, seed: int, config: RunConfig, store: Store) -> Cell:
    """Return one cell, with the place of its result."""
    components, control = parts.components, parts.control
    max_history = config.max_history_on(data.whole_name)
    of_pair = {
        "components": {
            part.label: [decisive_settings(part), version_of(part), *([part.name] if part.is_variant else [])]
            for part in components
        },
        "data": [data.dataset.fingerprint, data.split.fingerprint],
        "device": config.device,
        "max_history": max_history,
        **data.reduction.fields(),
        **later_words(protocol_on(data, config)),
        **hashed(core_algorithms(*parts._replace(control=None), split=config.split), components),
    }
    algorithms = core_algorithms(*parts, split=config.split)
    digest = start = digest_of(of_pair)
    if control is not None:
        of_control = {**of_pair, **hashed(algorithms, components)}
        digest = digest_of({**of_control, "control": decisive_in(control, control.label)})
        if control.begins_as != "pair":
            start = digest_of({**of_control, "control": decisive_in(control, control.begins_as or control.label)})
    folder = store.folder(cell_name(components, label_of(control)), data.name, seed, digest)
    algorithms |= component_algorithms([*components, *([] if control is None else [control])])
    done, failed, damage = False, False, ""
    if config.existing != "replace" and os.path.lexists(folder):
        try:
            done = is_done(folder, parts.llm is not None, store, config.keep_models)
            failed = not (done or config.retry_failed) and store.has_failed(folder)
        except DamagedError as error:
            damage = str(error)
    return Cell(data, *parts, max_history, seed, digest, folder, done, start, algorithms, failed, damage)


def digest_of(decisive: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()[:8]


def decisive_in(control: Selected, name: str) -> str | list[Any]:
    if has_only_a_name(control) and number_of(control) == 1:
        return name
    return [name, decisive_settings(control), version_of(control)]


def decisive_settings(part: Selected) -> dict[str, Any]:
    settings = settings_of(part)
    if part.config is None:
        return settings
    if part.component.label is not None and part.component.argument is not None:
        settings.pop(part.component.argument)
    hints = hints_of(type(part.config))
    return {name: value for name, value in settings.items() if Added(value) not in marks_in(hints[name])}


def has_only_a_name(control: Selected) -> bool:
    return control.config is None and control.plugin.distribution == PROJECT


def is_done(folder: Path, has_llm: bool, store: Store, keep_models: bool = False) -> bool:
    """Return whether a cell is stored whole: a domain model alone with the checkpoint that its pairs start from.

    Where models are kept, they are there, too.

    Raises:
        ResultsError: there is no such cell, or a newer version of corecbench stored it.
        DamagedError: the record or a file is damaged.
    """
    needed = [*([] if has_llm else [CHECKPOINT]), *([MODEL] if keep_models else [])]
    return store.checked(folder)["status"] == "ok" and all((folder / name).exists() for name in needed)


def settings_of(selected: Selected) -> dict[str, Any]:
    settings = {} if selected.config is None else dataclasses.asdict(selected.config)
    stored: dict[str, Any] = json.loads(json.dumps(settings, default=str))
    return stored

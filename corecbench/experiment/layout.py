"""Lays out the cells of a data set: which components are combined, under which settings, shares and seeds."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from corecbench.api import DomainModelComponent, UsageError
from corecbench.experiment.cells import Cell, Parts, make_cell
from corecbench.experiment.controls import choose_control, why_not
from corecbench.plugin.metadata import large_defaults
from corecbench.toolkit import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corecbench.data.loaded import SplitDataset
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig, Settings
    from corecbench.training.controls import AppliedControl

MOST_CELLS = 10_000
"""Most cells of a run on one data set."""


class Choice(NamedTuple):
    """The components of a run."""

    models: Sequence[Selected]
    llms: Sequence[Selected]
    sharing: Sequence[Selected]
    controls: Sequence[AppliedControl]


def choose(config: RunConfig, host: Host, settings: Settings, n_items: int = 0) -> Choice:
    """Select the components of a run under these settings, on a data set of so many items if it is known.

    Raises:
        UsageError: there is none of a name, or two LLMs have one name.
    """
    cache = cache_folder()
    models, llms, sharing = (
        [
            host.with_fingerprint(host.select(kind, label, settings, config.variants, n_items), cache)
            for label in labels
        ]
        for kind, labels in (("models", config.models), ("llms", config.llms), ("sharing", config.sharing))
    )
    for (one, some), (other, more) in itertools.combinations(
        {"model": models, "LLM": llms, "sharing module": sharing}.items(), 2
    ):
        if both := {each.label for each in some} & {each.label for each in more}:
            raise UsageError(f"a {one} and a {other} of the run are called {min(both)}; choose one by a variant")
    labels = [each.label for each in llms]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise UsageError(f"two LLMs of the run are called {twice}; rename a file, or choose each by a variant")
    return Choice(models, llms, sharing, [choose_control(host, label, settings) for label in config.controls])


def choices_on(data: SplitDataset, config: RunConfig, host: Host) -> tuple[Choice, Choice]:
    """Return the components of a run on one data set, under their settings alone and under those in pairs.

    Alone, the references stand before the models that are asked for.
    """
    settings, n_items = config.settings_on(data.whole_name), data.catalog.n_items
    alone = choose(config, host, settings, n_items)
    if config.references:
        models = [*references_on(data, alone.models, host, settings), *alone.models]
        alone = alone._replace(models=models)
    return alone, choose(config, host, config.settings_in_pairs_on(data.whole_name), n_items)


def said_of_size(data: SplitDataset, choice: Choice) -> list[str]:
    """Return which settings of components are those of large data sets, in a line if there are any."""
    found = [
        f"{part.label}.{name}={value if isinstance(value, str) else json.dumps(value)}"
        for part in (*choice.models, *choice.llms, *choice.sharing)
        for name, value in large_defaults(part.component.config, data.catalog.n_items).items()
        if getattr(part.config, name) == value
    ]
    n_items = f"{data.catalog.n_items:,} items"
    return [f"{data.name}: {n_items}, so {', '.join(found)} unless --set gives others"] if found else []


def references_on(
    data: SplitDataset, asked: Sequence[Selected], host: Host, settings: Settings
) -> Iterator[Selected]:
    """Yield the references that are run on a data set beside the models that are asked for."""
    cache, labels = cache_folder(), {model.label for model in asked}
    has_texts = any(data.catalog.item_texts)
    for component, _ in host.list("models"):
        if not isinstance(component, DomainModelComponent) or not component.reference:
            continue
        if component.name not in labels and (has_texts or not component.reads_texts):
            chosen = host.select("models", component.name, settings, n_items=data.catalog.n_items)
            yield host.with_fingerprint(chosen, cache)


def check_count(config: RunConfig, alone: Choice, paired: Choice) -> None:
    n_cells = len(config.seeds) * len(config.train_shares) * sum(1 for _ in combinations(alone, paired))
    if n_cells > MOST_CELLS:
        raise UsageError(
            f"{n_cells:,} cells on each data set, at most {MOST_CELLS:,} are allowed; give fewer seeds, train "
            "shares or components"
        )


def lay_out(data: SplitDataset, alone: Choice, paired: Choice, config: RunConfig, store: Store) -> list[Cell]:
    """Return the cells of one data set, under each of its reductions."""
    return [
        make_cell(reduced, parts, seed, config, store)
        for share in config.train_shares
        for reduction in [replace(data.reduction, train_share=share, cold_items=config.cold_items)]
        for seed in config.seeds
        # a pair is found by the data that it shares with its models
        for reduced in [data.reduced(reduction, seed, config.selection)]
        for parts in combinations(alone, paired)
    ]


def combinations(alone: Choice, paired: Choice) -> Iterator[Parts]:
    """Yield every model alone, every LLM alone, and every pair under every sharing module, then its controls.

    A model that takes no ids has pairs only under modules that train nothing, or that take it as it is alone.
    """
    yield from (Parts(domain=model) for model in alone.models)
    yield from (Parts(llm=llm) for llm in alone.llms)
    for model in paired.models:
        modules = [module for module in paired.sharing if model.joint or stands_alone(module)]
        for llm, module in itertools.product(paired.llms, modules):
            yield Parts(model, llm, module)
            for control in paired.controls:
                if why_not(control, llm, module) is None:
                    yield Parts(model, llm, module, control.selected)


def stands_alone(module: Selected) -> bool:
    return module.takes_scores or not module.trains


def lacking_controls(paired: Choice) -> list[str]:
    joined = itertools.product(paired.sharing, paired.controls, paired.llms)
    reasons = (why_not(control, llm, module) for module, control, llm in joined)
    return list(dict.fromkeys(reason for reason in reasons if reason))

"""Builds a kept side again, from what was kept of it and the plugin of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from corecbench.api import (
    Catalog,
    CorecbenchError,
    Ids,
    Interactions,
    PluginError,
    Pretrained,
    Recommender,
    Setup,
    UsageError,
)
from corecbench.api.tables import IdTable
from corecbench.keeping.folder import choose_side, read_items, read_side
from corecbench.keeping.items import Items
from corecbench.keeping.kept import OF_TEXTS, content_name, fingerprint, own_tensors, paths_of
from corecbench.keeping.recommending import LoadedModel
from corecbench.plugin.guard import guard
from corecbench.plugin.wrapped import base_of
from corecbench.toolkit import cache_folder
from corecbench.training.beginning import let_read
from corecbench.training.cell import make_ready
from corecbench.training.content import with_scores, with_texts
from corecbench.training.cosine import by_cosine
from corecbench.training.frozen import evaluate
from corecbench.training.weighing import TermWeight
from corecbench.training.weights import put_extra_state_back, seed_torch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from corecbench.api import Side
    from corecbench.keeping.kept import KeptSide
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected

KINDS: dict[Side, str] = {"domain": "models", "llm": "llms"}


def load_side(host: Host, cell: Path, side: str | None = None, device: str = "cpu") -> LoadedModel:
    """Return a side that was kept with a cell; of a pair the domain model unless it is named.

    Raises:
        ResultsError: nothing was kept, or it is damaged.
        UsageError: the side does not exist, or the LLM's weights are not those that it was trained on.
        PluginError: the component cannot be built.
    """
    chosen = choose_side(cell, side)
    kept, items = read_side(cell, chosen), read_items(cell)
    facts = kept.facts
    component = facts["component"]
    selected = host.select(KINDS[chosen], component["name"], {component["name"]: component["settings"]})
    users = facts.get("user_ids", [""] * facts["n_users"])
    texts = items["titles" if facts.get("plain_texts") else "texts"]
    catalog = Catalog(facts["dataset"], ("", *users), items["item_ids"], texts, facts.get("n_new_items", 0))
    setup = Setup(
        catalog,
        facts["max_history"],
        facts["seed"],
        device,
        cache_folder(),
        untrained_llm=facts["untrained_llm"],
    )
    state = torch.get_rng_state()
    try:
        model = build(host, selected, setup, kept)
    finally:
        torch.set_rng_state(state)
    return LoadedModel(
        model,
        setup,
        Items(items["item_ids"], items["titles"]),
        facts,
        {name: tensor.numpy().astype(np.int64) for name, tensor in kept.interactions.items()},
    )


def build(host: Host, selected: Selected, setup: Setup, kept: KeptSide) -> Recommender:
    """Return the model with its weights, in evaluation mode."""
    facts = kept.facts
    tables: dict[str, IdTable] = {}

    def ids(width: int) -> Ids:
        for of in ("user", "item"):
            rows = kept.weights.get(f"table.{of}", torch.zeros(1, width))  # one row where the model keeps no table
            if rows.shape[1] != width:
                raise PluginError(
                    f"it asks for id tables of width {width}, but those of the cell are {rows.shape[1]}"
                )
            tables[of] = IdTable("user" if of == "user" else "item", len(rows), width)
            with torch.no_grad():
                tables[of].weight.copy_(rows)
        return Ids(tables["user"], tables["item"])

    seed_torch(setup.seed, setup.catalog.name, facts["component"]["label"], "weights")
    model: Recommender = host.build(selected, setup, ids if facts["reads_ids"] else None)
    make_ready(model, selected, training_part(kept), setup.device)
    if any(f"table.{name}" in kept.weights for name in OF_TEXTS):
        user, item = (torch.zeros(n + 1, 0) for n in (setup.catalog.n_users, setup.catalog.n_items))
        said = [kept.weights.get(f"table.{name}") for name in OF_TEXTS]
        text, text_states = (None if each is None else each.to(setup.device) for each in said)
        let_read(model, str(selected), Pretrained(user, item, text, text_states), setup.device)
    if isinstance(model, torch.nn.Module):
        with guard(str(selected), "build"):
            put_back(model, kept, [path for table in tables.values() for path in paths_of(model, table)])
            put_extra_state_back(model, facts["extra_state"])
    if temperature := facts.get("cosine_temperature"):
        model = by_cosine(model, temperature)
    says = facts.get("content", [])
    for number, say in enumerate(says):
        if "model" in say:
            other = host.select("models", say["model"], {base_of(say["model"]): say["settings"]})
            beside = host.build(other, setup, None)
            make_ready(beside, other, training_part(kept), setup.device)
            model = with_scores(model, beside, say["weight"])
        else:
            content = kept.weights[content_name(number)].to(setup.device)
            model = with_texts(model, content, TermWeight(**say), setup.catalog.n_new_items)
    evaluate(model)
    return model


def training_part(kept: KeptSide) -> Interactions:
    none = torch.zeros(0)
    user, item = (
        kept.interactions.get(name, none).numpy().astype(np.int64) for name in ("train_user", "train_item")
    )
    time = kept.interactions.get("train_time")
    return Interactions(user, item, None if time is None else time.numpy())


@torch.no_grad()
def put_back(model: torch.nn.Module, kept: KeptSide, tables: Sequence[str]) -> None:
    """Put the kept tensors into a model.

    Raises:
        CorecbenchError: they are of another model.
        UsageError: the frozen weights of the LLM are others.
    """
    facts = kept.facts
    own, frozen = own_tensors(facts["side"], model, tables)
    given = {name: tensor for name, tensor in kept.weights.items() if not name.startswith("table.")}
    if differing := sorted(own.keys() ^ given.keys()):
        raise CorecbenchError(f"what was kept does not fit the model; it differs in {', '.join(differing[:3])}")
    if facts["frozen_weights"] and fingerprint(frozen) != facts["frozen_weights"]:
        raise UsageError(
            f"the weights of '{facts['component']['label']}' here are not those that the cell was trained with; "
            "their fingerprint differs"
        )
    for name, tensor in given.items():
        put(model, name, own[name], tensor)


def put(model: torch.nn.Module, name: str, own: torch.Tensor, tensor: torch.Tensor) -> None:
    """Put one tensor in place. A buffer may be of another shape, such as the summaries of texts.

    Raises:
        CorecbenchError: a parameter is of another shape.
    """
    if own.shape == tensor.shape and own.dtype == tensor.dtype:
        own.copy_(tensor)
    elif isinstance(own, torch.nn.Parameter):
        raise CorecbenchError(f"what was kept does not fit the model; it differs in {name}")
    else:
        parent, _, leaf = name.rpartition(".")
        model.get_submodule(parent).register_buffer(leaf, tensor.to(own.device), persistent=False)

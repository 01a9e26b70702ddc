"""What is kept of a trained side: everything from which it recommends again, without the other side.

The tables that a side reads are kept as plain rows, as the sharing module gave them. So a side needs neither the
sharing module nor the other side. Of an LLM, the frozen weights are not kept, only a fingerprint of them: they are
loaded from where the settings of the side say.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from corecbench.api import Batch, PluginError, States
from corecbench.api.tables import IdTable
from corecbench.plugin.abilities import recommender_abilities
from corecbench.plugin.wrapped import MADE
from corecbench.training.content import WithContent, WithScores
from corecbench.training.cosine import ByCosine
from corecbench.training.weights import extra_state, trainable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.api import Ids, Pretrained, Recommender, Setup, SharingModule, Side
    from corecbench.data.split import Split
    from corecbench.plugin.selected import Selected


@dataclass(frozen=True)
class KeptAs:
    """Which side it is, and what it was built from."""

    side: Side
    selected: Selected
    settings: Mapping[str, Any]
    """Those of the component, as JSON can hold them."""
    setup: Setup
    tables: Ids | None
    """Those of the sharing module that it reads; None for a model that has tables of its own, or none."""
    pretrained: Pretrained | None = None
    """What a domain model in a pair could read of texts."""


CONTENT = "table.content"
"""The name of what is said of the items' texts, among the kept tensors."""
OF_TEXTS = ("text", "text_states")
"""What is kept for a domain model that reads texts, as "table.text" and "table.text_states"."""
N_COMPARED = 32
"""Users, or histories, whose answers are compared to see whether a side tells them apart."""


@dataclass(frozen=True)
class KeptSide:
    """A trained side as it is stored."""

    facts: dict[str, Any]
    """What the side is built from, as JSON can hold it."""
    weights: dict[str, torch.Tensor]
    """Name in the model -> its tensor, "table.user" and "table.item" -> the rows that it reads, and `CONTENT` where
    texts have a say in its scores."""
    interactions: dict[str, torch.Tensor]
    """int32. "train_user", "train_item" and, as they are, "train_time" of a model that fits the training part;
    "user" and "item", all before the test item, of a side that knows its users. Empty for any other side."""


def keep_side(model: Recommender, kept_as: KeptAs, split: Split) -> KeptSide:
    """Return what is kept of a side in evaluation mode, whose best weights are in place.

    Raises:
        PluginError: it remembers something that JSON cannot hold.
    """
    if isinstance(model, WithContent):
        side = keep_side(model.model, kept_as, split)
        says = side.facts.get("content", [])
        name, facts = content_name(len(says)), {**side.facts, "content": [*says, model.weight._asdict()]}
        return KeptSide(facts, {**side.weights, name: copied(model.content)}, side.interactions)
    if isinstance(model, WithScores):
        side = keep_side(model.model, kept_as, split)
        made = MADE[model.other]
        says = {"weight": model.weight, "model": made.name, "settings": dict(made.settings)}
        facts = {**side.facts, "fits": True, "content": [*side.facts.get("content", []), says]}
        return KeptSide(facts, side.weights, {**as_kept(training_part(split)), **side.interactions})
    if isinstance(model, ByCosine):
        side = keep_side(model.model, kept_as, split)
        return replace(side, facts={**side.facts, "cosine_temperature": model.temperature})
    given, setup = kept_as.tables, kept_as.setup
    tables = tables_in(model) if given is None else {"user": given.user, "item": given.item}
    paths = {of: paths_of(model, table) for of, table in tables.items()}
    rows = {f"table.{of}": tables[of].weight for of, found in paths.items() if found}
    if given is not None and recommender_abilities(model).read_texts is not None:
        said = {} if kept_as.pretrained is None else {name: getattr(kept_as.pretrained, name) for name in OF_TEXTS}
        rows |= {f"table.{name}": tensor for name, tensor in said.items() if tensor is not None}
    kept, frozen = own_tensors(kept_as.side, model, [path for found in paths.values() for path in found])
    fits = recommender_abilities(model).fit is not None
    has_users = fits or ("table.user" in rows and bool(rows["table.user"].any()))
    knows_users = has_users and answers_differ(model, setup)
    facts = {
        **facts_of(kept_as),
        "fits": fits,
        "knows_users": knows_users,
        "frozen_weights": fingerprint(frozen) if frozen else None,
        "extra_state": plain(extra_state(model)),
        **({"user_ids": list(setup.catalog.user_ids[1:])} if knows_users else {}),
    }
    interactions = {**(training_part(split) if fits else {}), **(before_test(split) if knows_users else {})}
    weights = {name: copied(tensor) for name, tensor in {**kept, **rows}.items()}
    return KeptSide(facts, weights, as_kept(interactions))


def training_part(split: Split) -> dict[str, np.ndarray]:
    return {f"train_{name}": values for name, values in vars(split.train).items() if values is not None}


def as_kept(interactions: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {
        name: torch.as_tensor(array if name == "train_time" else array.astype(np.int32))
        for name, array in interactions.items()
    }


def content_name(number: int) -> str:
    return f"{CONTENT}.{number}" if number else CONTENT


def facts_of(kept_as: KeptAs) -> dict[str, Any]:
    """Return what a side is built from."""
    selected, setup = kept_as.selected, kept_as.setup
    return {
        "side": kept_as.side,
        "component": {
            "name": selected.name,
            "label": selected.label,
            "settings": dict(kept_as.settings),
            "distribution": selected.plugin.distribution,
            "version": selected.plugin.version,
        },
        "dataset": setup.catalog.name,
        "n_users": setup.catalog.n_users,
        **({"n_new_items": setup.catalog.n_new_items} if setup.catalog.n_new_items else {}),
        "max_history": setup.max_history,
        "seed": setup.seed,
        "untrained_llm": setup.untrained_llm,
        "reads_ids": kept_as.side == "domain" or kept_as.tables is not None,
    }


def weights_of(module: SharingModule) -> dict[str, torch.Tensor]:
    if not hasattr(module, "state_dict"):
        return {}
    state = module.state_dict()
    return {name: copied(value) for name, value in state.items() if isinstance(value, torch.Tensor)}


def copied(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def tables_in(model: Recommender) -> dict[str, IdTable]:
    modules = model.modules() if isinstance(model, torch.nn.Module) else ()
    return {module.of: module for module in modules if isinstance(module, IdTable)}


def paths_of(model: Recommender, table: object) -> list[str]:
    if not isinstance(model, torch.nn.Module):
        return []
    return [path for path, module in model.named_modules(remove_duplicate=False) if module is table]


def own_tensors(
    side: str, model: Recommender | torch.nn.Module, tables: Sequence[str]
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return the tensors of a model that are kept, and those of an LLM that are not since they are frozen.

    Buffers are kept even if they are not persistent, since an LLM's summaries of texts are computed elsewhere with
    other last digits. What an LLM offers to sharing modules alone, its `text_states`, is not kept.
    Neither are the tables that it reads, which are kept apart.
    """
    if not isinstance(model, torch.nn.Module):
        return {}, {}
    kept: dict[str, torch.Tensor] = {}
    frozen: dict[str, torch.Tensor] = {}
    trained = trainable(model).keys()
    below = tuple(f"{path}." for path in tables)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if name.startswith(below) or tensor.layout != torch.strided:
            continue
        if side == "llm" and isinstance(tensor, torch.nn.Parameter) and name not in trained:
            frozen[name] = tensor
        elif side == "domain" or name != "text_states":
            kept[name] = tensor
    return kept, frozen


def fingerprint(tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {list(tensor.shape)}".encode())
        if type(tensor.data) is torch.Tensor:
            digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()


def plain(extra: dict[str, Any]) -> dict[str, Any]:
    """Return what modules remember, if JSON can hold it.

    Raises:
        PluginError: it cannot.
    """
    try:
        return dict(json.loads(json.dumps(extra)))
    except (TypeError, ValueError) as error:
        raise PluginError(f"the model cannot be kept: JSON cannot hold its get_extra_state ({error})") from error


@torch.no_grad()
def answers_differ(model: Recommender, setup: Setup, histories: bool = False) -> bool:
    n = min(N_COMPARED, setup.catalog.n_items if histories else setup.catalog.n_users)
    counted = torch.arange(1, n + 1, device=setup.device)
    same = torch.ones_like(counted)
    batch = Batch(same - 1, counted[:, None]) if histories else Batch(counted, same[:, None])
    answer = recommender_abilities(model).answer(batch)
    user = answer.user if isinstance(answer, States) else answer
    return not torch.allclose(user, user[:1].expand_as(user))


def before_test(split: Split) -> dict[str, np.ndarray]:
    """Return users and items of the histories before the test items, user by user, oldest first.

    Of users who are not ranked that is all that they train on.
    """
    before, held = split.before, split.held["test"]
    row, item = held.known.pairs(np.arange(len(held.users)))
    others = ~np.isin(before.user, held.users)
    user = np.concatenate([held.users[row], before.user[others]])
    order = np.argsort(user, kind="stable")
    return {"user": user[order], "item": np.concatenate([item, before.item[others]])[order]}

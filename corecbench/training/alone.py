"""The domain model as it is alone, in a pair: it stays so unless more is clearly better, or nothing is trained."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import torch

from corecbench.api import Budget, Pretrained, Recommender, Setup, SharingModule, Side, private_ids
from corecbench.plugin.abilities import recommender_abilities, sharing_abilities
from corecbench.plugin.guard import guard
from corecbench.training.beginning import begin
from corecbench.training.cell import CellTraining, OnEpoch, Trained, check_announced, make_ready, show_training_part
from corecbench.training.content import values_of, with_content
from corecbench.training.pair import IdRequests, Pair, Solo, in_turns, texts_for
from corecbench.training.weighing import is_clearly_better
from corecbench.training.weights import restore, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from corecbench.api.optional import Content
    from corecbench.plugin.selected import Selected
    from corecbench.training.loop import SideTraining


def predicting(
    training: CellTraining, trained: Trained, side: Side, sharing: Selected, solo: Callable[[], Solo]
) -> SideTraining:
    """Return what predicts as a side of a pair: the side, maybe with what texts say, or the model alone.

    Args:
        training: of the pair.
        trained: the sides with their best weights, and the sharing module.
        side: which side.
        sharing: the sharing module, as it was chosen.
        solo: returns the domain model alone.

    Raises:
        PluginError: the module has `content` that its component does not announce.
    """
    abilities = sharing_abilities(cast("SharingModule", trained.module))
    contents = abilities.contents
    with guard(str(sharing), "content"):
        check_announced(contents, sharing)
    if not sharing.trains:
        return beside_texts(training, trained.sides[side], contents)
    own = own_contents(trained.sides[side])
    paired = with_content(training, trained.sides[side], [*own, *contents])
    if side == "domain" and abilities.alone_unless_better:
        return better_of(training, paired, solo(), contents)
    return paired


def own_contents(side: SideTraining) -> Sequence[Content]:
    return recommender_abilities(side.model).contents if side.side == "domain" else ()


def with_own_content(training: CellTraining, side: SideTraining) -> SideTraining:
    return with_content(training, side, own_contents(side))


def build_alone(training: CellTraining, solo: Solo) -> Recommender:
    as_alone = replace(training, cell=solo.selected.label, setup=without_control(training.setup))
    model, _ = as_alone.build_solo("domain", solo.selected)
    restore(model, solo.learnt().state)
    return model


def without_control(setup: Setup) -> Setup:
    if setup.plain_texts is None:
        return setup
    catalog = replace(setup.catalog, item_texts=tuple(setup.plain_texts))
    return replace(setup, catalog=catalog, plain_texts=None)


def better_of(
    training: CellTraining, paired: SideTraining, solo: Solo, contents: Sequence[Content] = ()
) -> SideTraining:
    """Return the model alone, the model alone beside texts, or the pair: the simplest unless more is better.

    Each is compared with the best before it, and has to be clearly better on validation. The model alone keeps the
    epochs and the time of the pair, which was trained all the same. Its best epoch is 0.

    Args:
        training: of the pair.
        paired: the domain side with its best weights and, if it has some, with texts.
        solo: the domain model alone.
        contents: what the sharing module has to say of texts.
    """
    pair, alone = copy.copy(paired), copy.copy(paired)
    alone.model, alone.layers, alone.chosen = build_alone(training, solo), None, {}
    with guard(paired.owner, "states"):
        alone.values = values_of(training, alone.side, alone.model)
        of_pair = values_of(training, pair.side, pair.model) if pair.values is None else pair.values
    alone.best_epoch, alone.best_value = 0, float(alone.values.mean())
    alone.best_state = snapshot(alone.model)
    best = beside_texts(training, alone, contents)
    if best.values is None or is_clearly_better(of_pair, best.values):
        pair.predicts = "pair"
        return pair
    return best


def beside_texts(training: CellTraining, alone: SideTraining, contents: Sequence[Content]) -> SideTraining:
    """Return the model alone, with its own texts and those of a module in its scores where these are better.

    Args:
        training: of the cell.
        alone: the domain model alone.
        contents: what the sharing module has to say of texts.
    """
    n_own = len(own_contents(alone))
    alone = with_own_content(training, alone)
    best = with_content(training, alone, contents, first=n_own + 1)
    best.predicts = "alone" if best.model is alone.model else "alone with texts"
    return best


def train_beside(training: CellTraining, pair: Pair, solo: Solo, on_epoch: OnEpoch) -> Trained:
    """Train the LLM of a pair whose domain side reads no ids, so that it stays what it learnt alone.

    Raises:
        PluginError: a component does not keep the contract.
        CorecbenchError: what the domain model learnt alone cannot be read.
    """
    training.seed("weights")
    module: SharingModule = training.host.build(pair.sharing, training.setup)
    abilities, train = sharing_abilities(module), training.split.train
    catalog = training.setup.catalog
    empty = private_ids(catalog.n_users, catalog.n_items, 0)
    requests = IdRequests(module, {"domain": empty})
    llm: Recommender = training.host.build(pair.llm, training.setup, requests.factory("llm"))
    make_ready(llm, pair.llm, train, training.setup.device)
    show_training_part(abilities.fit, str(pair.sharing), train)
    begin(module, Pretrained(empty.user.weight.detach(), empty.item.weight.detach(), *texts_for(pair, llm)))
    alone = training.side_training("domain", solo.selected, build_alone(training, solo), epochs=0)
    budget = Budget(0, pair.llm_epochs)
    sides = in_turns(training, pair, module, {"llm": llm}, budget, on_epoch, set(), {"domain": alone})
    return Trained(sides, module, {"llm": requests.given["llm"]} if "llm" in requests.given else {})


def stand_beside(training: CellTraining, pair: Pair, solo: Solo) -> Trained:
    """Return the domain model as it is alone, and the sharing module once it was told of the texts.

    The LLM is built without ids, and only if the module reads what it says of texts. It has no turn.

    Raises:
        PluginError: a component does not keep the contract.
        CorecbenchError: what the domain model learnt alone cannot be read.
    """
    training.seed("weights")
    module: SharingModule = training.host.build(pair.sharing, training.setup)
    of_texts: tuple[torch.Tensor | None, torch.Tensor | None] = (None, None)
    if pair.sharing.reads_texts:
        of_texts = texts_for(pair, training.build_solo("llm", pair.llm)[0])
    catalog = training.setup.catalog
    user, item = (torch.zeros(n + 1, 0) for n in (catalog.n_users, catalog.n_items))
    show_training_part(sharing_abilities(module).fit, str(pair.sharing), training.split.train)
    begin(module, Pretrained(user, item, *of_texts))
    model = build_alone(training, solo)
    return Trained({"domain": training.side_training("domain", solo.selected, model, epochs=0)}, module)

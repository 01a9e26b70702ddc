"""Trains a domain model and an LLM in turns, joined by a sharing module."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from corecbench.api import (
    Budget,
    Ids,
    IdsFactory,
    PluginError,
    Pretrained,
    Recommender,
    SharingModule,
    Side,
    Teacher,
    Training,
    Turn,
)
from corecbench.api.tables import table_names
from corecbench.plugin.abilities import recommender_abilities, sharing_abilities
from corecbench.plugin.guard import guard, owner_of
from corecbench.training.beginning import begin, let_read, prepare, states_alone
from corecbench.training.cell import CellTraining, OnEpoch, Trained, make_ready, show_training_part
from corecbench.training.cosine import by_cosine
from corecbench.training.turns import ends_with_the_llm, epochs_of, needed_epochs, planned, turns_within
from corecbench.training.weights import restore, weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence, Set

    from corecbench.plugin.selected import Selected
    from corecbench.training.loop import SideTraining
    from corecbench.training.turns import PlannedTurn


@dataclass(frozen=True)
class Learnt:
    """What a domain model learnt alone."""

    state: Mapping[str, torch.Tensor]
    """Its checkpoint."""
    best_epoch: int
    """Epochs that led to the checkpoint."""


@dataclass(frozen=True)
class Solo:
    """The domain model of a pair, alone."""

    selected: Selected
    """The component under the settings that it has alone; those of the pair may be others."""
    learnt: Callable[[], Learnt]
    """Reads what it learnt. A pair that starts anew never calls it, so the model need not be trained yet."""


@dataclass(frozen=True)
class Pair:
    """What a pair is made of, and whether it is coupled."""

    domain: Selected
    llm: Selected
    sharing: Selected
    teacher: Teacher = "other"
    """Whom a side learns from; whoever it is, tables and turns stay those of the module."""
    turns: Callable[[Sequence[Turn]], Sequence[Turn]] | None = None
    """Leaves out turns of the sharing module; None for no change."""
    text: Callable[[torch.Tensor | None], torch.Tensor] | None = None
    """Returns what the sharing module is told of the texts in place of the LLM's `text`; None for no change."""

    @property
    def llm_epochs(self) -> int:
        """The most epochs of the LLM.

        Raises:
            PluginError: it has no training settings.
        """
        if not isinstance(self.llm.config, Training):
            raise PluginError(f"{self.llm} has no training settings, as a pair needs; use a subclass of Training")
        return self.llm.config.epochs

    @property
    def sides(self) -> Mapping[Side, Selected]:
        return {"domain": self.domain, "llm": self.llm}


@dataclass
class IdRequests:
    """Gives each side its tables of a sharing module: once, and to the domain side first."""

    module: SharingModule
    given: dict[Side, Ids] = field(default_factory=dict)

    def factory(self, side: Side) -> IdsFactory:
        """Return what a side asks for its tables."""

        def ids(width: int) -> Ids:
            if side in self.given:
                raise PluginError("it asks for its id tables twice; a side asks once and keeps them")
            if side == "llm" and "domain" not in self.given:
                raise PluginError("it asks for its id tables before the domain model has asked for its own")
            tables = self.module.ids(side, width)
            if not isinstance(tables, Ids):
                raise PluginError(f"{owner_of(self.module)}: ids returned {tables!r:.80}; Ids are needed")
            self.given[side] = tables
            return tables

        return ids


def train_pair(training: CellTraining, pair: Pair, solo: Solo, on_epoch: OnEpoch) -> Trained:
    """Train a pair in turns, the domain model starting from what it learnt alone unless the module starts anew.

    A side learns from the other once the other has been trained.

    Raises:
        PluginError: a component does not keep the contract.
        CorecbenchError: the pair starts from what the domain model learnt alone, but gives it another shape.
    """
    training.seed("weights")
    module: SharingModule = training.host.build(pair.sharing, training.setup)
    requests = IdRequests(module)
    models = build_sides(training, pair, requests)
    with guard(owner_of(module), "start_from"):
        abilities = sharing_abilities(module)
    show_training_part(abilities.fit, owner_of(module), training.split.train)
    anew = abilities.start_from == "new"
    learnt = None if anew else solo.learnt()
    pretrained = start(training, pair, models, module, solo.selected, learnt)
    spent = 0 if learnt is None else learnt.best_epoch
    budget = Budget(pair.domain.config.epochs - spent, pair.llm_epochs)
    sides = in_turns(training, pair, module, models, budget, on_epoch, set() if anew else {"domain"}, {})
    return Trained(sides, module, requests.given, pretrained)


def in_turns(
    training: CellTraining,
    pair: Pair,
    module: SharingModule,
    models: Mapping[Side, Recommender],
    budget: Budget,
    on_epoch: OnEpoch,
    trained: Set[Side],
    stays: Mapping[Side, SideTraining],
) -> dict[Side, SideTraining]:
    """Train the sides of a pair in the turns of its sharing module, and return them.

    Args:
        training: of the cell.
        pair: what it is made of.
        module: its sharing module, which knows the tables and the texts.
        models: those that are trained.
        budget: epochs of the module's stage before the turns and of the turns.
        on_epoch: is called after each epoch.
        trained: the sides whose weights are trained ones.
        stays: the sides that are not trained.
    """
    abilities = sharing_abilities(module)
    if abilities.cosine_temperature is not None:
        models = {side: by_cosine(model, abilities.cosine_temperature) for side, model in models.items()}
    stage = prepare(training, module, budget)
    turns = turns_within(stage.left, module)
    if pair.turns is not None:
        turns = list(pair.turns(turns))
    sides, epochs = dict(stays), epochs_of(turns)
    needed = epochs_to_learn(pair, module, stage.left, turns)
    for side, model in models.items():
        layers = None if abilities.trained_with is None else abilities.trained_with(side)
        if layers is not None:
            layers.to(training.setup.device)
        sides[side] = training.side_training(side, pair.sides[side], model, epochs[side], side in trained, layers)
        sides[side].stage_epochs, sides[side].train_s = stage.epochs[side], stage.seconds[side]
    sides["domain"].needed_epochs = needed
    at_once = pair.sharing.couples_with_untrained
    plan = planned(turns, trained | stays.keys(), module, pair.teacher, abilities.renew, at_once)
    if pair.sharing.couples:
        note_coupling(pair, sides, plan)
    training.seed("training")
    training.train_turns(sides, plan, on_epoch)
    for side in models:
        sides[side].stopped_by = "turns"
    return sides


def epochs_to_learn(pair: Pair, module: SharingModule, budget: Budget, turns: Sequence[Turn]) -> int | None:
    """Warn of a domain model whose turns all come before those of the LLM, and return the epochs that it needs.

    Returns:
        None if it has a turn after one of the LLM, needs none, or has none with any number of epochs.
    """
    if not pair.sharing.couples or pair.sharing.couples_with_untrained or not ends_with_the_llm(turns):
        return None
    allowed = pair.domain.config.epochs
    needed = needed_epochs(module, budget, allowed - budget.domain_epochs)
    logging.getLogger(__name__).warning(
        "%s: the domain model has no training phase after one of the LLM, so it learns nothing from it; its %d "
        "epochs leave none after the phases before%s",
        owner_of(module),
        allowed,
        f"; set {pair.domain.label}.epochs >= {needed}" if needed else "",
    )
    return needed


def note_coupling(pair: Pair, sides: Mapping[Side, SideTraining], plan: Sequence[PlannedTurn]) -> None:
    """Note for each side whether a turn couples it to the other one, and warn of a pair without such a turn."""
    coupled = {turn.side for turn in plan if turn.partner not in (None, turn.side)}
    for side, side_training in sides.items():
        side_training.coupled = side in coupled
    if plan and not coupled and pair.teacher == "other" and pair.turns is None:
        logging.getLogger(__name__).warning(
            "%s: none of its turns calls its coupling losses, since no side has a turn after the other was "
            "trained; plan one, or give its component couples_with_untrained=True or couples=False",
            pair.sharing,
        )


def build_sides(training: CellTraining, pair: Pair, requests: IdRequests) -> dict[Side, Recommender]:
    """Build both models over the tables of the sharing module, the domain model first.

    Raises:
        PluginError: the domain model reads no ids, or a model has no states.
    """
    models: dict[Side, Recommender] = {}
    for side, selected in pair.sides.items():
        models[side] = training.host.build(selected, training.setup, requests.factory(side))
        if side == "domain" and "domain" not in requests.given:
            raise PluginError(f"{selected} reads no ids; its component needs joint=False")
    for side, selected in pair.sides.items():
        make_ready(models[side], selected, training.split.train, training.setup.device)
        if recommender_abilities(models[side]).scores is not None:
            raise PluginError(f"{selected} gives scores and no states; its component needs joint=False")
    return models


def start(
    training: CellTraining,
    pair: Pair,
    models: Mapping[Side, Recommender],
    module: SharingModule,
    alone_selected: Selected,
    learnt: Learnt | None,
) -> Pretrained:
    """Give the module the tables of the domain model alone, and the pair's model its other weights; return them.

    If the pair starts anew, `learnt` is None: the tables are those of a new model, and the pair's model stays new.

    Raises:
        PluginError: the domain model does not keep the item table that it was given.
        CorecbenchError: the pair starts from these weights, and its settings give the model another shape.
    """
    alone, tables = training.build_solo("domain", alone_selected if learnt is None else pair.domain)
    if learnt is not None:
        restore(alone, learnt.state)
    names = table_names(alone) if isinstance(alone, torch.nn.Module) else {}
    if tables is None or "item" not in names:
        raise PluginError(f"{pair.domain} keeps no item table; it must keep the ids that it reads as submodules")
    if learnt is not None:
        in_pair = weights(models["domain"])
        with torch.no_grad():
            for name, tensor in weights(alone).items():
                if name not in names.values():
                    in_pair[name].copy_(tensor)
    user = tables.user.weight
    if "user" not in names:
        with guard(str(pair.domain), "states"):
            user = training.user_states(alone)[:, : tables.item.weight.shape[1]]
    texts = texts_for(pair, models["llm"])
    states, all_states = states_alone(training, alone, str(pair.domain))
    pretrained = Pretrained(user.detach(), tables.item.weight.detach(), *texts, states, all_states)
    begin(module, pretrained)
    let_read(models["domain"], str(pair.domain), pretrained, training.setup.device)
    return pretrained


def texts_for(pair: Pair, llm: Recommender) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    abilities = recommender_abilities(llm)
    text, states = abilities.text, abilities.text_states
    if pair.text is None:
        return text, states
    return pair.text(text), None if states is None else pair.text(states)

"""Trains a domain model and an LLM in turns, joined by a sharing module."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from corecbench.api import (
    SIDES,
    Budget,
    Ids,
    IdsFactory,
    PluginError,
    Pretrained,
    Recommender,
    SharingModule,
    Side,
    Teacher,
    Turn,
)
from corecbench.api.tables import table_names
from corecbench.plugin.abilities import recommender_abilities, sharing_abilities
from corecbench.plugin.guard import guard, owner_of
from corecbench.training.beginning import begin, let_read, prepare, states_alone
from corecbench.training.cell import CellTraining, OnEpoch, Trained, make_ready, show_training_part
from corecbench.training.cosine import by_cosine
from corecbench.training.loop import PlannedTurn
from corecbench.training.weights import restore, weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from corecbench.plugin.selected import Selected
    from corecbench.training.loop import SideTraining


MOST_EPOCHS = 1000
"""The largest budget of a domain model that is tried in search of one that is enough."""


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
    def sides(self) -> Mapping[Side, Selected]:
        """Both models, in the order in which they are built and ask for their tables."""
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
    told = start(training, pair, models, module, solo.selected, learnt)
    if abilities.cosine_temperature is not None:
        models = {side: by_cosine(model, abilities.cosine_temperature) for side, model in models.items()}
    spent = 0 if learnt is None else learnt.best_epoch
    stage = prepare(training, module, Budget(pair.domain.config.epochs - spent, pair.llm.config.epochs))
    budget, spent = stage.left, spent + stage.epochs["domain"]
    turns = turns_within(budget, module)
    if pair.turns is not None:
        turns = list(pair.turns(turns))
    needed = None
    at_once = pair.sharing.couples_with_untrained
    if pair.sharing.couples and not at_once and ends_with_the_llm(turns):
        needed = needed_epochs(module, budget, spent)
        logging.getLogger(__name__).warning(
            "%s: the domain model has no turn after one of the LLM, so it learns nothing from it; its %d "
            "epochs leave none after the turns before%s",
            owner_of(module),
            pair.domain.config.epochs,
            f"; set {pair.domain.label}.epochs >= {needed}" if needed else "",
        )
    epochs = epochs_of(turns)
    trained: set[Side] = set() if anew else {"domain"}
    sides = {}
    for side, selected in pair.sides.items():
        layers = None if abilities.trained_with is None else abilities.trained_with(side)
        if layers is not None:
            layers.to(training.setup.device)
        sides[side] = training.side_training(side, selected, models[side], epochs[side], side in trained, layers)
        sides[side].stage_epochs, sides[side].train_s = stage.epochs[side], stage.seconds[side]
    sides["domain"].needed_epochs = needed
    plan = planned(turns, trained, module, pair.teacher, abilities.renew, at_once)
    if pair.sharing.couples:
        note_coupling(pair, sides, plan)
    training.seed("training")
    training.train_turns(sides, plan, on_epoch)
    for side_training in sides.values():
        side_training.stopped_by = "turns"
    return Trained(sides, module, requests.given, told)


def planned(
    turns: Sequence[Turn],
    trained: set[Side],
    module: SharingModule,
    teacher: Teacher,
    renew: Callable[[torch.Tensor], None] | None = None,
    at_once: bool = False,
) -> list[PlannedTurn]:
    """Return the turns with the partner that the side learns from, if there is one and it has been trained.

    Args:
        turns: those of the sharing module.
        trained: the sides that start from trained weights.
        module: couples a side with its partner.
        teacher: who the partner is; a side is its own from its second turn on.
        renew: is told what the LLM makes of each item, before each turn of the domain model that follows one of
            the LLM.
        at_once: whether a side learns from a partner that was never trained, too.
    """
    found: list[PlannedTurn] = []
    trained = set() if teacher == "self" else set(trained)
    for number, turn in enumerate(turns, start=1):
        other: Side = "llm" if turn.side == "domain" else "domain"
        partner = turn.side if teacher == "self" else other
        planned_turn = PlannedTurn(number, turn.side, turn.epochs)
        if teacher != "none" and (at_once or partner in trained):
            planned_turn = replace(planned_turn, sharing=module, partner=partner)
        if found and (found[-1].side, turn.side) == ("llm", "domain"):
            planned_turn = replace(planned_turn, renew=renew)
        found.append(planned_turn)
        trained.add(turn.side)
    return found


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
    """Return what the sharing module is told of the texts: the `text` and the `text_states` of the LLM."""
    abilities = recommender_abilities(llm)
    text, states = abilities.text, abilities.text_states
    if pair.text is None:
        return text, states
    return pair.text(text), None if states is None else pair.text(states)


def ends_with_the_llm(turns: Sequence[Turn]) -> bool:
    """Return whether the domain model is trained in turns that all come before those of the LLM.

    >>> [ends_with_the_llm([Turn(side, 1) for side in sides]) for sides in (["domain", "llm"], ["llm"], ["domain"])]
    [True, False, False]
    """
    sides = [turn.side for turn in turns]
    return "llm" in sides and "domain" in sides and "domain" not in sides[sides.index("llm") :]


def needed_epochs(module: SharingModule, budget: Budget, spent: int) -> int | None:
    """Return the least epochs of a domain model with which it has a turn after one of the LLM.

    Args:
        module: plans the turns.
        budget: of the pair, in which there is none.
        spent: epochs that the domain model needed alone.

    Returns:
        None if no number up to `MOST_EPOCHS` is enough.
    """
    with contextlib.suppress(PluginError):
        for epochs in range(budget.domain_epochs + 1, MOST_EPOCHS):
            if not ends_with_the_llm(turns_within(replace(budget, domain_epochs=epochs), module)):
                return spent + epochs
    return None


def epochs_of(turns: Sequence[Turn]) -> dict[Side, int]:
    """Return the epochs of each side in all turns together."""
    return {side: sum(turn.epochs for turn in turns if turn.side == side) for side in SIDES}


def turns_within(budget: Budget, module: SharingModule) -> list[Turn]:
    """Return a sharing module's turns.

    Raises:
        PluginError: they are longer than the budget.
    """
    owner = owner_of(module)
    with guard(owner, "turns"):
        turns = list(module.turns(budget))
        epochs = epochs_of(turns)
    limits: dict[Side, int] = {"domain": budget.domain_epochs, "llm": budget.llm_epochs}
    for side, most in limits.items():
        if epochs[side] > most:
            raise PluginError(f"{owner} plans {epochs[side]} {side} epochs, allowed are {most}")
    return turns

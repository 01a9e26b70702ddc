"""Where a sharing module is joined with toy partners, and trained, for a check."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch

from corecbench.api import SIDES, Batch, Ids, Pretrained, SharingModule, Side, States, Turn, last_position
from corecbench.plugin.abilities import sharing_abilities
from corecbench.testing import kit
from corecbench.testing.bench import make_cell_training, silent
from corecbench.testing.kit import NotApplicableError
from corecbench.testing.partners import WIDTHS, Partner, partner, toy_text
from corecbench.training.beginning import states_alone
from corecbench.training.cell import show_training_part
from corecbench.training.examples import make_examples
from corecbench.training.frozen import evaluate
from corecbench.training.pair import Learnt, Solo, train_pair
from corecbench.training.pair import Pair as TrainedPair
from corecbench.training.turns import epochs_of
from corecbench.training.weights import restore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.training.cell import CellTraining
    from corecbench.training.loop import SideTraining

N_USERS = 40


@dataclass(frozen=True)
class Pair:
    """A module and the partners that read its tables, not trained yet."""

    module: SharingModule
    ids: Mapping[Side, Ids]
    models: Mapping[Side, Partner]
    pretrained: Pretrained
    batch: Batch
    """Windows to train on."""

    def states(self, side: Side, per_position: bool = True) -> States:
        """Return the states of one side, per position [B, L, d] or per user [B, d]."""
        states = self.models[side].states(Batch(self.batch.user, self.batch.history, time=self.batch.time))
        return states if per_position else replace(states, user=last_position(states.user, self.batch.history))

    def frozen(self, side: Side, per_position: bool = True) -> States:
        """Return the states of one side as the other one is given them, without gradients."""
        with torch.no_grad():
            states = self.states(side, per_position)
        return States(states.user.detach().clone(), states.item.detach().clone())


def other(side: Side) -> Side:
    """Return the other side."""
    return "llm" if side == "domain" else "domain"


def read_by_other(models: Mapping[Side, torch.nn.Module], side: Side) -> dict[str, torch.Tensor]:
    """Return the weights that only the other side of a pair reads, by name."""
    own = {id(tensor) for tensor in weights(models[side]).values()}
    return {name: tensor for name, tensor in weights(models[other(side)]).items() if id(tensor) not in own}


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return all parameters and buffers of floating point, by name."""
    named = (*model.named_parameters(), *model.named_buffers())
    return {name: tensor for name, tensor in named if tensor.is_floating_point()}


class Bench(kit.Bench):
    """A sharing module to be checked."""

    def cell_training(self) -> CellTraining:
        """Return a new place to train."""
        return make_cell_training(self.host, N_USERS, data=self.data)

    def join(self, start: bool = True) -> Pair:
        """Build the module and its partners; it starts from random tables, unless that is left to the caller.

        Raises:
            NotApplicableError: it trains nothing, so it has no tables.
        """
        self.check_trains()
        cell_training = self.cell_training()
        alone, _ = cell_training.build_solo("domain", partner("domain"))
        cell_training.seed("weights")
        setup = cell_training.setup
        module = self.host.build(self.selected, setup)
        ids: dict[Side, Ids] = {}

        def tables(side: Side, width: int) -> Ids:
            ids[side] = module.ids(side, width)
            return ids[side]

        models = {side: self.host.build(partner(side), setup, functools.partial(tables, side)) for side in SIDES}
        user, item = (torch.randn(n + 1, WIDTHS["domain"]) for n in (setup.catalog.n_users, setup.catalog.n_items))
        asked = states_alone(cell_training, alone, "the toy domain model")
        pretrained = Pretrained(user, item, models["llm"].text, None, *asked)
        show_training_part(sharing_abilities(module).fit, str(self.selected), cell_training.split.train)
        if start:
            module.start(pretrained)
        examples = make_examples("windows", cell_training.split.train, setup.catalog, setup.max_history)
        return Pair(module, ids, models, pretrained, examples.contexts.whole())

    def begin(self, seed: int = 0) -> tuple[SharingModule, Pretrained]:
        """Build a module that trains nothing, and let it start; return it with what it was told.

        Raises:
            NotApplicableError: it trains.
        """
        if self.selected.trains:
            raise NotApplicableError("its sides are trained; this is about modules with trains=False")
        cell_training = self.cell_training()
        setup = replace(cell_training.setup, seed=seed)
        module: SharingModule = self.host.build(self.selected, setup)
        user, item = (torch.zeros(n + 1, 0) for n in (setup.catalog.n_users, setup.catalog.n_items))
        text = toy_text(setup.catalog.n_items) if self.selected.reads_texts else None
        pretrained = Pretrained(user, item, text)
        show_training_part(sharing_abilities(module).fit, str(self.selected), cell_training.split.train)
        module.start(pretrained)
        return module, pretrained

    def check_trains(self) -> None:
        """Raise a NotApplicableError if the module trains nothing."""
        if not self.selected.trains:
            raise NotApplicableError("it trains nothing (trains=False)")

    def train(self, epochs: int | None = None) -> Mapping[Side, SideTraining]:
        """Train the pair, each side for at most so many epochs or, by default, for those of the partners.

        Raises:
            NotApplicableError: the module trains nothing.
        """
        self.check_trains()
        pair = TrainedPair(partner("domain", epochs), partner("llm", epochs), self.selected)
        sides = train_pair(self.cell_training(), pair, self.solo(), silent).sides
        for side_training in sides.values():
            evaluate(side_training.model)
        return sides

    def solo(self) -> Solo:
        """Train the domain partner alone for a moment; it uses none of its budget in a pair."""
        selected = partner("domain", epochs=2)
        alone = self.cell_training().train_solo("domain", selected, silent)
        alone.finish()
        return Solo(selected, lambda: Learnt(alone.best_state, best_epoch=0))

    def train_alone(self, turns: Sequence[Turn], anew: bool) -> Partner:
        """Train the domain partner in its turns as if there were no other side."""
        training, selected = self.cell_training(), partner("domain")
        model, _ = training.build_solo("domain", selected)
        if not anew:
            restore(model, self.solo().learnt().state)
        epochs = epochs_of(turns)["domain"]
        side_training = training.side_training("domain", selected, model, epochs, trained=not anew)
        training.seed("training")
        for number, turn in enumerate(turns, start=1):
            if turn.side == "domain":
                side_training.train_turn(number, turn.epochs, None, None, silent)
        evaluate(model)
        return cast("Partner", model)

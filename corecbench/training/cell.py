"""Trains one cell: a model alone, or a pair in turns. Ranks a side's held-out items."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from corecbench.api import (
    EpochRecord,
    Ids,
    Interactions,
    PluginError,
    Pretrained,
    RankMetric,
    Recommender,
    Setup,
    SharingModule,
    Side,
    States,
    Training,
    generator,
    private_ids,
)
from corecbench.evaluation.ranking import Ranks, rank_task, task_states
from corecbench.evaluation.states import checked, checked_scores
from corecbench.plugin.abilities import recommender_abilities
from corecbench.plugin.guard import guard
from corecbench.training.contexts import latest, single_items
from corecbench.training.examples import make_examples
from corecbench.training.frozen import evaluate, last_states
from corecbench.training.loop import SideTraining
from corecbench.training.refit import Validation
from corecbench.training.turns import PlannedTurn
from corecbench.training.weights import seed_torch, trainable

if TYPE_CHECKING:
    from corecbench.api import Batch
    from corecbench.api.optional import Content
    from corecbench.data.ranking_task import RankingTask
    from corecbench.data.split import Split
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected
    from corecbench.training.checkpoints import Checkpoints

OnEpoch = Callable[[EpochRecord], None]


@dataclass(frozen=True)
class Trained:
    """The trained sides of a cell, and the sharing module where there are two."""

    sides: Mapping[Side, SideTraining]
    module: SharingModule | None = None
    tables: Mapping[Side, Ids] = field(default_factory=dict)
    """The tables of the sharing module that each side reads."""
    pretrained: Pretrained | None = None
    """What the sharing module was given; None where there is none."""


@dataclass(frozen=True)
class CellTraining:
    """What every training of a cell needs: the data, the machine and one seed."""

    host: Host
    setup: Setup
    split: Split
    cell: str
    """The name that the generators of the cell are seeded by."""
    validation_metric: RankMetric
    """NDCG@10."""
    checkpoints: Checkpoints | None = None
    """Where the state of the training is written; None: nowhere."""
    validation: Validation = field(default_factory=Validation)
    """Measures what is chosen by."""
    sampled_users: int | None = None
    """Number of users who are validated after each epoch, fewer than there are; None for all."""

    def seed(self, purpose: str) -> None:
        seed_torch(self.setup.seed, self.setup.catalog.name, self.cell, purpose)

    def build_solo(self, side: Side, selected: Selected) -> tuple[Recommender, Ids | None]:
        """Build a model over private tables, which are returned too; an LLM alone reads texts only."""
        self.seed("weights")
        catalog = self.setup.catalog
        tables: list[Ids] = []

        def ids(width: int) -> Ids:
            if tables:
                raise PluginError("it asks for its id tables twice; a side asks once and keeps them")
            tables.append(private_ids(catalog.n_users, catalog.n_items, width))
            return tables[0]

        model: Recommender = self.host.build(selected, self.setup, None if side == "llm" else ids)
        make_ready(model, selected, self.split.train, self.setup.device)
        return model, tables[0] if tables else None

    def side_training(
        self,
        side: Side,
        selected: Selected,
        model: Recommender,
        epochs: int,
        trained: bool = False,
        layers: torch.nn.Module | None = None,
    ) -> SideTraining:
        """Return a side, `trained` before or not, that is ready for so many epochs in all turns together."""
        setup = self.setup
        examples = make_examples(model.examples, self.split.train, setup.catalog, setup.max_history, setup.device)
        batches = generator(setup.seed, setup.catalog.name, self.cell, side, "batches")
        of_side = (side, model, selected.config, examples, self.validate, batches, epochs, str(selected), trained)
        found = SideTraining(*of_side, layers=layers)
        known = weakref.proxy(found)  # no cycle, which would keep a model in memory for a while
        found.validate = lambda model: self.validation.of_epoch(
            side, known.epochs, lambda: self.validate(model, self.epoch_task if known.epochs else None)
        )
        if self.sampled_users is not None:
            found.validate_all = lambda model: self.validation.measure(side, self.validate, model)
        return found

    def rank(
        self, model: Recommender, stage: str, top_k: int = 0, task: RankingTask | None = None, to: int = 0
    ) -> Ranks:
        """Rank the held-out items of a stage, or of a part of it, and keep each user's best candidates.

        Args:
            model: what ranks.
            stage: "validation" or "test".
            top_k: how many of each user's best candidates are kept.
            task: of the stage; None for all its users.
            to: place down to which ranks are exact, see `rank_task`; 0 for all.
        """
        evaluate(model)
        task = task or self.tasks[stage]
        return rank_task(self.checked_answer(model), task, device=self.setup.device, top_k=top_k, to=to)

    def checked_answer(self, model: Recommender) -> Callable[[Batch], States | torch.Tensor]:
        abilities, n_items = recommender_abilities(model), self.setup.catalog.n_items
        answer, check = abilities.answer, checked if abilities.scores is None else checked_scores
        return lambda batch: check(answer(batch), batch, n_items)

    def states(self, model: Recommender) -> Mapping[str, States]:
        evaluate(model)
        states = cast("Callable[[Batch], States]", self.checked_answer(model))
        device = self.setup.device
        return {stage: task_states(states, task, device=device) for stage, task in self.tasks.items()}

    @functools.cached_property
    def tasks(self) -> Mapping[str, RankingTask]:
        return {stage: self.split.task(stage, self.setup.max_history) for stage in self.split.held}

    @functools.cached_property
    def epoch_task(self) -> RankingTask:
        """Who is validated after each epoch: all users, or a sample that all cells of a seed have in common."""
        if self.sampled_users is None:
            return self.tasks["validation"]
        held, chance = (
            self.split.held["validation"],
            generator(self.setup.seed, self.setup.catalog.name, "validated"),
        )
        chosen = np.zeros(len(held.users), dtype=bool)
        chosen[chance.permutation(len(chosen))[: self.sampled_users]] = True
        return held.of(chosen).task(self.setup.max_history)

    def validate(self, model: Recommender, task: RankingTask | None = None) -> float:
        return float(self.validated(model, task).mean())

    def validated(self, model: Recommender, task: RankingTask | None = None) -> np.ndarray:
        cutoff = getattr(self.validation_metric, "k", 0)
        return self.values(self.rank(model, "validation", task=task, to=cutoff))

    def values(self, ranks: Ranks) -> np.ndarray:
        return self.validation_metric.per_user(ranks.rank, ranks.n_candidates)

    def user_states(self, model: Recommender) -> torch.Tensor:
        """Return each user's state after the training history, float32 [U+1, d], row 0 zero.

        A user without one, who does not train, has the mean of the others' states.
        """
        setup, train = self.setup, self.split.train
        contexts = latest(train, setup.catalog.n_users, setup.max_history, setup.device).of_users(train.user)
        known = last_states(model, contexts, setup.catalog.n_items)
        states = known.mean(dim=0).repeat(setup.catalog.n_users + 1, 1)
        states[torch.as_tensor(contexts.users, device=states.device)] = known
        states[0] = 0
        return states

    def item_states(self, model: Recommender) -> torch.Tensor:
        n_items = self.setup.catalog.n_items
        states = last_states(model, single_items(n_items, self.setup.device), n_items)
        return torch.cat([states.new_zeros(1, states.shape[1]), states])

    def train_solo(self, side: Side, selected: Selected, on_epoch: OnEpoch) -> SideTraining:
        model, _ = self.build_solo(side, selected)
        epochs = selected.config.epochs if trainable(model) else 0
        training = self.side_training(side, selected, model, epochs)
        self.seed("training")
        self.train_turns({side: training}, [PlannedTurn(0, side, epochs)], on_epoch)
        return training

    def train_turns(
        self, sides: Mapping[Side, SideTraining], turns: Sequence[PlannedTurn], on_epoch: OnEpoch
    ) -> None:
        """Carry out turns, from where they were left off if there are checkpoints."""
        turns = self.validation.turns(turns)
        on_epoch, done = with_planned_epochs(sum(turn.epochs for turn in turns), on_epoch), 0
        if self.checkpoints is not None:
            on_epoch = self.checkpoints.recording(on_epoch)
            done = self.checkpoints.resume(sides, turns, on_epoch)
        for turn in turns[done:]:
            if turn.renew is not None:
                turn.renew(self.item_states(sides["llm"].model))
            partner = None if turn.partner is None else sides[turn.partner]
            sides[turn.side].train_turn(turn.number, turn.epochs, turn.sharing, partner, on_epoch, self.checkpoints)
            if self.checkpoints is not None:
                self.checkpoints.turn_ended()


def make_ready(model: Recommender, selected: Selected, train: Interactions, device: str) -> None:
    """Move a model to the device, let it see the training part if it wants to, and check what it is.

    Raises:
        PluginError: it can neither rank nor be trained as it is.
    """
    owner = str(selected)
    if isinstance(model, torch.nn.Module):
        model.to(device)
    show_training_part(recommender_abilities(model).fit, owner, train)
    with guard(owner, "build"):
        check_recommender(model, selected)


def show_training_part(fit: Callable[[Interactions], None] | None, owner: str, train: Interactions) -> None:
    if fit is not None:
        with guard(owner, "fit"):
            time = None if train.time is None else train.time.copy()
            fit(Interactions(train.user.copy(), train.item.copy(), time))


def check_recommender(model: Recommender, selected: Selected) -> None:
    """Make sure that a built model can be ranked and trained.

    Raises:
        PluginError: it says no kind of examples, has neither states nor scores, has parameters to train but no
            training settings, or has `content` that its component does not announce.
    """
    abilities, examples = recommender_abilities(model), getattr(model, "examples", None)
    _ = abilities.answer
    if examples not in ("windows", "pairs"):
        raise PluginError(f"its attribute examples is {examples!r}, must be 'windows' or 'pairs'")
    if selected.kind == "models":
        check_announced(abilities.contents, selected)
    if trainable(model) and not isinstance(selected.config, Training):
        raise PluginError(
            f"it has parameters to train, but its config is {type(selected.config).__name__}; a subclass of "
            "corecbench.api.Training is needed"
        )


def check_announced(contents: Sequence[Content], selected: Selected) -> None:
    """Make sure that a component announces that it has something to say of texts, since that decides the ranks.

    Raises:
        PluginError: it does not.
    """
    if contents and not selected.content:
        raise PluginError("it has an attribute `content`; its component needs content=True, or another name for it")


def with_planned_epochs(epochs: int, on_epoch: OnEpoch) -> OnEpoch:
    return lambda record: on_epoch({**record, "planned_epochs": epochs})

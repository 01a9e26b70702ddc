"""Trains one cell: a model alone, or a pair in turns, and ranks each side on the test items."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from corecbench.api import (
    SIDES,
    Budget,
    Ids,
    PluginError,
    Pretrained,
    Recommender,
    Setup,
    SharingModule,
    Side,
    States,
    Turn,
    last_position,
    private_ids,
)
from corecbench.evaluation.ranking import Ranks, rank_task, task_states
from corecbench.plugin.guard import guard, owner_of
from corecbench.training.examples import latest, make_examples
from corecbench.training.loop import Trainee, evaluate, restore, states_of_contexts, trainable, weights
from corecbench.training.seeds import generator, seed_torch

if TYPE_CHECKING:
    from pathlib import Path

    from corecbench.data.split import RankingTask, Split
    from corecbench.plugin.host import Host, Selected

OnEpoch = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Solo:
    """The domain model as it was trained alone."""

    selected: Selected
    """Under which settings; those of the pair may be others."""
    state: Mapping[str, torch.Tensor]
    """Its checkpoint."""
    best_epoch: int
    """Epochs that led to the checkpoint."""


@dataclass(frozen=True)
class Trained:
    """What came of a cell's training: its sides, and what joined them where there are two."""

    trainees: Mapping[Side, Trainee]
    module: SharingModule | None = None


@dataclass(frozen=True)
class Workshop:
    """What every training of a cell needs: the data, the machine and one seed."""

    host: Host
    setup: Setup
    split: Split
    cell: str
    validation_metric: Any
    """NDCG@10."""

    def seed(self, purpose: str) -> None:
        """Seed torch for one purpose of this cell."""
        seed_torch(self.setup.seed, self.setup.catalog.name, self.cell, purpose)

    def build_solo(self, side: Side, selected: Selected) -> tuple[Recommender, Ids | None]:
        """Build a model over private tables; an LLM alone reads texts only."""
        self.seed("weights")
        catalog = self.setup.catalog
        tables: list[Ids] = []

        def ids(width: int) -> Ids:
            tables.append(private_ids(catalog.n_users, catalog.n_items, width))
            return tables[0]

        model = self.host.build(selected, self.setup, None if side == "llm" else ids)
        self.fit(model, selected)
        return model, tables[0] if tables else None

    def fit(self, model: Recommender, selected: Selected) -> None:
        """Move a model to the device and let it see the training part, if it wants to."""
        if isinstance(model, torch.nn.Module):
            model.to(self.setup.device)
        if hasattr(model, "fit"):
            with guard(str(selected), "fit"):
                model.fit(self.split.train)

    def trainee(
        self, side: Side, selected: Selected, model: Recommender, epochs: int, trained: bool = False
    ) -> Trainee:
        """Return a side, `trained` before or not, that is ready for so many epochs in all turns together."""
        setup = self.setup
        examples = make_examples(model.examples, self.split.train, setup.catalog, setup.max_history, setup.device)
        batches = generator(self.setup.seed, self.setup.catalog.name, self.cell, side, "batches")
        owner = str(selected)
        return Trainee(side, model, selected.config, examples, self.validate, batches, epochs, owner, trained)

    def rank(self, model: Recommender, stage: str, top_k: int = 0) -> Ranks:
        """Rank the held-out items of a stage, and keep each user's best candidates."""
        evaluate(model)
        answer = model.scores if hasattr(model, "scores") else model.states
        return rank_task(answer, self.tasks[stage], device=self.setup.device, top_k=top_k)

    def states(self, model: Recommender) -> Mapping[str, States]:
        """Return a side's states of the users that are ranked at each stage, as they are now."""
        evaluate(model)
        device = self.setup.device
        return {stage: task_states(model.states, task, device=device) for stage, task in self.tasks.items()}

    @functools.cached_property
    def tasks(self) -> Mapping[str, RankingTask]:
        """What is ranked at each stage; made once, since validation is ranked after every epoch."""
        return {stage: self.split.task(stage, self.setup.max_history) for stage in ("validation", "test")}

    def validate(self, model: Recommender) -> float:
        """Return NDCG@10 on the validation items."""
        return self.quality(self.rank(model, "validation"))

    def quality(self, ranks: Ranks) -> float:
        """Return NDCG@10 of validation ranks."""
        return float(self.validation_metric.per_user(ranks.rank, ranks.n_candidates).mean())

    def train_solo(self, side: Side, selected: Selected, on_epoch: OnEpoch) -> dict[Side, Trainee]:
        """Train a model alone until validation no longer improves, or its epochs are over."""
        model, _ = self.build_solo(side, selected)
        epochs = selected.config.epochs if trainable(model) else 0
        trainee = self.trainee(side, selected, model, epochs)
        self.seed("training")
        trainee.train_turn(0, epochs, None, None, planned(epochs, on_epoch))
        return {side: trainee}

    def train_pair(
        self,
        domain: Selected,
        llm: Selected,
        sharing: Selected,
        solo: Solo,
        on_epoch: OnEpoch,
        mutual: bool = True,
    ) -> Trained:
        """Train a pair in turns, the domain model starting from what it learnt alone.

        A side learns from the other once that has been trained. Without `mutual` it never does, while the tables
        and the turns stay those of the module.
        """
        self.seed("weights")
        module = self.host.build(sharing, self.setup)
        parts: Mapping[Side, Selected] = {"domain": domain, "llm": llm}
        models = {
            side: self.host.build(selected, self.setup, functools.partial(module.ids, side))
            for side, selected in parts.items()
        }
        for side, selected in parts.items():
            self.fit(models[side], selected)
        anew = getattr(module, "start_from", "pretrained") == "new"
        self.start(models, module, domain, solo, anew)
        spent = 0 if anew else solo.best_epoch
        turns = within(Budget(domain.config.epochs - spent, llm.config.epochs), module)
        epochs = epochs_of(turns)
        learnt = set() if anew else {"domain"}
        trainees = {
            side: self.trainee(side, selected, models[side], epochs[side], side in learnt)
            for side, selected in parts.items()
        }
        self.seed("training")
        on_epoch = planned(sum(epochs.values()), on_epoch)
        for number, turn in enumerate(turns, start=1):
            other = "llm" if turn.side == "domain" else "domain"
            coupled = (module, trainees[other]) if mutual and other in learnt else (None, None)
            trainees[turn.side].train_turn(number, turn.epochs, *coupled, on_epoch)
            learnt.add(turn.side)
        for trainee in trainees.values():
            trainee.stopped_by = "turns"
        return Trained(trainees, module)

    def start(
        self,
        models: Mapping[Side, Recommender],
        module: SharingModule,
        domain: Selected,
        solo: Solo,
        anew: bool,
    ) -> None:
        """Give the pair what the domain model learnt alone: tables to the module, own weights unless anew.

        Raises:
            CorecbenchError: the pair starts from these, and its settings give the model another shape.
        """
        alone, tables = self.build_solo("domain", solo.selected if anew else domain)
        restore(alone, solo.state)
        if tables is None:
            raise PluginError(f"{domain} reads no ids; its component needs joint=False")
        of_tables = {id(tables.user.weight), id(tables.item.weight)}
        theirs, ours = weights(alone), weights(models["domain"])
        if not anew:
            with torch.no_grad():
                for name, tensor in theirs.items():
                    if id(tensor) not in of_tables:
                        ours[name].copy_(tensor)
        user = tables.user.weight
        if id(user) not in {id(tensor) for tensor in theirs.values()}:
            with guard(str(domain), "states"):
                user = self.user_states(alone)[:, : tables.item.weight.shape[1]]
        texts = (getattr(models["llm"], name, None) for name in ("text", "text_states"))
        module.start(Pretrained(user.detach(), tables.item.weight.detach(), *texts))

    def user_states(self, model: Recommender) -> torch.Tensor:
        """Return each user's state after the training history, float32 [U+1, d], row 0 zero."""
        setup = self.setup
        contexts = latest(self.split.train, setup.catalog.n_users, setup.max_history, setup.device)
        states = last_position(states_of_contexts(model, contexts).user, contexts.history)
        return torch.cat([states.new_zeros(1, states.shape[1]), states])


def planned(epochs: int, on_epoch: OnEpoch) -> OnEpoch:
    """Return `on_epoch` with the number of epochs of the whole cell added to each record."""
    return lambda record: on_epoch({**record, "planned_epochs": epochs})


def epochs_of(turns: Sequence[Turn]) -> dict[Side, int]:
    """Return the epochs of each side in all turns together."""
    return {side: sum(turn.epochs for turn in turns if turn.side == side) for side in SIDES}


def within(budget: Budget, module: SharingModule) -> list[Turn]:
    """Return a sharing module's turns.

    Raises:
        PluginError: they are longer than the budget.
    """
    owner = owner_of(module)
    with guard(owner, "turns"):
        turns = list(module.turns(budget))
        epochs = epochs_of(turns)
    for side, most in (("domain", budget.domain_epochs), ("llm", budget.llm_epochs)):
        if epochs[side] > most:
            raise PluginError(f"{owner} plans {epochs[side]} {side} epochs, allowed are {most}")
    return turns


def save_checkpoint(trainee: Trainee, path: Path) -> None:
    """Write a side's best weights as safetensors."""
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in trainee.best_state.items()}, path)

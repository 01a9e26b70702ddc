"""Checks of sharing modules, in a pair of toy partners.

B examples, L positions of a history, N items, U users.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch

from corecbench.api import SIDES, Batch, Budget, Combiner, Interactions, Side, States, Table
from corecbench.plugin.abilities import coupling_terms, sharing_abilities
from corecbench.testing.bench import equal, restore_by_file, silent, some, task_loss, tensors
from corecbench.testing.kit import NotApplicableError, require, settings_survive_json
from corecbench.testing.pair import Bench, Pair, other, read_by_other, weights
from corecbench.testing.partners import EPOCHS, WIDTHS, Partner, partner, popular
from corecbench.training.alone import train_beside
from corecbench.training.beginning import prepare
from corecbench.training.content import term_of, versions
from corecbench.training.pair import Learnt, Solo
from corecbench.training.pair import Pair as TrainedPair
from corecbench.training.turns import planned, turns_within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


BUDGETS = [Budget(*epochs) for epochs in ((0, 0), (1, 0), (0, 3), (1, 1), (7, 5), (100, 40))]


def tables_have_the_widths_asked_for(bench: Bench) -> None:
    """User [U+1, width] and item [N+1, width] in float32, as a whole and row by row, before and after the start."""
    for started, side in itertools.product((False, True), SIDES):
        pair = bench.join(started)
        pair.models[side].eval()
        for name, rows in (("user", len(pair.pretrained.user)), ("item", len(pair.pretrained.item))):
            table = getattr(pair.ids[side], name)
            check_table(f"the {name} table of the {side} side", table, (rows, WIDTHS[side]))


def check_table(what: str, table: Table, shape: tuple[int, int]) -> None:
    """Raise a CheckError if a table in evaluation is not as it must be."""
    weight, index = table.weight, torch.tensor([[1, 2], [3, 0]])
    require(tuple(weight.shape) == shape, f"{what} is {list(weight.shape)}, must be {list(shape)}")
    require(weight.dtype == torch.float32, f"{what} is {weight.dtype}, must be torch.float32")
    rows = table(index)
    require(rows.shape == (2, 2, shape[1]), f"{what} gives {list(rows.shape)} for indices [2, 2]")
    require(torch.allclose(rows, weight[index], atol=1e-5), f"{what} gives other rows than its weight has")


def turns_stay_within_the_budget(bench: Bench) -> None:
    """No side trains for longer than it may, whatever that is."""
    module = bench.join().module
    for budget in BUDGETS:
        for turn in turns_within(budget, module):
            whole = isinstance(turn.epochs, int) and turn.epochs > 0
            require(turn.side in SIDES and whole, f"{turn} is no turn of a side for 1 epoch or more")
            told = bench.selected.llm_turns or turn.side != "llm"
            require(told, "the LLM has a turn, and its component says llm_turns=False")


def a_stage_before_the_turns_stays_within_the_budget(bench: Bench) -> None:
    """`prepare` and the turns after it take no more epochs than there are."""
    for budget in BUDGETS[:-1]:
        module = bench.join().module
        if sharing_abilities(module).prepare is None:
            raise NotApplicableError("it has no method `prepare`")
        turns_within(prepare(bench.cell_training(), module, budget).left, module)


def losses_are_finite_scalars(bench: Bench) -> None:
    """For either side, and for sides with a state per position or one per user."""
    pair = bench.join()
    for side, own, its in itertools.product(SIDES, (True, False), (True, False)):
        for name, term in losses(pair, side, own, its).items():
            what = f"loss '{name}' of the {side} side"
            is_scalar = isinstance(term, torch.Tensor) and term.dim() == 0
            require(is_scalar, f"{what} is {term!r:.60}, must be a scalar tensor")
            require(term.isfinite(), f"{what} is {term.item()}")


def losses(pair: Pair, side: Side, own: bool = True, its: bool = True) -> Mapping[str, torch.Tensor]:
    """Return the coupling terms of a side; `own` and `its`: whether a side has a state per position."""
    return coupling_terms(pair.module, side, pair.states(side, own), pair.frozen(other(side), its), pair.batch)


def the_other_side_gets_no_gradient(bench: Bench) -> None:
    """The losses of a side reach no weight that only the other side reads."""
    pair = bench.join()
    terms = {side: sum(losses(pair, side).values()) for side in SIDES}
    if not any(isinstance(term, torch.Tensor) for term in terms.values()):
        raise NotApplicableError("it has no coupling losses")
    for side, term in terms.items():
        reached = {
            name: tensor for name, tensor in read_by_other(pair.models, side).items() if tensor.requires_grad
        }
        if not reached or not isinstance(term, torch.Tensor) or not term.requires_grad:
            continue
        gradients = torch.autograd.grad(term, list(reached.values()), allow_unused=True)
        names = [name for name, gradient in zip(reached, gradients, strict=True) if gradient is not None]
        require(not names, f"the losses of the {side} side train the other side's {', '.join(names)}")


def the_losses_train_weights_of_the_training(bench: Bench) -> None:
    """What gets a gradient is of the side's model, its tables or `trained_with`: nothing else is ever moved."""
    pair = bench.join()
    trained_with = sharing_abilities(pair.module).trained_with
    for side in SIDES:
        layers = (
            None if trained_with is None else trained_with(side)
        )  # asked before the first loss, as in a training
        parts = [
            *pair.models.values(),
            *([] if layers is None else [layers]),
        ]  # another check is about the other side
        moved = {id(weight) for part in parts for weight in part.parameters()}
        for name, term in losses(pair, side).items():
            shapes = [list(leaf.shape) for leaf in leaves(term) if id(leaf) not in moved]
            require(
                not shapes,
                f"loss '{name}' of the {side} side has gradients for tensors {shapes} that no optimiser moves; "
                "make them once, in a module that `trained_with` returns",
            )


def leaves(term: torch.Tensor) -> list[torch.Tensor]:
    """Return the tensors that a gradient of a term ends in."""
    ahead: list[Any] = [term.grad_fn]
    seen: set[Any] = {None}
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead += [following for following, _ in node.next_functions]
    return [node.variable for node in seen if hasattr(node, "variable")]


def nothing_that_it_is_given_is_changed(bench: Bench) -> None:
    """Neither training part, nor pretrained tables, nor a batch, nor the other side's states, kept for a turn."""
    pair = bench.join(start=False)
    fit, train = sharing_abilities(pair.module).fit, bench.cell_training().split.train
    if fit is not None:
        given = Interactions(train.user.copy(), train.item.copy())
        fit(given)
        same = (train.user == given.user).all() and (train.item == given.item).all()
        require(same, "fit changes the interactions that it is given")
    before = copies(vars(pair.pretrained))
    pair.module.start(pair.pretrained)
    check_unchanged(vars(pair.pretrained), before, "start changes the pretrained")
    for side in SIDES:
        states, batch = pair.frozen(other(side)), tensors(pair.batch)
        before = copies({**vars(states), **batch})
        pair.module.losses(side, pair.states(side), states, pair.batch)
        check_unchanged({**vars(states), **batch}, before, "losses change, of the other side or the batch,")


def copies(given: Mapping[str, torch.Tensor | None]) -> dict[str, torch.Tensor]:
    """Return copies of tensors; what else there is is left out."""
    return {name: tensor.clone() for name, tensor in given.items() if isinstance(tensor, torch.Tensor)}


def check_unchanged(now: Mapping[str, torch.Tensor | None], before: Mapping[str, torch.Tensor], fault: str) -> None:
    """Raise a CheckError if a tensor is not what it was."""
    for name, tensor in before.items():
        after = now[name]
        require(after is not None and torch.equal(after, tensor), f"{fault} {name}")


def gradients_reach_the_tables(bench: Bench) -> None:
    """A side that has turns trains something of the tables that it reads; an LLM may read texts alone."""
    pair = bench.join()
    sides = {turn.side for turn in turns_within(BUDGETS[-1], pair.module)}
    for side in sorted(sides):
        model, batch = pair.models[side].train(), pair.batch
        task_loss(model, batch, model.states(batch)).backward()
        tables = [cast("torch.nn.Module", table) for table in (pair.ids[side].user, pair.ids[side].item)]
        weights = [weight for table in tables for weight in table.parameters()]
        if side == "llm" and not weights:
            continue  # it reads texts alone
        reached = any(weight.grad is not None and weight.grad.any() for weight in weights)
        require(reached, f"no gradient of the {side} side reaches the tables that it reads")


def the_same_seed_gives_the_same_states(bench: Bench) -> None:
    """Two pairs that are trained alike agree bit for bit."""
    one, two = bench.train(), bench.train()
    for side in SIDES:
        same = equal(one[side].model.states(some()), two[side].model.states(some()))
        require(same, f"the {side} sides of two pairs of one seed differ; draw from torch's global generator alone")


def either_side_predicts_alone(bench: Bench) -> None:
    """A trained side needs nothing that only the other one reads, and its checkpoint holds all that it learnt."""
    side_trainings = bench.train()
    models = {side: cast("Partner", side_training.model) for side, side_training in side_trainings.items()}
    for side, side_training in side_trainings.items():
        side_training.finish()
        before, fresh = models[side].states(some()), bench.train(epochs=0)[side].model
        restore_by_file(fresh, side_training.best_state)
        same = equal(before, fresh.states(some()))
        require(same, f"restored from safetensors, the {side} side gives other states")
        same = equal(before, without(read_by_other(models, side), functools.partial(models[side].states, some())))
        require(same, f"the {side} side's states need weights that only the other side has")


@torch.no_grad()
def without(tensors: Mapping[str, torch.Tensor], compute: Callable[[], States]) -> States:
    """Return what is computed while some weights are not numbers."""
    kept = copies(tensors)
    for tensor in tensors.values():
        tensor.fill_(torch.nan)
    states = compute()
    for name, tensor in tensors.items():
        tensor.copy_(kept[name])
    return states


def sharing_nothing_is_training_alone(bench: Bench) -> None:
    """A control has no losses, and its domain side equals the model alone, in the same turns, bit for bit."""
    if bench.selected.shares:
        raise NotApplicableError("it shares; this is about controls (shares=False)")
    pair = bench.join()
    module, names = pair.module, {name for side in SIDES for name in losses(pair, side)}
    require(not names, f"it has the coupling losses {', '.join(sorted(names))}")
    turns = turns_within(Budget(EPOCHS["domain"], EPOCHS["llm"]), module)
    alone = bench.train_alone(turns, anew=sharing_abilities(module).start_from == "new")
    joint = bench.train()["domain"].model
    require(
        equal(alone.states(some()), joint.states(some())), "its domain side differs from the domain model alone"
    )


def texts_and_coupling_losses_are_announced(bench: Bench) -> None:
    """A module reads texts unless `reads_texts` is False, and has losses unless `couples` is False."""
    if not bench.selected.reads_texts:
        with_texts, without_texts = (weights_after_start(bench, with_text) for with_text in (True, False))
        alike = with_texts.keys() == without_texts.keys() and all(
            map(torch.equal, with_texts.values(), without_texts.values())
        )
        require(alike, "its component has reads_texts=False, but what it is told of texts changes its weights")
    if not bench.selected.couples:
        pair = bench.join()
        names = {name for side in SIDES for name in losses(pair, side)}
        require(not names, f"its component has couples=False, but it has the losses {', '.join(sorted(names))}")
    elif not bench.selected.reads_other:
        check_nobody_teaches(bench.join())


def check_nobody_teaches(pair: Pair) -> None:
    """Raise a CheckError if a loss is no number where the states of the other side are none."""
    for side in SIDES:
        frozen = pair.frozen(other(side))
        unknown = States(torch.full_like(frozen.user, torch.nan), torch.full_like(frozen.item, torch.nan))
        for name, term in coupling_terms(pair.module, side, pair.states(side), unknown, pair.batch).items():
            fault = f"its component has reads_other=False, but its loss '{name}' reads `other`"
            require(term.isfinite(), fault)


def coupling_losses_are_called(bench: Bench) -> None:
    """A turn of a long budget calls the losses of a module with `couples=True`."""
    if not bench.selected.couples:
        raise NotApplicableError("it has no coupling losses")
    module, at_once = bench.join().module, bench.selected.couples_with_untrained
    trained: set[Side] = set() if sharing_abilities(module).start_from == "new" else {"domain"}
    turns = turns_within(BUDGETS[-1], module)
    require(
        any(turn.sharing for turn in planned(turns, trained, module, "other", at_once=at_once)),
        "no side of its plan has a turn after the other was trained, so its losses are never called: its component "
        "needs couples_with_untrained=True, or couples=False",
    )


def weights_after_start(bench: Bench, with_text: bool) -> dict[str, torch.Tensor]:
    """Return the weights of both sides once a new module has started, told of texts or not."""
    pair = bench.join(start=False)
    pair.module.start(pair.pretrained if with_text else replace(pair.pretrained, text=None))
    return {f"{side} {name}": tensor for side in SIDES for name, tensor in weights(pair.models[side]).items()}


def texts_in_the_scores_are_announced(bench: Bench) -> None:
    """A module has `content`, a finite row for each item, only if its component has `content=True`."""
    if bench.selected.trains:
        pair = bench.join()
        module, n_items = pair.module, len(pair.pretrained.item) - 1
    else:
        module, pretrained = bench.begin()
        n_items = len(pretrained.item) - 1
    contents = sharing_abilities(module).contents
    require(bench.selected.content or not contents, "it has `content`: its component needs content=True")
    for version in itertools.chain.from_iterable(map(versions, contents)):
        term_of(version, n_items)


def what_trains_nothing_says_the_same_under_every_seed(bench: Bench) -> None:
    """A module under which nothing is trained says something of texts, and no random number decides what."""
    contents = [sharing_abilities(bench.begin(seed)[0]).contents for seed in (0, 1)]
    require(contents[0], "it trains nothing and has no `content`, so its pair is the model alone")
    said = [
        [each for content in of_seed for each in versions(content) if isinstance(each, torch.Tensor)]
        for of_seed in contents
    ]
    same = len(said[0]) == len(said[1]) and all(map(torch.equal, *said))
    require(same, "its `content` differs from seed to seed")


def a_domain_model_that_gives_scores_stands_in_a_pair(bench: Bench) -> None:
    """With `takes_scores=True` the LLM trains beside such a model as it is alone."""
    if not bench.selected.takes_scores:
        raise NotApplicableError("it takes no domain model with joint=False (takes_scores=False)")
    pair = TrainedPair(popular(), partner("llm"), bench.selected)
    solo = Solo(popular(), lambda: Learnt({}, best_epoch=0))
    cell_training = bench.cell_training()
    sides = train_beside(cell_training, pair, solo, silent).sides
    require(sides["domain"].epochs == 0, "it trains the domain side")
    sides["llm"].finish()
    cell_training.rank(sides["llm"].model, "test")


def an_ensemble_is_announced(bench: Bench) -> None:
    """A module has `combine` if its component has `combines=True`, and only then."""
    has, says = sharing_abilities(bench.join().module).combine is not None, bench.selected.combines
    require(has or not says, "its component has combines=True, but it has no method combine")
    require(says or not has, "it has a method combine, which nobody calls: its component needs combines=True")


def an_ensemble_scores_the_items_for_each_user(bench: Bench) -> None:
    """Finite, whatever else is in the batch, before and after weights are chosen; agrees where both sides do."""
    if not bench.selected.combines:
        raise NotApplicableError("it combines no scores")
    pair = bench.join()
    combine = cast("Combiner", pair.module).combine
    batch, n_items = pair.batch, len(pair.pretrained.item) - 1
    ranking = torch.stack([torch.randperm(n_items).float() for _ in batch.user])  # [B, N]
    given = {"domain": torch.randn(len(ranking), n_items), "llm": 100 * torch.randn(len(ranking), n_items)}
    for settled in (False, True):
        if settled and (settle := sharing_abilities(pair.module).settle) is not None:
            chosen = settle(lambda: 0.5)
            require(all(math.isfinite(value) for value in chosen.values()), f"settle chose {chosen}")
        before = copies(given)
        combined = combine(given["domain"], given["llm"], batch)
        check_unchanged(given, before, "combine changes the scores of side")
        require(combined.shape == ranking.shape, f"it is {list(combined.shape)}, must be {list(ranking.shape)}")
        require(combined.isfinite().all(), "it is not finite")
        one = combine(given["domain"][:1], given["llm"][:1], rows_of(batch, 1))
        require(torch.allclose(one, combined[:1], atol=1e-4), "a user's scores change with the users around")
        order = combine(ranking.clone(), ranking.clone(), batch).argsort(dim=1)
        keeps = (ranking.gather(1, order).diff(dim=1) > 0).all()
        require(keeps, "where both sides rank alike, it ranks otherwise")


def rows_of(batch: Batch, n: int) -> Batch:
    """Return the first examples of a batch."""
    return Batch(batch.user[:n], batch.history[:n])


CHECKS = (
    tables_have_the_widths_asked_for,
    turns_stay_within_the_budget,
    a_stage_before_the_turns_stays_within_the_budget,
    losses_are_finite_scalars,
    the_other_side_gets_no_gradient,
    the_losses_train_weights_of_the_training,
    nothing_that_it_is_given_is_changed,
    gradients_reach_the_tables,
    settings_survive_json,
    the_same_seed_gives_the_same_states,
    either_side_predicts_alone,
    sharing_nothing_is_training_alone,
    texts_and_coupling_losses_are_announced,
    coupling_losses_are_called,
    texts_in_the_scores_are_announced,
    what_trains_nothing_says_the_same_under_every_seed,
    a_domain_model_that_gives_scores_stands_in_a_pair,
    an_ensemble_is_announced,
    an_ensemble_scores_the_items_for_each_user,
)

"""Checks of domain models and LLMs: what their states are, and what those may depend on.

B examples, L positions of a history, N items, d the width of a state.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from corecbench.api import Batch, Interactions, Pretrained, Recommender, States
from corecbench.leakcheck.contamination import likelihoods
from corecbench.plugin.abilities import recommender_abilities
from corecbench.testing import learning_checks
from corecbench.testing.bench import (
    IN_BFLOAT16,
    MAX_HISTORY,
    Bench,
    equal,
    final,
    gap,
    histories,
    make_cell_training,
    seeded,
    set_mode,
    silent,
    some,
    states_of,
    task_loss,
    tensors,
    tolerance,
)
from corecbench.testing.far_device import DEVICE, FarDevice
from corecbench.testing.kit import NotApplicableError, require, settings_survive_json
from corecbench.testing.partners import toy_text
from corecbench.training.beginning import let_read
from corecbench.training.frozen import evaluate

if TYPE_CHECKING:
    from corecbench.training.cell import CellTraining


def states_have_the_shapes_of_the_contract(bench: Bench) -> None:
    """User [B, d] or [B, L, d] and item [N+1, d], float32, for batches of any size and length; scores [B, N+1]."""
    for side in bench.sides:
        model = bench.build(side)
        rows = bench.cell_training().setup.catalog.n_items + 1
        for batch in (some(), histories([4]), histories(range(1, 1 + MAX_HISTORY))):
            states = states_of(model, batch)
            size, length = batch.history.shape
            if recommender_abilities(model).scores is not None:
                given = list(states.user.shape)
                require(given == [size, rows], f"scores are {given}, must be [{size}, {rows}]")
            check_shape("item", states.item, f"[{rows}, d]", [(rows,)])
            check_shape("user", states.user, f"[{size}, d] or [{size}, {length}, d]", [(size,), (size, length)])
            widths = states.user.shape[-1], states.item.shape[-1]
            require(widths[0] == widths[1], f"user states are {widths[0]} wide and item states {widths[1]}")


def check_shape(name: str, tensor: torch.Tensor, needed: str, allowed: list[tuple[int, ...]]) -> None:
    """Raise a CheckError if states are not float32 or not of a shape that is allowed, but for their width."""
    require(tensor.dtype == torch.float32, f"{name} states are {tensor.dtype}, must be torch.float32")
    require(tuple(tensor.shape[:-1]) in allowed, f"{name} states are {list(tensor.shape)}, must be {needed}")


def states_are_finite(bench: Bench) -> None:
    """Before and after training, in training and in evaluation."""
    for side in bench.sides:
        check_finite(bench.build(side), "before training")
        check_finite(bench.train(side, epochs=1)[1].model, "after an epoch")


def check_finite(model: Recommender, when: str) -> None:
    """Raise a CheckError if a state is not finite."""
    for training in (True, False):
        states = seeded(model, some(), training)
        for name, tensor in (("user", states.user), ("item", states.item)):
            n_bad = int((~tensor.isfinite()).sum())
            require(not n_bad, f"{n_bad} numbers of the {name} states are not finite {when}")


def a_user_does_not_depend_on_the_batch_around(bench: Bench) -> None:
    """A user's state and the items' states are the same alone and among others, also with longer histories."""
    for side in bench.sides:
        model = bench.build(side)
        alone, among = histories([1, 2]), histories([1, 2], [3, 4, 5, 6, 7, 8], [9])
        one, other = states_of(model, alone), states_of(model, among)
        moved = gap(final(one, alone), final(other, among)[:1])
        require(moved <= tolerance(model), f"a user's state changes by {moved:.1%} with the users around")
        moved = gap(one.item.detach(), other.item.detach())
        require(moved <= tolerance(model), f"the items' states change by {moved:.1%} with the users of the batch")


def states_after_the_last_item_agree(bench: Bench) -> None:
    """`last_states`, by which users are ranked, are what `states` gives after each history's last item."""
    for side in bench.sides:
        model = bench.build(side)
        abilities = recommender_abilities(model)
        if abilities.last_states == abilities.states or abilities.last_states is None:
            raise NotApplicableError("it has no method `last_states`")
        for batch in (some(), histories([4]), histories(range(1, 1 + MAX_HISTORY))):
            last, states = abilities.last_states(batch), states_of(model, batch)
            user = list(last.user.shape)
            require(last.user.dim() == 2, f"the user states of last_states are {user}, must be [B, d]")
            moved = max(gap(last.user, final(states, batch)), gap(last.item, states.item))
            require(moved <= tolerance(model), f"last_states differ from states after the last item by {moved:.1%}")


def padding_is_never_ranked(bench: Bench) -> None:
    """Padding of a history changes no state, and row 0 of the items is neither a target nor a competitor."""
    for side in bench.sides:
        model = bench.build(side)
        short, padded = (histories([1, 2], [3], padding=padding) for padding in (0, 2))
        moved = gap(final(states_of(model, short), short), final(states_of(model, padded), padded))
        require(moved <= tolerance(model), f"a user's state changes by {moved:.1%} with the padding of the history")
        for batch in bench.examples(model)[:2]:
            states = states_of(model, batch)
            item = states.item.detach().requires_grad_()
            loss = task_loss(model, batch, States(states.user.detach(), item))
            gradient = torch.autograd.grad(loss, item, allow_unused=True)[0] if loss.requires_grad else None
            require(gradient is None or not gradient[0].any(), "the loss trains item state 0, which is padding")


def nothing_that_it_is_given_is_changed(bench: Bench) -> None:
    """Histories, targets and the training part are as they were after fit, states and loss."""
    for side in bench.sides:
        cell_training = bench.cell_training()
        model, _ = cell_training.build_solo(side, bench.selected)
        train, fit = cell_training.split.train, recommender_abilities(model).fit
        if fit is not None:
            given = Interactions(train.user.copy(), train.item.copy())
            fit(given)
            same = (train.user == given.user).all() and (train.item == given.item).all()
            require(same, "fit changes the interactions that it is given")
        for batch in (*bench.examples(model)[:2], some()):
            copies = {name: tensor.clone() for name, tensor in tensors(batch).items()}
            for training in (False, True):
                set_mode(model, training)
                states = states_of(model, batch)
                if batch.target is not None:
                    task_loss(model, batch, states)
                elif not training:
                    recommender_abilities(model).answer(batch)
            for name, tensor in tensors(batch).items():
                require(torch.equal(tensor, copies[name]), f"it changes the {name} of the batch that it is given")


def the_target_is_not_looked_at(bench: Bench) -> None:
    """States are the same for any target, and the state of a position for anything that comes after it."""
    for side in bench.sides:
        model = bench.build(side)
        n_items = bench.cell_training().setup.catalog.n_items
        for batch in bench.examples(model)[:2]:
            named = ("target", "negatives", "sampled")
            swapped: dict[str, Any] = {
                name: others(tensor, n_items) for name, tensor in tensors(batch).items() if name in named
            }
            for training in (False, True):
                one, two = (seeded(model, of, training) for of in (batch, dataclasses.replace(batch, **swapped)))
                require(equal(one, two), "states change with the targets of the batch")
                if one.user.dim() == 3:
                    check_later_items(model, batch, n_items, training)


def check_later_items(model: Recommender, batch: Batch, n_items: int, training: bool) -> None:
    """Raise a CheckError if the state of a position knows later items, which are the targets there.

    In training they could reach it through a statistic of the batch, such as that of BatchNorm, too. Products may
    be in bfloat16 there.
    """
    middle = batch.history.shape[1] // 2
    history = torch.cat([batch.history[:, :middle], others(batch.history[:, middle:], n_items)], dim=1)
    one, two = (seeded(model, dataclasses.replace(batch, history=of), training) for of in (batch.history, history))
    moved = gap(one.user[:, :middle].detach(), two.user[:, :middle].detach())
    least = max(tolerance(model), IN_BFLOAT16 if training else 0)
    when = " in training" if training else ""
    require(moved <= least, f"a position's state changes by {moved:.1%}{when} with later items, its targets")


def others(item: torch.Tensor, n_items: int) -> torch.Tensor:
    """Return another item for each one, and padding for padding."""
    return torch.where(item > 0, item % n_items + 1, 0)


def an_item_without_a_text_has_no_summary(bench: Bench) -> None:
    """An LLM's `text`, and `text_states`, have a row for each item, zero for padding and where there is no text."""
    if bench.selected.kind != "llms":
        raise NotApplicableError("it is no LLM")
    cell_training = make_cell_training(bench.host, without_text=[3], data=bench.data)
    model, _ = cell_training.build_solo("llm", bench.selected)
    abilities = recommender_abilities(model)
    given = {"text": abilities.text, "text_states": abilities.text_states}
    texts = {name: tensor for name, tensor in given.items() if tensor is not None}
    if not texts:
        raise NotApplicableError("it has no attribute `text`")
    rows = cell_training.setup.catalog.n_items + 1
    without = [0, 3] if bench.selected.reads_texts else [0]
    for name, text in texts.items():
        require(text.dim() == 2 and len(text) == rows, f"{name} is {list(text.shape)}, must be [{rows}, k]")
        require(not text[without].any(), f"{name} is not zero for padding and for an item without a text")
        require(text.isfinite().all(), f"{name} is not finite")


def item_states_follow_the_texts_as_the_component_says(bench: Bench) -> None:
    """With other `item_texts` an LLM has other item states, or other `text`; not so with `reads_texts=False`."""
    if bench.selected.kind != "llms":
        raise NotApplicableError("it is no LLM")
    moved = dataclasses.replace(bench, texts_are_moved=True)
    follows = differ_in_items(bench.build("llm"), moved.build("llm"))
    if not follows:  # what is still 0 may follow once it has learnt
        follows = differ_in_items(*(each.train("llm", epochs=1)[1].model for each in (bench, moved)))
    if bench.selected.reads_texts:
        require(follows, "its item states are the same whatever `item_texts` are; give it reads_texts=False")
    else:
        require(not follows, "its item states change with `item_texts`; leave reads_texts=False out")


def texts_that_it_reads_change_what_it_says(bench: Bench) -> None:
    """A domain model with `read_texts` changes nothing that it is given, and says other things of other texts."""
    told: list[States] = []
    for number in (0, 1):
        cell_training = bench.cell_training()
        model = None if bench.selected.kind == "llms" else cell_training.build_solo("domain", bench.selected)[0]
        if model is None or recommender_abilities(model).read_texts is None:
            raise NotApplicableError("it has no method `read_texts`")
        catalog = cell_training.setup.catalog
        user, item = (torch.zeros(n + 1, 1) for n in (catalog.n_users, catalog.n_items))
        text = toy_text(catalog.n_items)
        text[1:] = text[1:].roll(number, dims=0)
        let_read(model, str(bench.selected), Pretrained(user, item, text), bench.device)
        told.append(states_after_an_epoch(cell_training, bench, model))
    require(not equal(*told), "its states are the same, whatever the texts are that it reads")


def states_after_an_epoch(cell_training: CellTraining, bench: Bench, model: Recommender) -> States:
    """Return states of a model that was trained for an epoch, if it can be."""
    side_training = cell_training.side_training("domain", bench.selected, model, epochs=1)
    cell_training.seed("training")
    if side_training.optimizer is not None:
        side_training.train_turn(1, 1, None, None, silent)
    evaluate(model)
    return states_of(model, some())


def likelihoods_are_those_of_each_text_alone(bench: Bench) -> None:
    """`likelihoods` are one array for each text, the same alone and among others; empty for an empty text."""
    if getattr(bench.selected.component, "likelihoods", None) is None:
        raise NotApplicableError("it gives no likelihoods")
    setup = bench.cell_training().setup
    texts = ["", *sorted(set(setup.catalog.item_texts[1:]), key=len, reverse=True)]
    among = likelihoods(bench.selected, setup, texts)
    require(not len(among[0]), f"an empty text has {len(among[0])} likelihoods")
    for text, values in zip(texts[1:], among[1:], strict=True):
        require(len(values) > 0, f"{text!r} has no likelihoods")
        alone = likelihoods(bench.selected, setup, [text])[0]
        same = alone.shape == values.shape and np.allclose(alone, values, rtol=IN_BFLOAT16, atol=IN_BFLOAT16)
        require(same, f"the likelihoods of {text!r} change with the texts around")


def differ_in_items(one: Recommender, other: Recommender) -> bool:
    """Return whether two models say different things of any item."""

    def of_items(model: Recommender) -> list[torch.Tensor]:
        abilities = recommender_abilities(model)
        of_texts = (abilities.text, abilities.text_states)
        return [states_of(model, some()).item, *(each for each in of_texts if each is not None)]

    return not all(map(torch.equal, of_items(one), of_items(other)))


def it_computes_on_the_device_of_the_setup(bench: Bench) -> None:
    """It is trained and ranks on a pretended device, where nothing meets what lies on the processor."""
    elsewhere = dataclasses.replace(bench, device=DEVICE)
    with FarDevice():
        for side in bench.sides:
            cell_training, trained = elsewhere.train(side, epochs=1)
            cell_training.rank(trained.model, "test")


CHECKS = (
    states_have_the_shapes_of_the_contract,
    states_are_finite,
    a_user_does_not_depend_on_the_batch_around,
    states_after_the_last_item_agree,
    padding_is_never_ranked,
    nothing_that_it_is_given_is_changed,
    the_target_is_not_looked_at,
    an_item_without_a_text_has_no_summary,
    item_states_follow_the_texts_as_the_component_says,
    texts_that_it_reads_change_what_it_says,
    likelihoods_are_those_of_each_text_alone,
    settings_survive_json,
    it_computes_on_the_device_of_the_setup,
    *learning_checks.CHECKS,
)

"""The third row of a pair: what the module is given, and what becomes of what it returns."""

import pytest
import torch

from corecbench.api import PluginError, States
from corecbench.training.ensemble import Ensemble


class Chosen:
    """Ranks by the domain side, or by the LLM if that is chosen; it notes what it is given."""

    def __init__(self, llm=False):
        self.llm, self.given = llm, []

    def combine(self, domain, llm, batch):
        self.given.append((domain, llm, batch))
        return llm if self.llm else domain


class Choosing(Chosen):
    def settle(self, validate):
        found = {}
        for self.llm in (False, True):
            found[self.llm] = validate()
        self.llm = found[True] > found[False]
        return {"llm": self.llm}


@pytest.fixture
def cell_training(toy_data, make_cell_training):
    return make_cell_training(toy_data)


def kept(cell_training, stage, knows):
    """States under which the target of a stage has the highest score if the side knows it, else the lowest."""
    task, n_items = cell_training.tasks[stage], cell_training.setup.catalog.n_items
    user = torch.zeros(int(task.users.max()) + 1, n_items + 1)
    user[torch.as_tensor(task.users), torch.as_tensor(task.target)] = 1.0 if knows else -1.0
    return States(user, torch.eye(n_items + 1))


def ensemble(cell_training, module, validation=(True, True), test=(True, True)):
    """Both sides, which know the targets of validation and of test or do not."""
    sides = ("domain", "llm")
    states = {
        side: {"validation": kept(cell_training, "validation", first), "test": kept(cell_training, "test", second)}
        for side, first, second in zip(sides, validation, test, strict=True)
    }
    return Ensemble(module, cell_training, {}, states)


def test_the_scores_that_a_module_returns_are_ranked(cell_training):
    for llm, rank in ((False, 1), (True, 9)):
        ranks = ensemble(cell_training, Chosen(llm), test=(True, False)).rank_test()
        assert set(ranks.rank) == {rank}


def test_a_module_is_given_the_scores_of_the_items_without_padding_and_the_users(cell_training):
    module = Chosen()
    ensemble(cell_training, module, test=(True, False)).rank("test")
    domain, llm, batch = module.given[0]
    assert domain.shape == llm.shape == (len(batch.user), cell_training.setup.catalog.n_items)
    target = dict(zip(cell_training.tasks["test"].users, cell_training.tasks["test"].target, strict=True))
    assert [int(row.argmax()) + 1 for row in domain] == [target[user] for user in batch.user.tolist()]
    assert batch.target is None


def test_what_a_module_chooses_is_chosen_by_validation_alone(cell_training):
    # on validation the LLM is right, on test the domain model
    found = ensemble(cell_training, Choosing(), validation=(False, True), test=(True, False))
    ranks = found.rank_test()
    assert found.chosen == {"llm": 1.0}
    assert found.validation == 1.0
    assert set(ranks.rank) == {9}


def test_a_module_that_chooses_nothing_is_ranked_as_it_is(cell_training):
    found = ensemble(cell_training, Chosen(), validation=(True, False))
    found.rank_test()
    assert (found.chosen, found.validation) == ({}, 1.0)


def test_its_best_items_are_kept(cell_training):
    ranks = ensemble(cell_training, Chosen()).rank_test(top_k=3)
    assert (ranks.top_items[:, 0] == ranks.target).all()
    assert ranks.top_items.shape == (60, 3)


def test_scores_of_another_shape_are_refused(cell_training):
    module = Chosen()
    module.combine = lambda domain, llm, batch: domain[:, 1:]
    with pytest.raises(
        PluginError,
        match=r"^the Chosen failed in combine: .*combines scores into \[60, 19\], needed are \[60, 20\]",
    ):
        ensemble(cell_training, module).rank("test")


def test_the_states_of_a_side_are_those_that_it_is_ranked_by(solo):
    cell_training, alone, _ = solo("sasrec", epochs=1)
    states = cell_training.states(alone.model)
    for stage in ("validation", "test"):
        by_states = Ensemble(Chosen(), cell_training, {}, {"domain": states, "llm": states}).rank(stage)
        assert by_states.rank.tolist() == cell_training.rank(alone.model, stage).rank.tolist()

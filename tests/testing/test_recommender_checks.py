"""Every check of a recommender finds the fault that it is there for, in a model that is right otherwise."""

import re
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, embedding

from corecbench.api import States, Training, last_position
from corecbench.testing import recommender_checks

WIDTH = 8


class Good(nn.Module):
    """A state of a position is the row of its item plus that of the user."""

    examples = "windows"

    def __init__(self, config, setup, ids):
        super().__init__()
        tables = ids(WIDTH)
        self.user, self.item = tables.user, tables.item

    def states(self, batch):
        return States(self.item(batch.history) + self.user(batch.user)[:, None], self.item.weight)


class GoodLlm(nn.Module):
    """The item table is a random summary of each text, projected, plus a row where ids are shared."""

    examples = "windows"

    def __init__(self, config, setup, ids):
        super().__init__()
        words = sorted({word for text in setup.catalog.item_texts for word in text.split()})
        text = torch.tensor([[float(word in text.split()) for word in words] for text in setup.catalog.item_texts])
        self.register_buffer("text", text, persistent=False)
        self.project = nn.Linear(len(words), WIDTH, bias=False)
        self.item = None if ids is None else ids(WIDTH).item

    def states(self, batch):
        table = self.project(self.text) + (0 if self.item is None else self.item.weight)
        return States(embedding(batch.history, table), table)


# --- states -------------------------------------------------------------------------------------------------------


class WithLastStates(Good):
    def last_states(self, batch):
        states = self.states(batch)
        return States(last_position(states.user, batch.history), states.item)


class LastStatesOfTheFirstItem(Good):
    def last_states(self, batch):
        states = self.states(batch)
        return States(states.user[:, 0], states.item)


class LastStatesOfAllPositions(Good):
    def last_states(self, batch):
        return self.states(batch)


class WithoutPaddingRow(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user, states.item[1:])


class InFloat64(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user.double(), states.item)


class OneStateOnly(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user[:1, 0], states.item)


class OfTwoWidths(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user[..., 1:], states.item)


class WithoutExamples(Good):
    examples = "rows"


class WithScores(nn.Module):
    """Scores come of a network over the sum of the rows of a history."""

    examples = "windows"

    def __init__(self, config, setup, ids):
        super().__init__()
        n_rows = setup.catalog.n_items + 1
        self.rows, self.out = nn.Embedding(n_rows, WIDTH, padding_idx=0), nn.Linear(WIDTH, n_rows)

    def scores(self, batch):
        return self.out(self.rows(batch.history).sum(dim=1).tanh())

    def loss(self, batch, states):
        last = (batch.target != 0).sum(dim=1, keepdim=True) - 1
        return cross_entropy(self.scores(batch), batch.target.gather(1, last).squeeze(1))


class ScoresWithoutPadding(WithScores):
    def scores(self, batch):
        return super().scores(batch)[:, 1:]


class NotFinite(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user, states.item / (states.item.abs().sum(dim=1, keepdim=True) > 0))


class OnTheProcessor(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user, states.item * torch.ones(len(states.item), 1))


class NotFiniteInTraining(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user / (not self.training or 0.0), states.item)


class CentredOnTheBatch(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user - states.user.mean(dim=0), states.item)


class ItemsOfTheBatch(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user, states.item + len(batch.user))


class MeanWithPadding(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user.mean(dim=1), states.item)


class PaddingCompetes(Good):
    def loss(self, batch, states):
        return cross_entropy((states.user @ states.item.T).flatten(0, 1), batch.target.flatten())


class ChangesHistories(Good):
    def states(self, batch):
        return super().states(batch.__class__(batch.user, batch.history.clamp_(min=1)))


class ChangesOneItemInEvaluation(Good):
    def states(self, batch):
        if not self.training and batch.target is None:
            batch.history[batch.history == 5] = 6
        return super().states(batch)


class ChangesHistoriesInLastStates(WithLastStates):
    def last_states(self, batch):
        return super().last_states(batch.__class__(batch.user, batch.history.clamp_(max=6)))


class ChangesInteractions(Good):
    def fit(self, train):
        train.item.sort()


class ReadsTheTarget(Good):
    def states(self, batch):
        states = super().states(batch)
        return states if batch.target is None else States(states.user + self.item(batch.target), states.item)


class ReadsTheTargetInTraining(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user + self.item(batch.target), states.item) if self.training else states


class ReadsLaterItems(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user.flip(1).cumsum(1).flip(1), states.item)


class ReadsTheWholeHistoryInTraining(Good):
    def states(self, batch):
        states = super().states(batch)
        whole = self.item(batch.history).mean(dim=1, keepdim=True)
        return States(states.user + whole, states.item) if self.training else states


class NormalisesOverTheBatch(Good):
    def __init__(self, config, setup, ids):
        super().__init__(config, setup, ids)
        self.norm = nn.BatchNorm1d(WIDTH)

    def states(self, batch):
        states = super().states(batch)
        return States(self.norm(states.user.flatten(0, 1)).view_as(states.user), states.item)


class SummaryOfNothing(GoodLlm):
    def __init__(self, config, setup, ids):
        super().__init__(config, setup, ids)
        self.text += 1


class StatesOfNothing(GoodLlm):
    def __init__(self, config, setup, ids):
        super().__init__(config, setup, ids)
        self.text_states = self.text[1:]


# --- learning -----------------------------------------------------------------------------------------------------


class DrawnElsewhere(Good):
    def __init__(self, config, setup, ids):
        super().__init__(config, setup, ids)
        self.noise = np.random.default_rng().normal()

    def states(self, batch):
        states = super().states(batch)
        return States(states.user + self.noise, states.item)


class RandomInEvaluation(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user * torch.rand(1), states.item)


class KeepsWhatItLearnsElsewhere(Good):
    steps = 0

    def states(self, batch):
        self.steps += self.training
        states = super().states(batch)
        return States(states.user + self.steps, states.item)


class ReadsACopy(Good):
    def __init__(self, config, setup, ids):
        super().__init__(config, setup, ids)
        self.item = nn.Embedding.from_pretrained(self.item.weight.detach().clone(), freeze=False)


class TrainsNoItem(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user.detach() + self.user(batch.user)[:, None], states.item.detach())


class ReadsNoIds(GoodLlm):
    def __init__(self, config, setup, ids):
        super().__init__(config, setup, None)


class LearnsNothing(Good):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user * 0, states.item)


class KnowsFourOfFiveUsers(Good):
    """It says the same of every fifth user under any seed."""

    stuck_seeds = range(9)

    def __init__(self, config, setup, ids):
        super().__init__(config, setup, ids)
        self.of = 5 if setup.seed in self.stuck_seeds else setup.catalog.n_users + 1

    def states(self, batch):
        states = super().states(batch)
        return States(states.user * (batch.user % self.of > 0)[:, None, None], states.item)


class GotStuckOnce(KnowsFourOfFiveUsers):
    """It does so under one seed alone, which may be ill luck."""

    stuck_seeds = (0,)


class ReadsAFile(GoodLlm):
    """Vectors of items that lie somewhere, whatever the texts are."""

    def __init__(self, config, setup, ids):
        super().__init__(config, setup, ids)
        self.text = torch.randn(self.text.shape, generator=torch.Generator().manual_seed(0))


class LearnsNothingOfTexts(GoodLlm):
    def states(self, batch):
        states = super().states(batch)
        return States(states.user * (self.item is not None), states.item)


# --- settings -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfASet(Training):
    names: set[str] = field(default_factory=lambda: {"a"})


@dataclass(frozen=True)
class ChangesItsValue(Training):
    dropout: float = 0.5

    def __post_init__(self):
        object.__setattr__(self, "dropout", self.dropout / 2)


@dataclass
class NotFrozen:
    epochs: int = 1
    batch_size: int = 16
    learning_rate: float = 0.01


FAULTS = [
    ("states have the shapes of the contract", WithoutPaddingRow, r"item states are \[20, 8\], must be \[21, d\]"),
    ("states have the shapes of the contract", InFloat64, r"user states are torch.float64"),
    ("states have the shapes of the contract", OneStateOnly, r"user states are \[1, 8\], must be \[3, d\] or"),
    ("states have the shapes of the contract", OfTwoWidths, r"user states are 7 wide and item states 8"),
    ("states have the shapes of the contract", WithoutExamples, r"examples is 'rows', must be"),
    ("states have the shapes of the contract", ScoresWithoutPadding, r"scores are \[3, 20\], must be \[3, 21\]"),
    ("it computes on the device of the setup", OnTheProcessor, r"mul of tensors on two devices, at testing"),
    ("states are finite", NotFinite, r"8 numbers of the item states are not finite before training"),
    ("states are finite", NotFiniteInTraining, r"numbers of the user states are not finite"),
    ("a user does not depend on the batch around", CentredOnTheBatch, r"changes by .*% with the users around"),
    ("a user does not depend on the batch around", ItemsOfTheBatch, r"items' states change by .*%"),
    ("states after the last item agree", LastStatesOfTheFirstItem, r"last_states differ from .* by .*%"),
    (
        "states after the last item agree",
        LastStatesOfAllPositions,
        r"last_states are \[3, 8, 8\], must be \[B, d\]",
    ),
    ("padding is never ranked", MeanWithPadding, r"changes by .*% with the padding of the history"),
    ("padding is never ranked", PaddingCompetes, r"the loss trains item state 0, which is padding"),
    ("nothing that it is given is changed", ChangesHistories, r"changes the history of the batch"),
    ("nothing that it is given is changed", ChangesOneItemInEvaluation, r"changes the history of the batch"),
    ("nothing that it is given is changed", ChangesHistoriesInLastStates, r"changes the history of the batch"),
    ("nothing that it is given is changed", ChangesInteractions, r"fit changes the interactions"),
    ("the target is not looked at", ReadsTheTarget, r"states change with the targets"),
    ("the target is not looked at", ReadsTheTargetInTraining, r"states change with the targets"),
    ("the target is not looked at", ReadsLaterItems, r"changes by .*% with later items, its targets"),
    ("the target is not looked at", ReadsTheWholeHistoryInTraining, r"by .*% in training with later items"),
    ("the target is not looked at", NormalisesOverTheBatch, r"by .*% in training with later items"),
    ("the same seed gives the same states", DrawnElsewhere, r"two models of one seed differ"),
    ("the same seed gives the same states", RandomInEvaluation, r"two calls in evaluation differ"),
    ("a checkpoint restores the states", KeepsWhatItLearnsElsewhere, r"restored from safetensors"),
    ("gradients reach the ids", ReadsACopy, r"does not keep the item table that it was given"),
    ("gradients reach the ids", TrainsNoItem, r"the rows of 20 of 20 items in training get no gradient"),
    ("gradients reach the ids", ReadsNoIds, r"asks for no ids; its component needs joint=False"),
    (
        "two camps of taste are told apart",
        LearnsNothing,
        r"\d+% of the first three items are of the user's own",
    ),
    ("two camps of taste are told apart", KnowsFourOfFiveUsers, r"8\d% of the first three items are"),
]
LIKELIHOODS = "likelihoods are those of each text alone"
OF_TEXTS = "texts that it reads change what it says"


class ReadsTextsAsRows(Good):
    def read_texts(self, pretrained):
        self.said = nn.Parameter(pretrained.text.float() @ torch.ones(pretrained.text.shape[1], WIDTH))

    def states(self, batch):
        item = self.item.weight + getattr(self, "said", 0)
        return States(torch.nn.functional.embedding(batch.history, item), item)


class ReadsTextsForNothing(Good):
    def read_texts(self, pretrained):
        pass


class ChangesTheTextsThatItReads(ReadsTextsAsRows):
    def read_texts(self, pretrained):
        pretrained.text.zero_()


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (ReadsTextsAsRows, ""),
        (ReadsTextsForNothing, "its states are the same, whatever the texts are"),
        (ChangesTheTextsThatItReads, "it changed what it is told of the text of a side in place"),
    ],
)
def test_a_model_reads_texts_and_changes_none(outcome_of, model, fault):
    outcome = outcome_of("models", model, Training, OF_TEXTS)
    assert outcome.status == ("failed" if fault else "ok")
    assert fault in outcome.reason


LIKELIHOOD_FAULTS = [
    (lambda texts: [-np.ones(1 + len(text)) for text in texts], "an empty text has 1 likelihoods"),
    (lambda texts: [np.zeros(0) for _ in texts], "has no likelihoods"),
    (lambda texts: [-np.ones(len(text)) * len(texts) for text in texts], "change with the texts around"),
    (lambda texts: [np.ones(len(text)) for text in texts], "no finite logarithm of a likelihood"),
    (lambda texts: [-np.ones(len(text)) for text in texts[1:]], "arrays for"),
]
LLM_FAULTS = [
    (
        "item states follow the texts as the component says",
        ReadsAFile,
        r"the same whatever `item_texts` are; give it reads_texts=False",
    ),
    ("an item without a text has no summary", SummaryOfNothing, r"text is not zero for padding and for an item"),
    ("an item without a text has no summary", StatesOfNothing, r"text_states is \[20, \d+\], must be \[21, k\]"),
    (
        "two camps of taste are told apart",
        LearnsNothingOfTexts,
        r"three items, over texts alone, are of",
    ),
]
SETTINGS_FAULTS = [
    (OfASet, r"mine\.names is .*, which does not fit"),
    (ChangesItsValue, r"dropout: 0\.25 became 0\.125"),
    (NotFrozen, r"NotFrozen is not frozen"),
]


def test_a_good_model_passes_every_check_that_applies(outcome_of):
    statuses = {name: outcome.status for name, outcome in outcome_of("models", WithLastStates, Training).items()}
    assert statuses.pop("an item without a text has no summary") == "not applicable"
    assert statuses.pop("item states follow the texts as the component says") == "not applicable"
    assert statuses.pop(LIKELIHOODS) == "not applicable"
    assert statuses.pop(OF_TEXTS) == "not applicable"
    assert set(statuses.values()) == {"ok"}, statuses


def test_a_good_llm_passes_every_check(outcome_of):
    outcomes = outcome_of("llms", GoodLlm, Training)
    for check in ("states after the last item agree", LIKELIHOODS, OF_TEXTS):
        assert outcomes.pop(check).status == "not applicable"
    assert {outcome.status for outcome in outcomes.values()} == {"ok"}, outcomes


@pytest.mark.parametrize(("check", "model", "reason"), FAULTS, ids=[fault[1].__name__ for fault in FAULTS])
def test_a_fault_of_a_model_is_found(outcome_of, check, model, reason):
    outcome = outcome_of("models", model, Training, check)
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


def test_one_training_that_got_stuck_is_no_fault(outcome_of):
    assert outcome_of("models", GotStuckOnce, Training, "two camps of taste are told apart").status == "ok"


def test_a_change_in_place_is_found_whatever_ran_before(outcome_of):
    outcomes = outcome_of("models", ChangesOneItemInEvaluation, Training)
    assert outcomes["nothing that it is given is changed"].status == "failed"


@pytest.mark.parametrize(("check", "model", "reason"), LLM_FAULTS, ids=[fault[1].__name__ for fault in LLM_FAULTS])
def test_a_fault_of_an_llm_is_found(outcome_of, check, model, reason):
    outcome = outcome_of("llms", model, Training, check)
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


def test_an_llm_may_say_that_it_reads_no_texts_but_then_it_must_not(outcome_of):
    check = "item states follow the texts as the component says"
    assert outcome_of("llms", ReadsAFile, Training, check, reads_texts=False).status == "ok"
    outcome = outcome_of("llms", GoodLlm, Training, check, reads_texts=False)
    assert (outcome.status, outcome.reason) == (
        "failed",
        "its item states change with `item_texts`; leave reads_texts=False out",
    )


@pytest.mark.parametrize(("faulty", "reason"), LIKELIHOOD_FAULTS)
def test_faulty_likelihoods_are_found(outcome_of, faulty, reason):
    good = {"likelihoods": lambda config, setup, texts: [-np.ones(len(text)) for text in texts]}
    assert outcome_of("llms", GoodLlm, Training, LIKELIHOODS, **good).status == "ok"
    outcome = outcome_of(
        "llms", GoodLlm, Training, LIKELIHOODS, likelihoods=lambda config, setup, texts: faulty(texts)
    )
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


@pytest.mark.parametrize(("config", "reason"), SETTINGS_FAULTS)
def test_settings_that_do_not_survive_are_found(outcome_of, config, reason):
    outcome = outcome_of("models", Good, config, "settings survive json")
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


def test_every_check_has_a_fault_that_it_finds():
    with_fault = {check for check, *_ in (*FAULTS, *LLM_FAULTS)} | {"settings survive json", LIKELIHOODS, OF_TEXTS}
    assert with_fault == {check.__name__.replace("_", " ") for check in recommender_checks.CHECKS}


# --- checks that do not apply -------------------------------------------------------------------------------------


class Nearest:
    """Learns without gradients: an item is the users who had it, a user the items that were had."""

    examples = "pairs"

    def __init__(self, config, setup, ids):
        self.shape, self.device = (setup.catalog.n_users + 1, setup.catalog.n_items + 1), setup.device

    def fit(self, train):
        had = torch.zeros(self.shape, device=self.device)
        had[train.user, train.item] = 1
        self.item, self.users = had.T @ had, had

    def states(self, batch):
        return States(self.users[batch.user], self.item)


def test_a_model_without_gradients_that_knows_its_users_is_checked_too(outcome_of):
    outcomes = outcome_of("models", Nearest, joint=False)
    assert {outcome.status for outcome in outcomes.values()} == {"ok", "not applicable"}
    assert outcomes["two camps of taste are told apart"].status == "ok"
    assert outcomes["gradients reach the ids"].reason == "it reads no ids (joint=False)"


def test_a_model_that_gives_scores_is_checked_too(outcome_of):
    outcomes = outcome_of("models", WithScores, Training, joint=False)
    assert {name: outcome.reason for name, outcome in outcomes.items() if outcome.status == "failed"} == {}


def test_an_error_of_the_component_is_a_fault_that_names_the_plugin(outcome_of):
    def build(config, setup, ids):
        raise ValueError("no good")

    outcome = outcome_of("models", build, Training, "states are finite")
    assert (outcome.status, outcome.reason) == (
        "failed",
        "domain model 'mine' of plugin mine failed in build: ValueError: no good",
    )


# --- models that break the contract when they are built -----------------------------------------------------------


class WithoutStates(nn.Module):
    examples = "windows"

    def __init__(self, config, setup, ids):
        super().__init__()
        self.item = ids(8).item


@pytest.mark.parametrize(
    ("model", "config", "reason"),
    [
        (WithoutStates, Training, "it has neither a method `states` nor a method `scores`"),
        (Good, None, "its config is NoneType; a subclass of corecbench.api.Training is needed"),
    ],
    ids=["neither states nor scores", "no training settings"],
)
def test_a_model_that_cannot_be_used_fails_its_checks_with_the_reason(outcome_of, model, config, reason):
    outcome = outcome_of("models", model, config, "states are finite")
    assert outcome.status == "failed"
    assert reason in outcome.reason

"""Every check of a sharing module finds the fault that it is there for, in a module that is right otherwise."""

import re
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import nn

from corecbench.api import Ids, Turn, last_position, private_ids
from corecbench.testing import sharing_checks
from corecbench.testing.pair import SIDES
from corecbench.testing.partners import WIDTHS, partner


class Control:
    """Private tables, turns of both sides, no losses."""

    start_from = "new"

    def __init__(self, config, setup):
        self.catalog, self.tables = setup.catalog, {}

    def ids(self, side, width):
        self.tables[side] = private_ids(self.catalog.n_users, self.catalog.n_items, width)
        return self.tables[side]

    def start(self, pretrained):
        pass

    def turns(self, budget):
        turns = [Turn("domain", budget.domain_epochs), Turn("llm", budget.llm_epochs)]
        return [turn for turn in turns if turn.epochs]

    def losses(self, side, own, other, batch):
        return {}


class Good(Control):
    """The sides' scores are drawn towards each other."""

    def losses(self, side, own, other, batch):
        scores = [last_position(states.user, batch.history) @ states.item.T for states in (own, other)]
        return {"near": (scores[0] - scores[1]).square().mean()}


class TooWide(Good):
    def ids(self, side, width):
        return super().ids(side, width + 1)


class Doubled(nn.Module):
    def __init__(self, table):
        super().__init__()
        self.table, self.weight = table, table.weight

    def forward(self, index):
        return 2 * self.table(index)


class CalledOtherwise(Good):
    def ids(self, side, width):
        tables = super().ids(side, width)
        return Ids(tables.user, Doubled(tables.item))


class TooLong(Good):
    def turns(self, budget):
        return [Turn("domain", budget.domain_epochs), Turn("domain", 1)]


class OfNoEpochs(Good):
    def turns(self, budget):
        return [Turn("llm", 0)]


class OfNoSide(Good):
    def turns(self, budget):
        return [Turn("both", 1)]


class NotFinite(Good):
    def losses(self, side, own, other, batch):
        return {"near": own.user.sum() / 0}


class PerUser(Good):
    def losses(self, side, own, other, batch):
        return {"near": own.user.square().sum(dim=-1)}


class OfPositionsOnly(Good):
    def losses(self, side, own, other, batch):
        return {"near": own.user[:, 0, 0].sum()}


class TrainsTheOtherSide(Good):
    def losses(self, side, own, other, batch):
        there = self.tables["llm" if side == "domain" else "domain"]
        return {"near": own.item.mean() - there.item.weight.mean()}


class MakesItsLayerAnew(Good):
    def losses(self, side, own, other, batch):
        layer = nn.Linear(own.item.shape[1], other.item.shape[1])
        return {"near": (layer(own.item) - other.item).square().mean()}


class MakesItsLayerLate(Good):
    layer = None

    def trained_with(self, side):
        return self.layer

    def losses(self, side, own, other, batch):
        if self.layer is None:
            self.layer = nn.Linear(own.item.shape[1], other.item.shape[1])
        return {"near": (self.layer(own.item) - other.item).square().mean()} if side == "domain" else {}


class MakesItsLayerAtOnce(Good):
    def start(self, pretrained):
        self.layers = nn.ModuleDict({"domain": nn.Linear(WIDTHS["domain"], WIDTHS["llm"])})

    def trained_with(self, side):
        return self.layers if side == "domain" else None

    def losses(self, side, own, other, batch):
        if side == "llm":
            return {}
        return {"near": (self.layers["domain"](own.item) - other.item).square().mean()}


class OfATensor(Good):
    def losses(self, side, own, other, batch):
        return own.item.mean()


class Unstarted:
    def __init__(self, config, setup):
        self.good = Good(config, setup)
        self.ids, self.turns, self.losses = self.good.ids, self.good.turns, self.good.losses


class ChangesTheOther(Good):
    def losses(self, side, own, other, batch):
        other.item.mul_(2)
        return {}


class ChangesThePretrained(Good):
    def start(self, pretrained):
        pretrained.item.zero_()


class ChangesTheTrainingPart(Good):
    def fit(self, train):
        train.item[:] = 1


class Frozen(Good):
    def ids(self, side, width):
        tables = super().ids(side, width)
        for table in (tables.user, tables.item):
            table.weight.requires_grad_(False)
        return tables


class DrawnElsewhere(Good):
    def ids(self, side, width):
        tables = super().ids(side, width)
        with torch.no_grad():
            tables.item.weight.add_(np.random.default_rng().normal())
        return tables


class Leaning(nn.Module):
    """A table that reads another one, which is not among its parameters."""

    def __init__(self, table, others):
        super().__init__()
        self.table, self.others = table, [others]

    @property
    def weight(self):
        return self.table.weight + self.others[0].weight.mean()

    def forward(self, index):
        return self.table(index) + self.others[0].weight.mean()


class NeedsTheOther(Good):
    def ids(self, side, width):
        tables = super().ids(side, width)
        return tables if side == "domain" else Ids(tables.user, Leaning(tables.item, self.tables["domain"].item))


class NeedsTheOtherUntrained(NeedsTheOther):
    def turns(self, budget):
        return super().turns(budget)[1:]


class Ensemble(Good):
    """The mean of both sides' scores, that of the LLM by a weight that is chosen."""

    weight = 0.0

    def settle(self, validate):
        found = {}
        for self.weight in (0.25, 0.5):
            found[self.weight] = validate()
        self.weight = max(found, key=found.get)
        return {"weight": self.weight}

    def combine(self, domain, llm, batch):
        return (1 - self.weight) * domain + self.weight * llm


class OfOneItem(Ensemble):
    def combine(self, domain, llm, batch):
        return super().combine(domain, llm, batch)[:, :1]


class OfLogarithms(Ensemble):
    def combine(self, domain, llm, batch):
        return super().combine(domain, llm, batch).log()


class AddsInPlace(Ensemble):
    def combine(self, domain, llm, batch):
        return domain.add_(llm)


class OfTheWholeBatch(Ensemble):
    def combine(self, domain, llm, batch):
        scores = super().combine(domain, llm, batch)
        return scores - scores.mean(dim=0)


class TheDifference(Ensemble):
    def combine(self, domain, llm, batch):
        return domain - llm


class ChoosesNothing(Ensemble):
    def settle(self, validate):
        return {"weight": float("nan")}


class ControlWithLosses(Good):
    pass


class ControlThatDraws(Control):
    def __init__(self, config, setup):
        super().__init__(config, setup)
        self.weight = torch.randn(3)


class ControlThatShares(Control):
    def ids(self, side, width):
        tables = super().ids(side, width)
        if side == "llm":
            tables.item.table = self.tables["domain"].item  # which the LLM's turns train
            tables.item.register_forward_hook(lambda module, _, rows: rows + module.table.weight.mean())
        return tables


@dataclass(frozen=True)
class OfASet:
    names: set[str] = field(default_factory=lambda: {"a"})


MOVED = "the losses train weights of the training"
FAULTS = [
    (
        "tables have the widths asked for",
        TooWide,
        r"user table of the domain side is \[41, 9\], must be \[41, 8\]",
    ),
    ("tables have the widths asked for", CalledOtherwise, r"item table of the domain side gives other rows than"),
    ("turns stay within the budget", TooLong, r"plans 1 domain epochs, allowed are 0"),
    ("turns stay within the budget", OfNoEpochs, r"epochs=0\) is no turn of a side for 1 epoch or more"),
    ("turns stay within the budget", OfNoSide, r"side='both'.* is no turn of a side"),
    ("losses are finite scalars", NotFinite, r"loss 'near' of the domain side is (inf|-inf|nan)"),
    ("losses are finite scalars", PerUser, r"must be a scalar tensor"),
    ("losses are finite scalars", OfPositionsOnly, r"failed in losses: IndexError"),
    (
        "the other side gets no gradient",
        TrainsTheOtherSide,
        r"losses of the domain side train the other side",
    ),
    (
        MOVED,
        MakesItsLayerAnew,
        r"loss 'near' of the domain side has gradients for tensors \[\[.*\]\] that",
    ),
    (MOVED, MakesItsLayerLate, r"make them once, in a module that `trained_with` returns$"),
    ("losses are finite scalars", OfATensor, r"its losses are a Tensor, must be a dict of names to scalar tensors"),
    ("losses are finite scalars", Unstarted, r"^sharing module 'mine' .* lacks method start$"),
    (
        "nothing that it is given is changed",
        ChangesTheOther,
        r"losses change, of the other side .*, item",
    ),
    (
        "nothing that it is given is changed",
        ChangesTheTrainingPart,
        r"fit changes the interactions that it is given",
    ),
    ("nothing that it is given is changed", ChangesThePretrained, r"start changes the pretrained item"),
    ("gradients reach the tables", Frozen, r"no gradient of the domain side reaches the tables"),
    ("the same seed gives the same states", DrawnElsewhere, r"the domain sides of two pairs of one seed differ"),
    ("either side predicts alone", NeedsTheOther, r"restored from safetensors, the llm side gives other states"),
    ("either side predicts alone", NeedsTheOtherUntrained, r"the llm side's states need weights that only"),
]


OF_ENSEMBLES = "an ensemble scores the items for each user"
ENSEMBLE_FAULTS = [
    (OfOneItem, r"it is \[\d+, 1\], must be \[\d+, \d+\]"),
    (OfLogarithms, r"it is not finite"),
    (AddsInPlace, r"combine changes the scores of side domain"),
    (OfTheWholeBatch, r"a user's scores change with the users around"),
    (TheDifference, r"where both sides rank alike, it ranks otherwise"),
    (ChoosesNothing, r"settle chose {'weight': nan}"),
]


def test_a_good_module_passes_every_check_that_applies(outcome_of):
    statuses = {name: outcome.status for name, outcome in outcome_of("sharing", Good).items()}
    assert statuses.pop("settings survive json") == "not applicable"
    assert statuses.pop("sharing nothing is training alone") == "not applicable"
    assert statuses.pop(OF_ENSEMBLES) == "not applicable"
    assert statuses.pop(OF_UNTRAINED) == "not applicable"
    assert statuses.pop(OF_STAGES) == "not applicable"
    assert statuses.pop(OF_SCORES) == "not applicable"
    assert set(statuses.values()) == {"ok"}, statuses


def test_a_layer_that_is_trained_with_a_side_passes(outcome_of):
    statuses = {name: outcome.status for name, outcome in outcome_of("sharing", MakesItsLayerAtOnce).items()}
    assert statuses[MOVED] == "ok"
    assert "failed" not in statuses.values(), statuses


@pytest.mark.parametrize("module", [MakesItsLayerAnew, MakesItsLayerLate])
def test_no_other_check_finds_a_layer_that_is_not_trained(outcome_of, module):
    failed = [name for name, outcome in outcome_of("sharing", module).items() if outcome.status == "failed"]
    assert failed == [MOVED]


@pytest.mark.parametrize("check", ["an ensemble is announced", OF_ENSEMBLES])
def test_a_good_ensemble_passes(outcome_of, check):
    assert outcome_of("sharing", Ensemble, None, check, combines=True).status == "ok"


@pytest.mark.parametrize(
    ("module", "reason"), ENSEMBLE_FAULTS, ids=[fault[0].__name__ for fault in ENSEMBLE_FAULTS]
)
def test_a_fault_of_an_ensemble_is_found(outcome_of, module, reason):
    outcome = outcome_of("sharing", module, None, OF_ENSEMBLES, combines=True)
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


@pytest.mark.parametrize(
    ("module", "combines", "reason"),
    [(Good, True, "it has no method combine"), (Ensemble, False, "its component needs combines=True")],
)
def test_an_ensemble_that_is_not_announced_is_found(outcome_of, module, combines, reason):
    outcome = outcome_of("sharing", module, None, "an ensemble is announced", combines=combines)
    assert outcome.status == "failed"
    assert reason in outcome.reason


class ReadsTexts(Good):
    def start(self, pretrained):
        if pretrained.text is not None:
            with torch.no_grad():
                self.tables["domain"].item.weight[:, 0] += pretrained.text[:, 0]


ANNOUNCED = "texts and coupling losses are announced"


def test_a_module_without_texts_or_losses_may_say_so(outcome_of):
    assert outcome_of("sharing", Good, None, ANNOUNCED, reads_texts=False).status == "ok"
    assert outcome_of("sharing", Control, None, ANNOUNCED, reads_texts=False, couples=False).status == "ok"
    assert outcome_of("sharing", ReadsTexts, None, ANNOUNCED).status == "ok"


@pytest.mark.parametrize(
    ("module", "says", "reason"),
    [
        (ReadsTexts, "reads_texts", "what it is told of texts changes its weights"),
        (Good, "couples", "it has the losses near"),
        (Good, "reads_other", "its loss 'near' reads `other`"),
    ],
)
def test_texts_or_losses_that_there_are_not_said_to_be_are_found(outcome_of, module, says, reason):
    outcome = outcome_of("sharing", module, None, ANNOUNCED, **{says: False})
    assert outcome.status == "failed"
    assert reason in outcome.reason


OF_STAGES = "a stage before the turns stays within the budget"


class Staged(Good):
    def prepare(self, budget):
        yield from (("llm", 1.0) for _ in range(budget.llm_epochs // 2))


class StagedTooLong(Good):
    def prepare(self, budget):
        yield from (("domain", 1.0) for _ in range(budget.domain_epochs + 1))


class StagedAsItLikes(Good):
    def prepare(self, budget):
        yield 1.0


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (StagedTooLong, "it takes more than the 0 domain epochs that there are"),
        (StagedAsItLikes, "failed in prepare"),
    ],
)
def test_a_fault_of_a_stage_before_the_turns_is_found(outcome_of, module, reason):
    assert outcome_of("sharing", Staged, None, OF_STAGES).status == "ok"
    outcome = outcome_of("sharing", module, None, OF_STAGES)
    assert outcome.status == "failed"
    assert reason in outcome.reason


OF_SCORES = "a domain model that gives scores stands in a pair"


class TakesScores(Good):
    def turns(self, budget):
        return super().turns(budget)

    def losses(self, side, own, other, batch):
        if other.item.shape[1]:
            return super().losses(side, own, other, batch)
        mine = last_position(own.user, batch.history) @ own.item.T
        return {"near": (mine - other.user).square().mean()}


@pytest.mark.parametrize(("module", "status"), [(TakesScores, "ok"), (Good, "failed"), (TooLong, "failed")])
def test_a_module_that_cannot_read_scores_is_found(outcome_of, module, status):
    assert outcome_of("sharing", module, None, OF_SCORES, takes_scores=True).status == status
    assert outcome_of("sharing", module, None, OF_SCORES).status == "not applicable"


class ColderThanCold(Good):
    cosine_temperature = -1


def test_a_temperature_that_is_none_is_found(outcome_of):
    outcome = outcome_of("sharing", ColderThanCold, None, "the same seed gives the same states")
    assert outcome.status == "failed"
    assert "cosine_temperature is -1, must be a positive number or None" in outcome.reason


CALLED = "coupling losses are called"


class NeverCoupled(Good):
    def turns(self, budget):
        return super().turns(budget)[:1]


@pytest.mark.parametrize(("says", "status"), [({}, "failed"), ({"couples_with_untrained": True}, "ok")])
def test_losses_that_no_turn_calls_are_found(outcome_of, says, status):
    outcome = outcome_of("sharing", NeverCoupled, None, CALLED, **says)
    assert outcome.status == status
    assert ("needs couples_with_untrained=True" in outcome.reason) == (status == "failed")


class WithContent(Good):
    def start(self, pretrained):
        self.content = torch.ones(len(pretrained.item), 2)


class WithShortContent(Good):
    def start(self, pretrained):
        self.content = [torch.ones(len(pretrained.item), 2), torch.ones(len(pretrained.item) - 1, 2)]


class Untrained:
    """Says what it is told of the texts, and has no tables, turns or losses."""

    def __init__(self, config, setup):
        self.seed = setup.seed

    def start(self, pretrained):
        self.content = pretrained.text


class UntrainedThatDraws(Untrained):
    def start(self, pretrained):
        self.content = torch.randn(len(pretrained.item), 2, generator=torch.manual_seed(self.seed))


class UntrainedThatSaysNothing(Untrained):
    def start(self, pretrained):
        pass


IN_SCORES = "texts in the scores are announced"
OF_UNTRAINED = "what trains nothing says the same under every seed"


def test_a_module_may_have_texts_in_the_scores_or_none(outcome_of):
    assert outcome_of("sharing", WithContent, None, IN_SCORES, content=True).status == "ok"
    assert outcome_of("sharing", Good, None, IN_SCORES, content=True).status == "ok"


def test_a_module_that_trains_nothing_needs_to_start_and_to_say_something_of_texts_alone(outcome_of):
    outcomes = outcome_of("sharing", Untrained, trains=False, content=True)
    assert {name for name, outcome in outcomes.items() if outcome.status == "ok"} == {IN_SCORES, OF_UNTRAINED}
    assert "failed" not in {outcome.status for outcome in outcomes.values()}


@pytest.mark.parametrize(
    ("check", "module", "component", "reason"),
    [
        (IN_SCORES, WithContent, {}, "its component needs content=True"),
        (IN_SCORES, WithShortContent, {"content": True}, r"content is \[\d+, 2\]; finite numbers \[\d+, k\]"),
        (IN_SCORES, Untrained, {"trains": False}, "its component needs content=True"),
        (OF_UNTRAINED, UntrainedThatDraws, {"trains": False, "content": True}, "differs from seed to seed"),
        (OF_UNTRAINED, UntrainedThatSaysNothing, {"trains": False, "content": True}, "has no `content`"),
    ],
)
def test_a_fault_of_texts_in_the_scores_is_found(outcome_of, check, module, component, reason):
    outcome = outcome_of("sharing", module, None, check, **component)
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


@pytest.mark.parametrize("where", ["new", "pretrained"])
def test_a_control_is_the_domain_model_alone_wherever_it_starts(outcome_of, where):
    class Started(Control):
        start_from = where

        def start(self, pretrained):
            if where == "pretrained":
                with torch.no_grad():
                    self.tables["domain"].user.weight.copy_(pretrained.user)
                    self.tables["domain"].item.weight.copy_(pretrained.item)

    outcomes = outcome_of("sharing", Started, shares=False)
    assert outcomes["sharing nothing is training alone"].status == "ok"
    assert outcomes["the other side gets no gradient"].reason == "it has no coupling losses"


@pytest.mark.parametrize(("check", "module", "reason"), FAULTS, ids=[fault[1].__name__ for fault in FAULTS])
def test_a_fault_of_a_module_is_found(outcome_of, check, module, reason):
    outcome = outcome_of("sharing", module, None, check)
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (ControlWithLosses, "it has the coupling losses near"),
        (ControlThatDraws, "its domain side differs from the domain model alone"),
        (ControlThatShares, "its domain side differs from the domain model alone"),
    ],
)
def test_a_control_that_is_not_the_domain_model_alone_is_found(outcome_of, module, reason):
    outcome = outcome_of("sharing", module, None, "sharing nothing is training alone", shares=False)
    assert (outcome.status, outcome.reason) == ("failed", reason)


def test_settings_that_do_not_survive_are_found(outcome_of):
    assert outcome_of("sharing", Good, OfASet, "settings survive json").status == "failed"


def test_every_check_has_a_fault_that_it_finds():
    of_their_own = {"settings survive json", "sharing nothing is training alone", "an ensemble is announced"}
    with_fault = (
        {check for check, *_ in FAULTS}
        | of_their_own
        | {OF_ENSEMBLES, OF_SCORES, OF_STAGES, ANNOUNCED, CALLED, IN_SCORES, OF_UNTRAINED}
    )
    assert with_fault == {check.__name__.replace("_", " ") for check in sharing_checks.CHECKS}


def test_the_partners_are_a_domain_model_and_an_llm_of_other_widths():
    assert [partner(side).kind for side in SIDES] == ["models", "llms"]
    assert WIDTHS["domain"] != WIDTHS["llm"]

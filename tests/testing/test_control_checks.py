"""Each check of controls finds the fault that it is for."""

import itertools

import pytest

from corecbench.api import Turn, generator

FITS = "what it gives fits the pair"
CHANGED = "nothing that it is given is changed"
SEED = "the same seed gives the same control"
SUMMARY = {"summary": "words stand in another order"}
COUNTER = itertools.count()


class Good:
    """It changes all that a control can change."""

    teacher = "none"

    def __init__(self, config):
        self.sharing_settings = {"neighbours": 0}

    def item_texts(self, catalog, seed):
        random = generator(seed, catalog.name, "mine")
        return [" ".join(random.permutation(text.split())) for text in catalog.item_texts]

    def text(self, catalog, seed, text):
        return text[:, :1] * 2

    def turns(self, turns):
        return [turn for turn in turns if turn.side == "domain"]


class ChangesNothing:
    def __init__(self, config):
        pass


class TextForAll(Good):
    def item_texts(self, catalog, seed):
        return ["", *["x"] * catalog.n_items]


class TooFewTexts(Good):
    def item_texts(self, catalog, seed):
        return catalog.item_texts[:-1]


class RowForAll(Good):
    def text(self, catalog, seed, text):
        return text + 1


class OfWholeNumbers(Good):
    def text(self, catalog, seed, text):
        return text.long()


class Longer(Good):
    def turns(self, turns):
        return [*turns, Turn("domain", 1)]


class OtherOrder(Good):
    def turns(self, turns):
        return list(reversed(turns))


class ChangesTheText(Good):
    def text(self, catalog, seed, text):
        return text.mul_(2)


class ChangesTheTurns(Good):
    def turns(self, turns):
        if isinstance(turns, list):
            turns.pop()
        return turns


class DrawnElsewhere(Good):
    def item_texts(self, catalog, seed):
        return [text and f"{text} {next(COUNTER)}" for text in catalog.item_texts]


class NumberedSettings(Good):
    def __init__(self, config):
        self.sharing_settings = {3: 0}


def test_a_good_control_passes(outcome_of):
    found = outcome_of("controls", Good, None, **SUMMARY, of_module_texts=True)
    assert {name: outcome.status for name, outcome in found.items() if outcome.status != "ok"} == {
        "settings survive json": "not applicable"
    }


def test_a_control_may_change_nothing_but_the_weights_of_the_llm(outcome_of):
    outcome = outcome_of("controls", ChangesNothing, None, "it changes something", **SUMMARY, untrained_llm=True)
    assert outcome.status == "ok"


@pytest.mark.parametrize(
    ("build", "check", "reason"),
    [
        (ChangesNothing, "it changes something", "it has none of item_texts, text, turns"),
        (TextForAll, FITS, "the text of item 3 was '' and is 'x'"),
        (TooFewTexts, FITS, "it returned 20 texts; needed are 21"),
        (RowForAll, FITS, "row 0 of its text belongs to no text and is not zero"),
        (OfWholeNumbers, FITS, "its text is of torch.int64"),
        (Longer, FITS, "it plans 5 domain epochs, allowed are the 4 of the pair"),
        (OtherOrder, FITS, "is no turn of the pair, or stands in another place"),
        (NumberedSettings, FITS, "3 is no name of a setting"),
        (ChangesTheText, CHANGED, "it changed the text of the LLM in place"),
        (ChangesTheTurns, CHANGED, "it changes the turns that it is given"),
        (DrawnElsewhere, SEED, "two runs of one seed give different texts"),
        (Good, "controls of module texts say so", "its component needs of_module_texts=True"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_fault_is_found(outcome_of, build, check, reason):
    outcome = outcome_of("controls", build, None, check, **SUMMARY)
    assert outcome.status == "failed"
    assert reason in outcome.reason


def test_a_control_without_a_summary_is_found(outcome_of):
    outcome = outcome_of("controls", Good, None, "it says how it differs from its pair")
    assert (outcome.status, outcome.reason) == ("failed", "its summary is ''; one line is needed")

"""What a caption says of searches, and of how the budgets of the two sides of a comparison differ."""

import pytest

from corecbench.report.views.provenance import searched
from corecbench.testing.records import toy_record


def account(trials=9, minutes=3.0, partners=()):
    """What a result keeps of a search."""
    return {"finished_trials": trials, "minutes": minutes, "with": list(partners)}


def records(alone=None, pair=None):
    """The results of a model alone and of its pair, with what was said of their searches."""
    found = [toy_record("sasrec", dataset="toys"), toy_record("sasrec", "llama", dataset="toys")]
    for record, tuning in zip(found, (alone, pair), strict=True):
        if tuning is not None:
            record["tuning"] = tuning
    return found


PARTNERS = ("llama", "bdlm")


@pytest.mark.parametrize(
    ("alone", "pair", "said"),
    [
        (None, None, ""),
        (account(), account(), "sasrec on toys, alone 9 finished trials in 3 minutes, in pairs as alone"),
        (account(1), None, "sasrec on toys, alone 1 finished trial in 3 minutes, in pairs not searched"),
        (
            account(),
            account(4, 3.5, PARTNERS),
            "sasrec on toys, alone 9 finished trials in 3 minutes, in pairs (with llama and bdlm) 4 finished "
            "trials in 3.5 minutes, which is 5 trials fewer and 0.5 minutes more",
        ),
        (
            None,
            account(4, 3.0, PARTNERS),
            "sasrec on toys, alone not searched, in pairs (with llama and bdlm) 4 finished trials in 3 minutes",
        ),
    ],
)
def test_a_caption_says_what_was_searched_and_how_budgets_differ(alone, pair, said):
    assert searched(records(alone, pair)) == said


def test_a_model_without_pairs_has_one_side():
    assert searched(records(account())[:1]) == "sasrec on toys, alone 9 finished trials in 3 minutes"


def test_a_caption_names_the_search_of_each_sharing_module():
    found = records(None, account(4, 3.0, PARTNERS))
    for sharing, tuning in (("unisrec", account(5, 3.0, ("llama", "unisrec"))), ("none", None)):
        record = toy_record("sasrec", "llama", dataset="toys")
        record["cell"]["sharing"] = sharing
        found.append(record | ({} if tuning is None else {"tuning": tuning}))
    said = "(with llama and bdlm) 4 finished trials in 3 minutes, in pairs (with llama and unisrec) 5 finished"
    assert said in searched(found)
    assert searched(found).endswith("in 3 minutes, other pairs not searched")

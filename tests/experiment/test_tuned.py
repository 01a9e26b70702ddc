"""A result says how its settings were found, where the run has exactly those."""

import pytest

FOUND = {"learning_rate": 0.01, "n_layers": 1}
WITH = {"alone": [], "in_pairs": ["llama", "ensrec"]}
"""Place of an account -> what the model was searched with; at any other that sharing module."""
SMALL = {"embedding_size": 16, "hidden_size": 16, "epochs": 2, "batch_size": 32}


@pytest.fixture
def tuned(bench, tiny_llama):
    """Run GRU4Rec with an account: `tuned(place="alone", change={}, pair=False)` returns the last record."""

    def account(place, n_trials, found):
        return {
            "finished_trials": n_trials,
            "with": WITH.get(place, ["llama", place]),
            "settings": {"gru4rec": found},
        }

    def run(place="alone", pair=False, others=(), found=FOUND, **change):
        llms = {"llms": (f"llama:{tiny_llama}",)} if pair else {}
        bdlm = {"start": "new", "warm_up_epochs": 1, "rounds": 1, "domain_epochs": 1, "llm_epochs": 1}
        llama = {"embedding_size": 16, "lora_layers": 2, "lora_rank": 2, "dtype": "float32", "epochs": 1}
        settings = {"gru4rec": SMALL | FOUND | change, "bdlm": bdlm, "llama": llama}
        accounts = {**{each: account(each, 9, FOUND) for each in others}, place: account(place, 3, found)}
        return bench(models=("gru4rec",), settings=settings, tuning={"toy": {"gru4rec": accounts}}, **llms)[-1]

    return run


def test_a_result_has_the_account_without_the_settings_which_it_has_itself(tuned):
    assert tuned()["tuning"] == {"finished_trials": 3, "with": []}


def test_a_setting_that_was_changed_since_is_no_finding(tuned):
    assert "tuning" not in tuned(learning_rate=0.02)


def test_an_account_of_pairs_is_none_of_the_model_alone(tuned):
    assert "tuning" not in tuned("in_pairs")


@pytest.mark.parametrize("place", ["alone", "bdlm", "in_pairs"])
def test_a_pair_has_the_account_of_pairs_or_else_of_the_model_alone(tuned, place):
    assert tuned(place, pair=True)["tuning"]["finished_trials"] == 3


@pytest.mark.parametrize(("place", "others"), [("bdlm", ("alone", "ensrec")), ("ensrec", ("alone",))])
def test_the_account_of_its_own_sharing_module_comes_first_and_that_of_the_model_alone_last(tuned, place, others):
    assert tuned(place, pair=True, others=others)["tuning"]["finished_trials"] == 3


def test_settings_that_a_model_has_in_all_pairs_are_told_by_the_search_that_found_them(tuned):
    assert tuned("ensrec", pair=True)["tuning"]["with"] == ["llama", "ensrec"]


@pytest.mark.parametrize("place", ["ensrec", "in_pairs"])
def test_a_search_of_another_sharing_module_alone_is_none_of_a_pair(tuned, place):
    assert "tuning" not in tuned(place, pair=True, found={})

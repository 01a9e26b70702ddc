"""On large data some settings have other defaults, of which a run tells; what is given wins."""

import pytest

from corecbench.experiment.plan import make_plan
from corecbench.plugin import metadata
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig

SAID = (
    "toy: 20 items, so sasrec.batch_size=256, sasrec.negatives=256, sasrec.sampling=mixed, sasrec.by_length=true "
    "unless --set gives"
)


@pytest.fixture
def planned(host, tmp_path, monkeypatch, toy_folder):
    """The cell of SASRec and the notes of a plan: `planned(most_items, negatives=0)`."""

    def make(most_items=metadata.MANY_ITEMS, **given):
        monkeypatch.setattr(metadata, "MANY_ITEMS", most_items)
        options = {"models": ("sasrec",), "references": False, "settings": {"sasrec": given}}
        config = RunConfig(datasets=(str(toy_folder),), **options)
        plan = make_plan(config, host, Store(tmp_path, "default"))
        (cell,) = plan.cells
        return cell, [note for note in plan.notes if "sasrec" in note]

    return make


def test_a_large_catalogue_is_sampled_and_a_run_says_so(planned):
    cell, (said,) = planned(most_items=19)
    assert said.startswith(SAID)
    config = cell.domain.config
    assert (config.negatives, config.sampling, config.batch_size, config.by_length) == (256, "mixed", 256, True)


def test_a_small_catalogue_is_not(planned):
    cell, said = planned(most_items=20)
    assert said == []
    assert cell.domain.config.negatives == 0


def test_what_is_given_wins_also_if_it_is_the_usual_default(planned):
    cell, (said,) = planned(most_items=19, negatives=0)
    assert cell.domain.config.negatives == 0
    assert "negatives" not in said


def test_a_cell_is_that_of_the_same_settings_given(planned):
    automatic, _ = planned(most_items=19)
    given, _ = planned(negatives=256, sampling="mixed", batch_size=256, by_length=True)
    usual, _ = planned()
    assert automatic.hash == given.hash != usual.hash


def test_uniform_draws_decide_as_before_there_were_others(planned):
    from corecbench.experiment.cells import decisive_settings

    cells = [planned(sampling=sampling)[0] for sampling in ("uniform", "mixed")]
    assert ["sampling" in decisive_settings(cell.domain) for cell in cells] == [False, True]


def test_a_model_learns_from_items_drawn_by_popularity(run):
    plain, popular = (run(root=sampling, sampling=sampling) for sampling in ("uniform", "mixed"))
    losses = [[epoch["loss"] for epoch in record["epochs"]] for record in (plain, popular)]
    assert losses[0] != losses[1]
    assert losses[1][-1] < losses[1][0]


@pytest.fixture
def run(bench, quick):
    """The record of SASRec over 6 sampled items: `run(root="mixed", sampling="mixed")`."""

    def go(root, **given):
        settings = quick | {"sasrec": quick["sasrec"] | {"negatives": 6} | given}
        (record,) = bench(models=("sasrec",), settings=settings, root=root)
        assert record["status"] == "ok"
        return record

    return go

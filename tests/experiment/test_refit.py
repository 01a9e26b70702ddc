"""A refit trains on all before the test items, takes over what validation chose, and knows nothing later."""

import pytest

from corecbench.api import CorecbenchError
from corecbench.data import time_split
from corecbench.experiment.attempt import Attempt
from corecbench.results.run_files import run_settings
from corecbench.testing.toys import write_atomic

from .test_time_split import TIME, world

TRAINED = {
    "models": ("sasrec", "sequence-knn-words"),
    "sharing": ("bdlm", "llama4rec", "beside-texts"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("worlds")
    return [
        str(write_atomic(world(future, further=[""] * 5), root / str(future) / "world")) for future in (False, True)
    ]


@pytest.fixture
def ranked(monkeypatch):
    """The ranks of the validation items by the model of each training: cell, side, training -> int64 [T]."""
    found, rank_side = {}, Attempt.rank_side

    def spy(self, outcome, training, side):
        found[self.cell.name, side.side, self.part] = training.rank(side.model, "validation").rank
        rank_side(self, outcome, training, side)

    monkeypatch.setattr(Attempt, "rank_side", spy)
    return found


def test_a_refit_knows_what_is_before_the_test_cut_and_nothing_behind_it(bench, folders, ranked, tiny_llama):
    worlds = []
    for number, folder in enumerate(folders):
        options = {**TRAINED, **TIME, "llms": (f"llama:{tiny_llama}",), "refit": True}
        records = bench(datasets=(folder,), root=f"results{number}", **options)
        assert {record["status"] for record in records} == {"ok"}
        worlds.append(dict(ranked))
        ranked.clear()
    one, other = worlds
    assert [place for place, known in one.items() if (known != other[place]).any()] == []
    for name, side, _ in one:
        assert (one[name, side, "choosing"] != one[name, side, "refit"]).any()


def test_the_test_above_sees_a_refit_that_knows_more(bench, folders, ranked, monkeypatch):
    known_first = time_split.known_first
    monkeypatch.setattr(time_split, "known_first", lambda dataset, until: known_first(dataset, until + 7 * 20))
    worlds = []
    for number, folder in enumerate(folders):
        bench(datasets=(folder,), root=f"results{number}", models=("sequence-knn-words",), refit=True, **TIME)
        worlds.append(ranked["sequence-knn-words", "domain", "refit"])
    assert (worlds[0] != worlds[1]).any()


@pytest.fixture
def twice(bench, tiny_llama):
    """The records by cell of runs without and with refits, under leave-one-out: both choose on the same data."""
    options = {**TRAINED, "llms": (f"llama:{tiny_llama}",)}
    plain, again = (bench(root=root, refit=root == "refit", **options) for root in ("results", "refit"))
    return [{record["cell"]["name"]: record for record in records} for records in (plain, again)]


def test_a_refit_takes_over_what_was_chosen_and_counts_in_epochs_and_time(twice, ranks):
    plain, again = twice
    assert plain.keys() == again.keys()
    decided = ("best_epoch", "validation", "chosen", "predicts", "stopped_by")
    for name, record in again.items():
        before = plain[name]
        assert record["hash"] != before["hash"]
        assert "refit" in record["protocol"]
        assert "refit" not in before["protocol"]
        for side, row in record["sides"].items():
            assert [row.get(key) for key in decided] == [before["sides"][side].get(key) for key in decided]
        assert [epoch["loss"] for epoch in record["epochs"]] == [epoch["loss"] for epoch in before["epochs"]]
    row, before = (each["sasrec"]["sides"]["domain"] for each in (again, plain))
    assert row["epochs"] == before["epochs"] + before["best_epoch"]
    assert (ranks("sasrec")["rank"] != ranks("sasrec", root="refit")["rank"]).any()


def test_a_refit_is_read_back_from_a_record(bench):
    (record,) = bench(models=("popularity",), refit=True)
    assert run_settings("default", [record])[0]["refit"] is True


def test_a_row_that_fails_in_either_training_has_failed(bench, monkeypatch):
    rank_side = Attempt.rank_side
    for part in ("choosing", "refit"):

        def fail(self, outcome, training, side, part=part):
            if self.part == part:
                raise CorecbenchError(f"it fails in {part}")
            rank_side(self, outcome, training, side)

        monkeypatch.setattr(Attempt, "rank_side", fail)
        (record,) = bench(models=("popularity",), refit=True, root=part)
        assert (record["status"], record["error"]["message"]) == ("failed", f"it fails in {part}")

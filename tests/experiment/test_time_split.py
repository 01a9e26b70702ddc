"""A run under the split by time: nothing that lies behind a cut moves what a model learns or what is chosen."""

import dataclasses
import json
import re

import numpy as np
import pytest

from corecbench.api import DataError, UsageError
from corecbench.data import time_split
from corecbench.results.recommendation import read_data
from corecbench.results.run_files import run_settings
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig, load
from corecbench.testing.toys import TITLES, ToySource, write_atomic

N_ROWS = 420
TIME = {"split": "time", "cut": ("0.8", "0.9")}
STALE = TIME | {"refit": False}
CUTS = int(0.8 * N_ROWS), int(0.9 * N_ROWS)
FURTHER = ("one", "two", "three", "four", "five")  # unlike often, so no two directions of the words weigh the same
NEW = {f"n{number}": f"green {thing} again" for number, thing in enumerate(("apple", "brick", "crown", "drum"))}
OTHER = {f"n{number}": f"black {thing} violin" for number, thing in enumerate(("flute", "eagle", "apple", "brick"))}


def world(future, since=CUTS[1], further=FURTHER):
    """40 users at 420 times; from a row on, in the future, other users do the same, with other texts."""
    random = np.random.default_rng(0)
    users = random.permutation(np.arange(N_ROWS) % 40)
    later = users.copy()
    later[since:] = np.roll(users[since:], 1)
    had = {user: set() for user in range(40)}
    rows = []
    for time, both in enumerate(zip(users, later, strict=True)):
        names = [f"i{number}" for number in random.permutation(20)]
        names = [
            *(list(NEW) if time >= CUTS[1] and time % 2 else []),
            *(["v0", "v1"] if time >= CUTS[0] else []),
            *names,
        ]
        item = next(name for name in names if not any(name in had[user] for user in both))
        for user in both:
            had[user].add(item)
        rows.append((f"u{both[future]}", item, 1000 + 7 * time))
    titles = {f"i{number}": f"{title} {further[int(number**0.5)]}" for number, title in enumerate(TITLES)}
    titles |= {"v0": "red apple", "v1": "blue violin"}
    moved = {"v0": "black flute", "v1": "black eagle"} if future and since == CUTS[0] else {}
    return ToySource(rows, titles | moved | (OTHER if future else NEW))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("worlds")
    return [str(write_atomic(world(future), root / str(future) / "world")) for future in (False, True)]


def learnt(records):
    """What training and validation left in the records, to three digits: the last depend on memory's layout."""
    left = {
        record["cell"]["name"]: (
            record["status"],
            [(epoch["side"], epoch["loss"], epoch["validation"]) for epoch in record["epochs"]],
            {side: (of["validation"], of["best_epoch"], of.get("chosen")) for side, of in record["sides"].items()},
        )
        for record in records
    }
    return {
        name: (status, re.sub(r"\d+\.\d+(e-\d+)?", lambda number: f"{float(number[0]):.3g}", json.dumps(rest)))
        for name, (status, *rest) in left.items()
    }


ALONE = {"models": ("sasrec", "lightgcn", "popularity", "sequence-knn-words", "text-knn")}
PAIRS = {
    "models": ("sasrec",),
    "sharing": ("bdlm", "beside-texts", "hybrid", "llminit", "rec-pca"),
    "controls": ("bag-of-words",),
}


@pytest.mark.parametrize("what", [ALONE, PAIRS])
def test_no_model_and_no_choice_knows_what_lies_behind_the_test_cut(bench, folders, tiny_llama, what):
    llm = {"llms": (f"llama:{tiny_llama}",)} if what is PAIRS else {}
    one, other = (
        learnt(bench(datasets=(folder,), root=f"results{number}", **TIME, **what, **llm))
        for number, folder in enumerate(folders)
    )
    assert {status for status, *_ in one.values()} == {"ok"}
    assert one == other


def test_the_test_above_sees_it_where_new_items_are_learnt_of(bench, folders, monkeypatch):
    known_first = time_split.known_first

    def leaking(dataset, begins):
        found = known_first(dataset, begins)
        return dataclasses.replace(found, catalog=dataclasses.replace(found.catalog, n_new_items=0))

    monkeypatch.setattr(time_split, "known_first", leaking)
    one, other = (
        learnt(bench(datasets=(folder,), root=f"results{number}", models=("text-knn",), **TIME))
        for number, folder in enumerate(folders)
    )
    assert one["text-knn"] != other["text-knn"]


def test_ranks_are_among_the_items_that_exist_and_say_which_targets_are_new(bench, ranks, folders):
    (record,) = bench(datasets=(folders[0],), models=("popularity",), **STALE)
    frame, facts = ranks("popularity"), record["data"]
    assert record["protocol"]["split"] == "time"
    assert record["protocol"]["candidates"] == "items that exist by the target's time"
    assert facts["items_new"] == 6
    assert facts["targets_new"] == frame["target_is_new"].sum() > 0
    assert (frame.loc[frame["target_is_new"], "target_frequency"] == 0).all()
    assert (frame["n_candidates"] + frame["history_length"]).max() <= facts["most_candidates"]
    assert frame["n_candidates"].min() < frame["n_candidates"].max() or facts["least_candidates"] < 26


def late(folder):
    """20 users at 200 times; five more begin between the cuts, and five behind the second."""
    random = np.random.default_rng(5)
    rows = [(f"u{time % 20}", f"i{random.integers(30)}", 1000 + time) for time in range(200)]
    rows += [(f"between{user}", f"i{user}", 1180 + user) for user in range(5)]
    rows += [(f"between{user}", f"i{user + 9}", 1240 + user) for user in range(5)]
    rows += [(f"behind{user}", f"i{item}", 1250 + item) for user in range(5) for item in range(2)]
    return str(write_atomic(ToySource(rows, {name: "a thing" for _, name, _ in rows}), folder / "late"))


@pytest.mark.parametrize("reduced", [{}, {"train_shares": (0.5,)}])
def test_users_of_whom_nothing_trains_are_known_as_new_and_those_without_a_history_are_counted(
    bench, tmp_path, reduced
):
    dates = STALE | {"cut": ("1970-01-01T00:19:30", "1970-01-01T00:20:30")}
    (record,) = bench(datasets=(late(tmp_path),), models=("popularity",), **dates, **reduced)
    store = Store(tmp_path / "results", "default")
    (entry,) = store.records()
    frame = store.ranks(entry[0], "domain").set_index("user_id")
    new = [name for name in frame.index if frame.loc[name, "user_is_new"]]
    assert record["status"] == "ok"
    assert new == [f"between{user}" for user in range(5)]
    assert (frame.loc[new, "history_length"] == 1).all()
    assert record["data"]["users_without_history"] == 5


def test_a_run_by_time_refits_unless_told_not_to():
    assert [RunConfig(split="time", refit=refit).refits for refit in (None, True, False)] == [True, True, False]
    assert [RunConfig(refit=refit).refits for refit in (None, True, False)] == [False, True, False]


@pytest.mark.parametrize("whole", [{}, TIME | {"refit": True}])
def test_no_user_is_new_under_leave_one_out_and_with_a_refit(bench, ranks, folders, whole):
    bench(datasets=(folders[0],), models=("popularity",), **whole)
    assert "user_is_new" not in ranks("popularity")


def test_the_split_is_part_of_protocol_hash_and_run_file_and_is_read_back(bench, folders, host, tmp_path):
    options = {"datasets": (folders[0],), "models": ("popularity",)}
    runs = [{}, TIME, TIME | {"target": "last"}, TIME | {"cut": ("0.7", "0.9")}]
    records = [bench(root=f"r{number}", **options, **run)[0] for number, run in enumerate(runs)]
    assert len({record["hash"] for record in records}) == 4
    assert len({json.dumps(record["protocol"]) for record in records}) == 4
    (again,) = run_settings("default", [records[2]])
    assert (again["split"], again["cut"], again["target"]) == ("time", ["0.8", "0.9"], "last")
    assert "cut" not in run_settings("default", [records[0]])[0]
    for record in records:
        data = read_data(host, record, None, ())
        assert data.split.fingerprint == record["data"]["split_fingerprint"]
    assert records[1]["algorithms"].keys() >= {"split by time"}
    assert records[0]["algorithms"].keys() >= {"leave-one-out split"}
    assert Store(tmp_path / "r1", "default").records()


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"split": "time", "cut": ".9,.8"}, "cut is 0.9,0.8; the shares must rise"),
        ({"split": "time", "cut": ".8"}, "cut must be two shares"),
        ({"split": "time", "cut": ".8,2014-01-01"}, "not one of each"),
        ({"split": "time", "cut": "2014-01-01,2013-01-01"}, "test at a later one"),
        ({"split": "time", "cut": "yesterday,today"}, "cut must be two shares"),
        ({"split": "time", "ties": "file"}, "the split by time draws among equal times"),
        ({"split": "time", "windows": 0}, "windows is 0; at least one window is needed"),
        ({"split": "time", "windows": 2, "window": 3}, "window is 3 and windows is 2"),
        ({"windows": 2}, "windows is 2, which needs --split time"),
        ({"cut": ".7,.9"}, "needs --split time"),
        ({"target": "last"}, "needs --split time"),
        ({"split": "temporal"}, "split"),
    ],
)
def test_settings_that_do_not_fit_end_in_one_line(given, fault):
    with pytest.raises(UsageError, match=fault) as raised:
        load(None, given, [])
    assert "\n" not in str(raised.value)


def test_a_cut_is_read_from_text_and_from_numbers():
    assert load(None, {"split": "time", "cut": ".8,.9"}, []) == load(None, {"split": "time", "cut": [0.8, 0.9]}, [])
    assert RunConfig(split="time").cut == ("0.8", "0.9")


WINDOWS = TIME | {"windows": 2}


def test_each_window_is_a_cell_of_its_own_and_one_window_has_the_hash_of_none(bench, folders, host, tmp_path):
    options = {"datasets": (folders[0],), "models": ("popularity",)}
    whole, *windows = [*bench(root="one", **options, **TIME), *bench(root="two", **options, **WINDOWS)]
    assert [record["cell"]["dataset"] for record in windows] == ["world (window 1 of 2)", "world (window 2 of 2)"]
    assert len({record["hash"] for record in (whole, *windows)}) == 3
    begins, tests = ([each["data"][f"{what}_begins"] for each in windows] for what in ("validation", "test"))
    assert whole["data"]["test_begins"] == tests[0] < tests[1]
    assert whole["data"]["validation_begins"] == begins[0] < begins[1]
    (again,) = bench(root="three", **options, **TIME, windows=1)
    assert again["hash"] == whole["hash"]
    for number, record in enumerate(windows, start=1):
        data = read_data(host, record, None, ())
        assert (data.name, data.reduction.window) == (record["cell"]["dataset"], number)
        assert data.split.fingerprint == record["data"]["split_fingerprint"]
        (settings,) = run_settings("default", [record])
        assert (settings["windows"], settings["window"]) == (2, number)
        (only,) = bench(root=f"only{number}", **options, **WINDOWS, window=number)
        assert only["hash"] == record["hash"]


def test_a_window_in_which_nobody_is_left_ends_in_one_line(bench, folders):
    with pytest.raises(DataError, match=r"choose another run\.cut or fewer windows") as raised:
        bench(datasets=(folders[0],), models=("popularity",), **TIME, windows=60)
    assert "\n" not in str(raised.value)


def planted(folder):
    """30 users of random items. That q follows p is seen behind the test cut only."""
    random = np.random.default_rng(3)
    steps = [(step, user) for step in range(10) for user in range(30)]
    rows = [(f"u{user}", f"i{random.integers(12)}", 1000 + 40 * step + user) for step, user in steps]
    rows += [("another", "q", 1001), ("another", "z", 1002), ("u2", "p", 1340), ("u29", "p", 1341)]
    late = [(f"u{user}", user) for user in range(3, 20)]
    follow = ("p", 1400), ("q", 1440), ("y", 1480), ("z", 1520)  # under leave-one-out y and z are held out
    rows += [(user, item, time + place) for user, place in late for item, time in follow]
    rows += [("u29", "q", 1600)]
    return write_atomic(ToySource(rows, {name: "a thing" for _, name, _ in rows}), folder / "planted")


def test_no_model_uses_a_link_that_only_the_future_shows(bench, ranks, tmp_path):
    folder, models = str(planted(tmp_path)), ("item-knn", "sequence-knn", "popularity")
    cut = {"split": "time", "cut": ("0.7", "0.75"), "target": "last"}
    bench(datasets=(folder,), models=models, **cut)
    by_time = [ranks(model).set_index("user_id").loc["u29"] for model in models]
    assert [row["target_item_id"] for row in by_time] == ["q", "q", "q"]
    bench(datasets=(folder,), models=models, root="leaking")
    leaking = [ranks(model, root="leaking").set_index("user_id").loc["u29"] for model in models]
    assert [row["target_item_id"] for row in leaking] == ["q", "q", "q"]
    assert all(row["rank"] <= 3 for row in leaking)
    assert all(row["rank"] >= row["n_candidates"] - 1 for row in by_time)


def losses_of(bench, quick, folders, llm, **split):
    """Return of each world: cell -> the loss of each epoch. Validation has no part in any.

    Models alone have one epoch, which is their best. In turns of one epoch a pair goes on from its last weights.
    """
    once = {name: {**quick[name], "epochs": 1} for name in ("sasrec", "gru4rec", "lightgcn")}
    pair = {"llms": (f"llama:{llm}",), "solo_llms": False, "controls": ("bag-of-words",)}
    found = []
    for number, folder in enumerate(folders):
        options = {
            "datasets": (folder,),
            "settings": quick | once,
            "root": f"{split.get('split')}{number}",
            **split,
        }
        options["in_pairs"] = {"sasrec": {"epochs": 3}}
        records = [*bench(models=("gru4rec", "lightgcn"), **options), *bench(models=("sasrec",), **pair, **options)]
        assert {record["status"] for record in records} == {"ok"}
        found.append({r["cell"]["name"]: [epoch["loss"] for epoch in r["epochs"]] for r in records})
    return found


def test_no_model_learns_anything_behind_the_validation_cut(bench, quick, tiny_llama, tmp_path):
    folders = [str(write_atomic(world(future, CUTS[0]), tmp_path / str(future) / "world")) for future in (0, 1)]
    one, other = losses_of(bench, quick, folders, tiny_llama, **TIME)
    assert len(one) == 5
    assert all(losses == pytest.approx(other[name], rel=1e-3) for name, losses in one.items())
    leaking, moved = losses_of(bench, quick, folders, tiny_llama)
    assert all(losses != pytest.approx(moved[name], rel=1e-5) for name, losses in leaking.items())

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_cells import reseal, store_cell, toy_ranks

from corecbench.api import Catalog, Interactions
from corecbench.data.split import HeldItems, Split
from corecbench.results.checksums import unsealed
from corecbench.results.frames import COLUMNS, COUNTS, TOP, items_frame, ranks_frame, top_frame
from corecbench.results.layout import slug
from corecbench.results.record import ResultsError, algorithms_in, failure_of
from corecbench.results.store import Store, remove_leftovers
from corecbench.testing.records import toy_record


def make_record(domain="sasrec", llm=None, **other):
    known = {
        "settings": {"sasrec": {"epochs": 4}},
        "data": {"fingerprint": "f", "split_fingerprint": "s", "n_users": 2, "sparsity": 0.5},
        "versions": {"torch": "2"},
        "plugins": {"sasrec": {"distribution": "corecbench", "version": "0.1.0"}},
        "epochs": [{"side": "domain", "epoch": 1, "loss": 2.5}],
    }
    return toy_record(domain, llm, side={"metrics": {"HR@10": 1 / 3}}, **known | other)


def failed_record(**other):
    return make_record(status="failed", **other)


def make_ranks(*rank):
    return toy_ranks(rank, target_item_id=[f"i{i}" for i in range(len(rank))])


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results", "default")


def folder_of(store, record):
    cell = record["cell"]
    return store.folder(cell["name"], cell["dataset"], cell["seed"], record["hash"])


def write(store, record, *rank):
    return store_cell(store, record, {name: make_ranks(*rank) for name in record["sides"]})


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_folder_is_named_after_benchmark_data_set_cell_seed_and_hash(store):
    folder = store.folder("sasrec+llama+bdlm", "ml-100k", 3, "0123abcd")
    assert folder == store.root / "default/ml-100k/sasrec+llama+bdlm/seed3-0123abcd"


def test_a_record_is_read_as_it_was_written(store):
    record = make_record()
    assert unsealed(store.read(write(store, record, 1, 2))) == record


def test_ranks_are_read_as_they_were_written(store):
    folder = write(store, make_record(), 1, 2)
    pd.testing.assert_frame_equal(store.ranks(folder, "domain"), make_ranks(1, 2))


def test_a_solo_cell_has_one_file_of_ranks_and_a_joint_cell_two(store):
    solo, joint = write(store, make_record(), 1, 2), write(store, make_record(llm="llama"), 1, 2)
    assert names_in(solo) == ["ranks.parquet", "result.json"]
    assert names_in(joint) == ["domain/ranks.parquet", "llm/ranks.parquet", "result.json"]


def test_the_sides_of_a_joint_cell_are_kept_apart(store):
    record = make_record(llm="llama")
    folder = folder_of(store, record)
    store.write(folder, record, {"domain": make_ranks(1, 2), "llm": make_ranks(3, 4)})
    assert store.ranks(folder, "domain")["rank"].tolist() == [1, 2]
    assert store.ranks(folder, "llm")["rank"].tolist() == [3, 4]


def test_a_cell_whose_scores_are_combined_has_a_third_side(store):
    record = toy_record("sasrec", "llama", "mix", combines=True)
    folder = folder_of(store, record)
    sides = dict(zip(record["sides"], (make_ranks(1, 2), make_ranks(3, 4), make_ranks(2, 2)), strict=True))
    store.write(folder, record, sides)
    assert store.ranks(folder, "ensemble")["rank"].tolist() == [2, 2]
    assert store.is_done(folder)


def test_json_is_sorted_and_indented(store):
    folder = write(store, make_record(), 1, 2)
    text = json.dumps(store.read(folder), sort_keys=True, indent=2) + "\n"
    assert (folder / "result.json").read_text() == text


def test_what_is_stored_is_returned(store):
    record = make_record()
    folder = folder_of(store, record)
    assert store.write(folder, record, {"domain": make_ranks(1, 2)}) == store.read(folder)


def test_further_files_are_written_in_the_same_step(store):
    record = make_record()
    files = {"checkpoint.safetensors": lambda path: path.write_bytes(b"weights")}
    store.write(folder_of(store, record), record, {"domain": make_ranks(1, 2)}, files)
    assert (folder_of(store, record) / "checkpoint.safetensors").read_bytes() == b"weights"


def test_writing_again_replaces_everything(store):
    record = make_record()
    store.write(folder_of(store, record), record, {"domain": make_ranks(1, 2)}, {"more": lambda p: p.touch()})
    folder = write(store, record, 2, 1)
    assert store.ranks(folder, "domain")["rank"].tolist() == [2, 1]
    assert names_in(folder.parent) == [f"{folder.name}/ranks.parquet", f"{folder.name}/result.json"]


def test_a_failure_while_writing_leaves_the_old_result_and_nothing_else(store):
    folder = write(store, make_record(), 1, 2)

    def fail(path):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.write(folder, make_record(), {"domain": make_ranks(2, 1)}, {"more": fail})
    assert store.ranks(folder, "domain")["rank"].tolist() == [1, 2]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


KILLED = """
import os, pathlib, runpy, sys
test = runpy.run_path(sys.argv[1])
store = test["Store"](pathlib.Path(sys.argv[2]), "default")
calls = 0
def dying(function):
    def wrapper(*arguments):
        global calls
        calls += 1
        if calls == int(sys.argv[4]):
            os._exit(9)
        return function(*arguments)
    return wrapper
owner, name = {"rename": (pathlib.Path, "rename"), "fsync": (os, "fsync")}[sys.argv[3]]
setattr(owner, name, dying(getattr(owner, name)))
test["write"](store, test["make_record"](), 2, 1)
"""


@pytest.mark.parametrize(
    ("call", "number", "left"),
    [("fsync", 1, [1, 2]), ("rename", 1, [1, 2]), ("rename", 2, None), ("fsync", 6, [2, 1])],
    ids=["while syncing", "before the old is moved", "before the new is moved", "before the old is removed"],
)
def test_a_killed_writer_leaves_the_old_or_the_new_or_nothing(store, call, number, left):
    folder = write(store, make_record(), 1, 2)
    arguments = [__file__, str(store.root), call, str(number)]
    own = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # where it finds what this file imports
    assert subprocess.run([sys.executable, "-c", KILLED, *arguments], env=own).returncode == 9
    found = list(store.records())
    assert [path for path, _ in found] == ([folder] if left else [])
    assert store.is_done(folder) == bool(left)
    assert not left or store.ranks(folder, "domain")["rank"].tolist() == left
    assert len(list(folder.parent.iterdir())) > len(found)  # a hidden folder was left
    write(store, make_record(), 3, 3)
    assert store.ranks(folder, "domain")["rank"].tolist() == [3, 3]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_write_leaves_what_another_cell_is_writing(store):
    folder = folder_of(store, make_record())
    other = folder.with_name(f".{folder_of(store, make_record(seed=1)).name}.1.new")
    other.mkdir(parents=True)
    write(store, make_record(), 1, 2)
    assert other.exists()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_record_with_a_number_that_is_not_finite_is_not_stored(store, number):
    with pytest.raises(ResultsError, match="cannot be stored as JSON"):
        write(store, make_record(duration_s=number), 1, 2)
    assert not folder_of(store, make_record()).exists()


def test_a_record_without_the_schema_is_not_stored(store):
    with pytest.raises(ResultsError, match=r"result.json: status: Input should be 'ok' or 'failed'"):
        write(store, make_record(status="fine"), 1, 2)


def test_ranks_must_be_of_the_sides_of_the_record(store):
    record = make_record()
    with pytest.raises(ResultsError, match=r"ranks of \['llm'\], but the record has \['domain'\]"):
        store.write(folder_of(store, record), record, {"llm": make_ranks(1, 2)})


def test_a_successful_record_has_the_sides_of_its_cell(store):
    with pytest.raises(ResultsError, match=r"\['domain'\] are not those of cell sasrec\+llama\+bdlm"):
        write(store, make_record(llm="llama", sides={"domain": toy_record()["sides"]["domain"]}), 1, 2)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "cannot be read"),
        (lambda text: "", "cannot be read"),
        (lambda text: text.replace("1.0", "NaN"), "NaN is no JSON number"),
        (
            lambda text: text.replace('"schema": 3', '"schema": 4'),
            "schema 4 of a newer corecbench",
        ),
        (lambda text: text.replace('"n_users": 2', '"n_users": "2"'), "n_users: Input should be a valid integer"),
        (lambda text: text.replace('"hash"', '"hush"'), "hash: Field required"),
        (lambda text: "[]", "record: Input should be a valid dictionary"),
    ],
    ids=["truncated", "empty", "not a number", "other schema", "wrong type", "missing field", "no record"],
)
def test_a_damaged_record_is_a_one_line_error_that_names_the_file(store, damage, message):
    file = write(store, make_record(), 1, 2) / "result.json"
    file.write_text(damage(file.read_text()))
    with pytest.raises(ResultsError, match=message) as error:
        store.read(file.parent)
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 5
    assert not store.is_done(file.parent)


def test_a_record_that_does_not_exist_is_an_error(store):
    with pytest.raises(ResultsError, match="no such result"):
        store.read(folder_of(store, make_record()))


def test_ranks_of_a_side_that_the_cell_does_not_have_are_an_error(store):
    with pytest.raises(ResultsError, match="no llm side; have: domain"):
        store.ranks(write(store, make_record(), 1, 2), "llm")


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(file.read_bytes()[:-20]),
        lambda file: make_ranks(1, 2)[["user_id"]].to_parquet(file),
        lambda file: make_ranks(1).to_parquet(file),
        lambda file: make_ranks(1, 2).assign(rank=[1, np.nan]).to_parquet(file),
        lambda file: make_ranks(0, 2).to_parquet(file),
    ],
    ids=["missing", "truncated", "missing column", "missing user", "NaN", "rank 0"],
)
def test_damaged_ranks_are_a_one_line_error_and_the_cell_is_not_done(store, damage):
    folder = write(store, make_record(), 1, 2)
    damage(folder / "ranks.parquet")
    reseal(folder)
    with pytest.raises(ResultsError, match=r"ranks\.parquet: .*run the cell again") as error:
        store.ranks(folder, "domain")
    assert "\n" not in str(error.value)
    assert not store.is_done(folder)


def test_a_cell_is_done_when_it_succeeded(store):
    assert store.is_done(write(store, make_record(), 1, 2))


def test_a_failed_cell_is_a_record_but_not_done(store):
    folder = write(store, failed_record())
    assert store.read(folder)["error"]["message"] == "no luck"
    assert not store.is_done(folder)


def test_a_cell_that_was_never_run_is_not_done(store):
    assert not store.is_done(folder_of(store, make_record()))


def test_records_are_ordered_by_data_set_cell_and_seed(store):
    cells = [("toy", "sasrec", 10), ("toy", "sasrec", 2), ("toy", "gru4rec", 0), ("other", "sasrec", 0)]
    for dataset, domain, seed in cells:
        write(store, make_record(domain, seed=seed, dataset=dataset), 1, 2)
    write(store, failed_record(seed=3))
    found = [(record["cell"]["dataset"], record["cell"]["name"], path.name) for path, record in store.records()]
    assert found == [
        ("other", "sasrec", "seed0-0123abcd"),
        ("toy", "gru4rec", "seed0-0123abcd"),
        ("toy", "sasrec", "seed2-0123abcd"),
        ("toy", "sasrec", "seed3-0123abcd"),
        ("toy", "sasrec", "seed10-0123abcd"),
    ]


def test_records_can_be_those_of_one_data_set(store):
    for dataset in ("toy", "other"):
        write(store, make_record(dataset=dataset), 1, 2)
    assert [record["cell"]["dataset"] for _, record in store.records("toy")] == ["toy"]


def test_a_benchmark_that_was_never_run_has_no_records(store):
    assert list(store.records()) == []


def test_results_from_before_a_field_was_added_are_read(store):
    record = make_record()
    record["sides"]["domain"] |= {"parameters": 12, "inference_ms_per_user": 0.5}
    assert unsealed(store.read(write(store, record, 1, 2))) == record
    assert "parameters" not in store.read(write(store, make_record(), 1, 2))["sides"]["domain"]


def split_of(train, ranked, tied=None):
    order = np.argsort(ranked.users)
    return Split(train, {"test": HeldItems.after(train, ranked.users[order], ranked.target[order])}, "", tied=tied)


def test_ranks_are_stored_with_ids_and_with_the_counts_in_the_training_data():
    catalog = Catalog("toy", ("", "ann", "bob"), ("", "x", "y", "z"), ("", "X", "Y", "Z"))
    ranks = SimpleNamespace(
        users=np.array([2, 1]), target=np.array([1, 3]), rank=np.array([4, 5]), n_candidates=np.array([6, 7])
    )
    train = Interactions(user=np.array([1, 2, 2, 2]), item=np.array([1, 2, 1, 1]))  # nobody trains on z
    frame = ranks_frame(ranks, catalog, split_of(train, ranks))
    assert frame.to_dict("list") == {
        "user_id": ["bob", "ann"],
        "target_item_id": ["x", "z"],
        "rank": [4, 5],
        "n_candidates": [6, 7],
        "history_length": [3, 1],
        "target_frequency": [3, 0],
    }
    assert tuple(frame) == COLUMNS + COUNTS
    assert {str(frame[name].dtype) for name in COUNTS} == {"int64"}


def test_it_is_stored_whether_the_two_items_that_are_held_out_have_the_same_time():
    catalog = Catalog("toy", ("", "ann", "bob"), ("", "x", "y"), ("", "X", "Y"))
    users, items = np.array([1, 2]), np.array([1, 2])
    ranks = SimpleNamespace(users=users[::-1], target=items, rank=items, n_candidates=items)
    split = split_of(
        Interactions(users, items), SimpleNamespace(users=users, target=items), np.array([False, True])
    )
    assert ranks_frame(ranks, catalog, split)["target_is_tied"].tolist() == [True, False]
    untied = dataclasses.replace(split, tied=np.array([False, False]))
    assert "target_is_tied" not in ranks_frame(ranks, catalog, untied)


def test_counts_are_stored_where_they_are_known(store):
    record, frame = make_record(), make_ranks(1, 2).assign(history_length=[3, 4], target_frequency=[0, 7])
    store.write(folder_of(store, record), record, {"domain": frame.assign(more=0)})
    pd.testing.assert_frame_equal(store.ranks(folder_of(store, record), "domain"), frame)


# --- the best candidates ------------------------------------------------------------------------------------------


def make_top(*items):
    """Make the lists of users u0, u1, ...: `make_top("ab", "c")`."""
    rows = [(f"u{i}", place, item) for i, of in enumerate(items) for place, item in enumerate(of, start=1)]
    frame = pd.DataFrame(rows, columns=["user_id", "position", "item_id"])
    return frame.assign(score=(1 / frame["position"]).astype("float32"))


def test_best_candidates_are_read_as_they_were_written_each_side_its_own(store):
    record = make_record(llm="llama")
    folder = folder_of(store, record)
    ranks, top = (
        dict.fromkeys(record["sides"], make_ranks(1, 2)),
        {"domain": make_top("ab", "c"), "llm": make_top("c")},
    )
    store.write(folder, record, ranks, top=top)
    assert {"domain/top.parquet", "llm/top.parquet"} < set(names_in(folder))
    for side, frame in top.items():
        pd.testing.assert_frame_equal(store.top(folder, side), frame)
        pd.testing.assert_frame_equal(store.ranks(folder, side), make_ranks(1, 2))


def test_a_cell_without_best_candidates_is_done_and_says_so_in_one_line_when_they_are_asked_for(store):
    folder = write(store, make_record(), 1, 2)
    assert store.is_done(folder)
    message = r"top\.parquet: no best items were stored with this cell; run it again with --set run\.top_k=10"
    with pytest.raises(ResultsError, match=message):
        store.top(folder, "domain")
    with pytest.raises(ResultsError, match="no llm side; have: domain"):
        store.top(folder, "llm")


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-20]),
        lambda file: make_top("ab").drop(columns="position").to_parquet(file),
    ],
    ids=["truncated", "missing column"],
)
def test_damaged_best_candidates_are_a_one_line_error(store, damage):
    record = make_record()
    folder = folder_of(store, record)
    store.write(folder, record, {"domain": make_ranks(1, 2)}, top={"domain": make_top("ab", "c")})
    damage(folder / "top.parquet")
    reseal(folder)
    with pytest.raises(ResultsError, match=r"top\.parquet: cannot be read .*run the cell again") as error:
        store.top(folder, "domain")
    assert "\n" not in str(error.value)


def test_best_candidates_must_be_of_the_sides_of_the_record(store):
    record = make_record(llm="llama")
    ranks = dict.fromkeys(record["sides"], make_ranks(1, 2))
    with pytest.raises(ResultsError, match=r"best candidates of \['llm'\], but the record has \['domain', 'llm'\]"):
        store.write(folder_of(store, record), record, ranks, top={"llm": make_top("ab")})


def test_the_training_interactions_of_items_are_stored_with_ids_and_none_for_padding():
    catalog = Catalog("toy", ("", "ann", "bob"), ("", "x", "y", "z"), ("", "X", "Y", "Z"))
    train = Interactions(np.array([1, 1, 2]), np.array([3, 1, 3]))
    assert items_frame(catalog, train).to_dict("list") == {"item_id": ["x", "y", "z"], "frequency": [1, 0, 2]}


def test_best_candidates_are_stored_with_ids_and_without_what_fills_up_a_short_list():
    catalog = Catalog("toy", ("", "ann", "bob"), ("", "x", "y", "z"), ("", "X", "Y", "Z"))
    ranks = SimpleNamespace(
        users=np.array([2, 1]),
        top_items=np.array([[3, 1], [2, 0]]),
        top_scores=np.array([[0.5, 0.25], [2, -np.inf]], dtype=np.float32),
    )
    frame = top_frame(ranks, catalog)
    assert frame.to_dict("list") == {
        "user_id": ["bob", "bob", "ann"],
        "position": [1, 2, 1],
        "item_id": ["z", "x", "y"],
        "score": [0.5, 0.25, 2.0],
    }
    assert tuple(frame) == TOP
    assert [str(frame[name].dtype) for name in ("position", "score")] == ["int64", "float32"]


# --- names of files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["sasrec", "sasrec+llama+bdlm", "ml-100k", "a_b.c"])
def test_a_safe_label_is_its_own_name(label):
    assert slug(label) == label


@given(st.text(max_size=300))
def test_a_name_for_any_label_is_one_safe_part_of_a_path(label):
    assert set(slug(label)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
    assert 0 < len(slug(label)) <= 107
    assert not slug(label).startswith(".")


@pytest.mark.parametrize("pair", [("llama:a/b", "llama:a-b"), ("llama:a/b", "llama:a:b"), ("x" * 150, "x" * 151)])
def test_different_labels_have_different_names(pair):
    assert slug(pair[0]) != slug(pair[1])


def test_reading_results_needs_no_torch():
    code = (
        "import sys, corecbench.results.store, corecbench.report.evidence.reading, corecbench.stats.paired;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- cells that failed in part ------------------------------------------------------------------------------------


def failure(message):
    return {"type": "RuntimeError", "message": message, "traceback": ""}


def partial_record(ranked=("domain",), **failed):
    """Return the record of a pair of which some sides have ranks, and others a reason why they have none."""
    record = make_record(llm="llama")
    known = {"status": "failed", "error": failure("first"), "failed_sides": failed}
    return {**record, **known, "sides": {side: record["sides"][side] for side in ranked}}


def test_a_cell_that_failed_in_part_is_read_as_it_was_written_with_the_ranks_that_it_has(store):
    record = partial_record(llm=failure("out of memory"))
    folder = write(store, record, 1, 2)
    assert unsealed(store.read(folder)) == record
    assert names_in(folder) == ["domain/ranks.parquet", "result.json"]
    assert store.ranks(folder, "domain")["rank"].tolist() == [1, 2]
    with pytest.raises(ResultsError, match="no llm side; have: domain"):
        store.ranks(folder, "llm")


def test_a_cell_that_failed_in_part_is_not_done(store):
    assert not store.is_done(write(store, partial_record(llm=failure("out of memory")), 1, 2))


def test_ranks_of_a_row_that_failed_are_not_stored(store):
    record = partial_record(llm=failure("out of memory"))
    with pytest.raises(ResultsError, match=r"ranks of \['domain', 'llm'\], but the record has \['domain'\]"):
        store.write(folder_of(store, record), record, {"domain": make_ranks(1), "llm": make_ranks(2)})


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (partial_record(), "says for each other row why it has none; .* reasons of \\[\\]"),
        (partial_record(domain=failure("x"), llm=failure("y")), r"\['domain', 'llm'\] beside sides \['domain'\]"),
        (partial_record(ensemble=failure("x")), r"do not fit cell sasrec\+llama\+bdlm, whose rows are .*domain"),
        (partial_record(ranked=("domain", "llm")), "a failed cell with some ranks"),
        (partial_record(llm={"type": "x"}), r"failed_sides.llm.message: Field required"),
        (make_record(failed_sides={"domain": failure("x")}), r"\['domain'\] beside sides \['domain'\]"),
    ],
    ids=["no reason", "both", "no such row", "nothing failed", "half a reason", "succeeded"],
)
def test_a_record_whose_rows_do_not_fit_its_failures_is_not_stored(store, record, message):
    with pytest.raises(ResultsError, match=message):
        write(store, record, 1, 2)


def test_the_failure_of_a_row_is_its_own_or_that_of_the_cell():
    partial = partial_record(llm=failure("out of memory"))
    assert failure_of(partial, "domain") is None
    assert failure_of(partial, "llm")["message"] == "out of memory"
    assert failure_of(failed_record(error=failure("no luck")), "domain")["message"] == "no luck"
    assert failure_of(failed_record(error=None), "domain")["message"] == "no reason recorded"


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ({"algorithms": {"sasrec": 2}}, [("sasrec", 2), ("mine", "1.2")]),  # a third party's plugin has no number
        ({"algorithms": {"sasrec": 2, "mine": 5}}, [("sasrec", 2), ("mine", 5)]),
        ({}, []),  # stored before algorithms had numbers
    ],
)
def test_an_algorithm_has_a_number_or_the_version_of_its_plugin(known, found):
    plugins = {name: {"version": "1.2"} for name in ("sasrec", "mine")}
    record = {name: value for name, value in toy_record().items() if name != "algorithms"}
    assert list(algorithms_in({**record, "plugins": plugins, **known})) == found


def test_a_failed_result_under_other_settings_makes_way(tmp_path):
    store = Store(tmp_path, "default")
    error = {"type": "RuntimeError", "message": "no luck", "traceback": ""}
    failed = store_cell(store, toy_record(hash="00000000", status="failed", error=error, sides={}), {})
    whole = store_cell(store, toy_record(hash="11111111"), {"domain": toy_ranks([1, 2])})
    new = whole.with_name("seed0-22222222")
    store.drop_failed(new)
    assert (failed.exists(), whole.exists()) == (False, True)
    assert not list(new.parent.glob(".*"))  # the claim of the failed one was given back


def test_what_a_killed_writer_left_goes_and_the_state_of_a_training_stays_unless_that_is_wished(tmp_path):
    folder = tmp_path / "seed0-00000000"
    left, state = (tmp_path / f".{folder.name}.{what}" for what in ("new", "state"))
    for each in (left, state):
        each.mkdir()
    remove_leftovers(folder)
    assert (left.exists(), state.exists()) == (False, True)
    remove_leftovers(folder, with_state=True)
    assert not state.exists()


def test_a_cell_of_another_benchmark_is_copied_and_one_from_outside_is_moved(tmp_path):
    cell = toy_record(), {"domain": toy_ranks([1, 2])}
    store, outside = Store(tmp_path / "results", "new"), Store(tmp_path / "outside", "kept")
    other, kept = store_cell(Store(store.root, "old"), *cell), store_cell(outside, *cell)
    folder = store.own_folder / other.relative_to(store.root / "old")
    for source, stays in ((other, True), (kept, False)):
        store.take_over(source, folder)
        assert store.read(folder)["hash"] == toy_record()["hash"]
        assert source.exists() is stays
        assert list(store.elsewhere(folder)) == [other]
        shutil.rmtree(folder)


def test_a_cell_that_cannot_be_copied_leaves_nothing_and_says_why(tmp_path):
    store = Store(tmp_path, "new")
    folder, missing = store.own_folder / "toy" / "sasrec" / "seed0-00000000", tmp_path / "gone"
    with pytest.raises(ResultsError, match="no such result"):
        store.take_over(missing, folder)
    other = store_cell(Store(tmp_path, "old"), toy_record(), {"domain": toy_ranks([1, 2])})
    folder.parents[1].parent.mkdir()
    folder.parents[1].write_text("in the way")
    with pytest.raises(ResultsError, match=r"cannot be written \(.*\); the cell stays in .*old"):
        store.take_over(other, folder)
    assert not list(tmp_path.rglob(".*"))


def test_the_index_of_a_table_is_no_column_of_its_file(tmp_path):
    ranks = toy_ranks([1, 2]).set_axis([7, 5])
    folder = store_cell(Store(tmp_path, "default"), toy_record(), {"domain": ranks})
    assert pq.read_schema(folder / "ranks.parquet").names == ["rank"]
    assert pq.read_schema(next(tmp_path.rglob("users-*"))).names == ["user_id", "target_item_id", "n_candidates"]

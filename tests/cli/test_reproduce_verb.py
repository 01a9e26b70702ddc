"""`corecbench reproduce` on toy data, with real trainings."""

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from in_process import InProcess
from stored_cells import reseal, store_cell, toy_ranks

from corecbench.cli.main import main
from corecbench.experiment.execution.schedule import run as execute
from corecbench.experiment.reproduction import ComparedSide, compared, differences
from corecbench.experiment.session import Steps, prepare
from corecbench.plugin.host import Host
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig
from corecbench.testing.records import toy_record
from corecbench.toolkit import processor

SASREC = {"embedding_size": 16, "inner_size": 16, "n_layers": 1, "n_heads": 1, "epochs": 2, "learning_rate": 0.01}


@pytest.fixture
def place(tmp_path, toy_folder, monkeypatch):
    """Stand in a folder with the data set toy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "toy").mkdir()
    for file in toy_folder.iterdir():
        (tmp_path / "toy" / f"toy{file.suffix}").write_bytes(file.read_bytes())
    return tmp_path


def in_this_process(plan, host, store):
    return execute(plan, host, store, InProcess(plan, host, store))


@pytest.fixture
def stored(place):
    """Run a model on toy data in this process and return the folder of its cell: `stored("sasrec", k_core=2)`."""

    def run(model, **options):
        settings = {"sasrec": SASREC} if model == "sasrec" else {}
        common = {
            "datasets": ("./toy",),
            "seeds": (3,),
            "max_history": 5,
            "settings": settings,
            "references": False,
        }
        config = RunConfig(models=(model,), **common | options)
        (record,) = prepare(config, Host.discover(), Path("results"), Steps(run_plan=in_this_process)).run()
        assert record["error"] is None
        (file,) = place.glob("results/*/*/*/*/result.json")
        return file.parent

    return run


@pytest.fixture
def reproduce():
    """Run the verb, in this process unless `steps` says otherwise: `reproduce(folder, "--results", "again")`."""

    def go(*arguments, steps=Steps(run_plan=in_this_process)):  # noqa: B008
        return CliRunner().invoke(main, ["reproduce", *map(str, arguments)], obj=steps)

    return go


def change(folder, *dropped, **fields):
    record = json.loads((folder / "result.json").read_text())
    kept = {key: value for key, value in record.items() if key not in dropped}
    (folder / "result.json").write_text(json.dumps(kept))
    reseal(folder, **fields)


def test_a_trained_cell_is_run_again_from_its_record_alone_with_equal_ranks(stored, reproduce, place):
    folder = stored("sasrec", k_core=2, train_shares=(0.5,), top_k=3)
    done = reproduce(folder / "result.json", steps=None)
    assert done.stdout.splitlines() == [
        "again: sasrec on toy (50% of users train), seed 3",
        "domain: equal for all 60 users",
    ]
    assert done.exit_code == 0
    assert [path.name for path in (place / "results").iterdir()] == ["default"]


def test_a_cell_is_run_again_in_its_number_format_unless_another_one_is_asked_for(stored, reproduce, monkeypatch):
    monkeypatch.setenv("CORECBENCH_PRECISION", "bfloat16")
    folder = stored("sasrec")
    monkeypatch.setenv("CORECBENCH_PRECISION", "float32")
    assert "layers_dtype: bfloat16 there, float32 here" in reproduce(folder).stdout
    monkeypatch.delenv("CORECBENCH_PRECISION")
    monkeypatch.setattr(processor, "vendor", lambda: "another maker, whose processors get float32")
    done = reproduce(folder)
    assert (done.exit_code, done.stdout.splitlines()[1:]) == (0, ["domain: equal for all 60 users"])
    assert "CORECBENCH_PRECISION" not in os.environ


def test_ranks_that_differ_are_counted_and_what_is_different_is_named(stored, reproduce):
    folder = stored("sasrec")
    record = json.loads((folder / "result.json").read_text())
    other = {**record["settings"]["sasrec"], "learning_rate": 0.5}  # stands for whatever ranks may depend on
    versions = {**record["versions"], "torch": "1.0"}
    change(folder, settings={"sasrec": other}, versions=versions, machine="An old one, 64 threads")
    done = reproduce(folder)
    assert done.exit_code == 1, done.output
    assert re.search(r"domain: [1-9]\d* of 60 users have another rank; NDCG@10 [01]\.\d{4} there, ", done.stdout)
    assert f"differs: versions torch: 1.0 there, {record['versions']['torch']} here" in done.stdout
    assert f"differs: machine: An old one, 64 threads there, {record['machine']} here" in done.stdout


def test_a_record_of_an_earlier_version_is_run_by_what_it_says(stored, reproduce, place):
    folder = stored("popularity")
    change(folder, "run", "algorithms", "dtypes", "fingerprints", "machine")
    (place / "toy").rename(place / "results" / "toy")
    done = reproduce(folder)
    assert done.exit_code == 2
    assert "cell popularity cannot be run again: unknown data set 'toy'" in done.stderr
    done = reproduce(folder, "--dataset", "results/toy", "--results", "again")
    assert done.exit_code == 0, done.output
    assert "differs: algorithms leave-one-out split: not recorded there, 1 here" in done.stdout


def test_data_that_have_changed_cannot_be_run(stored, reproduce, place):
    folder = stored("popularity")
    with (place / "toy" / "toy.inter").open("a") as file:
        file.write("u1\ti1\t99999\n")
    done = reproduce(folder)
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "error: cell popularity cannot be run again: data set 'toy' is not what the cell was run on: "
    )
    assert done.stderr.count("\n") == 1


def test_a_cell_that_failed_cannot_be_compared(stored, reproduce):
    folder = stored("popularity")
    error = {"type": "E", "message": "no", "traceback": ""}
    change(folder, status="failed", error=error, sides={})
    done = reproduce(folder)
    assert done.exit_code == 2
    assert done.stderr == (
        "error: cell popularity cannot be run again: it failed, so there are no ranks to compare with\n"
    )


def test_a_new_result_never_takes_the_place_of_the_one_that_is_compared(stored, reproduce):
    folder = stored("popularity", benchmark="reproduced")
    done = reproduce(folder, "--results", "results")
    assert done.exit_code == 2
    assert "the new result would replace" in done.stderr


def test_a_row_that_an_earlier_version_had_is_named_and_the_others_are_compared(tmp_path, host):
    store, entries = Store(tmp_path, "b"), []
    for hash8, known, sides in (("0" * 8, {}, ("domain", "llm")), ("1" * 8, {"llm_epochs": 0}, ("domain",))):
        record = toy_record("sasrec", "llama", hash=hash8)
        record["cell"] |= known
        record["sides"] = {side: record["sides"][side] for side in sides}
        folder = store_cell(store, record, {side: toy_ranks([1, 2]) for side in sides})
        entries.append((folder, store.read(folder)))
    metric = host.build(host.select("metrics", "NDCG@10", {}))
    assert [str(side) for side in compared(*entries, metric)] == ["domain: equal for all 2 users"]
    assert "llm: ranked there, no row here" in list(differences(entries[0][1], entries[1][1]))


def test_users_that_only_one_of_both_ranks_are_a_difference():
    side = ComparedSide("llm", n_users=8, n_unshared=1, n_differing=0, before=0.25, after=0.25)
    assert not side.is_equal
    assert "; 1 users are ranked by one of both only; NDCG@10 0.2500 there, 0.2500 here (+0.0000)" in str(side)

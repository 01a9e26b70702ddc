import pytest

from corecbench.experiment.existing import check_writable, with_existing
from corecbench.experiment.plan import make_plan
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig


def test_a_pair_that_starts_from_a_damaged_cell_is_left_out_and_one_that_does_not_is_run(
    bench, host, tmp_path, toy_folder, quick, tiny_llama
):
    bench(models=("sasrec",))
    store = Store(tmp_path / "results", "default")
    ((solo, _),) = store.records()
    (solo / "checkpoint.safetensors").write_bytes(b"")
    settings = quick | {"none": quick["none"] | {"start": "new", "alone_unless_better": False}}
    config = RunConfig(
        models=("sasrec",),
        llms=(f"llama:{tiny_llama}",),
        sharing=("bdlm", "none"),
        datasets=(str(toy_folder),),
        settings=settings,
        metrics=("NDCG@10",),
        references=False,
    )
    plan = with_existing(make_plan(config, host, store), host, store)
    assert [cell.sharing.label if cell.sharing else None for cell in plan.cells] == [None, None, "bdlm", "none"]
    assert list(plan.left_out) == [solo, plan.cells[2].folder]
    assert "checkpoint.safetensors: its sha256 is not the one" in plan.left_out[solo]
    assert plan.left_out[plan.cells[2].folder].endswith(f"it needs {solo}, which is damaged")
    assert plan.n_to_do == 2
    assert [note for note in plan.notes if "they are positions" not in note] == [
        f"left out: {reason}" for reason in plan.left_out.values()
    ]


def test_a_folder_that_can_be_made_can_be_written_and_nothing_is_left_there(tmp_path):
    store = Store(tmp_path / "a/b", "default")
    check_writable(store, [store.folder("sasrec", "toy", 0, "0123abcd")])
    assert not any(tmp_path.iterdir())


def test_a_file_above_the_results_is_named(tmp_path):
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file/results", "default")
    with pytest.raises(ResultsError, match=r"file: results cannot be written here \(Not a directory\)"):
        check_writable(store, [])


# --- number formats -----------------------------------------------------------------------------------------------


def test_a_run_that_goes_on_in_another_number_format_says_so(bench, host, tmp_path, toy_folder, quick, monkeypatch):
    def notes(**options):
        config = RunConfig(
            **{"models": ("sasrec",), "datasets": (str(toy_folder),), "settings": quick, "metrics": ("NDCG@10",)}
            | {"references": False}
            | options
        )
        store = Store(tmp_path / "results", config.benchmark)
        found = with_existing(make_plan(config, host, store), host, store).notes
        return [note for note in found if "they are positions" not in note]

    monkeypatch.setenv("CORECBENCH_PRECISION", "bfloat16")
    (record,) = bench(models=("sasrec",))
    assert set(record["dtypes"]["sasrec"].values()) == {"bfloat16"}
    assert notes(seeds=(0, 1)) == []
    monkeypatch.setenv("CORECBENCH_PRECISION", "float32")
    said = (
        "cells that are done in bfloat16, where it would be float32 now: 1; CORECBENCH_PRECISION=bfloat16 keeps to "
        "one number format"
    )
    assert notes(seeds=(0, 1)) == [said]
    assert notes(seeds=(0, 1), benchmark="other") == [said]  # where it is taken over
    assert notes() == []  # nothing is left to train

"""Several processes train one cell together: as one process does, and what becomes of a cell that loses one."""

import os

import pytest

from corecbench.api import UsageError
from corecbench.settings.config import Variant

FIRST = "torch.distributed.get_rank() == 0"
HELPING = "torch.distributed.get_rank() == 1"


@pytest.fixture
def without_dropout(quick):
    """Settings with which everything trains in a moment, and nothing is drawn but batches and positions.

    Steps are small, since Adam makes steps of full size of gradients that are nothing but rounding.
    """
    short = {"epochs": 2, "learning_rate": 0.001, "loss_dtype": "float32"}
    own = {
        "sasrec": {
            "hidden_dropout": 0.0,
            "attention_dropout": 0.0,
            "batch_size": 33,
            "layers_dtype": "float32",
            **short,
        },
        "lightgcn": {"batch_size": 33, **short},
        "llama": {"dropout": 0.0, "batch_size": 33, **short},
        "bdlm": {"row_dropout": 0.0, "positions": 20, "warm_up_epochs": 1, "start": "new"},
    }
    return {name: {**quick[name], **values} for name, values in own.items()}


def test_losses_are_those_of_one_process(bench, tiny_llama, without_dropout, one_thread, processes):
    command = {"models": ("sasrec", "lightgcn"), "llms": (f"llama:{tiny_llama}",), "settings": without_dropout}
    alone = bench(**command, root="alone")
    together = bench(**command, processes=2, runs_in=processes(2))
    for mine, other in zip(together, alone, strict=True):
        assert (mine["error"], mine["processes"], other["processes"]) == (None, 2, 1)
        for epoch, expected in zip(mine["epochs"], other["epochs"], strict=True):
            assert epoch["loss"] == pytest.approx(expected["loss"], rel=1e-5)
            assert epoch["validation"] == pytest.approx(expected["validation"], rel=1e-5)
        for side, row in mine["sides"].items():
            assert row["metrics"]["NDCG@10"] == pytest.approx(other["sides"][side]["metrics"]["NDCG@10"])


SAY_WEIGHTS = """
rank = torch.distributed.get_rank()
write(FOLDER + '/weights-' + str(rank), self.item.weight.tolist().__repr__() + self.user.weight.tolist().__repr__())
write(FOLDER + '/drawn-' + str(rank), repr(torch.rand(3).tolist()))
"""


def test_after_an_epoch_all_processes_have_the_same_weights_bit_for_bit(bench, acting_model, tmp_path, processes):
    act = SAY_WEIGHTS.replace("FOLDER", repr(str(tmp_path)))
    settings = {"mine": {"act": act, "batch_size": 50, "averaging": 0.9}}
    bench([acting_model], models=("mine",), settings=settings, processes=2, runs_in=processes(1))
    for name in ("weights", "drawn"):
        assert len({(tmp_path / f"{name}-{rank}").read_text() for rank in range(2)}) == 1


def test_a_cell_that_loses_a_process_is_a_record_with_the_reason(bench, acting_model, processes):
    acts = {
        "killed": f"{HELPING} and os.kill(os.getpid(), signal.SIGKILL)",
        "raising": f"if {HELPING}: raise OSError('no luck')",
        "lost": f"{FIRST} and os.kill(os.getpid(), signal.SIGKILL)",
        "well": "",
    }
    variants = {name: Variant("mine", {"act": act}) for name, act in acts.items()}
    records = bench(
        [acting_model], models=tuple(acts), variants=variants, settings={}, processes=2, runs_in=processes(1)
    )
    ended = {record["cell"]["name"]: record["error"] and record["error"]["message"] for record in records}
    lost = "the processes of the cell lost each other: process 2 of 2: "
    assert ended["killed"] == f"{lost}worker process ended with signal 9 (SIGKILL)"
    assert ended["raising"].startswith(lost)
    assert ended["raising"].endswith("OSError: no luck")
    assert ended["lost"] == "worker process ended with signal 9 (SIGKILL)"
    assert ended["well"] is None


REFUSES = """
    import os

    if int(os.environ["CORECBENCH_FIRST"]) not in (os.getpid(), os.getppid()):
        raise OSError("no helper")

    from corecbench.api import hookimpl

    @hookimpl
    def corecbench_domain_models():
        return []
"""


def test_a_process_that_does_not_come_is_said_in_one_line(bench, loose_file, monkeypatch, processes):
    monkeypatch.setenv("CORECBENCH_FIRST", str(os.getpid()))
    plugin = loose_file("refuses", REFUSES)
    (record,) = bench([plugin], models=("popularity",), processes=2, runs_in=processes(1))
    message = record["error"]["message"]
    assert message.startswith("the cell has not all of its processes: process 2 of 2: ")
    assert message.endswith("OSError: no helper")


def test_no_process_outlives_a_first_one_that_is_killed(
    bench, acting_model, tmp_path, processes, pid_of, alive, until
):
    pid = tmp_path / "pid"
    act = f"""
if {HELPING}: write({str(pid)!r}, str(os.getpid())); time.sleep(600)
wait_for({str(pid)!r}); os.kill(os.getpid(), signal.SIGKILL)
"""
    settings = {"mine": {"act": act}}
    (record,) = bench([acting_model], models=("mine",), settings=settings, processes=2, runs_in=processes(1))
    assert record["error"]["message"] == "worker process ended with signal 9 (SIGKILL)"
    assert until(lambda: not alive(pid_of(pid)), seconds=5)


def test_cells_that_run_in_the_process_itself_are_refused(bench):
    with pytest.raises(UsageError, match="processes is 2, and cells run in this process alone"):
        bench(models=("popularity",), processes=2)

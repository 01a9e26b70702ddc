"""Trackers are told of a real run, and what they wrote is read back."""

import struct
import sys

import pytest

from corecbench.api import UsageError
from corecbench_plugins.trackers import corecbench_trackers
from corecbench_plugins.trackers.event_files import EventFiles
from corecbench_plugins.trackers.mlflow_runs import MlflowRuns
from corecbench_plugins.trackers.settings import MlflowConfig, TensorboardConfig, WandbConfig
from corecbench_plugins.trackers.tracked_values import cell_settings
from corecbench_plugins.trackers.wandb_runs import WandbRuns

FAILING = """
    from corecbench.api import DomainModelComponent, hookimpl

    def build(config, setup, ids):
        raise ValueError("no luck")

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("failing", build, joint=False)]
"""


@pytest.fixture
def track(bench, tiny_llama, quick, loose_file):
    """Run a model that fails and a pair, if asked for, under a tracker; return the records by cell."""

    def run(name, pair=True, **settings):
        records = bench(
            [loose_file("failing", FAILING)],
            models=("sasrec", "failing"),
            llms=(f"llama:{tiny_llama}",) if pair else (),
            trackers=(name,),
            settings=quick | {name: settings},
        )
        return {record["cell"]["name"].replace(str(tiny_llama), "TINY"): record for record in records}

    return run


HEADER, BLOCK = 7, 2**15
WHOLE, LAST = 1, 4
PAIR = "sasrec+llama:TINY+bdlm"


def epochs_of(record, side):
    return [epoch for epoch in record["epochs"] if epoch["side"] == side]


# --- MLflow -------------------------------------------------------------------------------------------------------


@pytest.fixture
def mlflow():
    """Import MLflow, or skip."""
    return pytest.importorskip("mlflow")


def runs_of(uri, n=10):
    """Return the runs of a store, by name without the folder of the LLM."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    (experiment,) = (one for one in client.search_experiments() if one.name == "corecbench")
    runs = client.search_runs([experiment.experiment_id], max_results=n)
    return client, {run.data.params["cell"].split("llama:")[0]: run for run in runs}


def test_mlflow_has_settings_epochs_and_metrics_of_each_cell(mlflow, track, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "mlruns").as_uri()
    records = track("mlflow", uri=uri)
    client, runs = runs_of(uri)
    assert len(runs) == len(records) == 4
    record, run = records["sasrec"], runs["sasrec"]
    assert run.info.run_name == "toy/sasrec/seed0"
    assert (run.data.params["sasrec.epochs"], run.data.params["dataset"]) == ("4", "toy")
    history = client.get_metric_history(run.info.run_id, "domain/validation NDCG_at_10")
    assert [(point.step, point.value) for point in history] == [
        (epoch["epoch"], epoch["validation"]) for epoch in record["epochs"]
    ]
    assert run.data.metrics["domain/loss"] == record["epochs"][-1]["loss"]
    assert run.data.metrics["domain/test NDCG_at_10"] == record["sides"]["domain"]["metrics"]["NDCG@10"]
    pair = runs["sasrec+"].data.metrics
    assert {"domain/loss", "llm/loss", "domain/test NDCG_at_10", "llm/test NDCG_at_10"} <= set(pair)


def test_mlflow_says_why_a_cell_failed(mlflow, track, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "mlruns").as_uri()
    track("mlflow", pair=False, uri=uri)
    _, runs = runs_of(uri)
    assert [runs[name].info.status for name in ("sasrec", "failing")] == ["FINISHED", "FAILED"]
    assert "no luck" in runs["failing"].data.tags["error"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, on what MLflow does
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_mlflow_takes_its_default_store_if_none_is_named(mlflow, tmp_path, monkeypatch):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracker = MlflowRuns(MlflowConfig())
    assert tracker.experiment == MlflowRuns(MlflowConfig()).experiment
    assert (tmp_path / "mlflow.db").exists()


# --- TensorBoard --------------------------------------------------------------------------------------------------


def scalars(folder):
    """Return the scalars of event files as name -> [(step, value)], and the names of texts."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    found = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    return found, events.Tags()["tensors"]


def test_tensorboard_has_epochs_and_metrics_of_each_side(track, tmp_path):
    pytest.importorskip("tensorboard")
    records = track("tensorboard", folder=str(tmp_path / "runs"))
    record = next(record for name, record in records.items() if name == PAIR)
    (folder,) = (path for path in (tmp_path / "runs" / "toy").glob("sasrec+*/seed0-*"))
    found, texts = scalars(folder)
    for side in ("domain", "llm"):
        losses = [(epoch["epoch"], pytest.approx(epoch["loss"])) for epoch in epochs_of(record, side)]
        assert found[f"{side}/loss"] == losses
        assert found[f"{side}/test NDCG@10"] == [(0, pytest.approx(record["sides"][side]["metrics"]["NDCG@10"]))]
    assert texts == ["settings/text_summary"]
    (failed,) = (tmp_path / "runs" / "toy" / "failing").iterdir()
    assert "error/text_summary" in scalars(failed)[1]


# --- Weights & Biases ---------------------------------------------------------------------------------------------


def wandb_records(folder):
    """Return what an offline run of W&B holds: a log in LevelDB's format, behind a header of its own."""
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = folder.glob("*.wandb")
    data, place, parts = file.read_bytes(), HEADER, b""
    while place + HEADER <= len(data):
        if (left := BLOCK - place % BLOCK) < HEADER:
            place += left
            continue
        _, size, kind = struct.unpack_from("<IHB", data, place)
        parts += data[place + HEADER : place + HEADER + size]
        place += HEADER + size
        if kind in (WHOLE, LAST):
            yield Record.FromString(parts)
            parts = b""


def test_wandb_keeps_epochs_and_metrics_offline(track, tmp_path):
    wandb = pytest.importorskip("wandb")
    records = track("wandb", pair=False, mode="offline", folder=str(tmp_path))
    wandb.teardown()  # ends the process that writes
    runs = {}
    for folder in (tmp_path / "wandb").glob("offline-run-*"):
        found = list(wandb_records(folder))
        (name,) = {record.run.display_name for record in found if record.HasField("run")}
        runs[name] = found
    assert len(runs) == 2
    found = runs["toy/sasrec/seed0"]
    rows = [
        {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
        for record in found
        if record.HasField("history")
    ]
    losses = [float(row["domain/loss"]) for row in rows]
    assert losses == [epoch["loss"] for epoch in records["sasrec"]["epochs"]]
    (failed,) = (found for name, found in runs.items() if "failing" in name)
    assert [record.exit.exit_code for record in failed if record.HasField("exit")] == [1]


# --- all ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "config", "package"),
    [
        (MlflowRuns, MlflowConfig(), "mlflow"),
        (WandbRuns, WandbConfig(), "wandb"),
        (EventFiles, TensorboardConfig(), "tensorboard"),
    ],
)
def test_a_missing_package_comes_with_the_command_that_installs_it(monkeypatch, build, config, package):
    for name in [
        name for name in sys.modules if name.split(".")[0] == package or name == "torch.utils.tensorboard"
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"tracker '{package}': .*pip install 'corecbench\[{package}\]'"):
        build(config)


def test_listing_imports_no_tracker():
    assert [component.name for component in corecbench_trackers()] == ["mlflow", "wandb", "tensorboard"]


def test_the_settings_of_all_components_are_tracked_under_their_names():
    cell = {
        **{"name": "sasrec", "dataset": "toy", "domain": "sasrec", "llm": None, "sharing": None, "control": None},
        **{"seed": 1, "max_history": 9, "hash": "0a", "settings": {"sasrec": {"epochs": 3}, "none": {"rounds": 2}}},
    }
    assert cell_settings(cell) == {
        "dataset": "toy",
        "cell": "sasrec",
        "control": "",
        "seed": 1,
        "max_history": 9,
        "hash": "0a",
        "sasrec.epochs": 3,
        "none.rounds": 2,
    }

import tomllib
from dataclasses import replace

import pytest

from corecbench.experiment.described import describe
from corecbench.experiment.plan import make_plan
from corecbench.results.run_files import run_files
from corecbench.results.store import Store
from corecbench.settings.config import PerDataset, RunConfig, Variant, load

SETTINGS = {"sasrec": {"epochs": 7}, "llama": {"lora_targets": ["q_proj"]}, "bdlm": {"rounds": 3}}


@pytest.fixture
def data_folders(toy_folder, tmp_path, monkeypatch):
    """Stand in a folder of two data sets, toy and other."""
    monkeypatch.chdir(tmp_path)
    for name in ("toy", "other"):
        (tmp_path / name).mkdir()
        for file in toy_folder.iterdir():
            (tmp_path / name / f"{name}{file.suffix}").write_bytes(file.read_bytes())
    return tmp_path


def cells(config, host, root):
    return make_plan(config, host, Store(root, config.benchmark)).cells


def records(config, host, root):
    plan = make_plan(config, host, Store(root, config.benchmark))
    return [describe(cell, plan) for cell in plan.cells]


def planned_again(text, host, root):
    (root / "run.toml").write_text(text, encoding="utf-8")
    return cells(load(root / "run.toml", {}, []), host, root)


def places(of):
    return {cell.folder for cell in of}


def test_the_run_file_plans_the_same_cells_under_the_same_settings(data_folders, host):
    config = RunConfig(
        benchmark="again",
        datasets=("./toy", "./other"),
        models=("sasrec", "wide", "popularity"),
        llms=("llama:some/model",),
        sharing=("bdlm", "none"),
        controls=("shuffled-texts",),
        seeds=(0, 3),
        max_history=9,
        repeats="last",
        settings=SETTINGS,
        variants={"wide": Variant("sasrec", {"embedding_size": 128})},
        in_pairs={"wide": {"learning_rate": 0.25}, "llama": {"epochs": 2}},
        per_dataset={
            "other": PerDataset(
                4,
                {"sasrec": {"learning_rate": 0.5}, "bdlm": {"rounds": 1}},
                {"sasrec": {"embedding_size": 32}, "llama": {"lora_rank": 2}},
            )
        },
    )
    (text,) = run_files("again", records(config, host, data_folders))
    assert places(planned_again(text, host, data_folders)) == places(cells(config, host, data_folders))


@pytest.mark.parametrize("solo_llms", [True, False])
def test_the_run_file_says_whether_llms_were_trained_alone(solo_llms, data_folders, host):
    config = RunConfig(datasets=("./toy",), models=("sasrec",), llms=("llama:some/model",), solo_llms=solo_llms)
    (text,) = run_files("default", records(config, host, data_folders))
    assert tomllib.loads(text).get("solo_llms", True) is solo_llms


def test_a_setting_that_differs_stands_under_its_data_set(data_folders, host):
    config = RunConfig(
        datasets=("./toy", "./other"),
        models=("sasrec",),
        per_dataset={"other": PerDataset(4, {"sasrec": {"epochs": 1}})},
    )
    (text,) = run_files("default", records(config, host, data_folders))
    values = tomllib.loads(text)
    assert values["per_dataset"]["other"] == {"max_history": 4, "settings": {"sasrec": {"epochs": 1}}}
    assert values["per_dataset"]["toy"]["max_history"] == 50
    assert "epochs" not in values["settings"]["sasrec"]


def test_data_sets_on_which_something_else_was_run_have_a_file_of_their_own(data_folders, host):
    found = [
        *records(RunConfig(datasets=("./toy",), models=("sasrec",)), host, data_folders),
        *records(RunConfig(datasets=("./other",), models=("sasrec",), seeds=(0, 1)), host, data_folders),
    ]
    texts = run_files("default", found)
    assert [(tomllib.loads(text)["datasets"], tomllib.loads(text)["seeds"]) for text in texts] == [
        (["./toy"], [0]),
        (["./other"], [0, 1]),
    ]


def test_models_with_other_settings_of_a_sharing_module_have_a_file_of_their_own(data_folders, host):
    common = RunConfig(datasets=("./toy",), references=False, llms=("llama:some/model",), solo_llms=False)
    configs = [
        replace(common, models=(model,), settings={"bdlm": {"rounds": rounds}})
        for model, rounds in (("sasrec", 1), ("gru4rec", 2))
    ]
    planned = [cells(config, host, data_folders) for config in configs]
    texts = run_files("default", [record for config in configs for record in records(config, host, data_folders)])
    assert [tomllib.loads(text)["models"] for text in texts] == [["sasrec"], ["gru4rec"]]
    assert [places(planned_again(text, host, data_folders)) for text in texts] == list(map(places, planned))


def test_names_are_quoted(data_folders, host):
    (found,) = records(RunConfig(datasets=("./toy",), models=("popularity",), references=False), host, data_folders)
    name = '"]\n[settings.x]\n'
    found["run"]["dataset"] = name
    (text,) = run_files("default", [found])
    assert tomllib.loads(text)["datasets"] == [name]


def test_a_result_of_an_earlier_version_knows_the_last_part_of_a_folder(data_folders, host):
    (found,) = records(RunConfig(datasets=("./toy",), models=("popularity",), references=False), host, data_folders)
    del found["run"]
    (text,) = run_files("default", [found])
    assert tomllib.loads(text)["datasets"] == ["toy"]


def test_a_pair_alone_states_the_settings_that_its_models_have_alone(data_folders, host):
    config = RunConfig(
        datasets=("./toy",),
        references=False,
        models=("wide",),
        llms=("llama",),
        settings={"sasrec": {"epochs": 3}},
        variants={"wide": Variant("sasrec", {"embedding_size": 128})},
        in_pairs={"wide": {"epochs": 5}, "llama": {"epochs": 2}},
    )
    pair = records(config, host, data_folders)[-1]
    assert pair["cell"]["sharing"] == "bdlm"
    (text,) = run_files("default", [pair])
    without_llm_alone = replace(config, solo_llms=False)
    assert places(planned_again(text, host, data_folders)) == places(cells(without_llm_alone, host, data_folders))


def test_the_settings_of_a_data_set_are_stated(host, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"u{user};i{(user + step) % 7};{step}" for user in range(9) for step in range(5)]
    (tmp_path / "own.csv").write_text("\n".join(["who;what;when", *rows]))
    settings = {"csv": {"user": "who", "item": "what", "timestamp": "when", "separator": ";"}}
    config = RunConfig(datasets=("csv:own.csv",), models=("popularity",), settings=settings)
    (text,) = run_files("default", records(config, host, tmp_path))
    assert places(planned_again(text, host, tmp_path)) == places(cells(config, host, tmp_path))

"""Settings that do not fit the model are found when a run is planned: one line, exit code 2, nothing is written."""

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main

WRONG = {
    "lora_layers=99": "lora_layers is 99, allowed are 1 to 4",
    "lora_layers=5": "lora_layers is 5, allowed are 1 to 4",
    'lora_targets=["nonsense"]': "lora_targets nonsense are not in the model; it has ",
    "prompt=chat": "has no chat template; use prompt=plain",
}


@pytest.fixture
def planned(tmp_path, monkeypatch, toy_folder):
    """Plan a run of an LLM, and return the line of the error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))

    def plan(llm, *settings):
        options = [part for setting in settings for part in ("--set", f"{llm.partition(':')[0]}.{setting}")]
        result = CliRunner().invoke(
            main, ["run", "--no-references", "--llm", llm, "--datasets", str(toy_folder), *options]
        )
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.count("\n") == 1
        assert not (tmp_path / "results").exists()
        return result.stderr

    return plan


@pytest.mark.parametrize("setting", WRONG)
def test_a_setting_that_does_not_fit_a_model_folder_is_refused(planned, tiny_llama, setting):
    assert WRONG[setting] in planned(f"llama:{tiny_llama}", setting)


@pytest.mark.parametrize(("llm", "n_layers"), [("llama", 30), ("gemma3", 18), ("minilm", 6)])
def test_the_layers_of_packaged_models_are_known_before_they_are_downloaded(planned, llm, n_layers):
    line = planned(llm, f"lora_layers={n_layers + 1}")
    assert f"lora_layers is {n_layers + 1}, allowed are 1 to {n_layers}" in line


@pytest.mark.parametrize("family", ["gpt2", "qwen2", "bert"])
def test_the_layers_of_every_family_are_known(planned, tiny, family):
    assert "lora_layers is 5, allowed are 1 to 4" in planned(f"hf:{tiny(family)}", "lora_layers=5")


def test_a_folder_that_cannot_be_used_is_refused_when_the_run_is_planned(planned, folder, change_json):
    change_json("config.json", num_hidden_layers=10**6)
    assert "num_hidden_layers is 1000000, but the weights have 4 layers" in planned(f"llama:{folder}")


def test_a_folder_of_another_family_is_refused_when_the_run_is_planned(planned, tiny):
    line = planned(f"gemma3:{tiny('gpt2')}")
    assert "is a model of type gpt2, not gemma3" in line

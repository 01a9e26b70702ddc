"""Settings outside of their range: one line, exit code 2, and nothing is trained or written."""

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main

WRONG = [
    "sasrec.epochs=-5",
    "sasrec.patience=-1",
    "sasrec.batch_size=0",
    "sasrec.max_examples=-1",
    "sasrec.negatives=-1",
    "sasrec.learning_rate=0",
    "sasrec.learning_rate=nan",
    "sasrec.weight_decay=-0.1",
    "sasrec.averaging=1.5",
    "sasrec.averaging=1",
    "sasrec.embedding_size=0",
    "sasrec.n_heads=3",
    "sasrec.n_layers=0",
    "sasrec.hidden_dropout=1",
    "sasrec.attention_dropout=-0.1",
    "gru4rec.hidden_size=0",
    "gru4rec.dropout=2",
    "lightgcn.n_layers=-1",
    "lightgcn.temperature=-1",
    "lightgcn.regularisation=-1",
    "llama.lora_layers=0",
    "llama.lora_rank=-1",
    "llama.lora_alpha=0",
    "llama.max_titles=0",
    "llama.text_depths=[2]",
    "llama.text_depths=[]",
    "bdlm.warm_up_epochs=-1",
    "bdlm.rounds=-1",
    "bdlm.rounds=0",
    "bdlm.neighbours=-1",
    "bdlm.words=-1",
    "bdlm.row_dropout=2",
    "bdlm.temperature=-1",
    "bdlm.temperature=0",
    "bdlm.domain_weight=-1",
    "bdlm.positions=0",
]


@pytest.fixture
def refused(tmp_path, monkeypatch, toy_folder):
    """Run models and Llama on toy data with further arguments, and return the line of the error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        models = ["--models", "sasrec,gru4rec,lightgcn", "--llm", "llama", "--datasets", str(toy_folder)]
        result = CliRunner().invoke(main, ["run", "--no-references", *models, *arguments])
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.count("\n") == 1
        assert not any(tmp_path.iterdir())
        return result.stderr

    return run


@pytest.mark.parametrize("setting", WRONG)
def test_a_setting_outside_of_its_range_is_refused_by_name(refused, setting):
    component, _, rest = setting.partition(".")
    name, _, value = rest.partition("=")
    line = refused("--set", setting)
    assert component in line
    assert name in line
    assert value.strip("[]") in line


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta", ""])
def test_a_device_that_is_not_here_is_refused(refused, device):
    assert refused("--device", device).startswith(f"error: device '{device}' ")

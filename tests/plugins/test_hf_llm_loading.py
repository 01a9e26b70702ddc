"""Weights that do not fit their architecture are refused, and no code of a model folder is run."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from corecbench.api import UsageError
from corecbench_plugins.hf_llm.body import load_body


@pytest.fixture
def folder(tiny_llama, tmp_path):
    """A copy of the tiny Llama that a test may damage."""
    return shutil.copytree(tiny_llama, tmp_path / "model")


def change(folder, rewrite):
    """Write the weights anew, as `rewrite` makes them of the old ones."""
    path = folder / "model.safetensors"
    save_file(rewrite(load_file(path)), path, metadata={"format": "pt"})


def load(folder):
    return load_body(folder, torch.float32)


def weights_of(body):
    return dict(body.state_dict())


def test_weights_that_fit_are_loaded(folder):
    stored = load_file(folder / "model.safetensors")
    loaded = weights_of(load(folder))
    name = "layers.0.self_attn.q_proj.weight"
    assert torch.equal(loaded[name], stored[f"model.{name}"])


def test_a_missing_layer_is_refused_by_name(folder):
    change(folder, lambda stored: {name: tensor for name, tensor in stored.items() if ".layers.1." not in name})
    with pytest.raises(UsageError, match=r"^the weights in .*model do not fit .* missing: .*layers\.1\.") as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_an_unexpected_layer_is_refused_by_name(folder):
    extra = {"model.layers.99.mlp.up_proj.weight": torch.ones(2, 2)}
    change(folder, lambda stored: stored | extra)
    with pytest.raises(UsageError, match=r"unexpected: .*layers\.99\.mlp\.up_proj\.weight"):
        load(folder)


def test_a_weight_of_another_shape_is_refused_by_name(folder):
    name = "model.layers.0.self_attn.q_proj.weight"
    change(folder, lambda stored: stored | {name: stored[name][:-1].contiguous()})
    with pytest.raises(UsageError, match=r"shape.*layers\.0\.self_attn\.q_proj\.weight"):
        load(folder)


def test_a_head_is_no_part_of_the_body_and_may_be_there(folder):
    change(folder, lambda stored: stored | {"score.weight": torch.ones(2, 2)})
    assert load(folder) is not None


def test_the_prefix_that_peft_puts_before_names_is_mapped(folder):
    before = weights_of(load(folder))
    change(folder, lambda stored: {f"base_model.model.{name}": tensor for name, tensor in stored.items()})
    after = weights_of(load(folder))
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_code_of_a_model_folder_is_not_run(folder, tmp_path, monkeypatch):
    config = json.loads((folder / "config.json").read_text())
    auto_map = {"AutoConfig": "mine.Config", "AutoModel": "mine.Model"}
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "mine", "auto_map": auto_map}))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.setattr("builtins.input", lambda *_: "yes")
    with pytest.raises(UsageError, match="cannot be loaded"):
        load(folder)
    assert not (tmp_path / "ran").exists()

"""Weights that do not fit the architecture are mapped where that is certain, and refused by name otherwise."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from corecbench_plugins.hf_llm.body import load_body
from corecbench_plugins.hf_llm.weights import model_folder

LAYER = "model.layers.1.self_attn.q_proj.weight"


def load(folder):
    return load_body(model_folder(str(folder), folder.parent, lambda *_: None), torch.float32)


def rewrite(folder, change):
    """Write the weights anew, as `change` makes them of the old ones."""
    path = folder / "model.safetensors"
    changed = {name: tensor.contiguous().clone() for name, tensor in change(load_file(path)).items()}
    save_file(changed, path, metadata={"format": "pt"})


def without(part):
    return lambda stored: {name: tensor for name, tensor in stored.items() if part not in name}


def renamed(old, new):
    return lambda stored: {name.replace(old, new, 1): tensor for name, tensor in stored.items()}


MISFITS = {
    "a missing layer": (without(".layers.1."), "layers.1."),
    "a missing last layer": (without(".layers.3."), "layers.3."),
    "a missing weight": (without(LAYER), "layers.1.self_attn.q_proj.weight"),
    "a missing embedding": (without("embed_tokens"), "embed_tokens"),
    "a missing norm": (without("model.norm"), "norm.weight"),
    "an unknown prefix": (renamed("model.", "another."), "embed_tokens"),
    "another prefix in the middle": (renamed("layers.", "blocks."), "layers."),
    "weights of a LoRA": (renamed("q_proj.weight", "q_proj.base_layer.weight"), "q_proj"),
    "an unexpected layer": (lambda s: s | {LAYER.replace("1", "9", 1): s[LAYER]}, "layers.9."),
    "an unexpected weight of a layer": (lambda s: s | {f"{LAYER[:-6]}bias": torch.ones(32)}, "q_proj.bias"),
    "fewer rows": (lambda s: s | {LAYER: s[LAYER][:-1]}, "layers.1.self_attn.q_proj.weight"),
    "turned": (
        lambda s: s | {"model.layers.1.mlp.up_proj.weight": s["model.layers.1.mlp.up_proj.weight"].T},
        "up_proj",
    ),
    "an embedding of more tokens": (
        lambda s: s | {"model.embed_tokens.weight": torch.cat([s["model.embed_tokens.weight"]] * 2)},
        "embed_tokens.weight",
    ),
    "nothing": (lambda s: {"x": torch.ones(1)}, "num_hidden_layers|missing"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_weights_that_do_not_fit_are_refused_by_name(folder, refused, misfit):
    change, name = MISFITS[misfit]
    rewrite(folder, change)
    line = refused(load, folder)
    assert any(part in line for part in name.split("|")), line


@pytest.mark.parametrize("change", ["base_model.model.", "no prefix"])
def test_a_known_prefix_is_mapped_and_every_weight_is_the_stored_one(folder, change):
    stored = load_file(folder / "model.safetensors")
    prefixed = (
        renamed("model.", "") if change == "no prefix" else (lambda s: {change + name: s[name] for name in s})
    )
    rewrite(folder, prefixed)
    loaded = dict(load(folder).state_dict())
    assert len(loaded) > 10
    for name, tensor in loaded.items():
        assert torch.equal(tensor, stored[f"model.{name}"])


def test_a_model_whose_head_is_its_embedding_needs_no_head(folder, change_json):
    change_json("config.json", tie_word_embeddings=True)
    rewrite(folder, without("lm_head"))
    assert len(load(folder).state_dict()) > 10


@pytest.mark.parametrize("damage", ["cut", "empty", "no header", "long header", "text"])
def test_a_damaged_file_of_weights_is_refused_by_name(folder, refused, damage):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[:-100],
            "empty": b"",
            "no header": b"\0" * 8 + content[8:],
            "long header": b"\xff" * 8 + content[8:],
            "text": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        }[damage]
    )
    assert "model.safetensors is no whole safetensors file" in refused(load, folder)

"""A model folder runs no code, reads nothing of other places, and takes bounded time and memory."""

import json
import os

import pytest
import torch

from corecbench.api import Catalog, Setup, UsageError
from corecbench_plugins.hf_llm import prompts, trial
from corecbench_plugins.hf_llm.body import load_body
from corecbench_plugins.hf_llm.loading import load_tokenizer
from corecbench_plugins.hf_llm.settings import LlamaConfig
from corecbench_plugins.hf_llm.text_encoder import TextEncoder
from corecbench_plugins.hf_llm.weights import model_folder

SIZES = {
    "hidden_size": 10**9,
    "num_hidden_layers": 10**6,
    "vocab_size": 10**9,
    "intermediate_size": 10**9,
    "num_attention_heads": 10**7,
    "num_key_value_heads": 10**7,
    "head_dim": 10**8,
    "num_labels": 10**9,
}
ODD = {
    "hidden_size": -5,
    "num_hidden_layers": "many",
    "vocab_size": None,
    "hidden_act": "nonsense",
    "dtype": "os.system",
    "model_type": ["llama"],
    "attn_implementation": "somebody/kernel",
    "_attn_implementation": "somebody/kernel:main",
    "transformers_weights": "../other.safetensors",
    "layer_types": ["nonsense"] * 4,
}
ENDLESS = {
    "nested loops": "{% for i in range(99999) %}" * 4 + "x" + "{% endfor %}" * 4,
    "a large number": "{{ 9 ** (9 ** 9) > 1 }}",
    "a large text": "{{ 'x' * 10 ** 12 }}",
    "a long text": "{{ 'x' * 10 ** 7 }}",
    "macros that call themselves": "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "the system": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "a text that doubles": "{% set n = namespace(t='x') %}{% for i in range(99) %}"
    "{% set n.t = n.t ~ n.t %}{% endfor %}",
}


def load(folder):
    found = model_folder(str(folder), folder.parent, lambda *_: None)
    load_body(found, torch.float32)
    return load_tokenizer(found)


def encoder(folder, **settings):
    config = LlamaConfig(**{"weights": str(folder), "lora_layers": 2, "dtype": "float32"} | settings)
    return TextEncoder(folder, config, Setup(Catalog("toy", ("",), ("",), ("",)), 8, 0, cache=folder / "cache"))


# --- config.json --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SIZES)
def test_a_model_far_larger_than_its_weights_is_refused_before_it_is_made(folder, change_json, refused, setting):
    change_json("config.json", **{setting: SIZES[setting]})
    refused(load, folder)


@pytest.mark.parametrize("setting", ODD)
def test_a_setting_that_means_nothing_or_another_place_is_refused(folder, change_json, refused, setting):
    change_json("config.json", **{setting: ODD[setting]})
    assert str(folder) in refused(load, folder)


@pytest.mark.parametrize(
    "content", ["[" * 10**5 + "]" * 10**5, "[]", "{", "", "\0", '{"a": ' * 10**5, " " * 5_000_000]
)
@pytest.mark.parametrize("name", ["config.json", "model.safetensors.index.json"])
def test_a_file_that_is_no_json_object_is_refused_by_name(folder, refused, name, content):
    (folder / name).write_text(content)
    assert name in refused(load, folder)


def test_an_index_that_names_weights_elsewhere_is_refused(folder, refused):
    index = {"weight_map": {"model.norm.weight": "../../other.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "../../other.safetensors" in refused(load, folder)


# --- code ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_of_the_folder_is_not_run_and_nobody_is_asked(
    folder, change_json, refused, tmp_path, monkeypatch, file
):
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("somebody was asked"))
    change_json("config.json", model_type="mine", auto_map={"AutoConfig": "mine.C", "AutoModel": "mine.M"})
    change_json("tokenizer_config.json", tokenizer_class="Mine", auto_map={"AutoTokenizer": ["mine.T", None]})
    refused(load_tokenizer if file == "tokenizer_config.json" else load, folder)
    assert not (tmp_path / "ran").exists()


def test_pickled_weights_are_refused_by_name(folder, refused):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pytorch_model.bin is not read" in refused(load, folder)


def test_pickled_weights_beside_others_are_not_read(folder):
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert load(folder) is not None


def test_an_adapter_is_refused_since_its_model_lies_elsewhere(folder, refused):
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "../other"}')
    assert "adapter_config.json" in refused(load, folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors", "generation_config.json"])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(folder, refused, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    assert f"{name} is no file" in refused(load, folder)


# --- tokenizers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tokenizer.json", "chat_template.jinja", "vocab.txt", "tokenizer_config.json"])
def test_a_file_of_a_gigabyte_is_refused_before_it_is_read(folder, refused, name):
    with (folder / name).open("a") as file:
        file.truncate(10**9)
    assert "1,000,000,000 bytes" in refused(load, folder)


@pytest.mark.parametrize("content", ["[" * 10**5 + "]" * 10**5, "{}", "{", '{"model": {"type": "WordLevel"}}'])
def test_a_damaged_tokenizer_is_refused(folder, refused, content):
    (folder / "tokenizer.json").write_text(content)
    assert "cannot be loaded" in refused(load, folder)


@pytest.fixture
def short(monkeypatch):
    """Let a trial end soon."""
    monkeypatch.setattr(trial, "SECONDS", 1)
    trial.try_template.cache_clear()


@pytest.mark.usefixtures("short")
def test_a_tokenizer_with_a_pattern_that_takes_endless_time_is_refused(folder, change_json, refused):
    pattern = {"type": "Split", "pattern": {"Regex": r"(x+x+)+y"}, "behavior": "Isolated", "invert": False}
    change_json("tokenizer.json", pre_tokenizer=pattern)
    line = refused(encoder(folder).summaries, ["", "red apple", "x" * 6000])
    assert "processor time" in line or "fails" in line


def test_a_usual_pattern_is_used(folder, change_json):
    pattern = {"type": "Split", "pattern": {"Regex": r"\p{L}+|\s+"}, "behavior": "Isolated", "invert": False}
    change_json("tokenizer.json", pre_tokenizer=pattern)
    assert encoder(folder).summaries(["", "red apple", "blue drum"])["pooled"].isfinite().all()


# --- chat templates -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("template", ENDLESS)
def test_a_chat_template_that_takes_endless_time_or_memory_is_refused(folder, refused, template):
    (folder / "chat_template.jinja").write_text(ENDLESS[template])
    line = refused(lambda: encoder(folder, prompt="chat").template)
    assert line.startswith(f"the chat template of {folder} ")
    assert line.endswith("use prompt=plain")


def test_a_plain_prompt_never_fills_the_template(folder, monkeypatch):
    (folder / "chat_template.jinja").write_text(ENDLESS["nested loops"])
    monkeypatch.setattr(prompts, "try_template", lambda *_: pytest.fail("the template was tried"))
    plain = encoder(folder, prompt="plain")
    monkeypatch.setattr(type(plain.tokenizer), "apply_chat_template", lambda *_, **__: pytest.fail("it was filled"))
    assert plain.states("red apple").isfinite().all()
    assert plain.summaries(["", "red apple", "blue drum"])["pooled"].isfinite().all()


def test_a_usual_template_is_filled(folder):
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ bos_token }}red {{ m.content }}{% endfor %}"
    )
    assert encoder(folder, prompt="chat").template.before


# --- item texts ---------------------------------------------------------------------------------------------------

STRANGE = {
    "long": "red " * 20_000,
    "one long word": "x" * 80_000,
    "spaces": " " * 80_000 + "red",
    "control characters": "red \x1b[31m\x07\r\n apple",
    "null bytes": "red\0apple",
    "half a pair": "red \ud800 apple",
    "right to left": "red \u202e\u2067elppa\u2069 apple",
    "marks on one letter": "a" + "\u0301" * 10_000,
    "not a character": "red \ufffe\uffff \U0010ffff",
}


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_strange_texts_are_read_in_bounded_time(tiny, tmp_path, family):
    reader = encoder(tiny(family), prompt="plain")
    reader.setup = Setup(reader.setup.catalog, 8, 0, cache=tmp_path)
    texts = ["", "red apple", "blue drum", *STRANGE.values()]
    pooled = reader.summaries(texts)["pooled"]
    assert pooled.isfinite().all()
    assert pooled[1].any()
    longest = reader.token_states([STRANGE["long"] * 10, STRANGE["half a pair"]])
    assert all(len(states) <= 512 for states in longest)


def test_a_strange_text_does_not_change_the_others(tmp_path, tiny_llama):
    plain = encoder(tiny_llama)
    plain.setup = Setup(plain.setup.catalog, 8, 0, cache=tmp_path)
    alone = plain.summaries(["", "red apple", "blue drum"])["pooled"]
    among = plain.summaries(["", "red apple", "blue drum", *STRANGE.values()])["pooled"]
    assert torch.allclose(alone, among[:3], atol=1e-3)


def test_a_folder_that_does_not_exist_says_so():
    with pytest.raises(UsageError, match="no model at"):
        model_folder("/no/such/folder", None, print)

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from corecbench.api import Catalog, DataError, Setup
from corecbench_plugins.hf_llm import text_encoder as encoder_module
from corecbench_plugins.hf_llm.body import load_body
from corecbench_plugins.hf_llm.settings import LlamaConfig
from corecbench_plugins.hf_llm.text_encoder import TextEncoder, whiten

TEXTS = ("", "red apple", "blue brick again", "", "blue drum")
HIDDEN = 32
ROUND_OFF = 2e-4
"""Of states of up to 30 in float32, which differ with the shape of a batch on some processors."""


@pytest.fixture
def make_encoder(tiny_llama, tmp_path):
    """Make an encoder over one cache: `make_encoder(lora_layers=2)`."""

    def make(folder=tiny_llama, progress=lambda *_: None, untrained=False, seed=0, **settings):
        config = LlamaConfig(**{"weights": str(folder), "lora_layers": 2, "dtype": "float32"} | settings)
        catalog = Catalog("toy", ("",), ("",), ("",))
        setup = Setup(catalog, 8, seed, cache=tmp_path / "cache", progress=progress, untrained_llm=untrained)
        return TextEncoder(folder, config, setup)

    return make


def tokens_of(folder, text):
    return AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False)["input_ids"]


def files(folder):
    return set(folder.rglob("*.safetensors"))


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


# --- token states -------------------------------------------------------------------------------------------------


def test_token_states_are_those_of_the_text_alone_behind_a_start_token(make_encoder, tiny_llama):
    encoder = make_encoder()
    together = encoder.token_states(TEXTS)  # texts of different lengths, in one batch
    for text, states in zip(TEXTS, together, strict=True):
        if text:
            ids = torch.tensor([[1, *tokens_of(tiny_llama, text)]])
            body = load_body(tiny_llama, torch.float32)
            alone = body(input_ids=ids, output_hidden_states=True).hidden_states[2][0]
            assert torch.allclose(states, alone, atol=ROUND_OFF)


def test_an_empty_text_has_no_token_states(make_encoder):
    assert make_encoder().token_states(["", "red"])[0].shape == (0, HIDDEN)


@pytest.mark.parametrize("most", [1, 4, 7])
def test_texts_of_more_than_one_batch_keep_their_order(make_encoder, monkeypatch, most):
    whole = make_encoder().token_states(TEXTS)
    monkeypatch.setitem(encoder_module.TOKENS_PER_BATCH, "cpu", most)
    for one, other in zip(whole, make_encoder().token_states(TEXTS), strict=True):
        assert torch.allclose(one, other, atol=ROUND_OFF)


def test_batches_have_as_many_texts_as_tokens_allow(make_encoder, monkeypatch):
    monkeypatch.setitem(encoder_module.TOKENS_PER_BATCH, "cpu", 6)
    batches = make_encoder().batches([7, 8, 9, 5, 6], [2, 2, 3, 3, 9])
    assert list(batches) == [[7, 8], [9, 5], [6]]  # 2 x 2, for 3 x 3 is more than 6; 2 x 3; one at least


def test_a_long_text_is_cut(make_encoder):
    ((_, states),) = make_encoder().encode(["red " * 9], 4, (1.0,))
    assert states.shape == (1, 1 + 4, HIDDEN)


def test_states_are_taken_at_the_depths_that_are_asked_for(make_encoder, tiny_llama):
    ((_, states),) = make_encoder().encode(["red apple"], 9, (0.0, 0.5, 1.0))
    ids = torch.tensor([[1, *tokens_of(tiny_llama, "red apple")]])
    whole = load_body(tiny_llama, torch.float32)(input_ids=ids, output_hidden_states=True).hidden_states
    for depth, layer in enumerate((0, 1, 2)):  # two layers are frozen
        assert torch.allclose(states[depth], whole[layer][0], atol=ROUND_OFF)


def test_progress_is_told_until_all_texts_are_encoded(make_encoder):
    told = []
    make_encoder(progress=lambda *of: told.append(of)).summaries(TEXTS)
    assert told == [("encoding item texts", 3, 3)]


def test_a_tokenizer_that_adds_a_start_token_itself_adds_no_second_one(make_encoder, tiny_llama, tmp_path):
    folder = tmp_path / "adds-start"
    shutil.copytree(tiny_llama, folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.save_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder)("red")["input_ids"][0] == 1
    (one,), (other,) = (make_encoder(path).token_states(["red apple"]) for path in (folder, tiny_llama))
    assert one.shape == other.shape
    assert torch.allclose(one, other, atol=1e-5)


# --- summaries ----------------------------------------------------------------------------------------------------


def test_a_summary_is_the_mean_of_a_text_s_tokens_without_the_start_token(make_encoder):
    encoder = make_encoder(text_depths=(0.0, 1.0))
    summary = encoder.summaries(TEXTS)
    states = encoder.token_states(TEXTS)
    words = encoder.lower.embed_tokens(torch.tensor(encoder.tokenise(TEXTS[2], 9)[1:]))
    assert torch.allclose(summary["pooled"][2, 0], words.mean(dim=0), atol=1e-5)
    assert torch.allclose(summary["pooled"][2, 1], states[2][1:].mean(dim=0), atol=1e-5)
    assert not summary["pooled"][[0, 3]].any()


def test_mean_and_deviation_are_those_of_all_tokens(make_encoder):
    encoder = make_encoder()
    summary = encoder.summaries(TEXTS)
    tokens = torch.cat([states[1:] for states in encoder.token_states(TEXTS)])
    assert torch.allclose(summary["mean"], tokens.mean(dim=0), atol=1e-5)
    assert torch.allclose(summary["deviation"], tokens.std(dim=0, correction=0), atol=1e-4)


@pytest.mark.parametrize("what", [lambda e: e.summaries(TEXTS), lambda e: {"states": e.states("red apple")}])
def test_what_was_computed_once_is_read_without_loading_the_model(make_encoder, monkeypatch, what):
    first = what(make_encoder())
    monkeypatch.setattr(TextEncoder, "load", lambda self: pytest.fail("the lower layers were loaded"))
    assert equal(what(make_encoder()), first)


def test_texts_that_are_not_there_yet_are_computed(make_encoder):
    make_encoder().summaries(TEXTS)
    assert len(make_encoder().summaries((*TEXTS, "red eagle"))["pooled"]) == len(TEXTS) + 1


def test_the_same_texts_in_another_order_or_repeated_are_not_computed_again(make_encoder, monkeypatch):
    first = make_encoder().summaries(TEXTS)
    monkeypatch.setattr(TextEncoder, "load", lambda self: pytest.fail("the lower layers were loaded"))
    order = [2, 0, 4, 1, 1, 3, 2]
    again = make_encoder().summaries([TEXTS[row] for row in order])
    assert equal(again, first | {"pooled": first["pooled"][order]})


def test_a_text_that_is_repeated_counts_once_in_mean_and_deviation(make_encoder):
    once, twice = (make_encoder().summaries(texts) for texts in (TEXTS, (*TEXTS, "red apple")))
    assert torch.equal(once["mean"], twice["mean"])
    assert torch.equal(once["deviation"], twice["deviation"])


def test_random_weights_are_computed_anew_for_each_seed(make_encoder):
    of = [{}, {"untrained": True}, {"untrained": True, "seed": 1}]
    trained, one, other = (make_encoder(**options).summaries(TEXTS)["pooled"] for options in of)
    assert not torch.allclose(trained, one)
    assert not torch.allclose(trained, other)
    assert not torch.allclose(one, other)


def test_trained_weights_are_the_same_for_each_seed(make_encoder, monkeypatch):
    first = make_encoder().summaries(TEXTS)
    monkeypatch.setattr(TextEncoder, "load", lambda self: pytest.fail("the lower layers were loaded"))
    assert equal(make_encoder(seed=1).summaries(TEXTS), first)


@pytest.mark.parametrize("change", [{"lora_layers": 1}, {"dtype": "bfloat16"}, {"text_depths": (0.0, 1.0)}])
def test_another_depth_or_dtype_is_computed_anew(make_encoder, change):
    one, other = make_encoder().summaries(TEXTS), make_encoder(**change).summaries(TEXTS)
    assert not equal(one, other)


def test_other_weights_are_computed_anew(make_encoder, tiny_llama, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(tiny_llama, folder)
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: 2 * tensor for name, tensor in weights.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    one, other = (make_encoder(path).summaries(TEXTS) for path in (tiny_llama, folder))
    assert not equal(one, other)


def test_a_model_that_was_moved_is_known(make_encoder, monkeypatch, tiny_llama, tmp_path):
    make_encoder().summaries(TEXTS)
    shutil.copytree(tiny_llama, tmp_path / "moved")
    monkeypatch.setattr(TextEncoder, "load", lambda self: pytest.fail("the lower layers were loaded"))
    make_encoder(tmp_path / "moved").summaries(TEXTS)


def test_an_interrupted_write_leaves_nothing_that_would_be_read(make_encoder, monkeypatch, tmp_path):
    def cut_off(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.save_file", cut_off)
        with pytest.raises(OSError, match="no space"):
            make_encoder().summaries(TEXTS)
    assert files(tmp_path / "cache") == set()
    assert make_encoder().summaries(TEXTS)["pooled"].shape == (len(TEXTS), 2, HIDDEN)


def test_texts_of_which_none_says_anything_are_an_error(make_encoder):
    with pytest.raises(DataError, match="no item has a text"):
        make_encoder().summaries(["", ""])


# --- whitening ----------------------------------------------------------------------------------------------------


@pytest.fixture
def whitened():
    pooled = 9 + torch.randn(30, 6, generator=torch.Generator().manual_seed(0)) @ torch.diag(torch.arange(1.0, 7))
    pooled[[0, 4]] = 0
    return whiten(pooled[:, None]), torch.tensor([row not in (0, 4) for row in range(30)])


def test_whitened_texts_have_no_mean_and_no_correlation(whitened):
    rows, has_text = whitened
    texts = rows[has_text]
    assert torch.allclose(texts.mean(dim=0), torch.zeros(6), atol=1e-5)
    covariance = texts.T @ texts / len(texts)
    assert torch.allclose(covariance, covariance[0, 0] * torch.eye(6), atol=1e-4)


def test_whitened_texts_have_a_norm_of_5_on_average(whitened):
    rows, has_text = whitened
    assert rows[has_text].square().sum(dim=1).mean().item() == pytest.approx(5**2, rel=1e-4)


def test_an_empty_text_stays_zero(whitened):
    rows, has_text = whitened
    assert not rows[~has_text].any()


def test_directions_in_which_texts_do_not_differ_are_left_out():
    pooled = torch.zeros(5, 3)
    pooled[1:, 0] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    pooled[1:, 2] = 7
    assert whiten(pooled[:, None]).shape == (5, 1)


def test_each_depth_is_whitened_for_itself_and_the_norm_stays():
    generator = torch.Generator().manual_seed(0)
    shallow, deep = torch.randn(40, 3, generator=generator), 100 * torch.randn(40, 3, generator=generator)
    both = whiten(torch.stack([shallow, deep], dim=1))
    alone = whiten(deep[:, None])
    assert torch.allclose(both[:, 3:], alone / 2**0.5, atol=1e-5)
    assert both.square().sum(dim=1).mean() == pytest.approx(alone.square().sum(dim=1).mean().item())

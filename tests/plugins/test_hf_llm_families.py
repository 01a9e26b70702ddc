"""Families of LLMs: each one's layers are found, run alone, adapted and trained, or refused in one line."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from corecbench.api import Batch, Catalog, Setup, UsageError, private_ids
from corecbench_plugins.hf_llm import quantised
from corecbench_plugins.hf_llm.backend import build, build_encoder
from corecbench_plugins.hf_llm.body import load_body, run, upper_part
from corecbench_plugins.hf_llm.body_layers import lora_targets
from corecbench_plugins.hf_llm.sentence_encoder import SentenceEncoder
from corecbench_plugins.hf_llm.settings import LlmConfig, MiniLmConfig
from corecbench_plugins.hf_llm.text_encoder import TextEncoder

CAUSAL = ["qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "gpt2", "mistral", "phi3", "opt", "gpt_neox", "bloom"]
OF_ITS_OWN = {
    "gemma3_text": {
        "sliding_window": 3,  # shorter than a prompt, and the upper layers are not of the kinds of the lower ones
        "layer_types": ["sliding_attention", "full_attention", "full_attention", "sliding_attention"],
    },
    "phi3": {"pad_token_id": 0},
}
HIDDEN = 32
TEXTS = ("", "red apple", "blue brick", "", "red crown again", "blue drum", "red eagle")
PROMPT = "red apple again blue brick drum"


@pytest.fixture
def make_setup(tmp_path):
    def make(**options):
        catalog = Catalog("toy", ("", "1", "2"), tuple(map(str, range(len(TEXTS)))), TEXTS)
        return Setup(catalog, max_history=8, seed=0, cache=tmp_path / "cache", **options)

    return make


def settings(folder, of=LlmConfig, **options):
    few = {"embedding_size": 16, "lora_layers": 2, "lora_rank": 2, "dtype": "float32", "dropout": 0.0}
    return of(weights=str(folder), **few | options)


@pytest.fixture
def make_model(make_setup):
    """Build a backend on a folder: `make_model(folder, layout="titles")`."""

    def make(folder, of=LlmConfig, untrained=False, **options):
        torch.manual_seed(0)
        make_it = build_encoder if of is MiniLmConfig else build
        config = settings(folder, of, **options)
        return make_it(config, make_setup(untrained_llm=untrained), lambda width: private_ids(2, 6, width)).eval()

    return make


def batch(*rows):
    width = max(map(len, rows))
    return Batch(torch.arange(1, len(rows) + 1), torch.tensor([[*row, *[0] * (width - len(row))] for row in rows]))


def tokens_of(encoder, text):
    return torch.tensor([encoder.tokenise(text, 99)])


# --- the parts of a body ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lora_layers", [1, 3, 4])
@pytest.mark.parametrize("family", CAUSAL)
def test_the_lower_part_then_the_upper_part_is_the_whole_body(make_setup, tiny, family, lora_layers):
    folder = tiny(family, **OF_ITS_OWN.get(family, {}))
    config = settings(folder, lora_layers=lora_layers)
    encoder = TextEncoder(folder, config, make_setup())
    lower = encoder.token_states([PROMPT])[0]
    whole = load_body(folder, torch.float32)(input_ids=tokens_of(encoder, PROMPT)).last_hidden_state
    upper = upper_part(load_body(folder, torch.float32), config)
    assert torch.allclose(run(upper, lower[None]), whole, atol=1e-4)
    assert not torch.allclose(lower, whole[0], atol=1e-1)
    assert len(lower) > len(PROMPT.split())  # its words, and a start token


@pytest.mark.parametrize("family", [*CAUSAL, "bert"])
def test_no_embedding_is_kept_above_and_padding_on_the_left_changes_nothing(tiny, family):
    folder = tiny(family, **OF_ITS_OWN.get(family, {}))
    upper = upper_part(load_body(folder, torch.float32, causal=family == "bert"), settings(folder))
    assert not any(isinstance(module, torch.nn.Embedding) for module in upper.modules())
    states = torch.randn(1, 3, HIDDEN, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([torch.full((1, 2, HIDDEN), 5.0), states], dim=1)
    out = run(upper, padded, torch.tensor([[0, 0, 1, 1, 1]]))
    assert torch.allclose(out[:, 2:], run(upper, states), atol=1e-4)


@pytest.mark.parametrize(
    ("family", "targets"),
    [
        *((family, {"q_proj", "v_proj", "o_proj"}) for family in ("llama", "qwen2", "qwen3", "gemma3_text")),
        ("gpt2", {"c_attn", "c_proj"}),
        ("bert", {"query", "value", "dense"}),
    ],
)
def test_lora_sits_in_queries_values_and_the_output_of_attention_by_default(tiny, family, targets):
    folder = tiny(family)
    upper = upper_part(load_body(folder, torch.float32, causal=family == "bert"), settings(folder))
    adapted = {name.split(".lora_")[0] for name, _ in upper.named_parameters() if "lora" in name}
    assert len(adapted) == 2 * len(targets)  # of the two layers; none in what follows attention
    assert {name.rpartition(".")[2] for name in adapted} == targets


def test_lora_targets_that_the_body_lacks_are_an_error_of_one_line(make_model, tiny):
    with pytest.raises(UsageError, match="lora_targets c_attn are not in LlamaModel") as error:
        make_model(tiny("llama"), lora_targets=("c_attn",))
    assert "\n" not in str(error.value)


def test_a_body_whose_attention_has_unknown_names_asks_for_targets(tiny):
    body = load_body(tiny("llama"), torch.float32)
    for layer in body.layers:
        layer.self_attn.query_of_its_own = layer.self_attn.q_proj
        del layer.self_attn.q_proj
    with pytest.raises(UsageError, match=r"knows no attention in LlamaModel; name some of: .*query_of_its_own"):
        lora_targets(body)


# --- what is refused ----------------------------------------------------------------------------------------------


def test_an_encoder_is_no_causal_lm(tiny):
    with pytest.raises(UsageError, match=r"BertModel cannot be split .*: it looks at later words") as error:
        upper_part(load_body(tiny("bert"), torch.float32), settings(tiny("bert")))
    assert "\n" not in str(error.value)


def test_a_tokenizer_that_marks_no_start_is_refused(make_model, tiny):
    with pytest.raises(UsageError, match="has neither a start nor an end token"):
        make_model(tiny("bert"))


def test_an_encoder_with_a_decoder_is_refused(tmp_path):
    config = AutoConfig.for_model("t5", vocab_size=20, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    body = load_body(tmp_path, torch.float32)
    with pytest.raises(UsageError, match="cannot be split into frozen and trained layers"):
        upper_part(body, settings(tmp_path, lora_layers=1, lora_targets=("q",)))


def test_a_body_without_a_stack_of_layers_is_refused(monkeypatch, tiny):
    fits = {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": []}
    monkeypatch.setattr(AutoModel, "from_pretrained", lambda *_, **__: (torch.nn.Linear(1, 1), fits))
    with pytest.raises(UsageError, match=r"Linear cannot be split .*: no stack of layers is found"):
        load_body(tiny("llama"), torch.float32)


def test_a_body_whose_parts_are_not_the_whole_is_refused(monkeypatch, tiny):
    body = load_body(tiny("llama"), torch.float32)
    forward = body.forward
    monkeypatch.setattr(body, "forward", lambda **given: forward(**given) if "input_ids" in given else later(given))

    def later(given):
        out = forward(**given)
        out.last_hidden_state = 2 * out.last_hidden_state
        return out

    with pytest.raises(UsageError, match="its layers do not run from the middle"):
        upper_part(body, settings("tiny"))


def test_a_backend_takes_models_of_its_family_only(host, make_setup, tiny):
    selected = host.select("llms", f"qwen:{tiny('llama')}", {})
    with pytest.raises(UsageError, match=r"a model of type llama, not qwen; write hf:"):
        host.build(selected, make_setup(), None)


# --- whole backends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["item-tokens", "titles"])
@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_a_model_of_few_positions_reads_long_histories(make_model, tiny, family, layout):
    of = MiniLmConfig if family == "bert" else LlmConfig
    model = make_model(tiny(family, max_position_embeddings=8), of, layout=layout)
    states = model.states(batch([1, 2, 4, 5, 6, 1, 2, 4], [6]))
    assert states.user.isfinite().all()


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_what_a_body_was_pretrained_to_drop_out_it_keeps(make_model, tiny, family):
    model = make_model(tiny(family), MiniLmConfig if family == "bert" else LlmConfig).train()
    one, other = (model.states(batch([1, 2, 4])).user for _ in range(2))
    assert torch.equal(one, other)


@pytest.mark.parametrize("family", ["qwen3", "gemma3_text", "gpt2", "bert"])
def test_random_weights_of_any_family_are_other_weights_of_the_same_shapes(make_model, tiny, family):
    of = MiniLmConfig if family == "bert" else LlmConfig
    trained, untrained = (make_model(tiny(family), of, untrained=untrained) for untrained in (False, True))
    weights = [
        {name: weight.shape for name, weight in model.body.named_parameters()} for model in (trained, untrained)
    ]
    assert weights[0] == weights[1]
    assert not torch.allclose(trained.mean, untrained.mean)
    assert untrained.states(batch([1, 2], [4])).user.isfinite().all()


# --- chat templates -----------------------------------------------------------------------------------------------

TEMPLATE = (
    "{% for message in messages %}<s> blue {{ message.content }} {% endfor %}"
    "{% if add_generation_prompt %} drum{% endif %}"
)


@pytest.fixture
def prompt_tokens(make_setup, tiny):
    """Tokenise a prompt: `prompt_tokens("chat", TEMPLATE)`; returns the words and whether a template was used."""

    def tokenise(prompt, template=TEMPLATE, text="red apple", longest=99):
        folder = tiny("llama", chat_template=template)
        encoder = TextEncoder(folder, settings(folder, prompt=prompt), make_setup())
        encoder.load()
        return encoder.tokenizer.decode(encoder.tokenise(text, longest, encoder.template))

    return tokenise


@pytest.mark.parametrize(
    ("prompt", "template", "words"),
    [
        ("auto", TEMPLATE, "<s> blue red apple drum"),
        ("chat", TEMPLATE, "<s> blue red apple drum"),
        ("plain", TEMPLATE, "<s> red apple"),
        ("auto", None, "<s> red apple"),
        ("plain", None, "<s> red apple"),
    ],
)
def test_a_prompt_stands_in_the_chat_template_where_the_tokenizer_has_one(prompt_tokens, prompt, template, words):
    assert prompt_tokens(prompt, template) == words


def test_a_long_prompt_is_cut_inside_the_template(prompt_tokens):
    assert prompt_tokens("chat", text="red apple again", longest=2) == "<s> blue red apple drum"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (None, "has no chat template; use prompt=plain"),
        ("{{ raise_exception('no\nsystem') }}", r"fails \(no system\)"),
    ],
)
def test_a_template_that_is_missing_or_fails_is_an_error_of_one_line(prompt_tokens, template, reason):
    with pytest.raises(UsageError, match=reason) as error:
        prompt_tokens("chat", template)
    assert "\n" not in str(error.value)


def test_the_prompt_decides_the_states_and_never_the_summaries(make_model, tiny):
    folder = tiny("llama", chat_template=TEMPLATE)
    chat, plain = (make_model(folder, prompt=prompt) for prompt in ("chat", "plain"))
    assert torch.equal(chat.text, plain.text)
    assert chat.layout.prefix.shape[0] == plain.layout.prefix.shape[0] + 2  # "blue" and "drum"


def test_llama_s_prompt_is_plain_unless_a_setting_says_otherwise(host, tiny):
    folder = tiny("llama", chat_template=TEMPLATE)
    chosen = {name: host.select("llms", f"{name}:{folder}", {}).config.prompt for name in ("llama", "hf")}
    assert chosen == {"llama": "plain", "hf": "auto"}


# --- an encoder ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sentences(make_setup, tiny):
    return SentenceEncoder(tiny("bert"), settings(tiny("bert"), MiniLmConfig), make_setup())


def read_both_ways(sentences, text):
    """Return the states of a text at every layer, computed by transformers alone."""
    tokens = [
        0 if word is None else word
        for word in sentences.tokenizer(["<s>", *text.split(), "</s>"], is_split_into_words=True)["input_ids"]
    ]
    body = AutoModel.from_pretrained(sentences.folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return body(input_ids=torch.tensor([tokens]), output_hidden_states=True).hidden_states


def test_a_summary_is_the_mean_of_the_last_layer_over_all_tokens(sentences):
    pooled = sentences.summaries(TEXTS)["pooled"]  # texts of different lengths, in one batch
    for row, text in enumerate(TEXTS):
        if text:
            last = read_both_ways(sentences, text)[-1][0]
            assert torch.allclose(pooled[row, 0], last.mean(dim=0), atol=1e-4)
        else:
            assert not pooled[row].any()


def test_a_prompt_is_read_both_ways_up_to_the_trained_layers(sentences):
    states = sentences.states("red apple")
    assert torch.allclose(states, read_both_ways(sentences, "red apple")[2][0], atol=1e-4)


def test_later_items_are_not_seen_by_an_encoder_s_trained_layers(make_model, tiny):
    model = make_model(tiny("bert"), MiniLmConfig)
    one, other = (model.states(batch(row)).user for row in ([1, 2, 4, 5], [1, 2, 6, 1]))
    assert torch.allclose(one[:, :2], other[:, :2], atol=1e-5)
    assert not torch.allclose(one[:, 2:], other[:, 2:], atol=1e-3)


def test_a_tokenizer_without_cls_and_sep_is_refused(make_model, tiny):
    with pytest.raises(UsageError, match=r"tiny is no encoder: its tokenizer has no tokens \[CLS\] and \[SEP\]"):
        make_model(tiny("llama"), MiniLmConfig)


# --- quantised weights --------------------------------------------------------------------------------------------


def test_a_library_that_is_missing_says_how_to_install_it_when_a_run_is_planned(monkeypatch, host, tiny, tmp_path):
    monkeypatch.setattr(quantised, "is_installed", lambda library: False)
    selected = host.select("llms", f"hf:{tiny('llama')}", {"hf": {"quantised": "torchao-int8"}})
    with pytest.raises(
        UsageError, match=r"torchao-int8 needs torchao; install it by `pip install 'corecbench\["
    ) as error:
        host.needs(selected, tmp_path)
    assert "\n" not in str(error.value)


def test_random_weights_are_not_quantised(make_model, tiny):
    pytest.importorskip("torchao")
    one, other = (make_model(tiny("llama"), untrained=True, quantised=kept) for kept in ("no", "torchao-int8"))
    assert torch.equal(one.text, other.text)


@pytest.mark.filterwarnings("ignore")  # torchao's own
def test_weights_of_8_bits_give_nearly_the_same_states_and_lora_is_trained(make_model, tiny):
    pytest.importorskip("torchao")
    model, whole = (make_model(tiny("llama"), quantised=kept) for kept in ("torchao-int8", "no"))
    likeness = torch.cosine_similarity(model.text, whole.text, dim=1)[[1, 2, 4, 5, 6]]
    assert (likeness > 0.95).all()
    assert not torch.equal(model.text, whole.text)
    states = model.train().states(batch([1, 2, 4]))
    states.user.square().sum().backward()
    trained = [weight for name, weight in model.body.named_parameters() if "lora_B" in name]
    assert trained
    assert all(weight.grad.abs().sum() > 0 for weight in trained)

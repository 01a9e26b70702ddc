import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from corecbench.api import Batch, Catalog, CorecbenchError, Setup, UsageError, last_position, private_ids
from corecbench_plugins.hf_llm import backend
from corecbench_plugins.hf_llm.backend import build
from corecbench_plugins.hf_llm.body import load_body, run, upper_part
from corecbench_plugins.hf_llm.settings import LlamaConfig
from corecbench_plugins.hf_llm.text_encoder import TextEncoder

LAYOUTS = ["item-tokens", "titles"]
N_USERS, WIDTH, HIDDEN = 3, 16, 32
TEXTS = ("", "red apple", "blue brick", "", "red crown again", "blue drum", "red eagle")
N_ITEMS = len(TEXTS) - 1


@pytest.fixture
def config(tiny_llama):
    return LlamaConfig(
        weights=str(tiny_llama), embedding_size=WIDTH, lora_layers=2, lora_rank=2, dtype="float32", dropout=0.0
    )


@pytest.fixture
def make_setup(tmp_path):
    def make(texts=TEXTS, **kwargs):
        users = tuple(map(str, range(N_USERS + 1)))
        catalog = Catalog("toy", users, tuple(map(str, range(len(texts)))), tuple(texts))
        return Setup(catalog, max_history=8, seed=0, cache=tmp_path / "cache", **kwargs)

    return make


@pytest.fixture
def make_model(config, make_setup):
    """Build the backend: `make_model("titles", ids=False)`."""

    def make(layout="item-tokens", ids=True, texts=TEXTS, untrained=False, **settings):
        torch.manual_seed(0)
        tables = (lambda width: private_ids(N_USERS, len(texts) - 1, width)) if ids else None
        setup = make_setup(texts, untrained_llm=untrained)
        return build(replace(config, layout=layout, **settings), setup, tables).eval()

    return make


@pytest.fixture
def encoder(config, make_setup, tiny_llama):
    return TextEncoder(tiny_llama, config, make_setup())


def histories(*rows):
    width = max(len(row) for row in rows)
    return Batch(torch.arange(1, len(rows) + 1), torch.tensor([[*row, *[0] * (width - len(row))] for row in rows]))


def lora(model):
    return {name: parameter for name, parameter in model.body.named_parameters() if "lora" in name}


# --- states -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ids", [True, False], ids=["ids", "texts only"])
@pytest.mark.parametrize(("layout", "shape"), [("item-tokens", (2, 3, WIDTH)), ("titles", (2, WIDTH))])
def test_states_have_the_shape_of_their_layout_and_are_finite(make_model, layout, shape, ids):
    states = make_model(layout, ids).states(histories([1, 2, 3], [4]))
    assert states.user.shape == shape
    assert states.item.shape == (N_ITEMS + 1, WIDTH)
    for tensor in (states.user, states.item):
        assert tensor.dtype == torch.float32
        assert tensor.isfinite().all()


def test_llama_followed_by_a_path_is_that_model(host, quick, tiny_llama, toy_data, cache):
    selected = host.select("llms", f"llama:{tiny_llama}", quick)
    model = host.build(selected, Setup(toy_data.catalog, 8, 0, cache=cache), None)
    assert len(model.mean) == HIDDEN
    assert host.needs(selected, cache) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_state_does_not_depend_on_the_batch_around_it(make_model, layout):
    model = make_model(layout)
    alone = model.states(histories([1, 2])).user
    among = model.states(histories([1, 2], [4, 5, 6, 1, 2])).user[:1]
    assert torch.allclose(alone, among[:, :2] if layout == "item-tokens" else among, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("ids", [True, False], ids=["ids", "texts only"])
def test_a_state_depends_on_items_before_the_last(make_model, layout, ids):
    model = make_model(layout, ids)
    one, other = (model.states(histories(row)) for row in ([1, 2, 6], [5, 2, 6]))
    last = [last_position(states.user, torch.tensor([[1, 1, 1]])) for states in (one, other)]
    assert not torch.allclose(*last, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_state_depends_on_the_user_where_ids_are_shared(make_model, layout):
    model = make_model(layout)
    one, other = (
        model.states(Batch(torch.tensor([user]), torch.tensor([[1, 2]]))).user for user in range(1, N_USERS)
    )
    assert not torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_without_ids_users_with_one_history_have_one_state(make_model, layout):
    states = make_model(layout, ids=False).states(histories([1, 2], [1, 2])).user
    assert torch.allclose(states[0], states[1], atol=1e-6)


def test_a_state_of_item_tokens_does_not_depend_on_later_items(make_model):
    model = make_model()
    one, other = (model.states(histories(row)).user for row in ([1, 2, 3, 4], [1, 2, 6, 5]))
    assert torch.allclose(one[:, :2], other[:, :2], atol=1e-6)
    assert not torch.allclose(one[:, 2:], other[:, 2:], atol=1e-3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_item_table_is_the_projected_text_and_the_given_row(make_model, layout):
    model = make_model(layout)
    table = model.states(histories([1])).item
    assert torch.allclose(table, model.text @ model.item_text.weight.T + model.item_ids.weight, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_title_is_allowed_and_says_nothing(make_model, layout):
    states = make_model(layout, ids=False).states(histories([3], [1, 3]))
    assert states.user.isfinite().all()
    assert not states.item[[0, 3]].any()


def test_a_catalogue_without_any_title_is_an_error_of_one_line(make_model):
    with pytest.raises(CorecbenchError) as error:
        make_model(texts=("",) * (N_ITEMS + 1))
    assert str(error.value) == "no item has a text, so an LLM has nothing to read"


def test_titles_shows_the_latest_items_only(make_model):
    model = make_model("titles", ids=False, max_titles=2)
    one, other = (model.states(histories(row)).user for row in ([1, 2, 6], [5, 2, 6]))
    assert torch.allclose(one, other, atol=1e-6)


def test_the_latest_title_of_a_long_prompt_is_read(make_model):
    long = ("", *(" ".join([title] * 8) for title in TEXTS[1:]))  # 5 titles of 16 tokens and more
    model = make_model("titles", ids=False, texts=long)
    prompts = model.layout.prompts([[1, 2, 4, 5, 6], [1, 2, 4, 5, 1]])
    assert prompts[0].shape != prompts[1].shape or not torch.allclose(*prompts, atol=1e-3)


@pytest.mark.parametrize(("most", "again"), [(0, 3), (2**11, 1), (2**20, 0)])
def test_prompts_are_kept_on_disk_up_to_a_bound_and_are_the_same_beyond_it(make_model, monkeypatch, most, again):
    monkeypatch.setattr("corecbench_plugins.hf_llm.layouts.MOST_BYTES", most)
    layout, windows = make_model("titles", ids=False).layout, [[1, 2], [4, 5, 6], [6]]
    first, computed, compute = layout.prompts(windows), [], layout.encoder.token_states
    monkeypatch.setattr(layout.encoder, "token_states", lambda texts: computed.extend(texts) or compute(texts))
    second = layout.prompts(windows)
    assert len(computed) == again
    beyond = [state.half().float() for state in compute(computed)] if again else []  # last digits are a batch's own
    known = first[: len(windows) - again] + beyond
    assert all(torch.equal(one, other) for one, other in zip(known, second, strict=True))
    assert all(torch.allclose(one, other, rtol=2**-10) for one, other in zip(first, second, strict=True))
    assert os.fstat(layout.kept.file.fileno()).st_size <= most


def test_padding_takes_no_part_in_the_feed_forward_of_the_last_layer(make_model, monkeypatch):
    model, batch = make_model(ids=False), histories([1, 2, 4, 5], *[[number] for number in range(1, 7)] * 8)
    feed_forward, n_rows = type(model.body.layers[-1].mlp), []
    compute = feed_forward.forward

    def counted(self, states):
        n_rows.append(states[..., 0].numel())
        return compute(self, states)

    monkeypatch.setattr(feed_forward, "forward", counted)
    states = model.states(batch).user
    monkeypatch.setattr(backend, "ROWS_PER_THREAD", 1000)
    whole = model.states(batch).user
    is_item = batch.history != 0
    assert n_rows[1::2] == [is_item.sum(), is_item.numel()]  # each time after the layer below
    assert torch.allclose(states[is_item], whole[is_item], atol=1e-6)
    assert states.isfinite().all()


def test_a_full_disk_keeps_no_prompt_and_changes_none(make_model, monkeypatch):
    def write(content):
        raise OSError("no space left on device")

    layout = make_model("titles", ids=False).layout
    monkeypatch.setattr(layout.kept, "file", SimpleNamespace(seek=lambda place: place, write=write))
    first, again = (layout.prompts([[1, 2]]) for _ in range(2))
    assert torch.equal(*first, *again)
    assert not layout.kept.places


# --- training -----------------------------------------------------------------------------------------------------


def test_by_length_trains_the_same_on_fewer_positions(make_model, monkeypatch):
    monkeypatch.setattr(backend, "FEW_POSITIONS", 0)
    batch, found = histories([1, 2, 4, 5, 6], [2], [3, 4]), []
    is_item = batch.history != 0
    for by_length in (False, True):
        model, n_positions = make_model(by_length=by_length).train(), []
        model.body.layers[0].register_forward_pre_hook(
            lambda _, args, given, seen=n_positions: seen.append(
                (args[0] if args else given["hidden_states"]).shape
            ),
            with_kwargs=True,
        )
        states = model.states(batch)
        (states.user[is_item] @ states.item.T).logsumexp(dim=1).sum().backward()
        found.append((states.user.detach()[is_item], model.enter.weight.grad, [shape[:2] for shape in n_positions]))
    (states, gradient, shapes), (other_states, other_gradient, other_shapes) = found
    assert torch.allclose(states, other_states, atol=1e-5)
    assert torch.allclose(gradient, other_gradient, atol=1e-4)
    front = shapes[0][1] - 5
    assert other_shapes == [(1, front + 5), (1, front + 2), (1, front + 1)]


def test_a_rank_of_zero_leaves_the_llm_frozen(make_model):
    model = make_model(lora_rank=0)
    assert not any(parameter.requires_grad for parameter in model.body.parameters())
    assert model.enter.weight.requires_grad


@pytest.mark.parametrize("layout", LAYOUTS)
def test_training_changes_the_lora_weights_and_nothing_else_of_the_body(make_model, layout):
    model = make_model(layout).train()
    before = {name: parameter.clone() for name, parameter in model.body.named_parameters()}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.01)
    for _ in range(2):  # LoRA's second factor starts at zero, so the first moves from the second step on
        optimizer.zero_grad()
        model.states(histories([1, 2, 4], [5, 6])).user.square().sum().backward()
        optimizer.step()
    changed = {
        name for name, parameter in model.body.named_parameters() if not torch.equal(parameter, before[name])
    }
    assert changed
    assert changed == {name for name in before if "lora" in name}


def test_lora_sits_in_the_chosen_parts_of_the_top_layers_alone(make_model):
    names = lora(make_model(lora_layers=1, lora_targets=("q_proj",)))
    assert len(names) == 2
    assert all(name.startswith("layers.0.self_attn.q_proj.lora_") for name in names)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_given_ids_are_trained(make_model, layout):
    model = make_model(layout)
    states = model.states(histories([1, 2]))
    (states.user.sum() + states.item.sum()).backward()
    assert model.user_ids.weight.grad[1].abs().sum() > 0
    assert model.item_ids.weight.grad[1].abs().sum() > 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_builds_with_one_seed_are_the_same(make_model, layout):
    one, other = (make_model(layout).states(histories([1, 2], [6])).user for _ in range(2))
    assert torch.equal(one, other)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_second_build_does_not_run_the_lower_layers(make_model, monkeypatch, layout):
    first = make_model(layout)
    monkeypatch.setattr(TextEncoder, "load", lambda self: pytest.fail("the lower layers were loaded"))
    assert torch.equal(make_model(layout).text, first.text)


# --- the two parts of the body ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lora_layers", [1, 2, 3])
def test_the_lower_part_then_the_upper_part_is_the_whole_body(config, make_setup, tiny_llama, lora_layers):
    config = replace(config, lora_layers=lora_layers)
    encoder = TextEncoder(tiny_llama, config, make_setup())
    lower = encoder.token_states(["red apple again"])[0]
    upper = upper_part(load_body(tiny_llama, torch.float32), config)
    tokens = torch.tensor([[1, *encoder.tokenizer("red apple again")["input_ids"]]])
    whole = load_body(tiny_llama, torch.float32)(input_ids=tokens).last_hidden_state
    assert torch.allclose(run(upper, lower[None]), whole, atol=1e-5)
    assert not torch.allclose(lower, whole[0], atol=1e-1)


def test_the_two_parts_of_a_body_with_random_weights_are_of_the_same_one(config, make_setup, tiny_llama):
    encoder = TextEncoder(tiny_llama, config, make_setup(untrained_llm=True))
    lower = encoder.token_states(["red apple again"])[0]
    tokens = torch.tensor([[1, *encoder.tokenizer("red apple again")["input_ids"]]])
    whole = encoder.body()(input_ids=tokens).last_hidden_state
    assert torch.allclose(run(upper_part(encoder.body(), config), lower[None]), whole, atol=1e-5)


def test_random_weights_have_the_shapes_and_the_spread_of_the_untrained_model_and_follow_the_seed(tiny_llama):
    trained, one, again, other = (load_body(tiny_llama, torch.float32, seed) for seed in (None, 1, 1, 2))
    weights = {name: tensor.shape for name, tensor in trained.state_dict().items()}
    assert {name: tensor.shape for name, tensor in one.state_dict().items()} == weights
    queries = [body.layers[0].self_attn.q_proj.weight for body in (trained, one, other)]
    assert all(0.25 < weight.std() < 0.35 for weight in queries)  # the tiny model's initializer_range is 0.3
    assert not any(torch.allclose(queries[a], queries[b], atol=0.1) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert all(torch.equal(one.state_dict()[name], again.state_dict()[name]) for name in weights)
    assert not any(parameter.requires_grad for parameter in one.parameters())


def test_what_is_drawn_after_random_weights_is_what_is_drawn_after_trained_ones(make_model):
    trained, untrained = make_model(), make_model(untrained=True)
    assert torch.equal(trained.enter.weight, untrained.enter.weight)
    assert torch.equal(trained.item_ids.weight, untrained.item_ids.weight)
    first = [next(iter(lora(model).values())) for model in (trained, untrained)]
    assert torch.equal(*first)
    assert not torch.allclose(trained.mean, untrained.mean)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_llm_with_random_weights_gives_states(make_model, layout):
    states = make_model(layout, untrained=True).states(histories([1, 2, 3], [4]))
    assert states.user.isfinite().all()
    assert states.item.shape == (N_ITEMS + 1, WIDTH)


def test_padding_on_the_left_changes_nothing(config, tiny_llama):
    upper = upper_part(load_body(tiny_llama, torch.float32), config)
    states = torch.randn(1, 3, HIDDEN, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([torch.full((1, 2, HIDDEN), 5.0), states], dim=1)
    out = run(upper, padded, torch.tensor([[0, 0, 1, 1, 1]]))
    assert torch.allclose(out[:, 2:], run(upper, states), atol=1e-5)


@pytest.mark.parametrize("lora_layers", [0, 5])
def test_a_number_of_trained_layers_that_the_body_does_not_have_is_an_error_of_one_line(make_model, lora_layers):
    with pytest.raises(CorecbenchError) as error:
        make_model(lora_layers=lora_layers)
    assert str(error.value) == f"lora_layers is {lora_layers}, allowed are 1 to 4"


def test_loading_warns_of_nothing(caplog, tiny_llama):
    load_body(tiny_llama, torch.float32)  # its lm_head is left aside on purpose
    assert caplog.text == ""


@pytest.mark.parametrize("depths", [[], [1.5], [-0.1, 1.0]])
def test_text_depths_outside_the_llm_are_refused(host, depths):
    with pytest.raises(UsageError, match="text_depths"):
        host.select("llms", "llama", {"llama": {"text_depths": depths}})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_body_in_bfloat16_gives_states_in_float32_that_can_be_trained(make_model, layout):
    model = make_model(layout, dtype="bfloat16")
    states = model.states(histories([1, 2]))
    states.user.sum().backward()
    assert states.user.dtype == torch.float32
    assert all(parameter.grad.isfinite().all() for parameter in lora(model).values())

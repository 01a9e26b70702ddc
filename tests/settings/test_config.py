import re
from dataclasses import FrozenInstanceError, dataclass
from typing import Literal

import pytest

from corecbench.api import Training, UsageError
from corecbench.settings.config import PerDataset, RunConfig, Variant, load
from corecbench.settings.configure import configure
from corecbench.settings.values import parse_set, seeds


@dataclass(frozen=True)
class Config(Training):
    width: int = 64
    share: float | None = None
    layout: Literal["titles", "tokens"] = "titles"
    targets: tuple[str, ...] = ("q", "v")
    bias: bool = False
    weights: str = "default"


@dataclass(frozen=True)
class WithoutDefault:
    k: int


# --- one component ------------------------------------------------------------------------------------------------


def test_without_values_the_defaults_stand():
    assert configure(Config, {}, "toy") == Config()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("width", "7", 7),
        ("share", 1, 1.0),
        ("share", None, None),
        ("targets", ["o"], ("o",)),
        ("weights", 7, "7"),
        ("bias", True, True),
        ("learning_rate", "1e-2", 0.01),
    ],
)
def test_a_value_is_brought_to_its_type(key, value, expected):
    value = getattr(configure(Config, {key: value}, "toy"), key)
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widht": 1}, "unknown setting of toy 'widht'; did you mean 'width'? have: averaging, batch_size, "),
        ({"width": "wide"}, "toy.width is 'wide', which does not fit: input should be a valid integer"),
        ({"width": 1.5}, "toy.width is 1.5, which does not fit"),
        ({"width": True}, "toy.width is true, which does not fit: int is needed"),
        ({"layout": "prose"}, "toy.layout is 'prose', which does not fit: input should be 'titles' or 'tokens'"),
        ({"learning_rate": float("nan")}, "toy.learning_rate is nan, which does not fit"),
    ],
)
def test_what_does_not_fit_is_one_line_that_says_what_is_allowed(values, message):
    with pytest.raises(UsageError) as caught:
        configure(Config, values, "toy")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_setting_without_default_must_be_given():
    with pytest.raises(UsageError, match="toy needs a value for 'k'"):
        configure(WithoutDefault, {}, "toy")
    assert configure(WithoutDefault, {"k": 3}, "toy") == WithoutDefault(3)


# --- texts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sasrec.epochs=3", ("sasrec", "epochs", 3)),
        ("sasrec.learning_rate = 1e-3", ("sasrec", "learning_rate", 0.001)),
        ("llama.lora_targets=['q', 'v']", ("llama", "lora_targets", ["q", "v"])),
        ("llama.layout=titles", ("llama", "layout", "titles")),
        ("llama.weights=a.b=c", ("llama", "weights", "a.b=c")),
        ("llama.instruction=", ("llama", "instruction", "")),
        ("toy.text=1\nother = 2", ("toy", "text", "1\nother = 2")),
    ],
)
def test_a_set_value_is_a_toml_value_or_else_text(text, expected):
    assert parse_set(text) == expected


@pytest.mark.parametrize("text", ["epochs=3", "sasrec.epochs", "=", ".epochs=3"])
def test_a_set_of_another_form_is_an_error(text):
    with pytest.raises(UsageError, match=r"not of the form component\.key=value"):
        parse_set(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("0", (0,)), ("0-2,5", (0, 1, 2, 5)), (" 3 , 1-2 ", (3, 1, 2)), ("1,0-1", (1, 0))]
)
def test_seeds_are_numbers_and_ranges(text, expected):
    assert seeds(text) == expected


@pytest.mark.parametrize("key", ["seeds", "train_shares", "jobs"])
@pytest.mark.parametrize("text", ["true", "[true]", "[1, false]"])
def test_true_is_no_number(tmp_path, key, text):
    (tmp_path / "run.toml").write_text(f"{key} = {text}\n")
    with pytest.raises(UsageError, match=rf"{key}|shares"):
        load(tmp_path / "run.toml", {}, [])


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1,,2"])
def test_seeds_of_another_form_are_an_error(text):
    with pytest.raises(UsageError, match=f"^seeds '{text}' do not have the form 0, 0-2 or 0-2,5$"):
        seeds(text)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(".1,.25,1", (0.1, 0.25, 1.0)), ((".5", "1,.5"), (0.5, 1.0)), (1, (1.0,)), ([0.25, 1], (0.25, 1.0))],
)
def test_train_shares_are_numbers_or_text(given, expected):
    assert load(None, {"train_shares": given}, []).train_shares == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("half", "shares 'half' do not have the form .25 or .1,.25,1"),
        (0, "train_shares [0.0] must be shares of the users above 0, at most 1"),
        ([0.5, 2], "train_shares [0.5, 2.0] must be shares of the users above 0, at most 1"),
    ],
)
def test_train_shares_beyond_all_users_are_an_error(given, message):
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        load(None, {"train_shares": given}, [])


@pytest.mark.parametrize("share", [-0.1, 1, 1.5])
def test_cold_items_are_a_share_below_all(share):
    with pytest.raises(UsageError, match=r"^cold_items is .*, must be a share of the items from 0 to below 1$"):
        load(None, {"cold_items": share}, [])


def test_a_range_of_seeds_that_ends_before_it_begins_is_an_error():
    with pytest.raises(UsageError, match=r"^seeds '2-1' end before they begin; write the smaller number first$"):
        seeds("0, 2-1")


# --- a run --------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(
        'models = ["sasrec", "gru4rec"]\nseeds = [0, 1]\nmax_history = 20\n'
        '[settings.sasrec]\nepochs = 5\nbatch_size = 64\n[settings.llama]\nlayout = "titles"\n'
    )
    return path


def test_without_anything_the_defaults_stand():
    assert load(None, {}, ()) == RunConfig()
    assert RunConfig().datasets == ("ml-100k",)


def test_options_win_over_the_file_and_sets_win_over_its_settings(file):
    options = {"models": ("lightgcn",), "seeds": "3-4", "device": None}
    config = load(file, options, ["sasrec.epochs=7", "gru4rec.epochs=1"])
    assert (config.models, config.seeds, config.max_history, config.device) == (("lightgcn",), (3, 4), 20, "cpu")
    assert config.settings == {
        "sasrec": {"epochs": 7, "batch_size": 64},
        "llama": {"layout": "titles"},
        "gru4rec": {"epochs": 1},
    }


def test_names_may_be_separated_by_commas_or_repeated():
    assert load(None, {"models": ("a, b", "c", "a")}, ()).models == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = ['a']", "unknown setting of run 'model'; did you mean 'models'"),
        ("models = 3", "run.models is 3"),
        ("existing = 'overwrite'", "'skip', 'fail', 'replace' or 'replace-damaged'"),
        ("seeds = [-1]", r"seeds \[-1\] must be"),
        ("seeds = []", r"seeds \[\] must be"),
        ("max_history = 0", "max_history is 0"),
        ("top_k = -1", "top_k is -1, must be at least 0"),
        ("metrics = []", "no metric given"),
        ("datasets = ''", "no data set given"),
        ("benchmark = '../x'", "is no folder name"),
        ("settings = 3", "settings must be tables"),
        ("variants = 3", r"variants must be tables such as \[variants.NAME\], one for each variant"),
        ("[variants.short]\nepochs = 3", "variants.short needs a value for 'of'"),
        ("[variants.alone]\nof = 'bdlm'", r"variant 'alone' is called as searches of a model alone are"),
        ("[variants.'a+b']\nof = 'sasrec'", r"variant 'a\+b' is no name; allowed are letters"),
        ("[per_dataset.toy]\nmax_histroy = 3", "unknown setting of per_dataset.toy 'max_histroy'; did you mean"),
        ("[per_dataset.toy]\nmax_history = 0", "max_history is 0"),
        ("[per_dataset.toy]\nsettings = 3", "per_dataset.toy.settings must be tables"),
        ("in_pairs = 3", r"in_pairs must be tables such as \[in_pairs.NAME\], one for each component"),
        ("[per_dataset.toy.in_pairs]\nsasrec = 3", "per_dataset.toy.in_pairs must be tables"),
        ("include = 'tuned.toml'", r"include is 'tuned.toml', must be a list of files such as \['tuned.toml'\]"),
        ("include = ['run.toml']", "run.toml includes itself"),
        ("include = ['absent.toml']", r"cannot read .*absent\.toml"),
        ("[settings]\nsasrec = 3", "settings must be tables"),
        ("models = [", "is no TOML file"),
    ],
)
def test_a_faulty_file_is_a_usage_error(tmp_path, text, message):
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        load(path, {}, ())


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read .*absent\.toml: No such file"):
        load(tmp_path / "absent.toml", {}, ())


# --- variants, data sets and included files -----------------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    """Write a TOML file: `write("run.toml", text)`."""

    def to(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return to


def test_a_variant_has_a_component_and_settings(write):
    config = load(write("run.toml", '[variants.short]\nof = "llama:PATH"\nepochs = 1\n'), {}, ())
    assert config.variants == {"short": Variant("llama:PATH", {"epochs": 1})}


def test_the_settings_on_a_data_set_win_over_the_others(write):
    text = (
        "max_history = 20\n[settings.sasrec]\nepochs = 5\nbatch_size = 64\n"
        "[per_dataset.toys]\nmax_history = 200\n[per_dataset.toys.settings.sasrec]\nepochs = 7\n"
    )
    config = load(write("run.toml", text), {}, ())
    assert config.per_dataset == {"toys": PerDataset(200, {"sasrec": {"epochs": 7}})}
    assert (config.max_history_on("toys"), config.max_history_on("ml-100k")) == (200, 20)
    assert config.settings_on("toys") == {"sasrec": {"epochs": 7, "batch_size": 64}}
    assert config.settings_on("ml-100k") == {"sasrec": {"epochs": 5, "batch_size": 64}}


def test_the_command_line_wins_over_the_settings_on_a_data_set(write):
    text = "[per_dataset.toys]\nmax_history = 200\n[per_dataset.toys.settings.sasrec]\nepochs = 7\nn_heads = 1\n"
    config = load(write("run.toml", text), {"max_history": 9}, ["sasrec.epochs=3"])
    assert config.max_history_on("toys") == 9
    assert config.settings_on("toys") == {"sasrec": {"epochs": 3, "n_heads": 1}}


def test_the_settings_of_pairs_win_over_the_others(write):
    text = (
        "[settings.sasrec]\nepochs = 5\nbatch_size = 64\nn_heads = 1\n[in_pairs.sasrec]\nepochs = 6\nn_heads = 2\n"
        "[per_dataset.toys.settings.sasrec]\nepochs = 7\n[per_dataset.toys.in_pairs.sasrec]\nn_heads = 3\n"
    )
    config = load(write("run.toml", text), {}, ())
    assert config.settings_on("toys") == {"sasrec": {"epochs": 7, "batch_size": 64, "n_heads": 1}}
    assert config.settings_in_pairs_on("toys") == {"sasrec": {"epochs": 6, "batch_size": 64, "n_heads": 3}}
    assert config.settings_in_pairs_on("ml-100k") == {"sasrec": {"epochs": 6, "batch_size": 64, "n_heads": 2}}


def test_the_command_line_holds_alone_and_in_pairs(write):
    text = "[in_pairs.sasrec]\nepochs = 6\n[per_dataset.toys.in_pairs.sasrec]\nepochs = 7\n"
    config = load(write("run.toml", text), {}, ["sasrec.epochs=3"])
    for name in ("toys", "ml-100k"):
        assert config.settings_on(name) == config.settings_in_pairs_on(name) == {"sasrec": {"epochs": 3}}


def test_a_file_wins_over_those_that_it_includes_and_a_later_one_over_an_earlier_one(write):
    write(
        "deep/first.toml", 'models = ["a"]\nseeds = [1]\n[settings.sasrec]\nepochs = 1\nn_heads = 1\nn_layers = 1'
    )
    write("deep/second.toml", 'include = ["first.toml"]\nseeds = [2]\n[settings.sasrec]\nepochs = 2\nn_heads = 2')
    text = 'include = ["deep/first.toml", "deep/second.toml"]\n[settings.sasrec]\nepochs = 3\n'
    config = load(write("run.toml", text), {}, ())
    assert (config.models, config.seeds) == (("a",), (2,))
    assert config.settings == {"sasrec": {"epochs": 3, "n_heads": 2, "n_layers": 1}}


def test_files_that_include_each_other_are_an_error(write):
    write("other.toml", 'include = ["run.toml"]')
    with pytest.raises(UsageError, match=r"run\.toml includes itself"):
        load(write("run.toml", 'include = ["other.toml"]'), {}, ())


def test_a_run_is_frozen():
    with pytest.raises(FrozenInstanceError):
        RunConfig().device = "cuda"


# --- the ledger ---------------------------------------------------------------------------------------------------


def test_controls_that_are_given_take_the_place_of_a_file_s_ledger(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('models = ["sasrec"]\nllms = ["llama"]\nledger = true\n')
    config = load(path, {"controls": "no-mutual"}, [])
    assert (config.controls, config.sharing, config.ledger) == (("no-mutual",), ("bdlm",), False)
    assert load(path, {"controls": ""}, []).controls == ()
    assert load(path, {}, []).ledger

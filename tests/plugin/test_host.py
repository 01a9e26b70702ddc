import os
import warnings
from pathlib import Path

import pytest

from corecbench.api import DataError, PluginError, UsageError, hookimpl
from corecbench.plugin.discovery import load_file
from corecbench.plugin.host import Host
from corecbench.settings.config import PerDataset, RunConfig, Variant

GOOD = """
    from dataclasses import dataclass
    from corecbench.api import Component, DatasetComponent, DomainModelComponent, LlmComponent, MetricComponent
    from corecbench.api import hookimpl

    @dataclass(frozen=True)
    class Config:
        epochs: int = 5
        weights: str = "default"

    def build(config, *args):
        return ("built", config.epochs, *args)

    def needs(config, cache):
        return [f"{config.weights} into {cache.name}"]

    @hookimpl
    def corecbench_domain_models():
        good = DomainModelComponent("good", build, Config, argument="weights", needs=needs)
        return [good, DomainModelComponent("plain", lambda _: 1)]
"""


def faults(host):
    return {info.name: info.error for info in host.plugins() if info.error}


def names(host, kind):
    return [component.name for component, _ in host.list(kind)]


# --- loading ------------------------------------------------------------------------------------------------------


def test_the_first_party_plugins_are_found_through_their_entry_points():
    plugins = {info.name: info for info in Host.discover().plugins()}
    assert plugins["popularity"].distribution == "corecbench"
    assert plugins["popularity"].version


def test_no_first_party_plugin_is_broken():
    assert faults(Host.discover()) == {}


@pytest.mark.parametrize("where", ["at import", "when it is asked"])
def test_a_plugin_that_ends_the_process_is_broken_and_stops_nothing(loose_file, where):
    source = (
        "import os; os._exit(0)"
        if where == "at import"
        else GOOD.replace("good = ", "import os; os._exit(0)\n        good = ")
    )
    host = Host.discover([loose_file("bye", source)], strict=False)
    assert "SystemExit: it ends the process by os._exit(0)" in faults(host)["bye"]
    assert "popularity" in names(host, "models")


def test_a_plugin_of_another_distribution_is_found(distribution):
    distribution("third", GOOD)
    listed = {component.name: str(info) for component, info in Host.discover().list("models")}
    assert listed["good"] == "third (third 1.2)"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def (", "SyntaxError"),
        ("x = 1", "it implements no hook; is @hookimpl missing?"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_listed_with_its_reason_and_harms_no_other(
    distribution, source, reason
):
    distribution("bad", source)
    distribution("third", GOOD)
    host = Host.discover()
    assert reason in faults(host)["bad"]
    assert "good" in names(host, "models")


def test_damaged_entry_points_of_one_distribution_harm_no_other(distribution):
    distribution("bad", "", entry_points="[corecbench]\nbad\n")
    distribution("third", GOOD)
    host = Host.discover()
    assert list(faults(host)) == ["bad"]
    assert "good" in names(host, "models")


def test_a_missing_heavy_package_comes_with_the_command_that_installs_it(distribution):
    distribution("bad", "raise ModuleNotFoundError('no recbole', name='recbole.model')")
    reason = faults(Host.discover())["bad"]
    assert reason.endswith("install it by `pip install --no-deps recbole==1.2.1`")


def test_a_plugin_that_fails_to_register_leaves_nothing_behind(distribution):
    wrong_argument = """
    @hookimpl
    def corecbench_metrics(surprise):
        return []
    """
    distribution("bad", GOOD + wrong_argument)
    host = Host.discover()
    assert "surprise" in faults(host)["bad"]
    assert "good" not in names(host, "models")


def test_a_misspelt_hook_breaks_its_plugin_only(distribution):
    distribution("bad", "from corecbench.api import hookimpl\n@hookimpl\ndef corecbench_modles(): return []")
    distribution("third", GOOD)
    host = Host.discover()
    assert "unknown hook 'corecbench_modles'; did you mean 'corecbench_" in faults(host)["bad"]
    assert "good" in names(host, "models")


def test_plugins_of_two_distributions_may_have_the_same_name(distribution):
    distribution("one", GOOD, entry_points="[corecbench]\nsame = one\n")
    distribution("two", GOOD.replace('"good"', '"better"'), entry_points="[corecbench]\nsame = two\n")
    host = Host.discover()
    assert faults(host) == {}
    assert {"good", "better"} <= set(names(host, "models"))


# --- loose files and blocking -------------------------------------------------------------------------------------


def test_a_loose_file_is_a_plugin(loose_file):
    host = Host.discover([loose_file("mine", GOOD)])
    selected = host.select("models", "good", {})
    assert host.build(selected, 7) == ("built", 5, 7)
    assert selected.plugin.version.startswith("sha256:")


def test_a_loose_file_shadows_no_module(loose_file):
    Host.discover([loose_file("json", GOOD)])
    import json

    assert json.loads("[1]") == [1]


def test_a_file_given_twice_is_loaded_once(loose_file):
    path = loose_file("mine", GOOD)
    assert names(Host.discover([path, path]), "models").count("good") == 1


@pytest.mark.parametrize("name", ["absent.py", "notes.txt"])
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path, name):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UsageError, match=name):
        Host.discover([tmp_path / name])


@pytest.mark.parametrize(
    "source",
    ["1 / 0", "from corecbench.api import hookimpl\n@hookimpl\ndef corecbench_llms(): return 1 / 0"],
    ids=["on import", "when asked"],
)
def test_a_broken_file_stops_a_run_and_is_listed_otherwise(loose_file, source):
    path = loose_file("mine", source)
    with pytest.raises(PluginError, match=r"plugin mine .*ZeroDivisionError") as caught:
        Host.discover([path])
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "ZeroDivisionError" in faults(Host.discover([path], strict=False))["mine"]


def test_a_blocked_plugin_is_left_out():
    host = Host.discover(blocked=["popularity"])
    assert "popularity" not in [info.name for info in host.plugins()]
    assert "popularity" not in names(host, "models")


def test_a_blocked_plugin_is_not_even_imported(distribution):
    distribution("bad", "1 / 0")
    assert faults(Host.discover(blocked=["bad"])) == {}


def test_blocking_an_unknown_plugin_is_an_error_with_close_matches():
    with pytest.raises(UsageError, match="did you mean 'popularity'"):
        Host.discover(blocked=["popularty"])


# --- asking -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("None", "returned None"),
        ("'sasrec'", "returned 'sasrec'; a list of LlmComponent is needed"),
        ("[1]", "returned [1]; a list of LlmComponent is needed"),
        ("[LlmComponent('a,b', build)]", "component name 'a,b'"),
        ("[LlmComponent('x', build, dict)]", "must be a dataclass"),
        ("[LlmComponent('x', build, Config, argument='k')]", "no field of its config"),
        ("[LlmComponent('x', build, argument='k')]", "no field of its config"),
        ("[DatasetComponent('x', build)]", "a list of LlmComponent is needed"),
        ("[Component('x', build)]", "a list of LlmComponent is needed"),
    ],
)
def test_a_faulty_answer_is_lost_alone(distribution, answer, reason):
    distribution("half", GOOD + f"\n    @hookimpl\n    def corecbench_llms():\n        return {answer}\n")
    host = Host.discover()
    assert reason in faults(host)["half"]
    assert "corecbench_llms" in faults(host)["half"]
    assert "good" in names(host, "models")
    assert "llama" in names(host, "llms")


def test_a_download_of_a_data_set_is_a_download(distribution):
    offer = "[DatasetComponent('x', build, download='https://x.org/x.zip')]"
    distribution("half", GOOD + f"\n    @hookimpl\n    def corecbench_datasets():\n        return {offer}\n")
    assert "must be a Download or None" in faults(Host.discover())["half"]


def test_two_plugins_with_the_same_component_are_both_named_when_it_is_chosen(distribution):
    distribution("one", GOOD)
    distribution("two", GOOD)
    host = Host.discover()
    assert names(host, "models").count("good") == 2
    with pytest.raises(PluginError, match=r"one \(one 1\.2\) and two \(two 1\.2\)"):
        host.select("models", "good", {})


# --- selecting ----------------------------------------------------------------------------------------------------


@pytest.fixture
def host(loose_file):
    return Host.discover([loose_file("mine", GOOD)])


@pytest.mark.parametrize("text", ["good:a/b:c@d", "good@a/b:c@d"])
def test_an_argument_follows_the_name(host, text):
    selected = host.select("models", text, {})
    assert (selected.name, selected.label, selected.config.weights) == ("good", text, "a/b:c@d")


def test_settings_override_defaults_and_an_argument_overrides_settings(host):
    settings = {"good": {"epochs": "9", "weights": "other"}}
    config = host.select("models", "good:mine", settings).config
    assert (config.epochs, config.weights) == (9, "mine")


def test_an_unknown_name_comes_with_close_matches_and_broken_plugins(distribution, loose_file):
    distribution("bad", "1 / 0")
    host = Host.discover([loose_file("mine", GOOD)])
    expected = r"unknown domain model 'goood'; did you mean 'good'\? have: .*broken plugins: bad \(bad 1.2\): Zero"
    with pytest.raises(UsageError, match=expected):
        host.select("models", "goood", {})


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("plain:x", {}, "'plain' takes nothing after"),
        ("good:", {}, "'good' takes weights after"),
        ("plain", {"plain": {"epochs": 1}}, "'plain' has no settings, got epochs"),
        ("good", {"good": {"epoch": 1}}, "unknown setting of good 'epoch'; did you mean 'epochs'"),
        ("good", {"good": {"epochs": "many"}}, "good.epochs is 'many'"),
    ],
)
def test_what_a_component_does_not_take_is_a_usage_error(host, text, settings, message):
    with pytest.raises(UsageError, match=message):
        host.select("models", text, settings)


def test_settings_of_a_component_that_does_not_exist_are_an_error(host):
    host.check_settings(RunConfig(settings={"good": {}}))
    with pytest.raises(UsageError, match="did you mean 'good'"):
        host.check_settings(RunConfig(settings={"godo": {}}))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"settings": {"good": {"epoch": 1}}}, "unknown setting of good 'epoch'; did you mean 'epochs'"),
        ({"settings": {"plain": {"epoch": 1}}}, "unknown setting of plain 'epoch'; have: none at all"),
        (
            {"per_dataset": {"far": PerDataset(settings={"godo": {}})}},
            "in the settings 'godo'; did you mean 'good'",
        ),
        ({"per_dataset": {"far": PerDataset(settings={"good": {"epoch": 1}})}}, "unknown setting of good 'epoch'"),
        ({"in_pairs": {"good": {"epoch": 1}}}, "unknown setting of good 'epoch'"),
        ({"in_pairs": {"ml-100k": {}}}, "unknown model or LLM in the settings of pairs 'ml-100k'"),
        (
            {"per_dataset": {"far": PerDataset(in_pairs={"godo": {}})}},
            "unknown model or LLM in the settings of pairs 'godo'; did you mean 'good'",
        ),
        ({"variants": {"mine": Variant("godo")}}, "component of variant 'mine': 'godo'; did you mean 'good'"),
        (
            {"variants": {"plain": Variant("good")}},
            "variant 'plain' has the name of a component; choose another one",
        ),
        ({"variants": {"mine": Variant("ml-100k")}}, "unknown component of variant 'mine': 'ml-100k'"),
        ({"variants": {"mine": Variant("good:x", {"epoch": 1})}}, "unknown setting of mine 'epoch'; did you mean"),
        ({"variants": {"mine": Variant("good")}, "settings": {"mime": {}}}, "'mime'; did you mean 'mine'"),
    ],
)
def test_every_name_in_the_settings_is_checked_whether_the_run_uses_it_or_not(host, config, message):
    with pytest.raises(UsageError, match=message) as error:
        host.check_settings(RunConfig(**config))
    assert "\n" not in str(error.value)


def test_the_settings_of_variants_and_data_sets_may_be_those_of_their_components(host):
    variants = {"mine": Variant("good:x", {"epochs": 1})}
    settings = {"good": {"epochs": 2}, "mine": {"weights": "y"}}
    host.check_settings(
        RunConfig(
            variants=variants,
            settings=settings,
            in_pairs=settings,
            per_dataset={"far": PerDataset(1, settings, settings)},
        )
    )


def test_a_variant_is_its_component_under_its_own_name(host):
    selected = host.select("models", "mine", {}, {"mine": Variant("good", {"epochs": 2})})
    assert (selected.name, selected.label, selected.is_variant, selected.config.epochs) == ("good", "mine", True, 2)
    assert not host.select("models", "good", {}, {"mine": Variant("good")}).is_variant


def test_a_variant_s_settings_win_over_its_component_s_and_those_under_its_name_win_over_both(host):
    variants = {"mine": Variant("good:of-variant", {"epochs": 2})}

    def chosen(**settings):
        config = host.select("models", "mine", settings, variants).config
        return config.epochs, config.weights

    assert chosen(good={"epochs": 1, "weights": "w"}) == (2, "of-variant")
    assert chosen(good={"epochs": 1}, mine={"epochs": 3, "weights": "w"}) == (3, "w")


def test_a_variant_has_the_component_s_settings_that_it_does_not_change(host):
    config = host.select(
        "models", "mine", {"good": {"weights": "w"}}, {"mine": Variant("good", {"epochs": 2})}
    ).config
    assert (config.epochs, config.weights) == (2, "w")


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("models", "mime", "unknown domain model 'mime'; did you mean 'mine'"),
        ("llms", "mime", "unknown LLM 'mime'; .*have: .*llama"),
        ("llms", "mine", "variant 'mine': unknown LLM 'good'"),
        ("models", "wrong", "unknown setting of wrong 'epoch'; did you mean 'epochs'"),
        ("models", "none", "domain model 'none' has no settings, got epochs"),
    ],
)
def test_a_variant_that_cannot_be_chosen_is_a_usage_error(host, kind, text, message):
    variants = {
        "mine": Variant("good"),
        "wrong": Variant("good", {"epoch": 1}),
        "none": Variant("plain", {"epochs": 1}),
    }
    with pytest.raises(UsageError, match=message):
        host.select(kind, text, {}, variants)


def test_a_data_set_may_be_a_folder(host, tmp_path, monkeypatch):
    (tmp_path / "mydata").mkdir()
    monkeypatch.chdir(tmp_path)
    for text in ("mydata", "./mydata", "some/where", f"folder:{tmp_path}"):
        selected = host.select("datasets", text, {})
        assert (selected.name, selected.label) == ("folder", text)
    assert selected.config.path == str(tmp_path)


def test_a_folder_among_the_kept_data_sets_needs_its_name_alone(host, tmp_path, monkeypatch):
    monkeypatch.setenv("CORECBENCH_DATA", str(tmp_path))
    (tmp_path / "shop").mkdir()
    selected = host.select("datasets", "shop", {})
    assert (selected.name, selected.label) == ("folder", "shop")
    assert selected.config.path == str(tmp_path / "shop")
    with pytest.raises(UsageError, match="unknown data set 'shops'"):
        host.select("datasets", "shops", {})


def test_the_name_of_a_data_set_wins_over_a_folder_of_that_name(host, tmp_path, monkeypatch):
    (tmp_path / "ml-100k").mkdir()
    monkeypatch.chdir(tmp_path)
    assert host.select("datasets", "ml-100k", {}).name == "ml-100k"


# --- building -----------------------------------------------------------------------------------------------------


def failing_host(loose_file, statement):
    source = GOOD + "\n    def fail(config):\n        " + statement
    host = Host.discover([loose_file("mine", source.replace("lambda _: 1", "lambda config: fail(config)"))])
    return host, host.select("models", "plain", {})


def test_an_error_of_a_component_names_component_plugin_distribution_and_version(loose_file):
    host, selected = failing_host(loose_file, "raise ValueError('no good')")
    expected = r"domain model 'plain' of plugin mine \(.*mine\.py sha256:.*\) failed in build: ValueError: no good"
    with pytest.raises(PluginError, match=expected) as caught:
        host.build(selected)
    assert isinstance(caught.value.__cause__, ValueError)


def test_an_error_that_is_meant_for_the_user_passes_as_it_is(loose_file):
    statement = "from corecbench.api import DataError; raise DataError('line 3')"
    host, selected = failing_host(loose_file, statement)
    with pytest.raises(DataError, match=r"^line 3$"):
        host.build(selected)


def test_a_plugin_error_of_the_component_s_own_gets_the_names_too(loose_file):
    statement = "from corecbench.api import PluginError; raise PluginError('no weights')"
    host, selected = failing_host(loose_file, statement)
    with pytest.raises(PluginError, match=r"'plain' of plugin mine .* failed in build: no weights"):
        host.build(selected)


METRIC = """
    from types import SimpleNamespace
    from corecbench.api import DomainModelComponent, LlmComponent, MetricComponent, hookimpl

    class Metric:
        higher_is_better = True

        def per_user(self, rank, n_candidates):
            return 1 / 0

    @hookimpl
    def corecbench_metrics():
        return [MetricComponent("bad", lambda config: Metric())]
"""


def test_an_error_in_a_method_of_a_built_component_names_the_method(loose_file):
    host = Host.discover([loose_file("mine", METRIC)])
    metric = host.build(host.select("metrics", "bad", {}))
    assert metric.higher_is_better
    with pytest.raises(PluginError, match=r"metric 'bad' of plugin mine \(.*\) failed in per_user: ZeroDivision"):
        metric.per_user(None, None)


def test_a_reference_to_a_missing_module_names_the_component(loose_file):
    host = Host.discover([loose_file("mine", GOOD.replace("lambda _: 1", '"no_such_module:build"'))])
    with pytest.raises(PluginError, match=r"'plain' of plugin mine .*No module named 'no_such_module'"):
        host.build(host.select("models", "plain", {}))


def test_what_would_be_downloaded_is_asked_of_the_component(host):
    assert host.needs(host.select("models", "good:big", {}), Path("/cache")) == ["big into cache"]
    assert host.needs(host.select("models", "plain", {}), Path("/cache")) == []


# --- listeners ----------------------------------------------------------------------------------------------------


class Listener:
    def __init__(self, fault=None):
        self.heard = []
        self.fault = fault

    @hookimpl
    def corecbench_progress(self, what, done):
        if self.fault:
            raise self.fault
        self.heard.append((what, done))


def test_a_listener_that_raises_becomes_a_warning_and_the_others_still_hear():
    host, bad, good = Host(), Listener(OSError("disk full")), Listener()
    host.register(bad, "bad")
    host.register(good, "good")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        host.notify("corecbench_progress", cell=None, what="encoding", done=1, total=2)
    assert [str(warning.message) for warning in caught] == ["plugin bad: corecbench_progress: OSError: disk full"]
    assert good.heard == [("encoding", 1)]


def test_an_object_without_hooks_cannot_be_registered():
    with pytest.raises(PluginError, match="implements no hook"):
        Host().register(object(), "nothing")


def test_a_model_and_a_module_of_one_name_in_one_plugin_are_refused(loose_file):
    path = loose_file(
        "twice",
        """
        from corecbench.api import DomainModelComponent, SharingComponent, hookimpl

        @hookimpl
        def corecbench_domain_models():
            return [DomainModelComponent("mine", "twice:Model")]

        @hookimpl
        def corecbench_sharing_modules():
            return [SharingComponent("mine", "twice:Module")]
        """,
    )
    with pytest.raises(PluginError, match=r"'mine' is the name of a .* and .*; settings are found by names"):
        Host.discover([path])


def test_a_plugin_file_that_is_replaced_within_a_second_is_compiled_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    file, found = tmp_path / "mine.py", []
    for number in (1, 2):
        file.write_text(f"VALUE = {number}\n", encoding="utf-8")
        os.utime(file, (1e9, 1e9))
        found.append(load_file(file).VALUE)
    assert found == [1, 2]

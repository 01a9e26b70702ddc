"""Every run file that comes with corecbench can be run as it is."""

import pytest

from corecbench.experiment.layout import choose
from corecbench.experiment.plan import make_plan
from corecbench.experiment.work import work_of
from corecbench.plugin.host import Host
from corecbench.results.store import Store
from corecbench.settings.config import load
from corecbench.settings.run_files import find, packaged


@pytest.fixture(scope="module")
def host():
    """All first-party plugins."""
    return Host.discover()


@pytest.mark.parametrize("name", packaged())
def test_a_file_has_only_components_and_settings_that_exist(host, name, tmp_path, monkeypatch):
    monkeypatch.setenv("CORECBENCH_DATA", str(tmp_path))
    config = load(name, {}, [])
    assert config.models or config.llms
    host.check_settings(config)
    for dataset in config.datasets:
        chosen = choose(config, host, config.settings_on(dataset))
        assert (len(chosen.models), len(chosen.llms)) == (len(config.models), len(config.llms))
        host.select("datasets", dataset, config.settings_on(dataset))


def test_the_plan_of_a_first_look_has_turns_on_both_sides(host, toy_folder, tmp_path):
    config = load("quick", {"datasets": [str(toy_folder)]}, [])
    plan = make_plan(config, host, Store(tmp_path, config.benchmark))
    (pair,) = (cell for cell in plan.cells if cell.sharing is not None)
    work = work_of(pair, plan, host)
    assert [each.model for each in work.stretches] == ["sasrec", "minilm", "sasrec"]
    assert sum(each.most for each in work.stretches if each.model == "minilm") == 1  # it takes longest


def test_the_methods_are_all_sharing_modules_with_settings_of_no_other_protocol(host):
    config = load("methods", {}, [])
    assert {component.name for component, _ in host.list("sharing")} <= {*config.sharing}
    assert (config.split, config.train_shares, len(config.seeds)) == ("time", (0.25,), 3)
    assert 'include = ["tuned/time-quarter.toml"]' in find("methods").read_text(encoding="utf-8")

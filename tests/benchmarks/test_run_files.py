"""Every run file that comes with corecbench can be run as it is."""

import pytest

from corecbench.experiment.layout import choose
from corecbench.plugin.host import Host
from corecbench.settings.config import load
from corecbench.settings.run_files import packaged


@pytest.fixture(scope="module")
def host():
    """All first-party plugins."""
    return Host.discover()


@pytest.mark.parametrize("name", packaged())
def test_a_file_has_only_components_and_settings_that_exist(host, name, tmp_path, monkeypatch):
    monkeypatch.setenv("CORECBENCH_DATA", str(tmp_path))
    (
        tmp_path / "amazon-beauty-timed"
    ).mkdir()  # has no component: it is found by its name in the folder of data sets
    config = load(name, {}, [])
    assert config.models or config.llms
    host.check_settings(config)
    for dataset in config.datasets:
        chosen = choose(config, host, config.settings_on(dataset))
        assert (len(chosen.models), len(chosen.llms)) == (len(config.models), len(config.llms))
        host.select("datasets", dataset, config.settings_on(dataset))


def test_the_quick_table_trains_less_on_every_data_set_whatever_the_tuned_files_say():
    quick, whole = (load(name, {}, []) for name in ("quick", "three-datasets"))
    assert quick.datasets == whole.datasets
    for dataset in quick.datasets:
        short, long = quick.settings_on(dataset)["sasrec"], whole.settings_on(dataset)["sasrec"]
        assert short["epochs"] < long["epochs"] or short["patience"] < long["patience"]

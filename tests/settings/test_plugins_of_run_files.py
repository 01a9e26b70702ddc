"""Run files may name files of plugins, relative to themselves."""

import pytest
from click.testing import CliRunner

from corecbench.api import UsageError
from corecbench.cli.main import main
from corecbench.settings.config import load
from corecbench.settings.run_files import plugins_of


def test_files_of_plugins_are_those_of_all_run_files_and_no_setting(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "low.toml").write_text('plugins = ["low.py"]\nmodels = ["sasrec"]\n')
    (tmp_path / "run.toml").write_text('include = ["deep/low.toml"]\nplugins = ["mine.py"]\n')
    named = [tmp_path / "mine.py", tmp_path / "deep" / "low.py"]
    assert plugins_of([tmp_path / "run.toml"]) == named
    assert load(tmp_path / "run.toml", {}, ()).models == ("sasrec",)
    (tmp_path / "run.toml").write_text('plugins = "mine.py"\n')
    with pytest.raises(UsageError, match=r"plugins is 'mine.py', must be a list of files such as \['mine.py'\]"):
        plugins_of([tmp_path / "run.toml"])


def test_a_run_finds_the_model_of_a_plugin_that_its_run_file_names(tmp_path, domain_model, toy_folder):
    plugin = domain_model()
    (tmp_path / "run.toml").write_text(
        f'plugins = ["{plugin.name}"]\nmodels = ["mine"]\ndatasets = ["{toy_folder}"]\n'
    )
    found = CliRunner().invoke(main, ["run", "--config", str(tmp_path / "run.toml"), "--plan"])
    assert found.exit_code == 0, found.output
    assert "mine" in found.output

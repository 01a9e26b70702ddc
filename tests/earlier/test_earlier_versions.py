"""What was written for corecbench 0.1.0 still loads: `plugins` was written by its `new-plugin`."""

import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main

HERE = Path(__file__).parent
PLUGINS = sorted((HERE / "plugins").glob("*.py"))


@pytest.mark.parametrize("path", PLUGINS, ids=[path.stem for path in PLUGINS])
def test_a_plugin_of_0_1_0_passes_all_checks(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        found = CliRunner().invoke(main, ["--plugin", str(path), "check", path.stem.replace("_", "-")])
    assert found.exit_code == 0, found.output
    assert " 0 failed" in found.output

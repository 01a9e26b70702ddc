"""The run file that docs/settings.md shows means what the page says of it."""

import re
from pathlib import Path

import pytest

from corecbench.settings.config import load

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
(EXAMPLE,) = re.findall(r"^```toml\n(include.*?)^```", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def run(tmp_path):
    """Return the settings of the example, under values from the command line."""

    def loaded(*sets):
        (tmp_path / "tuned.toml").write_text("[settings.sasrec]\nepochs = 3\n", encoding="utf-8")
        (tmp_path / "run.toml").write_text(EXAMPLE, encoding="utf-8")
        return load(tmp_path / "run.toml", {}, sets)

    return loaded


def test_the_variant_has_the_settings_of_its_component_under_its_own(run, host):
    config = run()
    host.check_settings(config)
    selected = host.select("models", "sasrec-wide", config.settings_on("ml-1m"), config.variants).config
    assert (selected.embedding_size, selected.epochs, selected.hidden_dropout) == (128, 3, 0.2)


def test_the_data_set_has_a_history_of_its_own(run):
    assert (run().max_history_on("ml-1m"), run().max_history_on("ml-100k")) == (200, 50)


def test_pairs_have_a_learning_rate_of_their_own(run):
    assert run().settings_in_pairs_on("ml-1m")["sasrec"]["learning_rate"] == 0.0005
    assert "learning_rate" not in run().settings_on("ml-1m")["sasrec"]


def test_the_command_line_wins_over_the_data_set_and_over_the_variant(run, host):
    config = run("sasrec.hidden_dropout=0.1", "sasrec-wide.embedding_size=32")
    selected = host.select("models", "sasrec-wide", config.settings_on("ml-1m"), config.variants).config
    assert (selected.hidden_dropout, selected.embedding_size) == (0.1, 32)


def test_settings_of_pairs_win_over_those_of_the_data_set(run, tmp_path):
    (tmp_path / "more.toml").write_text(EXAMPLE + "hidden_dropout = 0.4\n", encoding="utf-8")
    run()  # writes what the file includes
    config = load(tmp_path / "more.toml", {}, [])
    assert config.settings_in_pairs_on("ml-1m")["sasrec"]["hidden_dropout"] == 0.4

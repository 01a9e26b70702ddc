"""Options: how many there are, settings of the run by --set, earlier spellings, and several run files."""

import dataclasses
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from corecbench.cli.main import main
from corecbench.experiment.session import Steps
from corecbench.settings.config import RunConfig, load

SET = {
    "benchmark": ("b", "b"),
    "datasets": ("ml-100k,ml-1m", ("ml-100k", "ml-1m")),
    "split": ("time", "time"),
    "cut": (".8,.9", ("0.8", "0.9")),
    "ledger": ("true", True),
    "seeds": ("0-1", (0, 1)),
    "train_shares": (".25,1", (0.25, 1.0)),
    "cell_timeout": ("1.5", 1.5),
    "settings": ("{sasrec={epochs=3}}", {"sasrec": {"epochs": 3}}),
    "per_dataset": ("{toys={max_history=3}}", None),
    "variants": ("{wide={of='sasrec'}}", None),
}
"""Fields of a run -> a value as text and as it should be."""


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """Return the settings that a command line gives, and what it says on stderr: `configured("--seeds", 1)`."""
    monkeypatch.chdir(tmp_path)
    seen = []

    def make_plan(config, host, store):
        seen.append(config)
        none = {
            "cells": [],
            "downloads": [],
            "notes": [],
            "elsewhere": {},
            "left_out": {},
            "to_do": [],
            "n_to_do": 0,
        }
        return SimpleNamespace(config=config, **none)

    def settings(*options):
        given = Steps(make_plan, lambda *rest: [])
        args = ["run", "--models", "popularity", "--plan", *map(str, options)]
        result = CliRunner().invoke(main, args, catch_exceptions=False, obj=given)
        assert result.exit_code == 0, result.stderr
        return seen[-1], result.stderr

    return settings


@pytest.mark.parametrize(("verb", "most"), [("run", 25), ("report", 15)])
def test_a_verb_lists_few_options_under_headings(verb, most):
    listed = [each for each in main.commands[verb].params if isinstance(each, click.Option) and not each.hidden]
    assert len(listed) <= most
    assert all(each.group != "Options" for each in listed)


def test_each_verb_has_a_help_of_its_own():
    helps = [command.help for command in main.commands.values()]
    assert len(set(helps)) == len(helps)
    assert main.commands["run"].help.startswith("Train models alone and with LLMs")


def test_the_help_has_its_headings_in_order():
    text = CliRunner().invoke(main, ["run", "--help"]).stdout
    headings = [line[:-1] for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["What", "Data", "Controls", "Results", "Machine", "Options"]
    assert "--cell-timeout" not in text


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(RunConfig)])
def test_every_field_of_a_run_can_be_set(name):
    default = getattr(RunConfig(), name)
    text, value = SET.get(name, (str(default).lower() if isinstance(default, bool) else default, None))
    if isinstance(default, tuple) and name not in SET:
        text, value = "a,b", ("a", "b")
    if default in (None, {}) and name not in SET:
        text, value = {"jobs": 2, "threads": 2, "refit": "true"}.get(name, "x"), None
    if name in ("scheduler", "resources", "in_pairs", "tuning"):  # which need more than themselves
        return
    config = load(None, {}, [f"run.{name}={text}"])
    assert value is None or getattr(config, name) == value


def test_set_wins_over_options_and_options_over_files(configured, tmp_path):
    (tmp_path / "run.toml").write_text("seeds = [7]\nk_core = 3\ntop_k = 4\n")
    config, _ = configured("--config", "run.toml", "--seeds", "1-1", "--set", "run.k_core=2")
    assert (config.seeds, config.k_core, config.top_k) == ((1,), 2, 4)


def test_of_several_run_files_the_later_one_wins(configured, tmp_path):
    (tmp_path / "a.toml").write_text("k_core = 3\ntop_k = 4\n[settings.sasrec]\nepochs = 3\nn_heads = 1\n")
    (tmp_path / "b.toml").write_text("k_core = 5\n[settings.sasrec]\nepochs = 4\n")
    config, _ = configured("--config", "a.toml", "--config", "b.toml")
    assert (config.k_core, config.top_k) == (5, 4)
    assert config.settings == {"sasrec": {"epochs": 4, "n_heads": 1}}


VERBS = "run tune split import audit-leaks audit-titles encode audit-vectors check recommend datasets-info"


@pytest.mark.parametrize("verb", VERBS.split())
def test_every_verb_that_takes_a_data_set_knows_run_files(verb):
    command = main
    for word in verb.split("-"):
        command = command.commands[word]
    (option,) = [each for each in command.params if "--config" in each.opts]
    assert option.multiple

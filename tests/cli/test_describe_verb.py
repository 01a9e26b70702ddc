"""All that is known of one component, for a reader and as JSON."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main
from corecbench.plugin.kinds import KINDS

TWICE = """
    from corecbench.api import MetricComponent, hookimpl

    @hookimpl
    def corecbench_metrics():
        return [MetricComponent("sasrec", "nowhere:build", summary="a metric")]
"""


@pytest.fixture
def corecbench(tmp_path, monkeypatch, cache):
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    return lambda *args: CliRunner().invoke(main, [str(each) for each in args])


def test_a_component_is_shown_with_its_paper_plugin_and_needs(corecbench):
    result = corecbench("describe", "sasrec")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("sasrec, domain model: ")
    assert "  paper     Kang and McAuley, ICDM 2018, arXiv 1808.09781" in lines
    assert any(line.startswith("  plugin    recbole-models of corecbench 0.") for line in lines)
    assert "  needs     no download" in lines


def test_a_reference_says_so(corecbench):
    line = "  reference  yes: gains are said over the strongest of them"
    assert line in corecbench("describe", "item-knn").stdout.splitlines()
    assert "reference" not in corecbench("describe", "ease").stdout


def test_a_setting_has_its_type_default_range_and_space(corecbench):
    lines = [" ".join(line.split()) for line in corecbench("describe", "sasrec").stdout.splitlines()]
    assert "setting type default allowed searched" in lines
    assert "learning_rate float 0.002 above 0 0.0005 to 0.005, by factors" in lines
    assert "hidden_dropout float 0.3 at least 0, below 1 0.1 to 0.7" in lines
    assert "schedule choice 'constant' constant, linear -" in lines
    assert "Dropout of hidden states; `hidden_dropout_prob` in RecBole." in lines


def test_as_json_it_is_what_the_list_has_with_spaces_and_needs(corecbench):
    known = json.loads(corecbench("describe", "bdlm", "--json").stdout)
    listed = {entry["name"]: entry for entry in json.loads(corecbench("describe", "sharing", "--json").stdout)}
    assert known["settings"]["row_dropout"]["search"] == "0 to 0.6"
    for setting in known["settings"].values():
        setting.pop("search", None)
    assert known.pop("needs") == []
    assert known == listed["bdlm"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_can_be_described(corecbench, kind):
    for entry in json.loads(corecbench("describe", kind, "--json").stdout):
        assert corecbench("describe", entry["name"], "--kind", entry["kind"]).exit_code == 0


def test_an_argument_is_part_of_what_it_needs(corecbench):
    assert "no download" in corecbench("describe", "recbole:BERT4Rec").stdout
    assert "what its settings say" in corecbench("describe", "recbole").stdout


def test_a_component_without_settings_says_so(corecbench):
    assert corecbench("describe", "popularity").stdout.endswith("no settings\n")


def test_a_name_of_several_kinds_needs_the_kind(corecbench, loose_file):
    plugin = loose_file("mine", TWICE)
    result = corecbench("describe", "sasrec", "--plugin", plugin)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: sasrec is a name of several kinds; give --kind model or --kind metric\n"
    assert "a metric" in corecbench("describe", "sasrec", "--kind", "metric", "--plugin", plugin).stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("sasrek",), "error: unknown component 'sasrek'; did you mean 'sasrec'? have: "),
        (("sasrec", "--kind", "metric"), "error: unknown metric 'sasrec'; "),
    ],
)
def test_an_unknown_name_is_one_line(corecbench, args, message):
    result = corecbench("describe", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


def test_of_several_kinds_it_asks_which_at_a_terminal(monkeypatch):
    assert "csv is a name of several kinds; give --kind" in CliRunner().invoke(main, ["describe", "csv"]).stderr
    monkeypatch.setattr(
        "corecbench.cli.describe_verb.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    )
    result = CliRunner().invoke(main, ["describe", "csv"], input="dataset\n")
    assert result.exit_code == 0, result.stderr
    assert "csv is a name of several kinds; which (dataset, reporter)" in result.stderr
    assert result.stdout.startswith("csv, data set: ")

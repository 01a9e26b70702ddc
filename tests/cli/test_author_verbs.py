import pytest
from click.testing import CliRunner

from corecbench.cli.main import main

METRICS = """
    from dataclasses import dataclass
    from corecbench.api import MetricComponent, ReporterComponent, hookimpl

    @dataclass(frozen=True)
    class Config:
        most: float = 1.0

    class Scaled:
        higher_is_better = True

        def __init__(self, config):
            self.most = config.most

        def per_user(self, rank, n_candidates):
            return self.most / rank

    def broken(config):
        raise KeyError("k")

    @hookimpl
    def corecbench_metrics():
        return [MetricComponent("scaled", Scaled, Config, argument="most"), MetricComponent("broken", broken)]

    @hookimpl
    def corecbench_reporters():
        return [ReporterComponent("scaled", Scaled, Config)]
"""


@pytest.fixture
def corecbench(tmp_path, monkeypatch, cache):
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))

    def invoke(*args):
        return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)

    return invoke


# --- check --------------------------------------------------------------------------------------------------------


def test_check_prints_one_line_per_check_below_plugin_distribution_and_version(corecbench):
    result = corecbench("check", "MRR@10")
    assert result.exit_code == 0
    first, *lines, last = result.stdout.splitlines()
    assert first.startswith("metric 'MRR' of plugin metrics (corecbench 0.")
    assert lines == [
        "ok              it has one method",
        "ok              there is a value for each user",
        "ok              a better rank is never worse",
        "ok              values are bounded",
        "ok              a user does not depend on the others",
        "ok              nothing that is given is changed",
        "not applicable  an empty place is no item: it reads ranks",
        "ok              settings survive json",
    ]
    assert last == "7 ok, 0 failed, 1 not applicable"


def test_a_check_that_does_not_apply_says_why(corecbench):
    result = corecbench("check", "text")
    assert result.exit_code == 0
    assert "not applicable  settings survive json: it has no settings\n" in result.stdout


def test_a_faulty_component_of_a_file_fails_with_the_reason(corecbench, loose_file):
    result = corecbench("check", "scaled:2", "--kind", "metric", "--plugin", loose_file("mine", METRICS))
    assert result.exit_code == 1
    assert "metric 'scaled' of plugin mine (" in result.stdout
    assert "mine.py sha256:" in result.stdout
    assert "failed          values are bounded: [2.] among 1 candidates is not from 0 to 1\n" in result.stdout
    assert result.stdout.endswith("6 ok, 1 failed, 1 not applicable\n")
    assert "Traceback" not in result.stderr


def test_a_config_that_is_no_dataclass_is_named_in_one_line(corecbench, loose_file):
    source = METRICS.replace('Scaled, Config, argument="most"', "Scaled, dict")
    result = corecbench("check", "scaled", "--kind", "metric", "--plugin", loose_file("mine", source))
    assert result.exit_code == 3
    assert "config of component 'scaled' is <class 'dict'>, must be a dataclass or None" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_traceback_is_shown_where_it_is_asked_for(corecbench, loose_file):
    path = loose_file("mine", METRICS)
    command = ["check", "scaled:2", "--kind", "metric", "--plugin", path]
    assert "Traceback" in corecbench(*command, "--traceback").stderr
    assert "Traceback" in corecbench("--traceback", *command).stderr


def test_settings_change_what_is_checked(corecbench, loose_file):
    path = loose_file("mine", METRICS)
    options = ["check", "scaled", "--kind", "metric", "--plugin", path]
    assert corecbench(*options).exit_code == 0
    assert corecbench(*options, "--set", "scaled.most=3").exit_code == 1


BOUND = """
    import torch
    from corecbench.api import DomainModelComponent, States, hookimpl

    class Bound:
        examples = "pairs"

        def __init__(self, config, setup, ids):
            if setup.catalog.name != "shop.csv":
                raise ValueError("it has weights for the items of shop alone")
            self.weight = torch.arange(setup.catalog.n_items + 1.0, device=setup.device)[:, None]

        def states(self, batch):
            return States(self.weight.new_ones(len(batch.user), 1), self.weight)

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("bound", Bound, joint=False)]
"""


def test_a_component_that_is_bound_to_data_is_checked_on_them(corecbench, loose_file, tmp_path):
    rows = [f"{user},{3 * user + time},{time}" for user in range(9) for time in range(5)]
    (tmp_path / "shop.csv").write_text("\n".join(["user,thing,timestamp", *rows]), encoding="utf-8")
    bound = ["check", "bound", "--plugin", loose_file("mine", BOUND)]
    assert "the items of shop alone" in corecbench(*bound).stdout
    columns = ["--set", "csv.user=user", "--set", "csv.item=thing"]
    result = corecbench(*bound, "--dataset", "shop.csv", *columns)
    assert result.exit_code == 0, result.output
    assert "not applicable  two camps of taste are told apart: camps are known of toy data alone" in result.stdout
    assert " 0 failed" in result.stdout
    file = tmp_path / "shop.toml"
    file.write_text(
        '[settings.csv]\nuser = "user"\nitem = "thing"\n[settings.sasrec]\nepochs = 1\n', encoding="utf-8"
    )
    assert corecbench(*bound, "--dataset", "shop.csv", "--config", file).stdout == result.stdout
    assert corecbench("check", "shop.csv", "--config", file).stdout.startswith("data set 'csv' of plugin ")


def test_vectors_are_checked_on_the_items_of_a_data_set_and_say_how(corecbench, tmp_path):
    rows = [f"{user},{3 * user + time},{time}" for user in range(9) for time in range(5)]
    (tmp_path / "shop.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]), encoding="utf-8")
    vectors = [f"{item},{item % 7},{item % 5}" for item in range(30)]
    (tmp_path / "mine.csv").write_text("\n".join(["item_id,0,1", *vectors]), encoding="utf-8")
    alone = corecbench("check", "vectors:mine.csv")
    assert alone.exit_code == 2
    assert alone.stderr.count("\n") == 1
    assert "to check vectors on the items of a data set instead of toy data, add --dataset NAME" in alone.stderr
    with_data = corecbench("check", "vectors:mine.csv", "--dataset", "shop.csv")
    assert with_data.exit_code == 0, with_data.output


def test_sharing_modules_are_checked_on_data_and_metrics_are_not(corecbench, toy_folder):
    assert corecbench("check", "llminit", "--dataset", toy_folder).exit_code == 0
    refused = corecbench("check", "HR@10", "--dataset", toy_folder)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "a metric is checked on no data set; allowed for: " in refused.stderr


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["popularty"], 2, "error: unknown component 'popularty'; did you mean 'popularity'?"),
        (["HR"], 2, "error: HR needs a cutoff, such as HR@10"),
        (["scaled"], 2, "error: 'scaled' is a metric and a reporter; say which kind is meant"),
        (["broken"], 3, "error: metric 'broken' of plugin mine ("),
        (["MRR", "--set", "HR.k=3"], 2, "error: --set is of HR, which is not checked; use MRR.KEY=VALUE"),
        (["MRR", "--set", "MRR.j=3"], 2, "error: unknown setting of MRR 'j'"),
        (["no/such/folder"], 4, "error: no/such/folder: no such folder"),
    ],
)
def test_what_cannot_be_checked_is_one_line(corecbench, loose_file, args, code, message):
    result = corecbench("check", *args, "--plugin", loose_file("mine", METRICS))
    assert result.exit_code == code
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


# --- new-plugin ---------------------------------------------------------------------------------------------------


def test_new_plugin_writes_a_project_whose_component_passes_its_checks(corecbench, tmp_path):
    result = corecbench("new-plugin", "my-metric", "--kind", "metric", "--out", "here")
    assert result.exit_code == 0
    assert result.stdout == (
        "written to here/my-metric: README.md, my_metric.py, pyproject.toml, test_my_metric.py\n"
        "next: cd here/my-metric && pip install -e '.[test]' && pytest\n"
    )
    file = tmp_path / "here" / "my-metric" / "my_metric.py"
    assert corecbench("check", "my-metric", "--plugin", file).exit_code == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["sasrec", "--kind", "model"], "error: there is a model 'sasrec' already; choose another name"),
        (["My Model", "--kind", "model"], "error: 'My Model' is no name of a package"),
        (["mine"], "error: missing option '--kind'"),
        (["mine", "--kind", "models"], "error: invalid value for '--kind'"),
    ],
)
def test_a_project_that_cannot_be_is_a_usage_error(corecbench, tmp_path, args, message):
    result = corecbench("new-plugin", *args)
    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_not_overwritten(corecbench):
    assert corecbench("new-plugin", "mine", "--kind", "llm").exit_code == 0
    result = corecbench("new-plugin", "mine", "--kind", "model")
    assert result.exit_code == 2
    assert "mine exists" in result.stderr

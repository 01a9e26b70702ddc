import errno
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import click
import pandas as pd
import pytest
from click.testing import CliRunner
from stored_cells import store_cell, toy_ranks

from corecbench.cli import tables
from corecbench.cli.main import main
from corecbench.experiment.session import Steps
from corecbench.results.store import Store
from corecbench.stats.correction import CORRECTIONS
from corecbench.stats.paired import METHODS
from corecbench.testing.records import toy_record

HIT, MISS = 1, 50
PLUGIN = """
    from corecbench.api import DomainModelComponent, ReporterComponent, hookimpl

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("toy", dict, summary="a [toy]")]
"""


@dataclass(frozen=True)
class FakeCell:
    name: str
    seed: int = 0
    done: bool = False
    failed: bool = False
    domain = llm = sharing = None

    @property
    def facts(self):
        return {**toy_record(self.name, dataset="toys", seed=self.seed)["cell"], "hash": "0123abcd", "settings": {}}

    @property
    def data(self):
        return SimpleNamespace(name="toys")

    @property
    def folder(self):
        return Path(f"{self.name}-{self.seed}")


@pytest.fixture
def experiment():
    """Stand in for planning and training: `experiment.records` are stored, `experiment.config` is what came."""
    return FakeSteps()


@pytest.fixture
def corecbench(tmp_path, monkeypatch, experiment):
    """Run the command line in an empty folder; `result.stderr` and `result.stdout` are apart."""
    monkeypatch.chdir(tmp_path)
    given = Steps(experiment.make_plan, experiment.run_plan)

    def invoke(*args):
        return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False, obj=given)

    return invoke


class FakeSteps:
    """Plans a cell to train, one that is done and one that failed. Stores the records that the test gives."""

    def __init__(self):
        self.cells = [FakeCell("toy"), FakeCell("other", done=True), FakeCell("broken", failed=True)]
        self.records, self.raises, self.config, self.left_out = [], None, None, {}

    def make_plan(self, config, host, store):
        self.config = config
        to_do = [cell for cell in self.cells if not (cell.done or cell.failed)]
        downloads, notes = ["weights: 93 MB"], ["a note"]
        return SimpleNamespace(
            config=config,
            cells=self.cells,
            unasked=[],
            downloads=downloads,
            notes=notes,
            elsewhere={},
            left_out=self.left_out,
            to_do=to_do,
            n_to_do=len(to_do),
        )

    def run_plan(self, plan, host, store):
        if self.raises:
            raise self.raises
        host.notify("corecbench_cell_started", cell=plan.cells[0].facts)
        for record in self.records:
            save(store, record)
        return self.records


def make_record(name="toy", seed=0, status="ok"):
    """Return the record of a solo cell whose two users' items have rank 1 and 50."""
    side = {"metrics": {"NDCG@10": 1 / 2}}
    return toy_record(name, seed=seed, dataset="toys", status=status, side=side)


def save(store, record):
    ranks = toy_ranks([HIT, MISS], n_candidates=60)
    store_cell(store, record, dict.fromkeys(record["sides"], ranks))


# --- run ----------------------------------------------------------------------------------------------------------


def test_run_prints_the_plan_then_the_table_and_the_paths(corecbench, experiment, tmp_path):
    experiment.records = [make_record()]
    result = corecbench("run", "--models", "toy")
    assert result.exit_code == 0, result.stderr
    plan, table = result.stdout.index("plan: 3 cells, 1 done already"), result.stdout.index(" .5000 ")
    assert plan < result.stdout.index("to download: weights: 93 MB") < result.stdout.index("note: a note") < table
    assert "  toys  other   seed 0  done\n" in result.stdout
    assert "  toys  broken  seed 0  failed before; --set run.retry_failed=true runs it again\n" in result.stdout
    for name in ("table.txt", "table.md", "slices.txt", "slices.md"):
        assert "toy" in (tmp_path / "results" / "default" / name).read_text()
        assert name in result.stdout


def test_progress_goes_to_stderr(corecbench, experiment):
    experiment.records = [make_record()]
    result = corecbench("run", "--models", "toy")
    assert "[1/1] toy, toys, seed 0: started" in result.stderr
    assert "started" not in result.stdout


def test_plan_only_trains_nothing(corecbench, experiment):
    experiment.raises = AssertionError("trained")
    result = corecbench("run", "--models", "toy", "--plan")
    assert result.exit_code == 0
    assert "plan: 3 cells" in result.stdout


def test_a_failed_cell_is_exit_code_1_and_the_table_is_still_printed(corecbench, experiment):
    experiment.records = [make_record(), make_record("other", status="failed")]
    result = corecbench("run", "--models", "toy,other")
    assert result.exit_code == 1
    assert " .5000 " in result.stdout
    assert "no luck" in result.stdout


def test_the_table_of_a_run_leaves_other_results_of_the_benchmark_out(corecbench, experiment):
    save(Store(Path("results"), "default"), make_record("stranger"))
    experiment.records = [make_record()]
    assert "stranger" not in corecbench("run", "--models", "toy").stdout


def test_controls_may_be_separated_by_commas_or_repeated(corecbench, experiment):
    options = ["--control", "shuffled-texts,no-mutual", "--control", "untrained-llm"]
    assert corecbench("run", "--models", "a", *options, "--plan").exit_code == 0
    assert experiment.config.controls == ("shuffled-texts", "no-mutual", "untrained-llm")


def test_trackers_are_off_until_asked_for(corecbench, experiment):
    corecbench("run", "--models", "a", "--plan")
    assert experiment.config.trackers == ()
    corecbench("run", "--models", "a", "--set", "run.trackers=mlflow,tensorboard", "--plan")
    assert experiment.config.trackers == ("mlflow", "tensorboard")


def test_set_changes_a_variant(corecbench, experiment, tmp_path):
    (tmp_path / "run.toml").write_text('models = ["wide"]\n[variants.wide]\nof = "sasrec"\nembedding_size = 128\n')
    assert corecbench("run", "--config", "run.toml", "--set", "wide.embedding_size=256", "--plan").exit_code == 0
    assert experiment.config.settings == {"wide": {"embedding_size": 256}}
    refused = corecbench("run", "--config", "run.toml", "--set", "wide.embeding_size=256", "--plan")
    assert "unknown setting of wide 'embeding_size'; did you mean 'embedding_size'" in refused.stderr


def test_options_reach_the_settings(corecbench, experiment):
    options = [
        "--models",
        "a,b",
        "--models",
        "c",
        "--llm",
        "llama:x",
        "--seeds",
        "0-1",
        "--set",
        "run.max_history=9",
    ]
    assert corecbench("run", *options, "--set", "sasrec.epochs=2", "--plan").exit_code == 0
    config = experiment.config
    assert (config.models, config.llms, config.seeds, config.max_history) == (
        ("a", "b", "c"),
        ("llama:x",),
        (0, 1),
        9,
    )
    assert config.settings == {"sasrec": {"epochs": 2}}
    assert config.sharing == ("bdlm",)


def test_options_say_how_cells_are_run(corecbench, experiment):
    corecbench("run", "--models", "a", "--plan")
    assert (experiment.config.executor, experiment.config.jobs, experiment.config.threads) == (
        "processes",
        None,
        None,
    )
    corecbench("run", "--models", "a", "--jobs", "3", "--threads", "2", "--plan")
    assert (experiment.config.jobs, experiment.config.threads) == (3, 2)
    dask = ("executor=dask", "scheduler=tcp://10.0.0.5:8786", "resources=GPU=1,big=2")
    corecbench("run", "--models", "a", *(f"--set=run.{each}" for each in dask), "--plan")
    assert (experiment.config.executor, experiment.config.scheduler) == ("dask", "tcp://10.0.0.5:8786")
    assert experiment.config.resources == {"GPU": 1, "big": 2}


def test_the_data_dir_is_where_data_sets_are_looked_for(corecbench, experiment, tmp_path, monkeypatch):
    from corecbench.toolkit import dataset_places

    monkeypatch.setenv("CORECBENCH_DATA", "elsewhere")
    (tmp_path / "data").mkdir()
    assert corecbench("run", "--models", "a", "--data-dir", "data", "--plan").exit_code == 0
    assert dataset_places("ml-1m")[0] == tmp_path / "data" / "ml-1m"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "a", "--data-dir", "absent"], "error: invalid value for '--data-dir'"),
        (["--models", "a", "--set", "run.k_core=-1"], "error: k_core is -1, must be at least 0"),
        ([], "error: nothing to run; give --models, --llm or both"),
        (["--llm", "llama", "--no-solo-llms"], "error: nothing to run; give --models, or --solo-llms beside --llm"),
        (["--models", "a", "--set", "run.max_history=0"], "error: max_history is 0, must be at least 1"),
        (["--models", "a", "--jobs", "0"], "error: jobs is 0, must be at least 1"),
        (["--models", "a", "--threads", "-1"], "error: threads is -1, must be at least 1"),
        (["--models", "a", "--set", "run.executor=slurm"], "'processes' or 'dask'"),
        (["--models", "a", "--set", "run.scheduler=x:1"], "error: scheduler is 'x:1', which needs executor dask"),
        (["--models", "a", "--set", "run.resources=GPU=1"], "resources is {'GPU': 1.0}, which needs executor dask"),
        (
            ["--models", "a", "--set", "run.resources=GPU"],
            "error: resource 'GPU' does not have the form NAME=NUMBER",
        ),
        (["--models", "a", "--set", "run.cell_timout=1"], "unknown setting of run 'cell_timout'; did you mean"),
        (["--models", "a", "--set", "sasrek.epochs=1"], "did you mean 'sasrec'"),
        (["--models", "a", "--control", "no-mutal"], "unknown control 'no-mutal'; did you mean 'no-mutual'"),
        (["--models", "a", "--existing", "overwrite"], "'skip', 'fail', 'replace' or 'replace-damaged'"),
        (["--models", "a", "--seeds", "x"], "error: seeds 'x'"),
        (["--models", "a", "--config", "absent.toml"], "error: cannot read absent.toml"),
        (["--modles", "a"], "error: no such option"),
        (["--models"], "error: option '--models' requires an argument"),
    ],
)
def test_a_usage_error_is_one_line_on_stderr_and_exit_code_2(corecbench, experiment, options, message):
    result = corecbench("run", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


# --- errors -------------------------------------------------------------------------------------------------------


def test_an_error_sends_nothing_to_the_terminal_but_text(corecbench, experiment):
    experiment.raises = ValueError("\x1b]0;title\x07 \x1b[2J\u202e bad")
    line = corecbench("run", "--models", "toy").stderr
    assert line == "error: ValueError: ]0;title [2J bad (--traceback shows where)\n"


def test_an_unexpected_error_is_one_line_with_a_hint(corecbench, experiment):
    experiment.raises = ZeroDivisionError("oh\nno")
    result = corecbench("run", "--models", "toy")
    assert result.exit_code == 1
    assert result.stderr == "error: ZeroDivisionError: oh no (--traceback shows where)\n"


@pytest.mark.parametrize(
    "args", [["--traceback", "run", "--models", "toy"], ["run", "--models", "toy", "--traceback"]]
)
def test_traceback_shows_where(corecbench, experiment, args):
    experiment.raises = ZeroDivisionError("oh no")
    result = corecbench(*args)
    assert result.exit_code == 1
    assert "test_main.py" in result.stderr


def test_an_interruption_is_exit_code_130(corecbench, experiment):
    experiment.raises = KeyboardInterrupt()
    result = corecbench("run", "--models", "toy")
    assert result.exit_code == 130
    assert result.stderr.endswith("error: interrupted; the same command goes on where it stopped\n")


def test_a_full_disk_is_an_error_not_a_closed_pipe(corecbench, experiment):
    experiment.raises = OSError(errno.ENOSPC, "No space left on device")
    assert "No space left on device" in corecbench("run", "--models", "toy").stderr


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_broken_plugin_file_is_exit_code_3_before_and_after_the_verb(corecbench, experiment, loose_file, place):
    plugin = ["--plugin", loose_file("mine", "1 / 0")]
    verb = ["run", "--models", "toy"]
    result = corecbench(*(plugin + verb if place == "before" else verb + plugin))
    assert result.exit_code == 3
    assert "plugin mine" in result.stderr
    assert "ZeroDivisionError" in result.stderr


# --- report -------------------------------------------------------------------------------------------------------


def test_report_prints_the_stored_table_again(corecbench):
    save(Store(Path("elsewhere"), "b"), make_record())
    result = corecbench("report", "elsewhere", "--benchmark", "b", "--metrics", "HR@10,NDCG@10")
    assert result.exit_code == 0
    assert " .5000 " in result.stdout


def test_report_prints_markdown(corecbench):
    save(Store(Path("results"), "default"), make_record())
    assert "|--" in corecbench("report", "--format", "markdown").stdout.replace("|:-", "|--")


def test_report_prints_the_slices(corecbench):
    save(Store(Path("results"), "default"), make_record())
    result = corecbench("report", "--slices", "--format", "markdown")
    assert result.exit_code == 0
    assert "| slice by" in result.stdout
    assert "toys: there is no joint row that can be compared with its solo row." in result.stdout


def test_report_prints_the_ledger(corecbench):
    save(Store(Path("results"), "default"), make_record())
    result = corecbench("report", "--ledger", "--format", "markdown")
    assert result.exit_code == 0
    assert "| tells" in result.stdout
    assert "No pair has a control here, so nothing tells what its gain is made of" in result.stdout
    assert Path("results/default/ledger.csv").exists()


def test_report_without_ledger_writes_none(corecbench):
    save(Store(Path("results"), "default"), make_record())
    corecbench("report")
    assert not Path("results/default/ledger.csv").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "error: results: no results here; `corecbench run` makes them\n"),
        (["elsewhere"], "error: elsewhere: no results here; `corecbench run` makes them\n"),
        (["stored", "--benchmark", "b"], "error: stored: no results of benchmark 'b'; have: default\n"),
    ],
)
def test_report_without_results_is_one_line_and_exit_code_5(corecbench, args, message):
    save(Store(Path("stored"), "default"), make_record())
    result = corecbench("report", *args)
    assert (result.exit_code, result.stdout, result.stderr) == (5, "", message)


@pytest.mark.parametrize("args", [["elsewhere"], ["elsewhere/b"]])
def test_report_takes_a_folder_of_results_or_of_one_benchmark(corecbench, args):
    save(Store(Path("elsewhere"), "b"), make_record())
    result = corecbench("report", *args)
    assert result.exit_code == 0
    assert " .5000 " in result.stdout
    assert Path("elsewhere/b/table.tex").exists()


def test_a_broken_reporter_stops_only_a_report_that_asks_for_it(corecbench, loose_file):
    source = """
        from corecbench.api import DomainModelComponent, ReporterComponent, hookimpl

        class Broken:
            suffix = "x"
            def __init__(self, config): pass
            def render(self, report): return 1 / 0

        @hookimpl
        def corecbench_reporters():
            return [ReporterComponent("broken", Broken)]
    """
    save(Store(Path("results"), "default"), make_record())
    plugin = ["--plugin", loose_file("mine", source)]
    result = corecbench("report", *plugin)
    assert result.exit_code == 0
    assert " .5000 " in result.stdout
    assert result.stderr.startswith("warning: reporter 'broken' of plugin mine")
    assert corecbench("report", "--format", "broken", *plugin).exit_code == 3


def test_report_draws_what_can_be_drawn_and_says_what_not(corecbench):
    save(Store(Path("results"), "default"), make_record())
    result = corecbench("report", "--plots", "--format", "csv")
    assert result.exit_code == 0
    assert result.stdout == Path("results/default/table.csv").read_text()
    lines = result.stderr.splitlines()
    assert "no plot gain: there is no joint row that can be compared with its solo row" in lines
    assert lines[-1] == "written to results/default/plots: 0 files"


def test_report_reads_the_ranks_of_each_side_once(corecbench, monkeypatch):
    save_pair(Store(Path("results"), "default"))
    read, plain = [], pd.read_parquet
    monkeypatch.setattr(pd, "read_parquet", lambda file: read.append(plain(file)) or read[-1])
    assert corecbench("report", "--plots", "--html").exit_code == 0
    of_users = ["user_id" in frame for frame in read]
    # three sides have ranks each and share their users; the lists on the page are of one side, which is read again
    assert (of_users.count(False), of_users.count(True)) == (3 + 1, 1 + 1)


def test_report_writes_a_page_beside_the_tables(corecbench):
    save(Store(Path("results"), "default"), make_record())
    result = corecbench("report", "--html", "--format", "csv")
    assert result.exit_code == 0
    assert result.stdout == Path("results/default/table.csv").read_text()
    lines = ["written to results/default: 12 files", "written to results/default/report.html"]
    assert result.stderr.splitlines() == lines
    assert "The best row, toy, reaches NDCG@10 of .5000." in Path("results/default/report.html").read_text()


def test_report_draws_nothing_unless_asked(corecbench):
    save(Store(Path("results"), "default"), make_record())
    assert corecbench("report").exit_code == 0
    assert not Path("results/default/plots").exists()
    assert not Path("results/default/report.html").exists()


def test_report_asks_which_of_several_benchmarks(corecbench):
    for benchmark in ("a", "b"):
        save(Store(Path("results"), benchmark), make_record())
    result = corecbench("report")
    assert result.exit_code == 2
    assert result.stderr == "error: several benchmarks in results; choose one by --benchmark: a, b\n"
    save(Store(Path("results"), "default"), make_record("main"))
    assert "main" in corecbench("report", "results").stdout


def test_report_of_some_cells_is_written_apart(corecbench):
    save_pair(Store(Path("results"), "default"))
    save(Store(Path("results"), "default"), make_record("other"))
    result = corecbench(
        "report", "--set", "report.cells=toy+llama+bdlm", "--out", "tables/pairs", "--format", "csv"
    )
    assert result.exit_code == 0
    assert result.stdout == Path("tables/pairs/table.csv").read_text()
    assert [line.split(",")[1] for line in result.stdout.splitlines()[1:]] == ["toy", "toy + llama", "toy + llama"]
    assert not list(Path("results/default").glob("table.*"))


def test_the_page_of_some_cells_shows_no_others(corecbench):
    store = Store(Path("results"), "default")
    for name in ("toy", "other"):
        for dataset in ("toys", "more"):
            record = make_record(name)
            save(store, record | {"cell": record["cell"] | {"dataset": dataset}})
    result = corecbench("report", "--set", "report.cells=toy", "--out", "tables", "--html", "--format", "csv")
    assert result.exit_code == 0
    page = Path("tables/report.html").read_text()
    assert "Over the data sets" in page
    assert ">other<" not in page


def test_report_takes_cells_of_several_benchmarks_that_can_be_compared(corecbench):
    for name, benchmark in (("toy", "a"), ("other", "b")):
        save(Store(Path("results"), benchmark), make_record(name))
    result = corecbench("report", "--benchmark", "a,b", "--out", "both", "--format", "csv")
    assert [line.split(",")[1] for line in result.stdout.splitlines()[1:]] == ["toy", "other"]
    save(Store(Path("results"), "b"), make_record("third") | {"protocol": {"split": "random"}})
    refused = corecbench("report", "--benchmark", "a,b", "--out", "both")
    assert refused.exit_code == 5
    assert "protocol is not that of" in refused.stderr
    assert "(split: random, there leave-one-out)" in refused.stderr


VIEWS = {
    "--datasets": ["toys"],
    "--benchmark": ["a,b"],
    "--metrics": ["MRR"],
    "report.cells": ["toy"],
    "report.test": ["permutation"],
    "report.correction": ["bh"],
    "report.margin": ["0.1"],
    "--latest": [],
    "--pick": ["toy=0123abcd"],
}
"""Options that make a report another one than that of all results, each with a value."""


def files_below(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize("option", VIEWS)
def test_a_view_is_printed_and_never_replaces_the_tables_of_all(corecbench, option):
    for benchmark in ("default", "a", "b"):
        save(Store(Path("results"), benchmark), make_record())
    corecbench("report")
    before, options = files_below("results"), [option, *VIEWS[option]]
    if not option.startswith("-"):
        options = ["--set", f"{option}={VIEWS[option][0]}"]
    result = corecbench("report", *options)
    assert (result.exit_code, "toy" in result.stdout) == (0, True)
    assert result.stderr == f"nothing was written, since this is a view ({option}); --out DIR writes it\n"
    for refused in (["--html"], ["--plots"], ["--out", "a b"], ["--out", "results/default"], ["--out", "results"]):
        assert corecbench("report", *options, *refused).exit_code == 2
    assert files_below("results") == before
    result = corecbench("report", *options, "--out", "tables/view")
    assert result.stderr == "written to tables/view: 12 files\n"
    assert files_below("results") == before
    assert Path("tables/view/table.csv").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--metrics", "HR@10,NDCG@10,MRR"],
        ["--set=report.test=users-and-seeds"],
        ["--effects"],
        ["--set=report.cost=true"],
    ],
)
def test_the_report_of_all_results_is_written_beside_them(corecbench, options):
    save(Store(Path("results"), "default"), make_record())
    assert corecbench("report", *options).stderr == "written to results/default: 12 files\n"


# --- several settings of a cell -----------------------------------------------------------------------------------


@pytest.fixture
def several():
    """Store a cell under old settings, whose first user fails, and under new ones."""
    store = Store(Path("results"), "default")
    old = make_record() | {"hash": "01d01d01", "started": "2026-01-02T03:04:05+00:00"}
    store_cell(store, old, {"domain": toy_ranks([MISS, MISS], n_candidates=60)})
    save(store, make_record())


READERS = (["report"], ["compare", "results", "--baseline", "toy"], ["board"])


@pytest.mark.parametrize("verb", READERS)
def test_several_settings_of_a_cell_are_named_with_what_chooses_one(corecbench, several, verb):
    result = corecbench(*verb)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: toys: several settings of toy are stored for seed 0: 0123abcd (2026-11-24 16:00), 01d01d01 "
        "(2026-01-02 03:04); take the latest of each cell by --latest, or one by --pick toy=0123abcd (in Python "
        "latest=True or pick={CELL: HASH}); `corecbench results prune` lists the old ones\n"
    )


@pytest.mark.parametrize("verb", READERS)
def test_the_latest_settings_or_those_that_are_picked_are_taken(corecbench, several, verb):
    latest, old = (corecbench(*verb, "--format", "csv", *how) for how in (["--latest"], ["--pick", "toy=01d01d01"]))
    assert (latest.exit_code, old.exit_code) == (0, 0)
    assert "0.5" in latest.stdout
    assert "0.5" not in old.stdout


@pytest.mark.parametrize(
    ("pick", "message"),
    [
        ("toy", "a pick is CELL=HASH, the name of a cell and 8 digits; got 'toy'"),
        ("tyo=0123abcd", "unknown cell 'tyo'; did you mean 'toy'"),
        ("toy=ffffffff", "unknown hash of cell toy 'ffffffff'"),
    ],
)
@pytest.mark.parametrize("verb", [*READERS, ["board", "results", "--out", "site"]])
def test_a_pick_of_what_is_not_stored_is_one_line(corecbench, several, verb, pick, message):
    result = corecbench(*verb, "--pick", pick)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_site_shows_the_settings_that_are_chosen(corecbench, several):
    refused = corecbench("board", "results", "--out", "site")
    assert "several settings of toy are stored" in refused.stderr
    assert corecbench("board", "results", "--out", "site", "--latest").exit_code == 0
    assert "0123abcd" in "".join(path.read_text() for path in Path("site").rglob("*.html"))


def test_report_prints_the_costs(corecbench):
    save(Store(Path("results"), "default"), make_record())
    assert "train s" not in corecbench("report").stdout
    assert "train s" in corecbench("report", "--set", "report.cost=true").stdout


def save_pair(store):
    """Store a model alone and with an LLM."""
    alone, joint = make_record(), make_record()
    joint["cell"] |= {"name": "toy+llama+bdlm", "llm": "llama", "sharing": "bdlm"}
    joint["sides"]["llm"] = joint["sides"]["domain"]
    for record in (alone, joint):
        save(store, record)


def settings_of(verb, **changes):
    """Return options that change settings of a verb."""
    return [f"--set={verb[0]}.{name}={value}" for name, value in changes.items()]


def test_the_choices_of_tests_and_corrections_are_those_there_are():
    assert tuple(METHODS) == get_args(tables.Test)
    assert tuple(CORRECTIONS) == get_args(tables.Correction)


@pytest.mark.parametrize("verb", [["report", "--effects"], ["compare", "results", "--baseline", "toy"]])
def test_test_correction_and_margin_can_be_chosen(corecbench, verb):
    save_pair(Store(Path("results"), "default"))
    result = corecbench(*verb, *settings_of(verb, test="permutation", correction="bh", margin="0.1"))
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "p: two-sided sign-flip permutation test" in text
    assert "p (BH): Benjamini-Hochberg-adjusted within one family of tests" in text
    assert "a difference of 10% of" in text


@pytest.mark.parametrize("verb", [["report"], ["compare", "results", "--baseline", "toy"]])
def test_users_are_stated_for_a_change_that_is_given(corecbench, verb):
    save_pair(Store(Path("results"), "default"))
    text = " ".join(corecbench(*verb, *settings_of(verb, find="0.1")).stdout.split())
    assert "users for 10%" in text
    assert "users for 10%: with whom it finds a change of 10% of" in text


@pytest.mark.parametrize("verb", [["report", "--effects"], ["compare", "results", "--baseline", "toy"]])
def test_with_the_bootstrap_test_intervals_are_its_own(corecbench, verb):
    save_pair(Store(Path("results"), "default"))
    text = " ".join(corecbench(*verb, *settings_of(verb, test="bootstrap")).stdout.split())
    assert "95% interval: of the difference (BCa bootstrap over users, 9,999 resamples)" in text
    assert "of the relative change, by the BCa bootstrap" in text
    assert "t interval" not in text


def test_report_prints_effect_sizes_where_they_are_asked_for(corecbench):
    save_pair(Store(Path("results"), "default"))
    assert "d_z" not in corecbench("report").stdout
    assert "d_z" in corecbench("report", "--effects").stdout


@pytest.mark.parametrize("verb", [["report"], ["compare", "results", "--baseline", "toy"]])
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("test", "anova", ".test is 'anova', which does not fit: input should be 'users-and-seeds', "),
        ("correction", "tukey", ".correction is 'tukey', which does not fit: input should be 'holm', "),
        ("margin", "0", "error: a margin is a share above 0 of the mean compared with, such as 0.05; got 0.0"),
        ("margin", "nan", ".margin is nan, which does not fit: input should be a finite number"),
        ("margin", "x", ".margin is 'x', which does not fit: input should be a valid number"),
        (
            "find",
            "0",
            "error: a change to find is a share above 0 of the mean compared with, such as 0.05; got 0.0",
        ),
        ("tset", "t", "error: unknown setting of "),
    ],
)
def test_a_wrong_test_correction_or_margin_is_one_line(corecbench, verb, option, value, message):
    save(Store(Path("results"), "default"), make_record())
    result = corecbench(*verb, *settings_of(verb, **{option: value}))
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_report_prints_exact_numbers(corecbench):
    save(Store(Path("results"), "default"), make_record())
    result = corecbench("report", "--format", "json", "--metrics", "MRR")
    assert json.loads(result.stdout)["rows"][0]["MRR"] == (1 + 1 / 50) / 2


@pytest.mark.parametrize(
    "records",
    [
        [make_record(), make_record("other", status="failed")],
        [make_record(), make_record(seed=1), make_record("other")],
    ],
    ids=["a failed cell", "a missing seed"],
)
def test_report_of_incomplete_results_prints_what_there_is_and_is_exit_code_5(corecbench, records):
    for record in records:
        save(Store(Path("results"), "default"), record)
    result = corecbench("report")
    assert result.exit_code == 5
    assert " .5000 " in result.stdout
    assert result.stderr.splitlines()[-1].startswith("incomplete, so the exit code is 5: ")
    assert "other" in result.stderr.splitlines()[-1]


def test_report_in_an_unknown_format_is_exit_code_2(corecbench):
    result = corecbench("report", "--format", "makrdown")
    assert result.exit_code == 2
    assert "did you mean 'markdown'" in result.stderr


# --- board --------------------------------------------------------------------------------------------------------


def test_the_board_is_over_all_benchmarks_and_in_every_format(corecbench):
    for benchmark, name in (("a", "toy"), ("b", "other")):
        save(Store(Path("results"), benchmark), make_record(name))
    result = corecbench("board")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[2:4]] == ["toy", "other"]
    alone = corecbench("board", "results", "--benchmark", "b", "--format", "csv")
    assert alone.stdout.count("\n") == 2


def test_an_incomplete_board_is_exit_code_5(corecbench):
    for record in (make_record(), make_record("other", status="failed")):
        save(Store(Path("results"), "default"), record)
    result = corecbench("board", "results/default")
    assert result.exit_code == 5
    assert "incomplete: toys: seed 0 failed" in result.stdout


def test_a_board_over_two_protocols_is_one_line(corecbench):
    for benchmark, protocol in (("a", {"split": "leave-one-out"}), ("b", {"split": "another"})):
        save(Store(Path("results"), benchmark), make_record() | {"protocol": protocol})
    result = corecbench("board")
    assert (result.exit_code, result.stdout) == (5, "")
    assert "protocol is not that of" in result.stderr
    assert result.stderr.count("\n") == 1


# --- compare ------------------------------------------------------------------------------------------------------


def test_compare_prints_every_cell_against_the_baseline(corecbench):
    for name in ("toy", "other"):
        save(Store(Path("results"), "default"), make_record(name))
    result = corecbench("compare", "results", "--baseline", "other", "--metric", "MRR")
    assert result.exit_code == 0
    assert [line.split()[1] for line in result.stdout.splitlines()[2:4]] == ["other", "toy"]
    assert "MRR vs baseline" in result.stdout
    assert (
        corecbench("compare", "results/default", "--baseline", "other", "--format", "csv").stdout.count("\n") == 3
    )


def test_compare_takes_several_folders(corecbench):
    for benchmark in ("a", "b"):
        save(Store(Path("results"), benchmark), make_record())
    result = corecbench("compare", "results/a", "results/b", "--baseline", "a/toy")
    assert result.exit_code == 0
    assert "b            toy" in result.stdout


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["absent", "--baseline", "toy"], 5, "error: absent: no results here"),
        (["results", "--baseline", "tyo"], 2, "error: unknown cell 'tyo'; did you mean 'toy'? have: toy"),
        (["results", "--baseline", "toy", "--metric", "MMR"], 2, "did you mean 'MRR'"),
        (["results", "--baseline", "toy", "--datasets", "x"], 2, "error: unknown data set 'x'; have: toys"),
        (["results"], 2, "error: missing option '--baseline'"),
    ],
)
def test_what_compare_cannot_do_is_one_line(corecbench, args, code, message):
    save(Store(Path("results"), "default"), make_record())
    result = corecbench("compare", *args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


# --- list, doctor, version ----------------------------------------------------------------------------------------


def test_list_shows_components_with_their_summary(corecbench, loose_file):
    result = corecbench("describe", "models", "--plugin", loose_file("mine", PLUGIN))
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("toy ")]
    assert line.split()[:3] == ["toy", "model", "mine"]
    assert line.endswith("  a [toy]")
    assert "sasrec" in result.stdout


def test_list_as_json_shows_settings_with_their_defaults(corecbench):
    listed = {entry["name"]: entry for entry in json.loads(corecbench("describe", "models", "--json").stdout)}
    assert listed["sasrec"]["settings"]["embedding_size"] == {"type": "int", "default": 64, "minimum": 1}


def test_without_a_kind_the_components_of_all_kinds_are_listed(corecbench):
    listed = json.loads(corecbench("describe", "--json").stdout)
    kinds = {entry["name"]: entry["kind"] for entry in listed}
    chosen = ("ml-100k", "sasrec", "llama", "bdlm", "MRR", "text")
    assert [kinds[name] for name in chosen] == ["dataset", "model", "llm", "sharing", "metric", "reporter"]
    assert all(entry["distribution"] == "corecbench" and entry["version"] for entry in listed)
    assert corecbench("describe").stdout.count("\n") == len(listed)


@pytest.mark.parametrize("kind", ["models", "llms", "sharing", "datasets", "metrics", "reporters", "plugins"])
def test_every_kind_can_be_listed(corecbench, kind):
    assert corecbench("describe", kind).stdout


def test_list_plugins_shows_a_broken_one_with_its_reason(corecbench, loose_file):
    result = corecbench("--plugin", loose_file("mine", "1 / 0"), "describe", "plugins")
    assert result.exit_code == 0
    assert "ZeroDivisionError: division by zero" in result.stdout


def test_a_blocked_plugin_is_not_listed(corecbench):
    assert "popularity" not in corecbench("describe", "models", "--no-plugin", "popularity").stdout


def test_doctor_shows_what_there_is(corecbench, monkeypatch, tmp_path):
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))
    result = corecbench("doctor")
    assert result.exit_code == 0
    for expected in ("corecbench ", "torch ", "processors", "popularity (corecbench", str(tmp_path / "cache")):
        assert expected in result.stdout
    assert "ml-100k: found, 100,000 interactions" in result.stdout
    assert "  csv: not set, needs csv:PATH\n" in result.stdout
    assert "  hf: not set, needs hf:WEIGHTS\n" in result.stdout


def test_doctor_works_without_torch_and_with_a_broken_plugin_of_others(corecbench, monkeypatch, distribution):
    monkeypatch.setitem(sys.modules, "torch", None)
    distribution("bad", "1 / 0")
    result = corecbench("doctor")
    assert result.exit_code == 0
    assert "torch cannot be imported" in result.stdout
    assert "bad (bad 1.2): BROKEN, ZeroDivisionError" in result.stdout


def test_doctor_is_exit_code_3_when_one_of_our_own_plugins_is_broken(corecbench, monkeypatch):
    monkeypatch.setitem(sys.modules, "corecbench_plugins.popularity", None)
    result = corecbench("doctor")
    assert result.exit_code == 3
    assert "popularity (corecbench" in result.stdout


@pytest.mark.parametrize("verb", [["report"], ["describe", "benchmarks"], ["report", "--format", "nope"]])
def test_a_closed_stdout_changes_no_exit_code(corecbench, verb):
    save(Store(Path("results"), "default"), make_record())
    command = f"{shlex.join([sys.executable, '-m', 'corecbench', *verb])} >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    expected = corecbench(*verb)
    assert (done.returncode, done.stderr) == (expected.exit_code, expected.stderr)


def test_version(corecbench):
    assert corecbench("--version").stdout.startswith("corecbench, version ")


def test_the_controls_that_the_help_names_exist(host):
    (option,) = (parameter for parameter in main.commands["run"].params if parameter.name == "controls")
    named = option.help.rpartition(" ")[2].removesuffix(".").split(",")
    assert {"shuffled-texts"} < set(named) <= {component.name for component, _ in host.list("controls")}


def test_defaults_that_the_help_states_are_those_of_a_run(corecbench):
    from corecbench.settings.config import RunConfig

    default = RunConfig()
    options = {parameter.name: parameter for parameter in main.commands["run"].params}
    for name, value in {
        "sharing": default.sharing[0],
        "datasets": default.datasets[0],
        "seeds": default.seeds[0],
        "ties": default.ties,
        "benchmark": default.benchmark,
        "existing": default.existing,
        "device": default.device,
    }.items():
        assert isinstance(options[name], click.Option)
        assert f"[default: {value}]" in options[name].help

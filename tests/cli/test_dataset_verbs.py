import io
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from corecbench.cli.main import main
from corecbench.cli.saying import now_and_then

PLUGIN = """
    from corecbench.api import DatasetComponent, Download, hookimpl
    from corecbench.toolkit import dataset_folder

    @hookimpl
    def corecbench_datasets():
        download = Download("{url}", terms="for research")
        return [DatasetComponent("mine", lambda config: dataset_folder("mine"), download=download)]
"""


@pytest.fixture
def corecbench(tmp_path, monkeypatch):
    """Run the command line in an empty folder, with an empty cache and no data folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CORECBENCH_DATA", "")

    def invoke(*args):
        return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)

    return invoke


@pytest.fixture
def network(monkeypatch):
    """Stand in for the network: the addresses that were asked for; each gives an archive of two files."""
    asked = []

    def download(self, url, output_file, pooch):
        asked.append(url)
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            rows = "".join(f"u\ti{item}\t{item}\n" for item in range(3))
            archive.writestr("Set.inter", "user_id:token\titem_id:token\ttimestamp:float\n" + rows)
            titles = "".join(f"i{item}\tTitle {item}\n" for item in range(3))
            archive.writestr("Set.item", "item_id:token\tmovie_title:token_seq\n" + titles)
        Path(output_file).write_bytes(written.getvalue())
        self.progress(1_500_000, 3_000_000)

    monkeypatch.setattr("corecbench.data.fetch.Limited.__call__", download)
    return asked


# --- fetch --------------------------------------------------------------------------------------------------------


def test_what_was_fetched_is_what_a_run_finds(corecbench, network, tmp_path):
    assert corecbench("datasets", "info", "ml-1m").exit_code == 4
    result = corecbench("datasets", "fetch", "ml-1m")
    folder = tmp_path / "cache" / "datasets" / "ml-1m"
    assert result.exit_code == 0
    assert result.stdout.startswith(f"ml-1m: {folder} (0.0 MB, sha256 ")
    assert sorted(path.name for path in folder.iterdir()) == ["ml-1m.inter", "ml-1m.item"]
    assert corecbench("datasets", "info", "ml-1m").stdout.startswith("ml-1m\n  users: 1\n  items: 3\n")


def test_progress_and_terms_go_to_stderr(corecbench, network):
    result = corecbench("datasets", "fetch", "ml-1m")
    assert "ml-1m: GroupLens: research use" in result.stderr
    assert "ml-1m: 1.5 of 3.0 MB" in result.stderr
    assert result.stdout.count("\n") == 1


def test_several_can_be_fetched_and_each_only_once(corecbench, network):
    names = ["ml-1m", "amazon-beauty", "amazon-toys-games"]
    assert corecbench("datasets", "fetch", *names).exit_code == 0
    assert corecbench("datasets", "fetch", *names).exit_code == 0
    assert [url.rpartition("/")[2] for url in network] == [
        "ml-1m.zip",
        "Amazon_Beauty.zip",
        "Amazon_Toys_and_Games.zip",
    ]
    assert all(url.startswith("https://") for url in network)


def test_a_set_of_a_third_party_is_fetched_by_the_same_verb(corecbench, network, loose_file, tmp_path):
    plugin = loose_file("other", PLUGIN.format(url="https://example.org/mine.zip"))
    result = corecbench("datasets", "fetch", "mine", "--plugin", plugin)
    assert (result.exit_code, network) == (0, ["https://example.org/mine.zip"])
    assert (tmp_path / "cache" / "datasets" / "mine" / "mine.inter").exists()


def test_an_address_without_encryption_is_refused(corecbench, loose_file):
    plugin = loose_file("other", PLUGIN.format(url="http://127.0.0.1:1/mine.zip"))
    result = corecbench("datasets", "fetch", "mine", "--plugin", plugin)
    assert result.exit_code == 4
    assert result.stderr.endswith("error: http://127.0.0.1:1/mine.zip: http is not allowed, only https\n")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ml1m", "error: unknown data set 'ml1m'; did you mean 'ml-1m'?"),
        ("ml-100k", "error: data set 'ml-100k' is not one to get; have: amazon-beauty, amazon-beauty-timed, "),
    ],
)
def test_a_name_that_cannot_be_fetched_is_an_error_before_anything_is(corecbench, network, name, message):
    result = corecbench("datasets", "fetch", "ml-1m", name)
    assert (result.exit_code, result.stdout, network) == (2, "", [])
    assert result.stderr.startswith(message)


def test_lines_of_progress_come_now_and_then(capsys):
    now = [0.0]
    tell = now_and_then(lambda done, total: f"{done} of {total}", clock=lambda: now[0])
    for now[0], done in ((0.0, 0), (14.0, 1), (15.0, 2), (16.0, 3)):
        tell(done, 3)
    assert capsys.readouterr().err == "0 of 3\n2 of 3\n"


# --- info ---------------------------------------------------------------------------------------------------------


def test_info_of_a_folder_as_json(corecbench, toy_folder):
    facts = json.loads(corecbench("datasets", "info", toy_folder, "--json").stdout)
    assert (facts["name"], facts["n_users"], facts["n_items"], facts["n_interactions"]) == ("toy", 60, 20, 720)
    assert facts["sparsity"] == 1 - 720 / (60 * 20)
    assert facts["interactions_per_user"] == {"min": 12, "median": 12, "mean": 12, "max": 12}
    assert facts["interactions_per_item"] == {"min": 36, "median": 36, "mean": 36, "max": 36}
    assert len(facts["fingerprint"]) == 64


def test_info_says_what_a_k_core_left_out(corecbench, toy_folder, tmp_path):
    (tmp_path / "few").mkdir()
    rows = (toy_folder / "toy.inter").read_text() + "late\ti0\t1\nlate\ti1\t2\n"
    (tmp_path / "few" / "few.inter").write_text(rows)
    shown = corecbench("datasets", "info", tmp_path / "few", "--set", "run.k_core=3").stdout.splitlines()
    assert "  users: 60" in shown
    assert "  k-core (0: off): 3" in shown
    assert "  users that the k-core left out: 1" in shown
    assert "  interactions that the k-core left out: 2" in shown
    assert "  items without a title: 20" in shown


def test_info_says_which_splits_rank_somebody(corecbench, toy_folder, tmp_path):
    rows = [f"u{user}\ti{item}\t7" for user in range(4) for item in range(4)]
    (tmp_path / "once").mkdir()
    header = (toy_folder / "toy.inter").read_text().splitlines()[0]
    (tmp_path / "once" / "once.inter").write_text("\n".join([header, *rows]) + "\n")
    result = corecbench("datasets", "info", tmp_path / "once")
    assert result.exit_code == 0
    shown = result.stdout.splitlines()
    assert "  can be split by leave-one-out: yes, with --ties file" in shown
    assert "  can be split by time: no: all 16 interactions have the time 7" in shown
    assert any(line.startswith("warning: data set 'once': no user has interactions before") for line in shown)
    refused = corecbench("datasets", "info", tmp_path / "once", "--split", "time")
    assert refused.exit_code == 4
    assert refused.stderr.endswith("; use --split leave-one-out --ties file\n")
    shown = corecbench("datasets", "info", toy_folder).stdout
    assert "  can be split by leave-one-out: yes, with --ties file or random or exclude\n" in shown


def test_info_looks_into_the_data_dir(corecbench, toy_folder, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ml-1m").symlink_to(toy_folder)
    result = corecbench("datasets", "info", "ml-1m", "--data-dir", "data")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "ml-1m")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["ml-1m"], 4, "get it: corecbench datasets fetch ml-1m"),
        (["ml-100k", "--set", "run.k_core=-1"], 2, "k_core is -1, must be at least 0"),
        (["amazon-beauty", "--set", "amazon-beauty.kcore=3"], 2, "did you mean 'k_core'"),
        (["ml-100k", "--set", "run.repeats=none"], 2, "'first', 'last' or 'all'"),
    ],
)
def test_what_is_wrong_is_one_line(corecbench, args, code, message):
    result = corecbench("datasets", "info", *args)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (code, "", 1)
    assert message in result.stderr

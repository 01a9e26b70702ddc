"""Attacks on stored results: each is refused by name in one line, and costs its own row only."""

import errno
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from in_process import InProcess
from stored_cells import reseal, store_cell, toy_ranks

from corecbench.cli.main import main
from corecbench.data.archive import sha256_of
from corecbench.experiment.execution import schedule
from corecbench.experiment.session import Steps
from corecbench.results.checksums import checksum, place_of
from corecbench.results.frames import RANK_COLUMNS
from corecbench.results.record import ResultsError
from corecbench.results.record_file import read_record
from corecbench.results.spare import store_or_keep
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

RANK = [1, 3, 8, 20]
MEANS = {"HR@10": 3 / 4, "NDCG@10": (1 + 1 / 2 + 1 / np.log2(9)) / 4}
"""Of RANK."""


@pytest.fixture
def store(tmp_path):
    """Store a model alone under two seeds, and a pair, all with lists."""
    store = Store(tmp_path / "results", "default")
    for record in (toy_record(seed=0), toy_record(seed=1), toy_record("sasrec", "llama")):
        number = record["cell"]["seed"] + len(record["sides"])
        for side in record["sides"]:
            record["sides"][side] |= {"n_users": 4, "metrics": dict(MEANS)}
        ranks = {
            side: toy_ranks(np.roll(RANK, number + place), history_length=[3] * 4)
            for place, side in enumerate(record["sides"])
        }
        store_cell(store, record, ranks, [["a", "b"]] * 4, {"i": number, "a": 1, "b": 1})
    return store


def cell(store, seed=0):
    return store.folder("sasrec", "toy", seed, "0123abcd")


def pair(store):
    return store.folder("sasrec+llama+bdlm", "toy", 0, "0123abcd")


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def edit(folder, change, sealed=False):
    """Change the record of a cell: `change(record)`. A forger who knows how seals it anew."""
    file = folder / "result.json"
    record = json.loads(file.read_text())
    change(record)
    if sealed:
        record["checksum"] = checksum(record)
    file.write_text(json.dumps(record))


def forge(folder, change):
    """Change ranks and users of a cell, and the checksums with them: `change(frame)` returns the new table."""
    frame = change(Store(folder.parents[3], folder.parents[2].name).ranks(folder, "domain"))
    own = [name for name in RANK_COLUMNS if name in frame]
    parts = {"ranks.parquet": frame[own], "users.parquet": frame.drop(columns=own)}
    for name, part in parts.items():
        part.to_parquet(folder / name, index=False)
    digests = {name: sha256_of(folder / name) for name in parts}
    edit(folder, lambda record: record["files"].update(digests), sealed=True)


def flip(name):
    def attack(folder):
        record = {} if name == "result.json" else read_record(folder)
        file = place_of(folder, name, record)
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)

    return attack


def swap(one, other):
    def attack(folder):
        first, second = folder / one, (folder / other).resolve()
        kept = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(kept)

    return attack


def replaced(name, make):
    """Put something else where a file was."""

    def attack(folder):
        (folder / name).unlink()
        make(folder / name)

    return attack


def column(**values):
    return lambda folder: forge(folder, lambda frame: frame.assign(**values))


def record_with(change, sealed=False):
    return lambda folder: edit(folder, change, sealed)


def metrics_of(record):
    return record["sides"]["domain"]["metrics"]


WRONG_FILES = {
    "a bit of the ranks": (flip("ranks.parquet"), "ranks.parquet: its sha256 is not the one"),
    "a bit of the lists": (flip("top.parquet"), "top.parquet: its sha256 is not the one"),
    "a bit of the items": (flip("items.parquet"), "its sha256 is not the one"),
    "truncated": (
        lambda folder: os.truncate(folder / "ranks.parquet", 100),
        "ranks.parquet: its sha256 is not the one",
    ),
    "empty": (lambda folder: os.truncate(folder / "ranks.parquet", 0), "ranks.parquet: its sha256"),
    "missing": (lambda folder: (folder / "ranks.parquet").unlink(), "ranks.parquet: the file is missing"),
    "a folder": (replaced("ranks.parquet", lambda file: file.mkdir()), "ranks.parquet: this is no file"),
    "a pipe": (replaced("ranks.parquet", os.mkfifo), "ranks.parquet: this is no file"),
    "a link to nothing": (
        replaced("ranks.parquet", lambda file: file.symlink_to("nothing")),
        "ranks.parquet: this is a link",
    ),
    "a link in a circle": (
        replaced("ranks.parquet", lambda file: file.symlink_to(file.name)),
        "ranks.parquet: this is a link",
    ),
    "a link to a device": (
        replaced("ranks.parquet", lambda file: file.symlink_to("/dev/zero")),
        "ranks.parquet: this is a link",
    ),
    "a link to the file of another cell": (
        replaced("ranks.parquet", lambda file: file.symlink_to("../seed1-0123abcd/ranks.parquet")),
        "ranks.parquet: this is a link",
    ),
    "swapped with another cell": (
        swap("ranks.parquet", "../seed1-0123abcd/ranks.parquet"),
        "ranks.parquet: its sha256 is not the one",
    ),
}
WRONG_RECORDS = {
    "a bit of the record": (flip("result.json"), "result.json: "),
    "an edited metric": (
        record_with(lambda record: metrics_of(record).update({"HR@10": 0.9})),
        "result.json: its contents do not have the checksum",
    ),
    "an edited seed": (
        record_with(lambda record: record["cell"].update(seed=1)),
        "result.json: its contents do not have the checksum",
    ),
    "a forged seed": (
        record_with(lambda record: record["cell"].update(seed=1), sealed=True),
        "its seed and hash is seed1-0123abcd, and that of its folder seed0-0123abcd",
    ),
    "a forged hash": (
        record_with(lambda record: record.update(hash="ffffffff"), sealed=True),
        "its seed and hash is seed0-ffffffff",
    ),
    "a forged data set": (
        record_with(lambda record: record["cell"].update(dataset="other"), sealed=True),
        "its data set is other, and that of its folder toy",
    ),
    "a forged name": (
        record_with(lambda record: record["cell"].update(name="gru4rec"), sealed=True),
        "its cell is gru4rec, and that of its folder sasrec",
    ),
    "swapped records": (
        swap("result.json", "../seed1-0123abcd/result.json"),
        "its seed and hash is seed1-0123abcd, and that of its folder seed0-0123abcd",
    ),
    "checksums of files without one of the record": (
        record_with(lambda record: record.pop("checksum")),
        "it lacks checksums",
    ),
    "no file has a checksum": (
        record_with(lambda record: record.update(files={}), sealed=True),
        "ranks.parquet: result.json names no such file",
    ),
    "a wrong type": (
        record_with(lambda record: record["sides"]["domain"].update(n_users="4")),
        "n_users: Input should be a valid integer",
    ),
    "not a number": (record_with(lambda record: record.update(duration_s=float("nan"))), "NaN is no JSON number"),
    "another status": (record_with(lambda record: record.update(status="fine")), "status: Input should be"),
    "a newer schema": (
        record_with(lambda record: record.update(schema=4)),
        "schema 4 of a newer corecbench, and this one reads 3; update corecbench",
    ),
    "an older schema": (
        record_with(lambda record: record.update(schema=2)),
        "schema 2 of an earlier corecbench, and this one reads 3",
    ),
    "deep": (lambda folder: (folder / "result.json").write_text("[" * 100_000), "result.json: cannot be read"),
    "no text": (lambda folder: (folder / "result.json").write_bytes(b"\xff\xfe"), "result.json: cannot be read"),
    "an empty record": (lambda folder: os.truncate(folder / "result.json", 0), "result.json: cannot be read"),
    "no record": (lambda folder: (folder / "result.json").unlink(), "result.json: the file is missing"),
    "a folder as the record": (
        replaced("result.json", lambda file: file.mkdir()),
        "result.json: this is no file",
    ),
    "a pipe as the record": (replaced("result.json", os.mkfifo), "result.json: this is no file"),
}
FORGED = {
    "rank 0": (column(rank=[0, 3, 8, 20]), "a rank is a whole number from 1 on"),
    "above the candidates": (column(rank=[1, 3, 8, 21]), "rank 21 among 20 candidates"),
    "no whole rank": (column(rank=[1.5, 3, 8, 20]), "a rank is a whole number from 1 on"),
    "rank NaN": (column(rank=[np.nan, 3, 8, 20]), "a rank is a whole number from 1 on"),
    "ranks of text": (column(rank=["1", "3", "8", "20"]), "a rank is a whole number from 1 on"),
    "candidates NaN": (column(n_candidates=[np.nan] * 4), "a n_candidates is a whole number from 0 on"),
    "a user twice": (column(user_id=["u0", "u0", "u2", "u3"]), "a user_id is there twice"),
    "a user too many": (
        lambda folder: forge(folder, lambda frame: pd.concat([frame, frame.tail(1).assign(user_id="u9")])),
        "5 users, but result.json counts 4",
    ),
    "users of no name": (column(user_id=[1, 2, 3, 4]), "a user_id is a text"),
    "an item of no name": (column(target_item_id=["i", "i", "i", None]), "a target_item_id is a text"),
    "histories of NaN": (column(history_length=[np.nan] * 4), "a history_length is a whole number from 0 on"),
    "a missing column": (
        lambda folder: forge(folder, lambda frame: frame.drop(columns="n_candidates")),
        "users.parquet: cannot be read",
    ),
}

CASES = WRONG_FILES | WRONG_RECORDS | FORGED


def attacked(store, attack):
    attack(cell(store))
    return store


@pytest.mark.parametrize(
    ("attack", "reason"),
    CASES.values(),
    ids=CASES,
)
def test_verify_names_the_one_cell_that_is_damaged(store, attack, reason):
    result = run("results", "verify", attacked(store, attack).root)
    of_cell = [
        line for line in result.stdout.splitlines() if f"{cell(store)}/" in line or f"{cell(store)}:" in line
    ]
    assert len(of_cell) == 1
    assert reason in of_cell[0]
    newer = "newer corecbench" in reason
    assert of_cell[0].startswith("newer: " if newer else "damaged: ")
    assert newer or of_cell[0].endswith("run the cell again with --existing replace-damaged, or delete its folder")
    assert f"ok: {pair(store)}" in result.stdout
    assert result.exit_code == (0 if newer else 1)


LIST_FAULTS = {"a bit of the lists", "a bit of the items"}
"""What a report without metrics of lists does not read."""


@pytest.mark.parametrize("name", [name for name in CASES if name not in LIST_FAULTS])
def test_a_damaged_cell_costs_its_row_and_not_the_table(store, name):
    attack, reason = CASES[name]
    result = run("report", attacked(store, attack).root, "--format", "json", "--metrics", "HR@10")
    assert result.exit_code == 5
    table = json.loads(result.stdout)
    damaged = [line for line in result.stderr.splitlines() if line.startswith("left out: ")]
    assert reason in damaged[0]
    if name.startswith("swapped"):  # which damages both cells
        assert len(damaged) == 2
        assert [row["HR@10"] for row in table["rows"] if row["sharing"]] == [3 / 4] * 2
    else:
        assert len(damaged) == 1
        assert [row["HR@10"] for row in table["rows"]] == [3 / 4] * 3
        assert table["rows"][0]["notes"].startswith("seed 0 ")
        assert f"what is stored cannot be used: {cell(store)}" in table["caption"]


@pytest.mark.parametrize("name", ["top.parquet", "items.parquet"])
def test_damaged_lists_cost_the_row_of_metrics_that_read_them(store, name):
    flip(name)(cell(store))
    result = run("report", store.root, "--format", "json", "--metrics", "HR@10,coverage@2")
    assert result.exit_code == 5
    alone = json.loads(result.stdout)["rows"][0]
    assert alone["notes"].startswith("seed 0 damaged, see `corecbench results verify`")
    assert f"left out: {cell(store) / name}" in result.stderr
    assert "its sha256 is not the one" in result.stderr


@pytest.mark.parametrize("verb", [["board"], ["report", "--html"], ["report", "--slices"]])
def test_page_slices_and_board_go_on_without_a_damaged_cell(store, verb):
    flip("result.json")(cell(store, 1))
    result = run(verb[0], store.root, *verb[1:])
    assert result.exit_code == 5
    assert f"left out: {cell(store, 1)}/result.json" in result.stderr
    assert "sasrec" in result.stdout


def test_the_sides_of_a_pair_that_were_swapped_are_found(store):
    swap("domain/ranks.parquet", "../seed0-0123abcd/llm/ranks.parquet")(pair(store))
    result = run("report", store.root, "--format", "json", "--metrics", "HR@10")
    assert [row["HR@10"] for row in json.loads(result.stdout)["rows"]] == [3 / 4, None, None]
    assert f"left out: {pair(store)}/llm/ranks.parquet: its sha256 is not the one" in result.stderr


def test_a_cell_under_the_name_of_another_is_found(store):
    shutil.rmtree(cell(store))
    cell(store, 1).rename(cell(store))
    result = run("results", "verify", store.root)
    assert "its seed and hash is seed1-0123abcd, and that of its folder seed0-0123abcd" in result.stdout


def test_a_benchmark_without_any_damage_is_ok(store):
    result = run("results", "verify", store.own_folder)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "3 cells: 3 ok")


# --- a change with its checksums ----------------------------------------------------------------------------------


def test_results_of_an_earlier_schema_are_refused(store):
    reseal(cell(store), schema=2)
    result = run("results", "verify", store.root)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "3 cells: 1 damaged, 2 ok")
    assert "schema 2 of an earlier corecbench, and this one reads 3" in result.stdout


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda record: metrics_of(record).update({"HR@10": 0.9}), "HR@10 of domain is 0.9, but 0.75 by the ranks"),
        (lambda record: record["cell"].update(seed=1), "its seed and hash is seed1-0123abcd"),
    ],
)
def test_whatever_the_checksums_metrics_follow_from_the_ranks_and_records_lie_in_their_folder(
    store, change, reason
):
    edit(cell(store), change)
    reseal(cell(store))
    result = run("results", "verify", store.root)
    assert result.exit_code == 1
    assert reason in result.stdout


def test_whatever_the_checksums_lists_are_looked_at(store):
    top = pd.read_parquet(cell(store) / "top.parquet")
    top.assign(position=0).to_parquet(cell(store) / "top.parquet")
    reseal(cell(store))
    assert "a position is a whole number from 1 on" in run("results", "verify", store.root).stdout


# --- runs ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def train(tmp_path, toy_folder, monkeypatch):
    """Run popularity on toy data in this process: `train("--seeds", "0,1")`."""
    monkeypatch.setenv("CORECBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    here = Steps(run_plan=lambda plan, host, store: schedule.run(plan, host, store, InProcess(plan, host, store)))

    def go(*arguments):
        options = ["--models", "popularity", "--datasets", toy_folder, *arguments]
        return CliRunner().invoke(main, ["run", "--no-references", *map(str, options)], obj=here)

    return go


def trained(root, seed=0):
    (folder,) = (root / "results/default/toy/popularity").glob(f"seed{seed}-*")
    return folder


def test_a_run_leaves_a_damaged_cell_out_until_it_is_told_to_replace_it(train, tmp_path):
    assert train("--seeds", "0").exit_code == 0
    folder = trained(tmp_path)
    ranks = (folder / "ranks.parquet").read_bytes()
    flip("ranks.parquet")(folder)
    damaged = (folder / "ranks.parquet").read_bytes()

    result = train("--seeds", "0,1")
    assert result.exit_code == 1
    assert "plan: 2 cells, 0 done already" in result.stdout
    assert f"note: left out: {folder.relative_to(tmp_path)}/ranks.parquet: its sha256" in result.stdout
    assert "left out: " in result.stderr
    assert (folder / "ranks.parquet").read_bytes() == damaged
    assert (trained(tmp_path, 1) / "ranks.parquet").exists()

    assert train("--existing", "fail").exit_code == 2
    result = train("--seeds", "0,1", "--existing", "replace-damaged")
    assert result.exit_code == 0
    assert "plan: 2 cells, 1 done already" in result.stdout
    assert "note: run again: " in result.stdout
    assert (folder / "ranks.parquet").read_bytes() == ranks


def test_results_of_a_newer_version_are_not_overwritten(train, tmp_path):
    assert train().exit_code == 0
    edit(trained(tmp_path), lambda record: record.update(schema=4))
    before = (trained(tmp_path) / "result.json").read_bytes()
    for existing in ("skip", "replace", "replace-damaged"):
        result = train("--existing", existing)
        assert (result.exit_code, result.stderr.count("\n")) == (5, 1)
        assert "schema 4 of a newer corecbench" in result.stderr
        assert (trained(tmp_path) / "result.json").read_bytes() == before


def test_a_file_where_results_belong_is_found_before_training(train, tmp_path):
    (tmp_path / "results").write_text("mine")
    result = train()
    assert (result.exit_code, result.stderr.count("\n")) == (5, 1)
    assert "results: results cannot be written here (Not a directory); nothing was trained" in result.stderr
    assert (tmp_path / "results").read_text() == "mine"


def test_a_file_where_a_cell_belongs_is_found_before_training(train, tmp_path):
    (tmp_path / "results/default/toy").mkdir(parents=True)
    (tmp_path / "results/default/toy/popularity").write_text("mine")
    result = train()
    assert result.exit_code == 5
    assert "popularity: results cannot be written here (Not a directory)" in result.stderr


# --- a full disk --------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 2 MiB as the folder of the results, where this is allowed."""
    folder = tmp_path / "results"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_full_is_found_before_training(train, small_disk):
    (small_disk / "big").write_bytes(bytes(2 * 2**20 - 4096))
    result = train()
    assert (result.exit_code, result.stderr.count("\n")) == (5, 1)
    assert (
        "results cannot be written here (No space left on device); nothing was trained; make room" in result.stderr
    )
    assert [path.name for path in small_disk.iterdir()] == ["big"]


FILL = """
    from pathlib import Path
    from corecbench.api import hookimpl

    @hookimpl
    def corecbench_cell_started(cell):
        if cell["seed"] == 0:
            {}
"""


def test_a_cell_that_does_not_fit_any_more_is_kept_and_stored_later(train, small_disk, loose_file, tmp_path):
    fill = loose_file("fill", FILL.format("Path('results/big').write_bytes(bytes(2 * 2**20 - 8192))"))
    result = train("--seeds", "0", "--plugin", fill)
    assert result.exit_code == 5
    (kept,) = (tmp_path / "cache/unstored").glob("*/default/toy/popularity/seed0-*")
    assert "trained, but not stored" in result.stderr
    assert not list(small_disk.rglob("result.json"))
    (small_disk / "big").unlink()

    again = train("--seeds", "0")
    assert again.exit_code == 0
    assert "done in default" in again.stdout
    assert Store(tmp_path / "results", "default").is_done(trained(tmp_path))
    assert not kept.exists()


def test_a_cell_that_cannot_be_stored_costs_no_other_cell(train, small_disk, loose_file, tmp_path):
    other = """
        else:
            Path('results/big').unlink()
    """
    fill = loose_file("fill", FILL.format("Path('results/big').write_bytes(bytes(2 * 2**20 - 8192))") + other)
    result = train("--seeds", "0,1", "--jobs", "1", "--plugin", fill)
    assert result.exit_code == 5
    assert "seed 1" in result.stderr
    assert (trained(tmp_path, 1) / "ranks.parquet").exists()
    (kept,) = (tmp_path / "cache/unstored").glob("*/default/toy/popularity/seed0-*")
    assert train("--seeds", "0,1").exit_code == 0
    assert not kept.exists()


def test_a_cell_that_nothing_can_hold_is_one_line(tmp_path):
    def write(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = Store(tmp_path, "default")
    with pytest.raises(
        ResultsError, match=r"cannot be written \(No space left on device\), and neither can the cache"
    ):
        store_or_keep(write, store, cell(store), tmp_path / "cache")


def test_a_file_that_may_not_grow_is_kept_elsewhere(tmp_path):
    """Under a limit of the size of files, as a quota sets it."""
    code = f"""
import resource, sys
from pathlib import Path
from corecbench.results.store import Store
from corecbench.results.spare import store_or_keep
from corecbench.testing.records import toy_record
from stored_cells import toy_ranks
store, record = Store(Path({str(tmp_path)!r}), "default"), toy_record(n_users=50_000)
folder = store.folder("sasrec", "toy", 0, record["hash"])
def write(place):
    limit = 1000 if place == folder else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    return store.write(place, record, {{"domain": toy_ranks(range(1, 50_001))}})
store_or_keep(write, store, folder, Path({str(tmp_path / "cache")!r}))
"""
    place = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=place)
    (kept,) = (tmp_path / "cache/unstored").glob("*/default/toy/sasrec/seed0-0123abcd")
    assert "File too large" in done.stderr
    assert f"the cell is kept in {kept}: the same command takes it from there" in done.stderr
    assert not list((tmp_path / "default").rglob("*.*"))
    assert Store(tmp_path, "default").is_done(kept)

"""Folders of results that a stranger made: nothing hangs, and no link leads out of them or into them."""

import json
import os
import re
import time
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from stored_cells import store_cell, toy_ranks

from corecbench.cli.main import main
from corecbench.experiment.existing import check_writable
from corecbench.results.bundle import pack
from corecbench.results.checksums import unsealed
from corecbench.results.lease import EXPIRES_S, Lease, lease_of
from corecbench.results.record import ResultsError
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

RANKS = {"domain": toy_ranks([1, 2])}


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Store one cell, and work in the folder above."""
    monkeypatch.chdir(tmp_path)
    store = Store(Path("results"), "default")
    store_cell(store, toy_record(), RANKS)
    return store


@pytest.fixture
def secret(tmp_path):
    """Make a file outside of the results that nobody else may have."""
    (tmp_path / "secret").write_text("secret")
    return tmp_path / "secret"


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


# --- links --------------------------------------------------------------------------------------------------------


def file_that_is_a_link(folder, secret):
    (folder / "note.txt").symlink_to(secret)
    (folder / "ranks.parquet").rename(folder.parents[3] / "moved")
    (folder / "ranks.parquet").symlink_to(folder.parents[3].resolve() / "moved")


def folder_that_is_a_link(folder, secret):
    place = folder.parents[3].resolve() / "elsewhere"
    folder.parent.rename(place)
    folder.parent.symlink_to(place)


@pytest.mark.parametrize("attack", [file_that_is_a_link, folder_that_is_a_link])
def test_no_link_is_followed_out_of_a_folder_of_results(store, secret, attack):
    (folder,) = store.folders()
    attack(folder, secret)
    for verb in (["pack", "results", "--to", "b.zip"], ["merge", "results", "--into", "new"]):
        result = run("results", *verb)
        assert result.exit_code in (1, 5)
        assert "this is a link, and links are not followed" in result.stderr
    assert not Path("b.zip").exists()
    assert not list(Path("new").rglob("ranks.parquet"))


def test_a_benchmark_that_is_a_link_is_neither_packed_nor_merged_nor_taken_over(store):
    Path("results/default").rename("private")
    Path("results/default").symlink_to(Path("private").resolve())
    for verb in (["pack", "results", "--to", "b.zip"], ["merge", "results", "--into", "new"]):
        result = run("results", *verb)
        assert result.exit_code == 5
        assert "results/default: this is a link" in result.stderr
    folder = Store(store.root, "mine").folder("sasrec", "toy", 0, "0123abcd")
    assert list(Store(store.root, "mine").elsewhere(folder)) == []
    assert run("results", "pack", "private", "--to", "b.zip").exit_code == 0


@pytest.mark.parametrize("link", ["default", "default/toy"])
def test_no_link_is_followed_into_a_folder_of_results(store, link):
    Path("elsewhere").mkdir()
    place = Path("new", link)
    place.parent.mkdir(parents=True)
    place.symlink_to(Path("elsewhere").resolve())
    result = run("results", "merge", "results", "--into", "new")
    assert result.exit_code == 5
    assert f"new/{link}: this is a link" in result.stderr
    assert list(Path("elsewhere").rglob("*.parquet")) == []


def test_a_cell_with_a_link_is_not_taken_over(store, secret):
    (folder,) = store.folders()
    file_that_is_a_link(folder, secret)
    mine = Store(store.root, "mine")
    with pytest.raises(ResultsError, match="this is a link"):
        mine.take_over(folder, mine.folder("sasrec", "toy", 0, "0123abcd"))
    assert mine.folders() == []


@pytest.mark.parametrize("link", ["", "toy", "toy/sasrec", "toy/sasrec/.seed3-0123abcd.state"])
def test_no_cell_is_trained_through_a_link(store, link):
    mine = Store(Path("new"), "default")
    folder = mine.folder("sasrec", "toy", 3, "0123abcd")
    check_writable(mine, [folder])
    place = mine.own_folder / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(Path("results").resolve())
    with pytest.raises(ResultsError, match=f"{re.escape(str(place))}: this is a link"):
        check_writable(mine, [folder])


def test_tables_page_and_plots_take_the_place_of_links(store, secret):
    assert run("report", "results", "--html", "--plots").exit_code == 0
    written = [path for path in store.own_folder.rglob("*") if path.suffix in (".txt", ".html", ".svg", ".png")]
    assert {path.name for path in written} >= {"table.txt", "slices.html", "report.html"}
    for path in written:
        path.unlink()
        path.symlink_to(secret)
    assert run("report", "results", "--html", "--plots").exit_code == 0
    assert secret.read_text() == "secret"
    (store.own_folder / "plots").rename("moved")
    (store.own_folder / "plots").symlink_to(Path("moved").resolve())
    before = sorted(path.stat().st_mtime_ns for path in Path("moved").iterdir())
    assert run("report", "results", "--plots").exit_code == 0
    assert sorted(path.stat().st_mtime_ns for path in Path("moved").iterdir()) == before


# --- what is overwritten ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["a text", "a zip of something else", "a link", "a folder"])
def test_pack_replaces_only_a_bundle(store, secret, kind):
    place = Path("b.zip")
    if kind == "a text":
        place.write_text("my thesis")
    elif kind == "a link":
        place.symlink_to(secret)
    elif kind == "a folder":
        place.mkdir()
    else:
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("thesis.txt", "my thesis")
    before = None if place.is_dir() else place.read_bytes()
    result = run("results", "pack", "results", "--to", place)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "b.zip: this is no bundle that corecbench wrote, and is not replaced" in result.stderr
    assert before is None or place.read_bytes() == before


def test_pack_replaces_a_bundle(store):
    for _ in range(2):
        assert run("results", "pack", "results", "--to", "b.zip").exit_code == 0


# --- seals that were taken off ------------------------------------------------------------------------------------


def test_a_record_of_this_version_without_its_checksums_is_damaged_for_every_verb(store):
    store_cell(store, toy_record(seed=1), RANKS)
    file = store.folders()[0] / "result.json"
    file.write_text(json.dumps(unsealed(json.loads(file.read_text()))))
    message = "it lacks checksums"
    assert message in run("results", "ls", "results").stderr
    assert message in run("results", "show", file.parent).stderr
    assert message in run("results", "verify", "results").stdout
    for verb in (["pack", "results", "--to", "b.zip"], ["merge", "results", "--into", "new"]):
        result = run("results", *verb)
        assert (result.exit_code, message in result.stderr) == (1, True)
    assert "left out" in run("report", "results").stderr


def test_show_reads_the_files_that_a_report_reads(store):
    folder = store.folders()[0]
    (folder / "ranks.parquet").write_bytes(b"")
    result = run("results", "show", folder)
    assert result.exit_code == 5
    assert "its sha256 is not the one in result.json" in result.stderr


# --- what would hang ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["a pipe", "a link to nothing", "a link to itself", "a folder"])
def test_a_lease_that_is_no_file_belongs_to_nobody(tmp_path, kind):
    folder = tmp_path / "seed0-0123abcd"
    lease = lease_of(folder)
    if kind == "a pipe":
        os.mkfifo(lease)
    elif kind == "a folder":
        lease.mkdir()
    else:
        lease.symlink_to("nothing" if kind == "a link to nothing" else lease.name)
    begun = time.monotonic()
    assert Lease.take(folder).is_held()
    assert time.monotonic() - begun < 10


def test_a_lease_that_is_dated_far_ahead_has_expired(tmp_path):
    folder = tmp_path / "seed0-0123abcd"
    lease_of(folder).write_text("{}")
    ahead = time.time() + 10 * EXPIRES_S
    os.utime(lease_of(folder), (ahead, ahead))
    assert Lease.take(folder).is_held()


@pytest.mark.parametrize("with_manifest", [False, True])
def test_a_zip_of_100_000_empty_files_is_refused_at_once(store, with_manifest):
    pack([store], Path("b.zip"))
    with zipfile.ZipFile("bad.zip", "w") as archive, zipfile.ZipFile("b.zip") as honest:
        for name in honest.namelist() if with_manifest else ():
            archive.writestr(name, honest.read(name))
        for number in range(100_000):
            archive.writestr(f"default/{number}", b"")
    for verb in (["results", "verify"], ["results", "ls"], ["report"], ["results", "merge", "--into", "new"]):
        begun = time.monotonic()
        result = run(*verb, "bad.zip")
        assert time.monotonic() - begun < 10
        assert (result.exit_code, result.stderr.count("\n")) == (5, 1)
        assert "files, at most 50,000 are allowed" in result.stderr


# --- bundles beside folders ---------------------------------------------------------------------------------------


def test_bundles_in_a_folder_of_results_are_read_beside_the_folders(store):
    store_cell(Store(Path("others"), "theirs"), toy_record("gru4rec"), RANKS)
    pack([Store(Path("others"), "theirs")], Path("results/theirs.zip"))
    listed = run("results", "ls", "results").stdout
    assert "default" in listed
    assert "theirs" in listed
    assert "gru4rec" in run("report", "results", "--benchmark", "theirs").stdout
    cell = "results/theirs.zip/theirs/toy/gru4rec"
    assert "folder" in run("results", "show", f"{cell}/seed0-0123abcd").stdout
    assert "gru4rec on toy, seed 0" in run("results", "show", cell).stdout
    result = run("compare", "results", "--baseline", "gru4rec", "--set", "compare.test=t")
    assert result.exit_code == 0, result.stderr


def test_the_folder_of_a_benchmark_is_taken_rather_than_a_bundle_of_it(store):
    assert run("results", "pack", "results", "--to", "results/default.zip").exit_code == 0
    store_cell(store, toy_record(seed=1), RANKS)
    assert "2 cells" in run("results", "verify", "results").stdout
    assert run("results", "pack", "results/default.zip", "--to", "results/other.zip").exit_code == 0
    (Path("results/default")).rename("default")
    result = run("report", "results")
    assert result.exit_code == 5
    assert "both have benchmark default" in result.stderr

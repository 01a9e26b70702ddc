"""Attacks on bundles: each is refused or found, by name, and nothing is written outside of a temporary folder."""

import json
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from stored_cells import store_cell, toy_ranks

from corecbench.cli.main import main
from corecbench.data.archive import sha256_of
from corecbench.results.bundle import MANIFEST, RECORDS, pack
from corecbench.results.checksums import checksum
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

ALONE, SECOND = "default/toy/sasrec/seed0-0123abcd", "default/toy/sasrec/seed1-0123abcd"

MERGE = ["results", "merge", "--into", "new"]


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """Pack two cells, and unpack them to the folder `files`, where an attacker changes them."""
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "results", "default")
    for seed in (0, 1):
        record = toy_record(seed=seed, side={"metrics": {"HR@10": 1.0}})
        store_cell(store, record, {"domain": toy_ranks([1 + seed, 2])}, [["a"], ["bc"[seed]]])
    pack([store], tmp_path / "b.zip")
    shutil.unpack_archive("b.zip", "files")
    return tmp_path / "b.zip"


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def packed_again(extra=(), compression=zipfile.ZIP_STORED, sealed=False):
    """Zip the changed files; `extra` are pairs of entry and content."""
    if sealed:
        manifest = json.loads(Path("files", MANIFEST).read_text())
        manifest["files"] = {name: sha256_of(Path("files", name)) for name in manifest["files"]}
        Path("files", MANIFEST).write_text(json.dumps(manifest))
    with zipfile.ZipFile("bad.zip", "w", compression) as opened:
        for path in sorted(Path("files").rglob("*")):
            if path.is_file():
                opened.write(path, path.relative_to("files").as_posix())
        for entry, content in extra:
            opened.writestr(entry, content)
    return "bad.zip"


def is_refused(message, *verbs):
    """Make sure that every verb refuses the bundle in one line, and writes nothing."""
    before = sorted(Path().rglob("*"))
    for verb in verbs or (
        ["results", "verify"],
        ["results", "ls"],
        ["report"],
        ["results", "merge", "--into", "new"],
    ):
        result = run(*verb, "bad.zip")
        assert (result.exit_code, result.stdout) == (5, ""), result.output
        assert message in result.stderr
        assert result.stderr.count("\n") == 1
    assert sorted(Path().rglob("*")) == before


def is_found(message):
    """Make sure that `verify` names the fault and the other verbs refuse the bundle."""
    result = run("results", "verify", "bad.zip")
    assert result.exit_code == 1
    assert message in result.stdout
    is_refused(message, ["report"], MERGE, ["board", "--out", "site"])


def edit_ranks(cell, **columns):
    file = Path("files", cell, "ranks.parquet")
    pd.read_parquet(file).assign(**columns).to_parquet(file, index=False)
    return file


def test_an_honest_bundle_that_someone_zipped_again_is_read(bundle):
    packed_again(compression=zipfile.ZIP_DEFLATED)
    assert run("results", "verify", "bad.zip").exit_code == 0


def test_an_edited_file_is_found(bundle):
    edit_ranks(ALONE, rank=1)
    packed_again()
    is_found(f"bad.zip: the sha256 of {ALONE}/ranks.parquet is not the one in MANIFEST.json, so it was changed")


def test_a_missing_and_an_added_file_are_found(bundle):
    Path("files", ALONE, "top.parquet").unlink()
    packed_again()
    is_found(f"{ALONE}/top.parquet is missing")
    packed_again([("default/toy/sasrec/note.txt", "believe me")])
    assert "default/toy/sasrec/note.txt is not in MANIFEST.json" in run("results", "verify", "bad.zip").stdout


def test_an_edited_file_with_a_new_manifest_contradicts_its_record(bundle):
    edit_ranks(ALONE, rank=1)
    packed_again(sealed=True)
    result = run("results", "verify", "bad.zip")
    assert result.exit_code == 1
    assert f"damaged: bad.zip/{ALONE}/ranks.parquet: its sha256 is not the one in result.json" in result.stdout
    merged = run("results", "merge", "bad.zip", "--into", "new")
    assert merged.exit_code == 1
    assert "1 cells copied" in merged.stdout


def test_a_forged_metric_with_all_checksums_contradicts_the_ranks(bundle):
    file, name = Path("files", RECORDS), f"{ALONE}/result.json"
    records = json.loads(file.read_text())
    records[name]["sides"]["domain"]["metrics"]["HR@10"] = 0.5
    file.write_text(json.dumps(records | {name: records[name] | {"checksum": checksum(records[name])}}))
    packed_again(sealed=True)
    assert "HR@10 of domain is 0.5, but 1 by the ranks" in run("results", "verify", "bad.zip").stdout


def test_swapped_cells_are_found(bundle):
    for name in (ALONE, SECOND):
        Path("files", name).rename(f"{Path(name).name}")
    Path("seed0-0123abcd").rename(Path("files", SECOND))
    Path("seed1-0123abcd").rename(Path("files", ALONE))
    first, second, file = f"{ALONE}/result.json", f"{SECOND}/result.json", Path("files", RECORDS)
    records = json.loads(file.read_text())
    file.write_text(json.dumps(records | {first: records[second], second: records[first]}))
    packed_again(sealed=True)
    result = run("results", "verify", "bad.zip")
    assert result.exit_code == 1
    assert "its seed and hash is seed1-0123abcd, and that of its folder seed0-0123abcd" in result.stdout
    assert "2 cells: 2 damaged" in result.stdout


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "no MANIFEST.json, so this is no bundle of results"),
        ("[]", "MANIFEST.json names no files"),
        ("{", "MANIFEST.json cannot be read"),
        ("[" * 100_000, "MANIFEST.json cannot be read"),
        ('{"files": {}}', "a bundle of format None, and this corecbench reads 3"),
        ('{"files": {}, "format": 2}', "a bundle of format 2, and this corecbench reads 3"),
        ('{"files": {}, "format": 4}', "a bundle of format 4, and this corecbench reads 3"),
    ],
)
def test_a_missing_or_damaged_manifest_is_refused(bundle, manifest, message):
    Path("files", MANIFEST).unlink()
    if manifest is not None:
        Path("files", MANIFEST).write_text(manifest)
    packed_again()
    is_refused(message)


LINK = zipfile.ZipInfo("default/link")
LINK.external_attr = 0o120777 << 16


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("../outside.txt", "leads out of the folder"),
        ("default/../../outside.txt", "leads out of the folder"),
        ("/tmp/outside.txt", "has an absolute path"),
        ("C:/outside.txt", "has an absolute path"),
        ("default/C:/outside.txt", "has no plain name"),
        ("default/..\\outside.txt", "leads out of the folder"),
        ("default/toy/sasrec/.seed0-0123abcd.lease", "has no plain name"),
        ("default//a", "has no plain name"),
        ("default/a\x1b[2J", "has no plain name"),
        (LINK, "is a link"),
    ],
)
def test_a_path_that_could_lead_anywhere_is_refused(bundle, entry, message):
    packed_again([(entry, "x")])
    is_refused(message)


def test_a_file_that_is_there_twice_or_is_a_folder_too_is_refused(bundle):
    with pytest.warns(UserWarning, match="Duplicate name"):
        packed_again([(f"{ALONE}/ranks.parquet", "x")])
    is_refused("is there twice")
    packed_again([("default/toy/x", "x"), ("default/toy/x/y", "x")])
    is_refused("'default/toy/x' is a file and a folder")


def test_a_bomb_is_refused_before_anything_is_unpacked(bundle):
    packed_again([("default/zeros", b"\0" * 50_000_000)], zipfile.ZIP_DEFLATED)
    is_refused("bytes unpacked, at most")


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_zip_is_refused(bundle, content):
    Path("bad.zip").write_bytes(content)
    is_refused("not a zip archive that can be read")


def test_a_record_that_names_files_elsewhere_is_refused(bundle):
    Path("secret").write_text("secret")
    file, name = Path("files", RECORDS), f"{ALONE}/result.json"
    records = json.loads(file.read_text())
    records[name]["files"]["../../../../secret"] = sha256_of(Path("secret"))
    file.write_text(json.dumps(records | {name: records[name] | {"checksum": checksum(records[name])}}))
    packed_again(sealed=True)
    merged = run("results", "merge", "bad.zip", "--into", "new")
    assert merged.exit_code == 1
    assert "'../../../../secret' cannot be the name of a file of a cell" in merged.stderr
    assert not list(Path("new").rglob("secret"))


def test_conflicting_ranks_are_refused_by_name_and_nothing_is_written(bundle):
    record = toy_record(seed=0, side={"metrics": {"HR@10": 1.0}})
    store_cell(Store(Path("theirs"), "default"), record, {"domain": toy_ranks([3, 2])})
    pack([Store(Path("theirs"), "default")], Path("bad.zip"))
    for into in ("new", "results"):
        is_refused(
            "sasrec on toy, seed 0, hash 0123abcd: the domain ranks in",
            ["results", "merge", "b.zip", "--into", into],
        )

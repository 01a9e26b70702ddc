"""`corecbench results`: list, show, prune, merge and pack what is stored."""

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner
from stored_cells import store_cell, toy_ranks

import corecbench
from corecbench.cli.main import main
from corecbench.cli.stored_cells import rows
from corecbench.results.choice import started
from corecbench.results.store import Store
from corecbench.testing.records import toy_record

SIDE = {"metrics": {"NDCG@10": 1 / 2, "HR@10": 1 / 2}}
RANKS = toy_ranks([1, 50], n_candidates=60)
ALONE, PAIR = "results/default/toy/sasrec/seed0-0123abcd", "results/default/toy/sasrec+llama+bdlm/seed0-0123abcd"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Store a model alone and a pair in an empty folder."""
    monkeypatch.chdir(tmp_path)
    store = Store(Path("results"), "default")
    settings = {"sasrec": {"epochs": 3, "n_heads": 2, "unheard_of": 7}}
    plugins = {"sasrec": {"distribution": "corecbench", "version": "1.0"}}
    save(store, settings=settings, plugins=plugins)
    save(store, "llama", settings={"my-llama": {"rank": 8}}, plugins=plugins)
    return store


def save(store, llm=None, **fields):
    record = toy_record("sasrec", llm, side=SIDE, **fields)
    return store_cell(store, record, dict.fromkeys(record["sides"], RANKS))


def run(*arguments):
    return CliRunner().invoke(main, ["results", *map(str, arguments)])


def lines(*arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


# --- ls -----------------------------------------------------------------------------------------------------------


def test_each_cell_has_an_aligned_line(store):
    found = lines("ls")
    assert [line.split()[:6] for line in found] == [
        ["default", "toy", "sasrec", "0", "0123abcd", "ok"],
        ["default", "toy", "sasrec+llama+bdlm", "0", "0123abcd", "ok"],
    ]
    assert " .5000 " in found[0]
    assert " domain .5000, llm .5000 " in found[1]
    assert len({line.index("0123abcd") for line in found}) == 1


def test_a_line_has_the_age_and_the_size(store):
    first, _ = rows(store, started(toy_record(started="2026-11-27T16:00:00+00:00")))
    assert first["age"] == "3 d"
    assert first["size"].endswith(" kB")


def test_benchmarks_can_be_chosen(store):
    save(Store(Path("results"), "other"))
    assert len(lines("ls")) == 3
    assert len(lines("ls", "--benchmark", "other")) == len(lines("ls", "results/other")) == 1


@pytest.mark.parametrize("name", ["ranks.parquet", "result.json"])
def test_a_damaged_cell_is_listed_as_one(store, name):
    file = Path(ALONE) / name
    file.write_bytes(file.read_bytes()[:-20])
    result = run("ls")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split()[2:6] == ["sasrec", "0", "0123abcd", "damaged"]
    assert result.stderr.startswith(f"damaged: {file}: ")
    assert result.stderr.count("\n") == 1


# --- show ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [ALONE, f"{ALONE}/result.json"])
def test_a_cell_is_shown_in_words(store, cell):
    text = "\n".join(lines("show", cell))
    assert text.startswith("sasrec on toy, seed 0, hash 0123abcd: ok\n")
    for part in ("the domain model sasrec alone", "sasrec  epochs", "default 100", "unheard_of  7", ".5000"):
        assert part in text
    assert "ranks.parquet" in text
    assert text.endswith(f"run it again: corecbench reproduce {ALONE}/result.json")


def test_settings_that_are_the_defaults_are_not_shown(store):
    assert "n_heads" not in "\n".join(lines("show", ALONE))


def test_all_settings_are_shown_of_what_is_not_here(store):
    text = "\n".join(lines("show", PAIR))
    assert "my-llama  rank  8" in text
    assert "all settings of my-llama, whose defaults are not known here" in text
    assert "sasrec with llama under bdlm" in text


def test_a_failure_is_shown(store):
    folder = save(store, seed=1, status="failed")
    assert "domain: failed: RuntimeError: no luck" in lines("show", folder)


def test_a_cell_is_shown_from_within_its_folder(store, monkeypatch):
    monkeypatch.chdir(ALONE)
    assert lines("show", "result.json") == lines("show", ".")


def test_what_is_no_cell_is_one_line(store):
    result = run("show", "results/default")
    assert (result.exit_code, result.stdout) == (5, "")
    message = "no stored cell, which has a result.json; `corecbench results ls` lists them"
    assert result.stderr == f"error: results/default: {message}\n"


# --- prune --------------------------------------------------------------------------------------------------------


def test_old_settings_are_listed_and_removed_only_with_yes(store):
    folder = save(store, hash="01d01d01", started="2026-01-01T00:00:00+00:00")
    first, last = lines("prune")
    assert first.startswith(f"{folder}: newer settings are stored, 0123abcd (")
    assert last.startswith("1 to remove, ")
    assert folder.exists()
    assert lines("prune", "--yes") == [f"removed: {folder}: newer settings are stored, 0123abcd"]
    assert not folder.exists()
    assert lines("prune") == ["nothing to remove"]
    assert store.is_done(Path(ALONE))


def test_models_are_pruned_apart(store):
    assert lines("prune", "--models") == ["nothing to remove"]


# --- merge --------------------------------------------------------------------------------------------------------


def test_folders_and_bundles_are_merged(store):
    save(Store(Path("theirs"), "default"), seed=1)
    lines("pack", "theirs", "--to", "theirs.zip")
    *_, last = lines("merge", "results", "theirs.zip", "--into", "all")
    assert last == "3 cells copied to all, 0 were there already"
    assert len(lines("ls", "all")) == 3
    assert lines("verify", "all")[-1] == "3 cells: 3 ok"


def test_a_damaged_cell_is_left_out_with_exit_code_1(store):
    (Path(ALONE) / "ranks.parquet").write_bytes(b"")
    result = run("merge", "results", "--into", "all")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"left out: {ALONE}/ranks.parquet: its sha256 is not")


# --- pack ---------------------------------------------------------------------------------------------------------


def test_a_bundle_is_written_and_verified(store):
    (packed,) = lines("pack", "--to", "out/ours.zip")
    digest = hashlib.sha256(Path("out/ours.zip").read_bytes()).hexdigest()
    assert packed.startswith("out/ours.zip: 2 cells, 7 files, ")
    assert packed.endswith(f"sha256 {digest}")
    assert lines("verify", "out/ours.zip") == [
        "ok: out/ours.zip/default/toy/sasrec/seed0-0123abcd",
        "ok: out/ours.zip/default/toy/sasrec+llama+bdlm/seed0-0123abcd",
        "2 cells: 2 ok",
        "all files are as the manifest says",
        f"sha256 of out/ours.zip: {digest}",
    ]


def test_only_the_benchmarks_that_are_named_are_packed(store):
    save(Store(Path("results"), "other"))
    assert "1 cells" in lines("pack", "--benchmark", "other", "--to", "b.zip")[0]
    assert "3 cells" in lines("pack", "--to", "b.zip")[0]


def test_a_bundle_is_reported_like_a_folder_but_nothing_is_written(store):
    lines("pack", "--to", "b.zip")
    plain = CliRunner().invoke(main, ["report", "results"])
    packed = CliRunner().invoke(main, ["report", "b.zip"])
    assert packed.stdout == plain.stdout
    assert packed.stderr == "nothing was written, since this is a view (a bundle); --out DIR writes it\n"
    for verb in (
        ["compare", "b.zip", "--baseline", "sasrec"],
        ["board", "b.zip", "--out", "site"],
        ["report", "b.zip", "--html", "--out", "page"],
    ):
        assert CliRunner().invoke(main, verb).exit_code == 0
    assert Path("page/report.html").exists()


def test_a_bundle_is_loaded_in_python(store):
    lines("pack", "--to", "b.zip")
    assert corecbench.load("b.zip", metrics="MRR").rows.equals(corecbench.load("results", metrics="MRR").rows)
    assert corecbench.table("b.zip")["NDCG@10"].tolist() == [1 / 2] * 3

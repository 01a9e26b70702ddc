"""Vectors of items from files, the sequence model over them, and what replaces them in controls."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from corecbench.api import Catalog, CorecbenchWarning, DataError, PluginError, Setup, UsageError
from corecbench.plugin.host import Host
from corecbench.testing.toys import circle, write_atomic
from corecbench.toolkit import random_like, read_vectors, whitened
from corecbench_plugins.vectors.rows import fingerprint, rows_of, text_of
from corecbench_plugins.vectors.settings import VectorsConfig

IDS = ["a", "b", "c", "d"]
ROWS = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0], [-1.0, 4.0]], dtype=np.float32)
CATALOG = Catalog("toy", ("", "u"), ("", *IDS), ("",) * 5)


def as_parquet(path, ids=IDS, rows=ROWS):
    pd.DataFrame({"item_id": ids, "vector": list(rows)}).to_parquet(path)


def as_index(path, ids=IDS, rows=ROWS):
    pd.DataFrame({"vector": list(rows)}, index=pd.Index(ids, name="item_id")).to_parquet(path)


def as_lists(path, ids=IDS, rows=ROWS):
    pd.DataFrame({"item_id": ids, "vector": [json.dumps(row.tolist()) for row in rows]}).to_csv(path, index=False)


def as_columns(path, ids=IDS, rows=ROWS):
    table = pd.DataFrame(rows, columns=[f"v{number}" for number in range(len(rows[0]))])
    table.insert(0, "item_id", ids)
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)


def as_npz(path, ids=IDS, rows=ROWS):
    np.savez(path, ids=np.array(ids), states=rows)


def as_npy(path, ids=IDS, rows=ROWS):
    np.save(path, rows)
    path.with_suffix(".ids").write_text("\n".join(map(str, ids)) + "\n")


def as_safetensors(path, ids=IDS, rows=ROWS):
    save_file({"vector": torch.tensor(rows)}, path, {"ids": json.dumps(list(ids))})


WRITERS = {
    "lists.parquet": as_parquet,
    "columns.parquet": as_columns,
    "index.parquet": as_index,
    "file.csv": as_columns,
    "lists.csv": as_lists,
    "file.npz": as_npz,
    "file.npy": as_npy,
    "file.safetensors": as_safetensors,
}


@pytest.fixture(params=WRITERS)
def written(request, tmp_path):
    """Write ids and rows into a file of each kind, and return it."""

    def write(*given):
        path = tmp_path / request.param
        WRITERS[request.param](path, *given)
        return path

    return write


def of(path, **settings):
    return VectorsConfig(file=str(path), **settings)


# --- files --------------------------------------------------------------------------------------------------------


def test_each_kind_of_file_gives_the_same_ids_and_vectors(written):
    found = read_vectors(written())
    assert found.ids == IDS
    (part,) = found.parts.values()
    assert np.array_equal(part, ROWS)
    assert part.dtype == np.float32


@pytest.mark.parametrize("ids", [[3, 1, 2, 12], ["3", "1", "2", "12"]])
def test_ids_that_are_numbers_are_the_same_as_text(written, ids):
    assert read_vectors(written(ids)).ids == ["3", "1", "2", "12"]


def test_ids_that_were_read_as_floats_are_whole_numbers(tmp_path):
    as_parquet(tmp_path / "ids.parquet", [1.0, 2.0, 3.0, 4.0])
    assert read_vectors(tmp_path / "ids.parquet").ids == ["1", "2", "3", "4"]


def test_an_id_of_two_vectors_is_refused(written):
    with pytest.raises(DataError, match=r": 1 ids stand there more than once, such as 'a'$"):
        read_vectors(written(["a", "b", "a", "d"]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(written, bad):
    rows = ROWS.copy()
    rows[1, 1] = bad
    with pytest.raises(DataError, match=r"has 1 vectors with numbers that are missing or not finite as float32$"):
        read_vectors(written(IDS, rows))


def test_vectors_of_several_widths_are_refused(tmp_path):
    path = tmp_path / "uneven.parquet"
    as_parquet(path, IDS, [[1.0], [1.0, 2.0], [1.0], [1.0]])
    with pytest.raises(DataError, match=r"vector has vectors of 2 widths; one width for all is needed$"):
        read_vectors(path)


def test_a_row_without_a_vector_is_counted(tmp_path):
    as_parquet(tmp_path / "file.parquet", rows=[*ROWS[:3], None])
    with pytest.raises(DataError, match=r"vector has no vector in 1 rows; leave them out$"):
        read_vectors(tmp_path / "file.parquet")


@pytest.mark.parametrize("write", [as_parquet, as_columns, as_lists])
def test_a_row_without_an_id_is_counted(tmp_path, write):
    path = tmp_path / ("file.csv" if write is as_lists else "file.parquet")
    write(path, ["a", None, "c", "d"])
    with pytest.raises(DataError, match=r"1 of its 4 rows have no id$"):
        read_vectors(path)


def test_texts_beside_ids_are_no_vectors(tmp_path):
    pd.DataFrame({"item_id": IDS, "title": IDS}).to_csv(tmp_path / "file.csv", index=False)
    with pytest.raises(
        DataError, match=r"title has texts that are no lists of finite numbers, such as \[0\.5, 1\]$"
    ):
        read_vectors(tmp_path / "file.csv")


@pytest.mark.parametrize("name", ["file.npz", "file.npy", "file.safetensors"])
def test_one_vector_for_each_id_is_needed(tmp_path, name):
    WRITERS[name](tmp_path / name, ["a", "b", "c"], ROWS)
    with pytest.raises(DataError, match=r"is of shape \[4, 2\]; \[3, width\] is needed, a row for each id$"):
        read_vectors(tmp_path / name)


def test_complex_numbers_are_refused_rather_than_cut(tmp_path):
    as_npz(tmp_path / "v.npz", rows=ROWS + 1j)
    with pytest.raises(DataError, match=r"states has vectors of several widths, or what is no real number$"):
        read_vectors(tmp_path / "v.npz")


def test_a_table_without_ids_is_refused(tmp_path):
    pd.DataFrame({"asin": IDS, "v0": ROWS[:, 0]}).to_csv(tmp_path / "file.csv", index=False)
    with pytest.raises(DataError, match=r"has the columns asin, v0; item_id is needed$"):
        read_vectors(tmp_path / "file.csv")


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_no_such_file_is_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"\x00\xffno such file")
    path.with_suffix(".ids").write_text("a\n")
    with pytest.raises(DataError) as error:
        read_vectors(path)
    assert "\n" not in str(error.value)


def test_a_pickled_array_is_not_loaded(tmp_path):
    np.savez(tmp_path / "file.npz", ids=np.array(IDS, dtype=object), states=ROWS)
    with pytest.raises(DataError, match="cannot be read: Object arrays cannot be loaded"):
        read_vectors(tmp_path / "file.npz")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "vectors needs a file; write vectors:FILE"),
        ("none.parquet", "none.parquet: no such file of vectors"),
        ("file.pkl", r"is no file of vectors; allowed are \.parquet, \.pq, \.csv"),
        ("alone.npy", "has no file of ids beside it; alone.ids or alone.ids.txt or alone.txt"),
    ],
)
def test_a_file_that_is_not_there_is_said(tmp_path, name, message):
    np.save(tmp_path / "alone.npy", ROWS)
    with pytest.raises(UsageError, match=message):
        fingerprint(of(tmp_path / name if name else ""), tmp_path)


def arrays(path, **given):
    np.savez(path, **({"ids": np.array(IDS), "v": ROWS} | given))


def lines(path, *rows):
    path.write_text("\n".join(rows) + "\n")


def twice(path):
    content = io.BytesIO()
    np.save(content, ROWS)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("ids.npy", content.getvalue())
        file.writestr("v.npy", content.getvalue())
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("v.npy", content.getvalue())


REFUSED = {
    "index.csv": (
        lambda path: pd.DataFrame({"item_id": IDS, "v0": ROWS[:, 0]}).to_csv(path),
        "column Unnamed: 0 is an index, no part of a vector",
    ),
    "index.parquet": (
        lambda path: pd.DataFrame({"item_id": IDS, "v0": ROWS[:, 0]}).reset_index().to_parquet(path),
        "column index is an index, no part of a vector",
    ),
    "times.npz": (lambda path: arrays(path, v=ROWS.astype("datetime64[s]")), "what is no real number$"),
    "spans.npz": (lambda path: arrays(path, v=ROWS.astype("timedelta64[s]")), "what is no real number$"),
    "texts.npz": (lambda path: arrays(path, v=ROWS.astype(str)), "what is no real number$"),
    "column.parquet": (
        lambda path: pd.DataFrame({"item_id": IDS, "v": pd.to_datetime([1, 2, 3, 4])}).to_parquet(path),
        "v has no vectors, but is such as '1970-01-01",
    ),
    "twice.npz": (twice, "has two arrays 'v'; one is needed$"),
    "both.csv": (
        lambda path: lines(path, "item_id,id,v0", "a,7,1"),
        "has the columns item_id, id, v0; one of them is needed, not item_id and id$",
    ),
    "tiny.npz": (
        lambda path: arrays(path, v=ROWS * np.float64(1e-60)),
        "4 vectors of numbers that are 0 as float32",
    ),
    "huge.npz": (
        lambda path: arrays(path, v=ROWS * np.float64(1e60)),
        "4 vectors with numbers that are missing or not",
    ),
    "ids.npz": (
        lambda path: arrays(path, ids=np.array([1e20, 1, 2, 3])),
        r"the id 1e\+20 has lost digits as float64",
    ),
    "rounded.npz": (
        lambda path: arrays(path, ids=np.array([2**24 + 1, 1, 2, 3], dtype=np.float32)),
        "the id 16777216.0 has lost digits as float32; write ids as text$",
    ),
    "bytes.npz": (
        lambda path: arrays(path, ids=np.array([b"a", b"b", b"c", b"\xff"])),
        r"has the id b'\\xff'; text in",
    ),
    "lists.parquet": (
        lambda path: as_parquet(path, [["a"], ["b", "c"], ["d"], ["e"]]),
        r"has the id array\(\['a'\].*; text in UTF-8 or a whole number is needed$",
    ),
    "ragged.safetensors": (
        lambda path: as_safetensors(path, [["a"], ["b", "c"], ["d"], ["e"]]),
        "its ids are lists of several lengths; one id for each row is needed$",
    ),
    "times.parquet": (lambda path: as_parquet(path, pd.to_datetime([1, 2, 3, 4])), "has the id np.datetime64"),
    "blank.csv": (lambda path: lines(path, "item_id,v0", "a,1", ",2"), "1 of its 2 rows have no id$"),
    "header.csv": (lambda path: lines(path, "item_id,v0"), "has no rows$"),
    "commas.csv": (
        lambda path: lines(path, "item_id,v0", "a,0,5", "b,0,7"),
        "more fields than the header, as decimal",
    ),
    "quoted.csv": (
        lambda path: lines(path, "item_id,v0", 'a,"0,5"'),
        "the decimal comma of '0,5' must be a point$",
    ),
    "between.csv": (
        lambda path: lines(path, "item_id;v0", "a;0,5"),
        "';' stands between its fields; a comma is needed$",
    ),
    "zeros.npz": (
        lambda path: np.savez_compressed(path, ids=np.array(IDS), v=np.zeros((4, 9_000_000))),
        "bytes become 288,000,272, more than 50 times as many; np.savez writes",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_read_as_something_else_is_refused_in_one_line(tmp_path, name):
    write, message = REFUSED[name]
    write(tmp_path / name)
    with pytest.raises(DataError, match=message) as error:
        read_vectors(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("item_id", ["NA", "null", "None", "nan"])
def test_ids_that_look_like_missing_values_are_ids(tmp_path, item_id):
    lines(tmp_path / "file.csv", "item_id,v0", f"{item_id},1", "b,2")
    assert read_vectors(tmp_path / "file.csv").ids == [item_id, "b"]


def test_zeros_that_fit_into_memory_are_read_however_small_their_file_is(tmp_path):
    np.savez_compressed(tmp_path / "file.npz", ids=np.array(IDS), v=np.eye(4, 500_000))
    assert read_vectors(tmp_path / "file.npz").parts["v"].shape == (4, 500_000)


# --- rows of a catalogue ------------------------------------------------------------------------------------------


def test_vectors_stand_in_the_rows_of_their_items(written):
    (rows,) = rows_of(of(written()), CATALOG)
    assert rows.tolist() == [[0.0, 0.0], *ROWS.tolist()]


def test_items_without_a_vector_are_counted_and_their_rows_are_zero(tmp_path):
    path = tmp_path / "some.parquet"
    as_parquet(path, ["d", "other", "b", "more"])
    with pytest.warns(CorecbenchWarning, match=r"^2 of 4 items of toy have no vector in some\.parquet; their rows"):
        (rows,) = rows_of(of(path), CATALOG)
    assert rows.any(dim=1).tolist() == [False, False, True, False, True]


def test_a_file_of_other_items_is_refused(tmp_path):
    as_parquet(tmp_path / "others.parquet", [1, 2, 3, 4])
    with pytest.raises(
        DataError, match=r"none of its 4 ids, such as '1', is an item of toy, whose ids are such as 'a'$"
    ):
        rows_of(of(tmp_path / "others.parquet"), CATALOG)


def parts(n=30, width=4):
    rows = torch.randn(n + 1, width, generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [1.0, 2.0, 3.0, 4.0]
    )
    rows[[0, 7]] = 0
    return rows


def norm(rows):
    return float(rows[rows.any(dim=1)].square().sum(dim=1).mean().sqrt())


@pytest.mark.parametrize("settings", [{}, {"normalise": True}, {"pca": 2}])
@pytest.mark.parametrize("transform", ["whiten", "centre", "none"])
def test_a_transform_keeps_zero_rows_and_the_norm_of_other_backends(transform, settings):
    if transform == "none":
        settings = {key: value for key, value in settings.items() if key != "pca"}
    text = text_of([parts()], VectorsConfig(transform=transform, **settings), 0)
    assert not text[[0, 7]].any()
    assert norm(text) == pytest.approx(5, rel=1e-5)
    assert text.shape[1] == settings.get("pca", 4)


def test_whitened_parts_stand_side_by_side_as_those_of_an_llm_do():
    one, two = parts(), parts().square()
    text = text_of([one, two], VectorsConfig(), n_new=3)
    assert torch.equal(text, 5 / 2**0.5 * torch.cat([whitened(one, n_new=3), whitened(two, n_new=3)], dim=1))


def test_principal_components_are_in_the_order_of_their_variance():
    text = text_of([parts()], VectorsConfig(transform="centre", pca=3), 0)
    rows = text[text.any(dim=1)].double()
    covariance = (rows - rows.mean(dim=0)).T @ (rows - rows.mean(dim=0))
    assert covariance.diagonal().tolist() == sorted(covariance.diagonal().tolist(), reverse=True)
    assert (covariance - covariance.diagonal().diag()).abs().max() < 1e-3 * covariance.max()


@pytest.mark.parametrize("transform", ["whiten", "centre"])
def test_new_items_decide_nothing(transform):
    rows = parts()
    changed = rows.clone()
    changed[-3:] *= 9
    one, other = (text_of([each], VectorsConfig(transform=transform, pca=2), n_new=3) for each in (rows, changed))
    assert torch.equal(one[:-3], other[:-3])


def test_more_components_than_a_vector_has_numbers_are_refused():
    with pytest.raises(DataError, match=r"vectors\.pca is 5, but a vector has 4 numbers"):
        text_of([parts()], VectorsConfig(pca=5), 0)


def test_vectors_that_are_all_alike_are_refused():
    with pytest.raises(DataError, match="alike"):
        text_of([torch.ones(5, 2)], VectorsConfig(transform="centre"), 0)


def test_settings_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match="pca centres vectors, so it needs transform=whiten or transform=centre"):
        VectorsConfig(transform="none", pca=2)
    with pytest.raises(ValueError, match="embedding_size is 9, must be a multiple of n_heads"):
        VectorsConfig(embedding_size=9)


# --- the component ------------------------------------------------------------------------------------------------


def test_rows_are_named_by_the_file_and_not_by_its_place(host, tmp_path):
    as_parquet(tmp_path / "mine.parquet")
    path = str(tmp_path / "mine.parquet")
    assert host.select("llms", f"vectors:{path}", {}).label == "vectors:mine"
    again = host.select("llms", "vectors:mine", {"vectors": {"file": path}})  # as a record has it
    assert (again.label, again.config.file) == ("vectors:mine", path)


def test_the_contents_are_the_fingerprint(tmp_path):
    as_npy(tmp_path / "a.npy")
    one = fingerprint(of(tmp_path / "a.npy"), tmp_path)
    as_npy(tmp_path / "b.npy")
    assert fingerprint(of(tmp_path / "b.npy"), tmp_path) == one
    as_npy(tmp_path / "b.npy", ["b", "a", "c", "d"])
    assert fingerprint(of(tmp_path / "b.npy"), tmp_path).keys() == {"vectors", "ids"}
    assert fingerprint(of(tmp_path / "b.npy"), tmp_path) != one


def test_a_label_needs_a_fingerprint(loose_file):
    file = loose_file(
        "faulty",
        """
        from dataclasses import dataclass

        from corecbench.api import LlmComponent, hookimpl

        @dataclass(frozen=True)
        class Config:
            file: str = ""

        @hookimpl
        def corecbench_llms():
            return [LlmComponent("faulty", print, Config, argument="file", label=lambda config: "faulty:short")]
        """,
    )
    with pytest.raises(
        PluginError, match="component 'faulty' has a label, so it needs an argument and a fingerprint"
    ):
        Host.discover([file])


@pytest.fixture
def toy_vectors(tmp_path):
    """Write vectors of the toy data set's items, and return the file."""

    def write(name="toy.parquet", folder=""):
        (tmp_path / folder).mkdir(exist_ok=True)
        path = tmp_path / folder / name
        as_parquet(path, [f"i{item}" for item in range(20)], np.eye(20, dtype=np.float32))
        return path

    return write


def test_the_place_of_a_file_is_no_part_of_the_hash_and_its_contents_are(toy_folder, toy_vectors, tmp_path, host):
    from corecbench.experiment.session import make_plan
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig

    def hashes(path):
        config = RunConfig(datasets=(str(toy_folder),), llms=(f"vectors:{path}",), references=False)
        return [(cell.name, cell.hash) for cell in make_plan(config, host, Store(tmp_path / "r", "b")).cells]

    path = toy_vectors()
    before = hashes(path)
    assert hashes(toy_vectors(folder="elsewhere")) == before
    as_parquet(path, [f"i{item}" for item in range(20)], 2 * np.eye(20, dtype=np.float32))
    assert hashes(path)[0][0] == before[0][0] == "vectors:toy"
    assert hashes(path) != before


def test_two_files_of_one_name_are_refused(toy_folder, toy_vectors, host, tmp_path):
    import corecbench

    llms = [f"vectors:{toy_vectors()}", f"vectors:{toy_vectors(folder='elsewhere')}"]
    with pytest.raises(UsageError, match="two LLMs of the run are called vectors:toy; rename a file"):
        corecbench.run(datasets=[str(toy_folder)], llms=llms, out=tmp_path / "results")


def test_texts_need_not_be_there_and_their_controls_are_left_out(tmp_path, toy_vectors, host):
    from corecbench.experiment.session import make_plan
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig

    toy = circle(30)
    folder = write_atomic(toy, tmp_path / "untitled")
    (folder / "untitled.item").unlink()
    config = RunConfig(
        datasets=(str(folder),),
        models=("sasrec",),
        llms=(f"vectors:{toy_vectors()}",),
        sharing=("bdlm", "collm"),
        controls=("shuffled-texts", "shuffled-vectors", "random-vectors", "bag-of-words"),
        references=False,
    )
    plan = make_plan(config, host, Store(tmp_path / "r", "b"))
    controls = {(cell.sharing.label, cell.control.label) for cell in plan.cells if cell.control is not None}
    assert controls == {("bdlm", name) for name in ("shuffled-vectors", "random-vectors", "bag-of-words")}
    assert "vectors:toy does not read item texts, so it has no control shuffled-texts" in plan.notes
    assert "collm reads no texts of the LLM, so it has no control shuffled-vectors" in plan.notes


def test_under_an_untrained_llm_the_vectors_are_random(toy_vectors, host):
    catalog = Catalog("toy", ("", "u"), ("", *(f"i{item}" for item in range(20))), ("",) * 21)
    config = of(toy_vectors())
    selected = host.select("llms", f"vectors:{config.file}", {})
    real, *random = (
        host.build(selected, Setup(catalog, 5, seed, untrained_llm=untrained), None)
        for seed, untrained in ((0, False), (0, True), (0, True), (1, True))
    )
    assert torch.equal(random[0].text, random[1].text)
    assert not torch.equal(random[0].text, random[2].text)
    assert not torch.equal(random[0].text, real.text)


# --- what says nothing --------------------------------------------------------------------------------------------


def test_random_rows_have_the_norms_and_nearly_the_spectrum_of_the_real_ones():
    rows = parts(n=4000)
    drawn = random_like(rows, np.random.default_rng(0))
    assert not drawn[[0, 7]].any()
    lengths = [sorted(each.norm(dim=1).tolist()) for each in (rows, drawn)]
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-4)
    spectra = [torch.linalg.svdvals(each) / len(each) ** 0.5 for each in (rows, drawn)]
    assert spectra[0].tolist() == pytest.approx(spectra[1].tolist(), rel=0.1)
    assert abs(float((rows * drawn).sum(dim=1).mean())) < 0.5  # nothing of a row is left


def test_few_wide_rows_are_whitened_and_drawn_without_a_matrix_of_their_width():
    rows = torch.randn(26, 60_000, generator=torch.Generator().manual_seed(0))
    rows[0] = 0
    assert text_of([rows], VectorsConfig(), 0).shape == (26, 24)  # one direction less than there are rows
    assert text_of([rows], VectorsConfig(transform="centre", pca=3), 0).shape == (26, 3)
    assert random_like(rows, np.random.default_rng(0)).shape == rows.shape


def test_random_rows_are_not_decided_by_new_items():
    rows = parts(n=300)
    changed = rows.clone()
    changed[-3:] = rows[-3:].flip(dims=(1,)) * 5
    one, other = (random_like(each, np.random.default_rng(0), n_new=3) for each in (rows, changed))
    directions = [torch.nn.functional.normalize(each, dim=1) for each in (one, other)]
    assert torch.allclose(*directions, atol=1e-5)

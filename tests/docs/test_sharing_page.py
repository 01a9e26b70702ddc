"""The reader on the page of bundles needs pandas alone, and says what corecbench says."""

import re
from pathlib import Path

import pandas as pd
import pytest

import corecbench

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "results/published/ledger-ml-1m.zip"
PAGE = (ROOT / "docs/sharing.md").read_text("utf-8")
READER, USE = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ALONE = ("sequence-knn", "popularity")


@pytest.fixture(scope="module")
def ran(tmp_path_factory, toy_folder):
    """Run two models under two seeds."""
    place = tmp_path_factory.mktemp("ran")
    corecbench.run(models=list(ALONE), datasets=[str(toy_folder)], references=False, seeds=[0, 1], out=place)
    return place


def read(place):
    """Return what the page makes of stored results: the means of rows, and the contrast that it shows."""
    known = {}
    exec(compile(READER, "sharing.md", "exec"), known)
    used = USE.replace('"ours.zip"', repr(str(place)))
    exec(compile(used.partition("contrast =")[0], "sharing.md", "exec"), known)
    return known


def cells(frame):
    """Return the names of the rows of a table of corecbench: cell, and side of a pair."""
    for row in frame.to_dict("records"):
        joint = [row[part] for part in ("sharing", "control") if isinstance(row.get(part), str)]
        yield "+".join([*row["model"].split(" + "), *joint]), row["side"] if joint else ""


def test_the_reader_has_at_most_20_lines_and_needs_pandas_alone():
    assert len(READER.splitlines()) <= 20
    modules = re.findall(r"^(?:import|from) (.*?)(?: import .*| as pd)?$", READER, re.MULTILINE)
    assert set(", ".join(modules).split(", ")) == {"io", "json", "math", "pandas", "pathlib", "zipfile"}


@pytest.mark.parametrize(("place", "base"), [("run", "popularity"), ("bundle", "lightgcn")])
def test_rows_and_contrasts_are_those_of_corecbench(place, base, request):
    folder = request.getfixturevalue("ran") if place == "run" else BUNDLE
    page, evidence = read(folder), corecbench.load(folder, metrics=["NDCG@10"])
    (dataset,) = set(evidence.table()["data set"])
    expected = dict(zip(cells(evidence.table()), evidence.table()["NDCG@10"], strict=True))
    assert page["rows"][dataset].to_dict() == pytest.approx(expected)
    contrasts = evidence.contrasts(base).query("seeds == '0-1'")
    values, names = page["values"][dataset], list(cells(contrasts))
    found = [(values[name] - values[base, ""]).mean() for name in names]
    assert (base in ALONE and len(found)) or len(found) > 2
    assert found == pytest.approx(contrasts["difference"].tolist())


def test_the_contrast_on_the_page_is_one_of_its_own_names():
    index = pd.MultiIndex.from_product([["toy"], ["popularity", "sequence-knn"], [""], ["u1", "u2"]])
    known = {"values": pd.Series([0.0, 1.0, 0.5, 1.0], index)}
    exec(USE[USE.index("contrast =") :], known)
    assert known["contrast"] == 0.25

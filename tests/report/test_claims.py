"""What papers claim beside stored rows."""

import math

import pytest

from corecbench.api import UsageError
from corecbench.report.evidence.claims import FOLDER, placed, read_claims
from corecbench.report.views.tables import claims_table
from corecbench.results.rows import rows_of

from .conftest import PROTOCOL

FILE = """
paper = "A et al., 2025"
arxiv = "2501.00001"
source = "table 2"
model = "sasrec"
{more}
[protocol]
split = "{split}"

[figures.toy]
MRR = {value}
"""


def written(folder, value=0.5, more="", split="leave-one-out", name="a"):
    (folder / f"{name}.toml").write_text(FILE.format(value=value, more=more, split=split), encoding="utf-8")
    return [claim for claim in read_claims(folder) if claim.name == name]


@pytest.fixture
def three(bench):
    """SASRec whose mean reciprocal rank is 1/2, 1/4 and 1/8 under three seeds, and a pair of it that has 1/3."""
    for seed, rank in enumerate((2, 4, 8)):
        bench.add("sasrec", seed=seed, domain_ranks=[rank] * 6)
        pair = {"sharing": "mine", "domain_ranks": [3] * 6, "llm_ranks": [3] * 6}
        bench.add("sasrec", "llama", seed=seed, **pair)
    return bench.table()


@pytest.mark.parametrize(
    ("value", "among"), [(0.1, "below all"), (0.125, "within"), (0.35, "within"), (0.75, "above all")]
)
def test_a_claim_lies_among_the_seeds(three, tmp_path, value, among):
    (found,) = placed(written(tmp_path, value), {"default": three})
    mean = (1 / 2 + 1 / 4 + 1 / 8) / 3
    deviation = math.sqrt(sum((each - mean) ** 2 for each in (1 / 2, 1 / 4, 1 / 8)) / 2)
    assert found.among == among
    assert found.mean == pytest.approx(mean)
    assert found.z == pytest.approx((value - mean) / deviation)


def test_a_claim_of_a_metric_that_is_not_shown_is_beside_no_row(three, tmp_path):
    (tmp_path / "a.toml").write_text(FILE.format(value=0.5, more="", split="x").replace("MRR", '"NDCG@20"'))
    (found,) = placed([claim for claim in read_claims(tmp_path) if claim.name == "a"], {"default": three})
    assert found.row is None


def test_with_two_seeds_there_is_no_z(bench, tmp_path):
    for seed in (0, 1):
        bench.add("sasrec", seed=seed, domain_ranks=[1 + seed] * 6)
    (found,) = placed(written(tmp_path), {"default": bench.table()})
    assert (found.among, found.z) == ("within", None)
    assert found.deviation == pytest.approx(math.sqrt(2) / 4)  # of 1 and 1/2


def test_a_claim_about_a_pair_is_beside_its_side_and_those_of_variants(bench, tmp_path):
    sides = {"domain_ranks": [2] * 6, "llm_ranks": [4] * 6}
    bench.add("sasrec", domain_ranks=[1] * 6)
    bench.add("sasrec", "llama", sharing="mine", **sides)
    bench.add("sasrec", "llama", sharing="mine", control="shuffled-texts", **sides)
    variant = {"mine-plain": {"distribution": "x", "version": "1", "variant_of": "mine"}}
    bench.add("sasrec", "llama", sharing="mine-plain", plugins=variant, **sides)
    claims = written(tmp_path, more='sharing = "mine"\nside = "llm"')
    found = placed(claims, {"default": bench.table()})
    assert [each.row.key.name for each in found] == ["sasrec+llama+mine:llm", "sasrec+llama+mine-plain:llm"]
    assert {each.mean for each in found} == {1 / 4}


def test_an_imported_model_stands_beside_the_figures_of_its_name(bench):
    bench.add("tiger", domain_ranks=[2] * 6, dataset="amazon-beauty")
    ((_, record),) = bench.entries
    (key,) = rows_of(record["cell"])
    assert {claim.name for claim in read_claims() if claim.is_about(key, record)} == {"tiger", "tiger-rerun"}


def test_what_differs_between_the_protocols_is_said(bench, tmp_path):
    of = {"dataset": "toy-timed", "train_share": 0.25, "protocol": PROTOCOL | {"split": "time"}}
    bench.add("sasrec", domain_ranks=[1] * 6, **of)
    claims = written(tmp_path, more='words = "binary cross-entropy"')
    (found,) = placed(claims, {"default": bench.table()})
    assert list(found.differs) == [
        "data: toy-timed",
        "split: time, there leave-one-out",
        "25% of users train, there 100%",
        "not stated there: candidates, seen items, ties",
        "there binary cross-entropy",
    ]


def test_a_claim_without_a_row_and_one_of_another_data_set_stay_in_the_table(bench, tmp_path):
    bench.add("sasrec", dataset="toys", domain_ranks=[1] * 6)
    report = claims_table(placed(written(tmp_path), {"default": bench.table()}))
    assert report.frame.iloc[0].tolist() == ["a", "toy", "-", "-", "MRR", ".5000", *["-"] * 6]
    assert "a: A et al., 2025, arXiv 2501.00001, table 2." in report.caption


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('figur = 1\npaper = "A"', "unknown setting of claim .*bad.toml 'figur'; did you mean 'figures'"),
        ('paper = "A"\nsource = "t"\nmodel = "m"', "bad.toml needs a value for 'figures'"),
        ('paper = "A"\nsource = "t"\nmodel = "m"\n[figures]', "bad.toml: figures are empty"),
        ('paper = "A"\nsource = "t"\nmodel = "m"\n[figures.toy]\nMRR = "high"', "valid number"),
        ('paper = "A"\nsource = "t"\nmodel = "m"\n[protocol]\nsplits = "x"\n[figures.toy]\nMRR = 1', "'split'"),
        ("paper", "bad.toml is no TOML file"),
    ],
)
def test_a_bad_file_ends_in_one_line(tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message) as caught:
        read_claims(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_claims_is_no_folder_of_claims(tmp_path):
    with pytest.raises(UsageError, match="no claims there"):
        read_claims(tmp_path)


def test_our_claims_are_of_metrics_and_sharing_modules_that_there_are(host):
    ours = read_claims()
    metrics, modules = ({component.name for component, _ in host.list(kind)} for kind in ("metrics", "sharing"))
    assert {claim.metric.split("@")[0] for claim in ours} <= metrics
    assert {claim.paper.sharing for claim in ours if claim.paper.sharing} <= modules


def test_our_claims_name_their_sources_and_a_file_of_the_same_name_wins(tmp_path):
    ours = read_claims()
    assert {claim.name for claim in ours} == {path.stem for path in FOLDER.glob("*.toml")} >= {"tiger", "ensrec"}
    assert all(claim.paper.source and 0 < claim.value < 1 for claim in ours)
    written(tmp_path, name="tiger")
    assert [claim.dataset for claim in read_claims(tmp_path) if claim.name == "tiger"] == ["toy"]

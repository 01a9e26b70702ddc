"""The board: what it says of each method, and where that is from."""

import re
from html import unescape

import pytest
from stored_cells import store_cell, toy_ranks

from corecbench.plugin.host import Host
from corecbench.report.evidence.claims import claims_in, placed
from corecbench.report.publish import gather
from corecbench.report.site import board
from corecbench.report.site.board import Benchmark, Shown
from corecbench.report.site.write import row_page
from corecbench.report.views.findings import change
from corecbench.report.wording import p_value
from corecbench.testing.records import toy_record

from ..conftest import PROTOCOL, Bench
from ..page.conftest import N_USERS, Suite
from .conftest import METRICS

CLAIM = """
paper = "A et al., 2025"
source = "table 2"
model = "sasrec"
sharing = "bdlm"
[protocol]
split = "time"
[figures.ml-1m]
"NDCG@10" = 0.99
"""


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    """Return a benchmark on ml-1m with pairs of SASRec and LightGCN, their controls, and a claim about SASRec's."""
    root = tmp_path_factory.mktemp("board")
    bench = Suite(root, "suite").fill(datasets=["ml-1m"]).bench
    evidence = gather(Host.discover(), bench.store, list(bench.store.records()), METRICS)
    file = root / "a.toml"
    file.write_text(CLAIM, encoding="utf-8")
    return Benchmark("suite", evidence, "report.html", placed(claims_in(file), {"suite": evidence}))


def shown(benchmark):
    return [Shown(benchmark, row) for row in benchmark.rows]


def lines(found, every=None):
    """Return the cells of the board by column, of each method."""
    every = shown(found[0].benchmark) if every is None else every
    grid = board.board(found, "methods", board.strongest(every))
    heads = [re.sub("<[^>]+>|&nbsp;.*", "", head.markup) for head in grid.heads]
    text = [[unescape(re.sub("<[^>]+>", "", field.markup)) for field in row] for row in grid.rows]
    return [dict(zip(heads, row, strict=True)) for row in text]


def test_the_board_has_a_row_for_each_method_and_none_for_controls(benchmark):
    found = board.methods(shown(benchmark))
    assert {each.row.key.name for each in found} == {"sasrec+llama+bdlm:domain", "lightgcn+llama+bdlm:domain"}


def test_gains_are_those_of_the_benchmark_s_own_contrasts(benchmark):
    sasrec = next(each for each in board.methods(shown(benchmark)) if each.row.key.domain == "sasrec")
    (line,) = lines([sasrec])
    evidence, key = benchmark.evidence, sasrec.row.key
    alone = evidence.over_alone[key]
    assert line["over alone"].replace("*", "").startswith(f"{change(alone)} [")
    assert line["over alone"].replace("*", "").endswith(f"p {p_value(alone.p_adjusted)}")
    strongest = evidence.over_strongest[key]
    assert line["over strongest"].startswith(change(strongest))
    assert f"\n{strongest.other.cell}, p " in line["over strongest"]
    ledger = next(each for each in evidence.ledgers() if each.pair == key)
    differences = (each.comparison for each in ledger.contrasts)
    control = next(each for each in differences if each.other.control == "shuffled-texts")
    assert line["over control"].replace("*", "").startswith(change(control))
    assert "\nshuffled-texts, p " in line["over control"]
    assert "new items" not in line


def test_an_ensemble_or_the_side_that_is_trained_speaks_for_a_method(tmp_path):
    bench = Bench(tmp_path)
    sides = {"domain_ranks": [2] * 6, "llm_ranks": [3] * 6}
    bench.add("sasrec", "llama", sharing="collm", **sides)
    bench.add("sasrec", "llama", sharing="ensrec", ensemble_ranks=[1] * 6, **sides)
    bench.add("sasrec", "llama", sharing="beside", **sides)
    trained = {"collm": {"llm"}, "ensrec": {"domain", "llm"}, "beside": set()}
    for _, record in bench.entries:
        for side, own in record["sides"].items():
            own["epochs"] = int(side in trained[record["cell"]["sharing"]])
    evidence = gather(Host.discover(), bench.store, bench.entries, METRICS)
    found = board.methods(shown(Benchmark("b", evidence, "report.html")))
    assert [each.row.key.name for each in found] == [
        "sasrec+llama+collm:llm",
        "sasrec+llama+ensrec:ensemble",
        "sasrec+llama+beside:domain",
    ]


def test_a_pair_is_one_method_also_where_a_side_lacks_seeds(tmp_path):
    bench = Bench(tmp_path)
    bench.add("sasrec", "llama", seed=0, domain_ranks=[2] * 6, llm_ranks=[3] * 6)
    record = toy_record("sasrec", "llama", seed=1, protocol=PROTOCOL, status="failed")
    record["sides"] = {"domain": bench.entries[0][1]["sides"]["domain"]}
    record["failed_sides"] = {"llm": record["error"]}
    folder = store_cell(bench.store, record, {"domain": toy_ranks([2] * 6)})
    entries = [*bench.entries, (folder, bench.store.read(folder))]
    evidence = gather(Host.discover(), bench.store, entries, METRICS)
    found = board.methods(shown(Benchmark("b", evidence, "report.html")))
    assert [(each.row.key.side, list(each.row.seeds)) for each in found] == [("domain", [0, 1])]


def of_two_benchmarks(root, **other):
    """Return a pair in one benchmark, and in another of the same protocol neighbours that beat its model alone."""
    found = []
    for name, value, ranks in (("pairs", 0.2, 4), ("references", 0.3, 2)):
        bench = Bench(root, name)
        for seed in range(3):
            of = {"costs": {"validation": value}} | (other if name == "references" else {})
            model = "sasrec" if name == "pairs" else "neighbours"
            bench.add(model, seed=seed, domain_ranks=[ranks] * N_USERS, **of)
            if name == "pairs":
                bench.add(
                    "sasrec",
                    "llama",
                    seed=seed,
                    sharing="bdlm",
                    domain_ranks=[3] * N_USERS,
                    llm_ranks=[3] * N_USERS,
                )
        evidence = gather(Host.discover(), bench.store, bench.entries, METRICS)
        found += shown(Benchmark(name, evidence, "report.html"))
    return found


def test_the_row_to_beat_is_the_strongest_of_all_benchmarks_of_a_split(tmp_path):
    every = of_two_benchmarks(tmp_path)
    (line,) = lines(board.methods(every), every)
    assert line["over strongest"].startswith("-20.8%")  # log2(3) / log2(4) - 1
    assert "neighbours" in line["over strongest"]
    assert line["over alone"].startswith("+16.1%")  # log2(5) / log2(4) - 1


def test_a_row_that_ranks_other_users_is_no_row_to_beat(tmp_path):
    every = of_two_benchmarks(tmp_path, users=list(range(2, 2 + N_USERS)))
    (line,) = lines(board.methods(every), every)
    assert "over strongest" not in line


def test_new_items_stand_apart_without_a_star(tmp_path):
    bench, new = Bench(tmp_path), [number % 2 for number in range(N_USERS)]
    of = {"protocol": PROTOCOL | {"split": "time"}, "counts": {"target_is_new": [bool(each) for each in new]}}
    for seed in range(3):
        bench.add("sasrec", seed=seed, domain_ranks=[4] * N_USERS, **of)
        ranks = [2 if each else 4 + number % 2 for number, each in enumerate(new)]
        bench.add("sasrec", "llama", seed=seed, sharing="bdlm", domain_ranks=ranks, llm_ranks=ranks, **of)
    evidence = gather(Host.discover(), bench.store, bench.entries, METRICS)
    (line,) = lines(board.methods(shown(Benchmark("b", evidence, "report.html"))))
    assert line["new items"].startswith("+46.5%")  # log2(5) / log2(3) - 1
    assert "p " not in line["new items"]


def test_a_claim_stands_beside_its_method_and_its_row_says_what_differs(benchmark):
    by_model = {line["model"]: line["claim"] for line in lines(board.methods(shown(benchmark)))}
    assert by_model == {"sasrec": ".9900 above all (a)", "lightgcn": "-"}
    row = next(each.row for each in board.methods(shown(benchmark)) if each.row.key.domain == "sasrec")
    page = row_page(benchmark, row)
    assert "NDCG@10 .9900 is claimed by A et al., 2025, table 2: above all of our seeds" in page
    assert "split: leave-one-out, there time; not stated there: candidates, seen items, ties." in page


def test_words_in_the_filter_open_the_rows_that_have_them(site, chromium):
    tab = chromium.new_page()
    tab.goto(site.index.as_uri())
    assert tab.locator("tbody tr:visible").count() == tab.locator('[aria-label^="methods on"] tbody tr').count() > 0
    tab.get_by_role("searchbox").fill("shuffled-texts")
    assert all("shuffled-texts" in text for text in tab.locator("tbody tr:visible").all_inner_texts())
    assert tab.locator('[aria-label^="rows on"] tbody tr:visible').count() > 0
    tab.close()

"""What becomes under the split by time of findings under leave-one-out. The metric is one over the rank.

Of 400 users alone each has rank 2, a value of 1/2. Where n users have rank 1, the mean is n/400 of it higher.
"""

import pytest

from corecbench.api import UsageError
from corecbench.cli.main import main
from corecbench.report.evidence.protocols import LEAVE_ONE_OUT, Protocols, by_split, contrasts_of
from corecbench.report.plots import registry
from corecbench.report.views.tables import protocols_table

from .conftest import PROTOCOL, Bench

N = 400
TIME = {"split": "time", "cut": "0.8, 0.9", "target": "first after the cut"}


def first(n, worse=0, rank=3):
    """Return ranks of which n are better than alone, and as many worse as are asked for."""
    return [1] * n + [rank] * worse + [2] * (N - n - worse)


PLANTED = {
    "holds": (first(200), first(180)),
    "smaller": (first(300), first(60)),
    "larger": (first(60), first(300)),
    "gone": (first(200), first(4, 6)),
    "turned": (first(200), first(0, 200)),
    "only under time": (first(4, 6), first(200)),
    "open": (first(20), first(30, 22, rank=20)),
    "under neither": (first(4, 6), first(6, 4)),
}
"""Verdict -> the ranks of a pair under leave-one-out and under time."""


@pytest.fixture
def benches(tmp_path):
    """Return the benchmarks of both protocols, each with three seeds."""
    both = Bench(tmp_path, "default"), Bench(tmp_path, "timed")
    for bench, fields in zip(both, ({}, {"protocol": PROTOCOL | TIME, "hash": "89abcdef"}), strict=True):
        bench.seeds, bench.fields = [0, 1, 2], fields
        bench.add("sasrec", domain_ranks=first(0), **fields)
    return both


def plant(benches, planted):
    for name, both in planted.items():
        for bench, ranks in zip(benches, both, strict=True):
            bench.add("sasrec", "llama", sharing=name, domain_ranks=ranks, llm_ranks=ranks, **bench.fields)


def test_all_windows_stand_for_the_data_set_under_time(benches):
    plant(benches, {"holds": PLANTED["holds"]})
    _, timed = benches
    for window in (1, 2):
        protocol = PROTOCOL | TIME | {"window": f"{window} of 2"}
        fields = {
            "protocol": protocol,
            "window": (window, 2),
            "data": {"fingerprint": "f", "split_fingerprint": f"s{window}"},
        }
        users = [f"w{window}-{number}" for number in range(N)]
        timed.add("sasrec", domain_ranks=first(0), users=users, **fields)
        timed.add(
            "sasrec", "llama", sharing="holds", domain_ranks=first(100), llm_ranks=first(0), users=users, **fields
        )
    both = Protocols(*(bench.table() for bench in benches))
    (found,) = both.found
    assert both.names == {"toy": "toy (2 windows)"}
    assert (found.time.n_users, found.time.change) == (2 * N, pytest.approx(1 / 4))
    assert "window each" in protocols_table(both).caption


@pytest.mark.parametrize("verdict", PLANTED)
def test_each_planted_fate_is_told(benches, verdict):
    plant(benches, {verdict: PLANTED[verdict]})
    (found,) = Protocols(*(bench.table() for bench in benches)).found
    assert (found.verdict, found.kind, found.tells) == (verdict, "whole", "the whole gain")
    assert found.same_sign == (verdict != "turned")
    assert found.same_significance == (verdict in ("holds", "smaller", "larger", "turned", "under neither"))


def test_fewer_than_three_seeds_have_no_verdict(benches):
    benches[1].entries.clear()
    benches[1].seeds = [0]
    benches[1].add("sasrec", domain_ranks=first(0), **benches[1].fields)
    plant(benches, {"bdlm": PLANTED["holds"]})
    (found,) = Protocols(*(bench.table() for bench in benches)).found
    assert found.verdict == "few seeds"


def test_steps_and_contrasts_of_ledgers_are_compared_one_by_one(benches):
    plant(benches, {"bdlm": (first(200), first(100))})
    for bench, n in zip(benches, (40, 60), strict=True):
        for control, more in (("bag-of-words", 0), ("frozen-texts", 20)):
            ranks = first(n + more)
            of = {"domain_ranks": ranks, "llm_ranks": ranks, **bench.fields}
            bench.add("sasrec", "llama", sharing="bdlm", control=control, **of)
    protocols = Protocols(*(bench.table() for bench in benches))
    for evidence in protocols.both:
        assert len(contrasts_of(evidence)) == sum(len(each.contrasts) for each in evidence.ledgers()) > 2
    found = [each for each in protocols.found if each.pair.side == "domain"]
    tells = {(each.kind, each.tells): (each.leave_one_out.change, each.time.change) for each in found}
    assert tells["whole", "the whole gain"] == (pytest.approx(200 / N), pytest.approx(100 / N))
    assert tells["contrast", "knowledge beyond counted words"] == (pytest.approx(160 / N), pytest.approx(40 / N))
    assert protocols.n_single == (0, 0)


def test_what_one_protocol_lacks_is_left_out_and_counted(benches):
    plant(benches, {"bdlm": PLANTED["holds"]})
    benches[0].add("sasrec", "llama", sharing="other", domain_ranks=first(9), llm_ranks=first(9))
    protocols = Protocols(*(bench.table() for bench in benches))
    assert [each.pair.sharing for each in protocols.found] == ["bdlm"]
    assert protocols.n_single == (1, 0)
    assert "Left out: 1 contrasts that only leave-one-out has" in protocols_table(protocols).caption


def test_a_pair_is_compared_with_the_strongest_row_of_each_protocol(benches):
    for bench, strongest, ranked in zip(benches, ("neighbours", "words"), (100, 200), strict=True):
        of = {"costs": {"validation": 0.9}, **bench.fields}
        bench.add(strongest, domain_ranks=first(ranked), **of)
        bench.entries[-1][1]["cell"]["reference"] = True
    plant(benches, {"bdlm": (first(200), first(20))})
    protocols = Protocols(*(bench.table() for bench in benches))
    (found,) = (each for each in protocols.found if each.kind == "strongest" and each.pair.side == "domain")
    others = found.leave_one_out.other.cell, found.time.other.cell
    assert (others, found.verdict) == (("neighbours", "words"), "turned")
    assert "strongest without an LLM" in protocols_table(protocols).frame["minus"].tolist()


@pytest.mark.parametrize(("under_time", "tau"), [((0, 50, 90), 1), ((90, 50, 0), -1), ((0, 90, 50), 1 / 3)])
def test_the_order_of_the_models_is_compared_by_kendall(benches, under_time, tau):
    benches[1].entries.clear()
    for name, ranked, timed in zip(("sasrec", "gru4rec", "lightgcn"), (0, 100, 200), under_time, strict=True):
        if name != "sasrec":
            benches[0].add(name, domain_ranks=first(ranked))
        benches[1].add(name, domain_ranks=first(timed), hash="fedcba98", protocol=PROTOCOL | TIME)
    order = Protocols(*(bench.table() for bench in benches)).order("toy")
    assert (order.tau, order.n_rows) == (pytest.approx(tau), 3)


def test_table_and_plot_show_every_finding(benches):
    plant(benches, PLANTED)
    protocols = Protocols(*(bench.table() for bench in benches))
    report = protocols_table(protocols)
    assert report.frame["under time"].tolist() == [each.verdict for each in protocols.found]
    assert report.frame["change leave-one-out"].tolist()[0] == "+50.0%"
    assert "Kendall's tau of the order of " in report.caption
    (plot,) = registry.prepare(protocols)
    assert (plot.name, plot.reason) == ("protocols-toy", None)
    with plot.pages[0].drawn() as figure:
        texts = [text.get_text() for text in figure.axes[0].texts]
    assert sum(text.endswith(tuple(protocols_table(protocols).frame["under time"])) for text in texts) == len(
        protocols.found
    )


# --- the verb -----------------------------------------------------------------------------------------------------


def run(arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0


def test_the_verb_takes_two_benchmarks_and_writes_only_where_it_is_told(benches, tmp_path, capsys):
    plant(benches, {"bdlm": PLANTED["holds"]})
    asked = [
        "report",
        str(tmp_path),
        "--benchmark",
        "default,timed",
        "--set",
        "report.protocols=true",
        "--metrics",
        "MRR",
    ]
    before = sorted(tmp_path.rglob("*"))
    run(asked)
    assert " holds" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before
    run([*asked, "--out", str(tmp_path / "out"), "--plots"])
    written = {path.name for path in (tmp_path / "out").rglob("*")}
    assert {"protocols.txt", "protocols.md", "protocols-toy.svg"} <= written


def test_one_benchmark_may_hold_both(benches, tmp_path, capsys):
    benches[1].store = benches[0].store
    benches[1].add("sasrec", domain_ranks=first(0), **benches[1].fields)
    plant(benches, {"bdlm": PLANTED["smaller"]})
    asked = ["report", str(tmp_path), "--benchmark", "default", "--metrics", "MRR"]
    run([*asked, "--set", "report.protocols=true"])
    assert " smaller" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(asked)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "is stored under leave-one-out and time, which share no table; compare them by" in line


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--benchmark", "default"], "no results under time"),
        (["--benchmark", "default,timed", "--effects"], "of its own"),
    ],
)
def test_what_cannot_be_compared_ends_in_one_line(benches, tmp_path, capsys, arguments, fault):
    with pytest.raises(SystemExit) as ended:
        main(["report", str(tmp_path), "--set", "report.protocols=true", *arguments])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert fault in line


def test_splits_of_results_are_told_apart(benches):
    entries = [*benches[0].entries, *benches[1].entries]
    assert {name: len(of) for name, of in by_split(entries).items()} == {LEAVE_ONE_OUT: 3, "time": 3}
    with pytest.raises(UsageError, match="no results under leave-one-out"):
        by_split(benches[1].entries)

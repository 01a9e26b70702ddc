"""Tables of a small stored benchmark have the figures that they had before they were views of one evidence.

The figures were written by the code that built each table by itself. Ranks follow from the numbers of users and
seeds, so they are the same on every machine.
"""

import csv
import io

import numpy as np
import pytest

from corecbench.report.views.tables import main_table, slice_table

N_USERS = 30
COLUMNS = [
    "MRR",
    "difference",
    "95% low",
    "95% high",
    "MRR vs solo",
    "d_z",
    "detectable",
    "p (TOST)",
    "p",
    "p (Holm)",
]
SLICED = ["MRR", "difference", "95% low", "95% high", "MRR vs solo"]
MAIN = """
domain,,0.321256613757,0.0188536155203,-0.0674984375622,0.105205668603,0.062345994022,0.0815273694611,0.122388406163,0.534927164337,0.658521335168,1
domain,shuffled-texts,0.308293650794,0.00589065255732,-0.069164259643,0.0809455647577,0.01947947802,0.0352785527294,0.106825793636,0.403217174543,0.875708561179,1
llm,,0.314991181658,-0.000820105820106,-0.10201723686,0.10037702522,-0.00259682238293,-0.00336468198999,0.144034061463,0.384097565672,0.987112956463,1
llm,shuffled-texts,0.314686948854,-0.00112433862434,-0.0934568065741,0.0912081293254,-0.00356015971854,-0.00454699144778,0.130864561827,0.37380676507,0.980301406969,1
"""
"""Side, control and COLUMNS of each joint row."""
SLICES = """
all users,0.321256613757,0.0188536155203,-0.0674984375622,0.105205668603,0.062345994022
1,0.294788359788,0.0398148148148,-0.171840287627,0.251469917257,0.156152728782
2,0.324973544974,-0.018253968254,-0.37775773612,0.341249799612,-0.0531832896562
3-4,0.298991402116,-0.013955026455,-0.22878516737,0.20087511446,-0.0445923812543
5,0.388525132275,0.0875,,,0.290673404372
6-7,0.324107142857,0.0274305555556,-0.177856401642,0.232717512753,0.0924594549406
1,0.326025132275,0.0388888888889,,,0.135437060924
2-3,0.287419165197,0.0269547325103,-0.11937142046,0.173280885481,0.103487191062
4,0.271957671958,-0.0667989417989,,,-0.197188598204
5-6,0.34498824221,0.00940623162845,-0.205391054327,0.224203517584,0.0280296062716
7,0.388525132275,0.0875,,,0.290673404372
1-3,0.299297924298,0.0306267806268,-0.236644155793,0.297897717046,0.113993561825
4-9,0.338048552754,0.00985060690943,-0.124546153729,0.144247367548,0.0300142247511
"""
"""Slice and SLICED of the domain side of the pair."""


def ranks(seed, step, start):
    """Return ranks from 1 to 9, one for each user."""
    return [(step * user + 5 * seed + start) % 9 + 1 for user in range(N_USERS)]


def fill(bench):
    """Store a reference, a model alone, an LLM alone, a pair and a control of it, under three seeds."""
    lengths = np.arange(N_USERS) % 7 + 1
    counts = {"history_length": lengths, "target_frequency": lengths * 3 % 8}
    for seed in range(3):
        bench.add("sasrec", seed=seed, domain_ranks=ranks(seed, 4, 3), counts=counts)
        bench.add(llm="llama", seed=seed, llm_ranks=ranks(seed, 2, 5), counts=counts)
        for control, start in ((None, 1), ("shuffled-texts", 2)):
            sides = {"domain_ranks": ranks(seed, 4, start), "llm_ranks": ranks(seed, 7, start)}
            bench.add("sasrec", "llama", control=control, seed=seed, counts=counts, **sides)
    return bench


def check(found, expected, names, columns):
    """Compare a table cell by cell."""
    rows = list(csv.reader(io.StringIO(expected.strip())))
    assert found[names].fillna("").to_numpy().tolist() == [row[: len(names)] for row in rows]
    for row, cells in zip(rows, found[columns].to_numpy().tolist(), strict=True):
        values = [float(text) if text else None for text in row[len(names) :]]
        assert [None if value is None else pytest.approx(value, rel=1e-10) for value in values] == cells


def test_tables_have_the_same_figures_as_before(bench):
    evidence = fill(bench).table()
    main = main_table(evidence, effects=True).values
    check(main[main["difference"].notna()], MAIN, ["side", "control"], COLUMNS)
    slices = slice_table(evidence).values
    of_pair = (slices["side"] == "domain") & slices["control"].isna()
    check(slices[of_pair], SLICES, ["slice"], SLICED)

"""Pairs and controls over several LLMs."""

import numpy as np
import pytest

from corecbench.report.plots import ledgers
from corecbench.report.plots.figure import NothingToShow
from corecbench.report.plots.registry import OF_LLMS, PLOTS, plots_of, write

from .conftest import axes_of, points_of, series_of

ALONE = {"side": "domain", "domain": "sasrec"}


def of(llm, control=None):
    return ALONE | {"llm": llm, "sharing": "bdlm", "control": control}


@pytest.fixture
def study(make_study):
    """Alone every item is second, so 1/2; each of ten users who is first adds a twentieth."""

    def first(n_users):
        return {seed: [1] * n_users + [2] * (10 - n_users) for seed in (0, 1)}

    return make_study(
        (ALONE, first(0)),
        (of("small"), first(2)),
        (of("small", "ciphered-texts"), first(1)),
        (of("large"), first(9)),
        (of("large", "ciphered-texts"), first(3)),
        (of("large", "untrained-llm"), first(4)),
    )


def names(axes):
    return [label.get_text() for label in axes.get_xticklabels()]


def test_each_control_has_a_curve_over_the_llms_and_the_pair_compared_with_it(study):
    (chart,) = ledgers.over_llms(study)
    assert chart.title == "toy: MRR of pairs and their controls over the LLMs"
    assert "(t over users, for these trained models)" in chart.caption
    left, right = axes_of(chart)
    assert left.get_title(loc="left") == "sasrec, bdlm (domain model)"
    assert names(left) == names(right) == ["small", "large"]
    rows = series_of(left)
    ciphered, untrained = "ciphered-texts: the meaning of words", "untrained-llm: pretraining"
    assert list(rows) == ["alone", "pair", ciphered, untrained]
    assert rows["alone"] == [[0, 0.5], [1, 0.5]]
    assert np.ravel(rows["pair"]) == pytest.approx([0, 0.6, 1, 0.95])
    assert np.ravel(rows[ciphered]) == pytest.approx([0, 0.55, 1, 0.65])
    assert [y for (_, y), _ in points_of(right)] == pytest.approx([0.05, 0.3, 0.25])
    # with the small LLM one user differs, which is no spread
    assert [interval is None for _, interval in points_of(right)] == [True, False, False]
    assert [text.get_text() for text in right.get_legend().get_texts()][:2] == ["alone", "pair"]


def test_the_plot_is_drawn_where_several_llms_have_controls(study, tmp_path):
    assert plots_of(study) == (*PLOTS, OF_LLMS)
    written = write(study, tmp_path, [OF_LLMS])
    assert [path.name for path in written.paths] == ["llms-toy.svg", "llms-toy.png"]


def test_the_smallest_llm_comes_first(study):
    for key, row in study.rows.items():
        for record in row.records:
            record["sides"]["domain"]["parameters"] = {"small": 10, "large": 5}.get(key.llm, 1)
    left, _ = axes_of(ledgers.over_llms(study)[0])
    assert names(left) == ["large", "small"]
    assert np.ravel(series_of(left)["pair"]) == pytest.approx([0, 0.95, 1, 0.6])


def test_many_long_names_stand_on_two_lines(make_study):
    ranks = {0: [1, 2, 2, 2, 2]}
    rows = [
        (of(f"hf:somebody/model-{size}", control), {0: [first, 2, 2, 2, 2]})
        for size in range(4)
        for control, first in ((None, 1), ("untrained-llm", 3))
    ]
    left, _ = axes_of(ledgers.over_llms(make_study((ALONE, ranks), *rows))[0])
    assert names(left) == ["hf:so…/model-0", "\nhf:so…/model-1", "hf:so…/model-2", "\nhf:so…/model-3"]


def test_one_llm_has_no_such_plot(make_study):
    ranks = {0: [1, 2, 2, 2, 2]}
    study = make_study((ALONE, ranks), (of("small"), ranks), (of("small", "ciphered-texts"), ranks))
    assert plots_of(study) == PLOTS
    with pytest.raises(NothingToShow, match="differ in the LLM only"):
        ledgers.over_llms(study)

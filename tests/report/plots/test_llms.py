"""Pairs and controls over several LLMs."""

import pytest

from corecbench.report.plots import canvas, llms
from corecbench.report.plots.registry import OF_LLMS, PLOTS, plots_of, write
from corecbench.report.plots.study import NothingToShow

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
        (of("large", "untrained-llm"), {0: [1] * 4 + [2] * 6}),
    )


def test_each_control_has_a_curve_over_the_llms_and_the_pair_minus_it(study):
    shown = llms.prepare(study)
    (panels,) = shown.panels
    assert (panels.places, panels.title) == (("small", "large"), "sasrec, bdlm (domain model)")
    assert panels.alone == {0: 0.5, 1: 0.5}
    pair, ciphered, untrained = panels.curves
    assert (pair.label, pair.is_control, pair.differences) == ("pair", False, {})
    assert pair.metric == pytest.approx({0: 0.6, 1: 0.95})
    assert ciphered.label == "ciphered-texts: the meaning of words"
    assert ciphered.metric == pytest.approx({0: 0.55, 1: 0.65})
    assert ciphered.differences == pytest.approx({0: 0.05, 1: 0.3})
    assert list(ciphered.intervals) == [1]  # with the small LLM one user differs, which is no spread
    assert untrained.differences == pytest.approx({1: 0.25})
    assert shown.intervals == "t over users, for these trained models"


def test_the_plot_is_drawn_where_several_llms_have_controls(study, tmp_path):
    assert plots_of(study) == (*PLOTS, OF_LLMS)
    written = write(study, tmp_path, [OF_LLMS])
    assert [path.name for path in written.paths] == ["llms-toy.svg", "llms-toy.png"]
    with canvas.style():
        figure = llms.draw(llms.prepare(study))
    assert figure.get_suptitle() == "toy: MRR of pairs and their controls over the LLMs"
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == ["small", "large"]


def test_the_smallest_llm_comes_first(study):
    for key, row in study.rows.items():
        for record in row.records:
            record["sides"]["domain"]["parameters"] = {"small": 10, "large": 5}.get(key.llm, 1)
    (panels,) = llms.prepare(study).panels
    assert panels.places == ("large", "small")
    assert panels.curves[0].metric == pytest.approx({0: 0.95, 1: 0.6})


def test_many_long_names_stand_on_two_lines(make_study):
    ranks = {0: [1, 2, 2, 2, 2]}
    pairs = [of(f"hf:somebody/model-{size}", control) for size in range(4) for control in (None, "untrained-llm")]
    (panels,) = llms.prepare(make_study((ALONE, ranks), *((pair, ranks) for pair in pairs))).panels
    assert panels.places == ("hf:so…/model-0", "\nhf:so…/model-1", "hf:so…/model-2", "\nhf:so…/model-3")


def test_one_llm_has_no_such_plot(make_study):
    ranks = {0: [1, 2, 2, 2, 2]}
    study = make_study((ALONE, ranks), (of("small"), ranks), (of("small", "ciphered-texts"), ranks))
    assert plots_of(study) == PLOTS
    with pytest.raises(NothingToShow, match="differ in the LLM only"):
        llms.prepare(study)

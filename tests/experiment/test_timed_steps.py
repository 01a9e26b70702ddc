"""What a plan says of cells of which none is stored: by a few steps of each model, in a worker process."""

import dataclasses
import time

import pytest

from corecbench.experiment import estimates, timed_steps
from corecbench.experiment.estimates import guess, timed_estimates
from corecbench.experiment.plan import make_plan
from corecbench.experiment.timed_steps import EnoughError, LongWork, timed
from corecbench.experiment.work import Timed, work_of
from corecbench.plugin.host import Host
from corecbench.results.store import Store
from corecbench.settings.config import RunConfig


@pytest.fixture
def planned(toy_folder, tiny_llama, tmp_path, quick, cache, monkeypatch):
    """Plan a run: `planned(models=("sasrec",))` returns plan, host and store."""
    monkeypatch.setattr("corecbench.experiment.plan.cache_folder", lambda: cache)

    def go(files=(), **options):
        host, store = Host.discover(list(files)), Store(tmp_path / "results", "default")
        given = {"datasets": (str(toy_folder),), "settings": quick, "references": False} | options
        return make_plan(RunConfig(**given), host, store), host, store

    return go


def test_a_plan_says_time_and_memory_of_every_cell_and_stores_nothing(planned, tiny_llama, tmp_path):
    plan, host, store = planned(models=("sasrec", "popularity"), llms=(f"llama:{tiny_llama}",))
    found = timed_estimates(plan, host, store, {}, seconds=120)
    assert found.keys() == {cell.folder for cell in plan.cells}
    assert all(each.duration_s > 0 and each.memory_bytes > 2**26 for each in found.values())
    assert not (tmp_path / "results").exists()


def test_a_pair_takes_the_likely_epochs_of_its_sides(planned, tiny_llama):
    plan, host, _ = planned(models=("sasrec",), llms=(f"llama:{tiny_llama}",))
    pair = plan.cells[-1]
    turns = work_of(pair, plan, host).stretches
    found = {("toy", pair.domain.label): Timed(1.0, 100.0, 7), ("toy", pair.llm.label): Timed(10.0, 1000.0, 9)}
    speeds = {pair.domain.label: 1.0, pair.llm.label: 10.0}
    epochs_s = sum(each.likely * speeds[each.model] * (1.3 if each.coupled else 1) for each in turns)
    assert guess(pair, work_of(pair, plan, host), found) == (pytest.approx(1100 + epochs_s), 9)
    del found["toy", pair.llm.label]
    assert guess(pair, work_of(pair, plan, host), found) is None


def test_a_model_that_fails_or_hangs_costs_its_own_estimate_only(planned, domain_model, monkeypatch):
    hangs = domain_model(
        "import time\nclass Model(Model):\n    def states(self, batch):\n        time.sleep(600)\n"
    )
    plan, host, store = planned([hangs], models=("mine", "popularity"), settings={})
    monkeypatch.setattr(estimates, "AT_LENGTH_S", 0.0)
    clock = time.monotonic()
    found = timed_estimates(plan, host, store, {}, seconds=5)
    assert time.monotonic() - clock < 120
    assert not any(cell.name == "mine" and cell.folder in found for cell in plan.cells)


def test_an_llm_that_is_not_here_yet_is_not_timed(planned, tiny_llama):
    plan, _, _ = planned(models=("popularity",), llms=(f"llama:{tiny_llama}",))
    plan = dataclasses.replace(plan, downloads=["an LLM"])
    assert [cell.name for cell in estimates.models_of(plan.cells, plan).values()] == ["popularity"]


def test_long_work_is_cut_short_and_counted_whole():
    work = LongWork(clock=iter([0.0, 0.0, 2.0, 2.0, 4.0, 4.0]).__next__)
    work.progress("reading", 10, 1000)
    work.progress("reading", 30, 1000)
    with pytest.raises(EnoughError):
        work.progress("reading", 50, 1000)
    assert work.whole_s == 4 / (50 - 10) * 1000


def test_an_llm_that_would_read_for_long_reads_few_texts(planned, tiny_llama, monkeypatch):
    plan, host, _ = planned(llms=(f"llama:{tiny_llama}",))
    (cell,) = plan.cells
    monkeypatch.setattr(timed_steps, "WORK_S", -1.0)
    build, texts = timed_steps.CellTraining.build_solo, []

    def slow(training, side, selected):
        texts.append(training.setup.catalog.item_texts)
        for done in (10, 20):
            training.setup.progress("reading", done, 10**9)
        return build(training, side, selected)

    monkeypatch.setattr(timed_steps.CellTraining, "build_solo", slow)
    assert timed(cell, plan, host).beside_s > 1
    whole, few = texts
    assert whole == cell.data.catalog.item_texts
    assert len(few) == len(whole)
    assert len(set(few)) <= 1 + timed_steps.TEXTS

"""One test for each hook, of what a plugin that implements it can rely on."""

import pytest

from corecbench.api import Catalog, Setup, hookimpl
from corecbench.plugin.host import Host
from corecbench.plugin.kinds import KINDS

SETUP = Setup(Catalog("toy", ("", "u"), ("", "i"), ("", "text")), max_history=3, seed=0)


def built(loose_file, kind, hook, *args):
    """Return the component that a file offers by a hook, built from its settings and `args`."""
    source = f"""
        from dataclasses import dataclass
        from types import SimpleNamespace

        from corecbench.api import {KINDS[kind].component.__name__}, hookimpl

        @dataclass(frozen=True)
        class Config:
            k: int = 1

        def build(*args):
            return SimpleNamespace(args=args)

        @hookimpl
        def {hook}():
            return [{KINDS[kind].component.__name__}("mine", build, Config)]
    """
    host = Host.discover([loose_file("plugin", source)])
    return host.build(host.select(kind, "mine", {"mine": {"k": 2}}), *args)


def test_corecbench_datasets_offers_what_is_built_from_its_settings(loose_file):
    (config,) = built(loose_file, "datasets", "corecbench_datasets").args
    assert config.k == 2


def test_corecbench_domain_models_offers_what_is_built_from_settings_setup_and_ids(loose_file):
    config, setup, ids = built(loose_file, "models", "corecbench_domain_models", SETUP, "ids").args
    assert (config.k, setup, ids) == (2, SETUP, "ids")


def test_corecbench_llms_offers_what_is_built_without_ids_when_it_is_alone(loose_file):
    config, setup, ids = built(loose_file, "llms", "corecbench_llms", SETUP, None).args
    assert (config.k, setup, ids) == (2, SETUP, None)


def test_corecbench_sharing_modules_offers_what_is_built_from_settings_and_setup(loose_file):
    config, setup = built(loose_file, "sharing", "corecbench_sharing_modules", SETUP).args
    assert (config.k, setup) == (2, SETUP)


def test_corecbench_controls_offers_what_is_built_from_its_settings(loose_file):
    (config,) = built(loose_file, "controls", "corecbench_controls").args
    assert config.k == 2


def test_corecbench_metrics_offers_what_is_built_from_its_settings(loose_file):
    (config,) = built(loose_file, "metrics", "corecbench_metrics").args
    assert config.k == 2


def test_corecbench_reporters_offers_what_is_built_from_its_settings(loose_file):
    (config,) = built(loose_file, "reporters", "corecbench_reporters").args
    assert config.k == 2


TRACKER = """
    from corecbench.api import DomainModelComponent, TrackerComponent, hookimpl

    class Tracker:
        def __init__(self, config):
            pass

        @hookimpl
        def corecbench_cell_finished(self, cell, result):
            raise OSError(f"{cell['name']} {result['status']}")

    @hookimpl
    def corecbench_trackers():
        return [TrackerComponent("mine", Tracker)]
"""


def test_corecbench_trackers_offers_what_hears_of_a_run_that_asks_for_it(bench, loose_file):
    file = loose_file("plugin", TRACKER)
    bench([file], models=("popularity",))
    told = r"^plugin plugin/mine \(.*plugin.py sha256:\w+\): corecbench_cell_finished: OSError: popularity ok$"
    with pytest.warns(RuntimeWarning, match=told):
        bench([file], root="other", models=("popularity",), trackers=("mine",))


# --- while a run goes on ------------------------------------------------------------------------------------------


def test_corecbench_cell_started_comes_with_the_cell_before_its_first_epoch(bench):
    told = []

    class Listener:
        @hookimpl
        def corecbench_cell_started(self, cell):
            told.append(cell)

        @hookimpl
        def corecbench_epoch_finished(self):
            told.append("epoch")

    (record,) = bench(models=("sasrec",), diary=Listener())
    cell, *rest = told
    assert set(rest) == {"epoch"}
    assert (cell["name"], cell["dataset"], cell["seed"], cell["hash"]) == ("sasrec", "toy", 0, record["hash"])
    assert (cell["domain"], cell["llm"], cell["sharing"], cell["control"]) == ("sasrec", None, None, None)
    assert (cell["settings"], cell["max_history"]) == (record["settings"], 50)


def test_a_listener_that_changes_what_it_is_told_changes_it_for_nobody_else(bench):
    told = []

    class Meddler:
        @hookimpl
        def corecbench_cell_started(self, cell):
            cell["settings"]["sasrec"]["epochs"] = 0
            told.append(cell)

        @hookimpl
        def corecbench_epoch_finished(self, record):
            record.clear()

    (record,) = bench(models=("sasrec",), diary=Meddler())
    assert told[0]["settings"]["sasrec"]["epochs"] == 0
    assert record["settings"]["sasrec"]["epochs"] == 4
    assert all("loss" in epoch for epoch in record["epochs"])


SLOW = """
    import torch

    from corecbench.api import DomainModelComponent, States, TrackerComponent, hookimpl

    class Slow:
        examples = "pairs"

        def __init__(self, config, setup, ids):
            self.setup = setup
            setup.progress("counting", 1, 2)
            setup.progress("counting", 2, 2)

        def states(self, batch):
            return States(torch.ones(len(batch.user), 1), torch.arange(self.setup.catalog.n_items + 1.0)[:, None])

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("slow", Slow, joint=False)]
"""


def test_corecbench_progress_comes_with_what_a_component_says_of_its_work(bench, loose_file):
    told = []

    class Listener:
        @hookimpl
        def corecbench_progress(self, cell, what, done, total):
            told.append((cell["name"], what, done, total))

    bench([loose_file("slow", SLOW)], models=("slow",), diary=Listener())
    assert told == [("slow", "counting", 1, 2), ("slow", "counting", 2, 2)]


def test_corecbench_epoch_finished_comes_with_the_record_that_is_stored(bench):
    told = []

    class Listener:
        @hookimpl
        def corecbench_epoch_finished(self, cell, record):
            told.append(record)

    (result,) = bench(models=("sasrec",), diary=Listener())
    assert told == result["epochs"]
    assert set(told[0]) == {"side", "turn", "epoch", "loss", "validation", "duration_s", "planned_epochs"}


def test_corecbench_cell_finished_comes_with_what_is_stored_of_a_cell_that_failed_too(bench, loose_file):
    told = []

    class Listener:
        @hookimpl
        def corecbench_cell_finished(self, cell, result):
            told.append((cell["name"], result))

    broken = loose_file("broken", SLOW.replace("self.setup = setup", "raise ValueError('no luck')"))
    records = bench([broken], models=("sasrec", "slow"), diary=Listener())
    assert told == [("sasrec", records[0]), ("slow", records[1])]
    assert [result["status"] for _, result in told] == ["ok", "failed"]
    assert "no luck" in told[1][1]["error"]["message"]

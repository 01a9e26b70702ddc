"""What the plugins of the run's own process hear of cells that run elsewhere."""

import pytest

from corecbench.experiment.execution.relay import Relay
from corecbench.plugin.host import Host

FACTS = {"name": "sasrec", "dataset": "toys", "seed": 0}


class FakeCell:
    facts = FACTS


def epoch(number):
    return {"side": "domain", "epoch": number, "planned_epochs": 2}


@pytest.fixture
def diary(make_diary):
    return make_diary()


@pytest.fixture
def relay(diary):
    host = Host()
    host.register(diary, "diary")
    return Relay(host)


WHOLE = [("started", "sasrec"), *(("epoch", "sasrec", "domain", n) for n in (1, 2)), ("finished", "sasrec", "ok")]


def result(*epochs):
    return {"status": "ok", "epochs": [epoch(number) for number in epochs]}


def test_a_cell_that_is_begun_anew_starts_once_and_has_each_epoch_once(relay, diary):
    for number in (1, 1, 2):
        relay.tell("corecbench_cell_started", cell=FACTS)
        relay.tell("corecbench_epoch_finished", cell=FACTS, record=epoch(number))
    relay.finished(FakeCell(), result(1, 2))
    assert diary.entries == WHOLE


def test_what_happened_before_a_cell_was_followed_is_made_up_for_at_its_end(relay, diary):
    relay.finished(FakeCell(), result(1, 2))
    assert diary.entries == WHOLE

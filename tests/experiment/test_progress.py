import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from corecbench.experiment.progress import Bars, Lines
from corecbench.experiment.work import Stretch, Work, kind_of
from corecbench.plugin.host import Host

CELL = {"name": "sasrec", "dataset": "toys", "domain": "sasrec", "llm": None, "sharing": None, "seed": 3}
WORK = Work(kind_of(CELL), (Stretch("sasrec", most=4, likely=4, patience=4),))
DONE = {
    "status": "ok",
    "error": None,
    "duration_s": 12.4,
    "sides": {"domain": {"metrics": {"NDCG@10": 0.25}}, "llm": {"metrics": {"NDCG@10": 0.5}}},
}
FAILED = {"status": "failed", "error": {"message": "no\ngood"}, "duration_s": 1.0, "sides": {}}


def works(n_cells):
    """Return what so many seeds of the cell train, from its own on."""
    return {("sasrec", "toys", CELL["seed"] + number): WORK for number in range(n_cells)}


def epoch(validation):
    record = {"side": "domain", "turn": 0, "epoch": 1, "loss": 1.0, "validation": validation, "duration_s": 1.0}
    return {**record, "planned_epochs": 4}


@pytest.fixture
def lines():
    """Plain lines with a clock that the test turns: `lines.now` in seconds, `lines.host` to notify."""
    fake = SimpleNamespace(now=0.0, written=[], host=Host())
    display = Lines(works(2), fake.written.append, lambda: fake.now)
    fake.host.register(display, "progress")
    fake.host.notify("corecbench_cell_started", cell=CELL)
    return fake


def test_a_line_says_which_cell_starts(lines):
    assert lines.written == ["[1/2] sasrec, toys, seed 3: started"]


def test_between_start_and_end_there_is_at_most_one_line_in_15_seconds(lines):
    for lines.now in range(1, 41):
        lines.host.notify("corecbench_epoch_finished", cell=CELL, record=epoch(0.1))
    assert [line.split(": ")[1].split(" of")[0] for line in lines.written[1:]] == [
        "domain, epoch 15",
        "domain, epoch 30",
    ]


def test_each_of_several_cells_has_its_number_and_its_own_line_now_and_then(lines):
    other = CELL | {"seed": 4}
    lines.now = 10
    lines.host.notify("corecbench_cell_started", cell=other)
    lines.now = 20
    for cell in (CELL, other):
        lines.host.notify("corecbench_epoch_finished", cell=cell, record=epoch(0.1))
    lines.host.notify("corecbench_cell_finished", cell=other, result=DONE)
    assert [line.split(", valid")[0].split(": domain")[0] for line in lines.written[1:]] == [
        "[2/2] sasrec, toys, seed 4: started",
        "[1/2] sasrec, toys, seed 3",
        "[2/2] sasrec, toys, seed 4: done in 12 s",
    ]


def test_long_work_outside_the_epochs_is_said_too(lines):
    lines.now = 20
    lines.host.notify("corecbench_progress", cell=CELL, what="encoding texts", done=3, total=9)
    assert lines.written[1] == "[1/2] sasrec, toys, seed 3: encoding texts 3/9"


def test_a_line_says_how_a_cell_ended(lines):
    other = CELL | {"seed": 4}
    lines.host.notify("corecbench_cell_finished", cell=CELL, result=DONE)
    lines.host.notify("corecbench_cell_started", cell=other)
    lines.host.notify("corecbench_cell_finished", cell=other, result=FAILED)
    _, done, _, failed = lines.written
    assert done.endswith(": done in 12 s: domain NDCG@10 0.2500, llm NDCG@10 0.5000")
    assert failed.endswith(": failed: no good")


def test_a_line_at_the_end_of_a_cell_says_how_long_the_others_will_take(lines):
    for lines.now in (22.5, 45, 67.5, 90):
        lines.host.notify("corecbench_epoch_finished", cell=CELL, record={**epoch(0.1), "duration_s": 22.5})
    lines.host.notify("corecbench_cell_finished", cell=CELL, result=DONE)
    assert lines.written[-1].endswith("; about 2 min left")
    assert lines.written[1].endswith("; about 3 min left")  # after an epoch of four of the first of two cells, too


def test_bars_show_cells_epochs_and_other_work():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    host, display = Host(), Bars(console, works(2), clock=lambda: 0.0)
    host.register(display, "progress")
    with display:
        host.notify("corecbench_cell_started", cell=CELL)
        host.notify("corecbench_progress", cell=CELL, what="encoding [texts]", done=1, total=2)
        host.notify("corecbench_epoch_finished", cell=CELL, record=epoch(0.2))
        cells, epochs, work = display.bars.tasks
        assert (cells.completed, cells.total) == (1 / 4, 2)
        assert (epochs.completed, epochs.total, epochs.visible) == (1, 4, True)
        assert (work.completed, work.total, work.visible) == (1, 2, True)
        assert "best 0.2000" in epochs.description
        host.notify("corecbench_progress", cell=CELL, what="encoding [texts]", done=2, total=2)
        assert not work.visible
        host.notify("corecbench_cell_finished", cell=CELL, result=DONE)
        assert (cells.completed, cells.description) == (1, "cells 1/2, about 1 s left; NDCG@10 of validation")
        assert display.bars.tasks == [cells]
    assert "done in 12 s" in console.file.getvalue()


def test_cells_that_run_side_by_side_have_bars_of_their_own():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    host, display = Host(), Bars(console, works(4))
    host.register(display, "progress")
    seeds = [CELL | {"seed": seed} for seed in (3, 4)]
    with display:
        for cell in seeds:
            host.notify("corecbench_cell_started", cell=cell)
        for cell, n_epochs in zip(seeds, (1, 2), strict=True):
            for _ in range(n_epochs):
                host.notify("corecbench_epoch_finished", cell=cell, record=epoch(0.2))
        cells, first, _, second, _ = display.bars.tasks
        assert (first.completed, second.completed, cells.completed) == (1, 2, 1 / 4 + 2 / 4)
        host.notify("corecbench_cell_finished", cell=seeds[0], result=DONE)
        assert cells.completed == 1 + 2 / 4
        assert "seed 4" in second.description


def test_the_bar_of_all_cells_shows_the_time_that_is_left_by_finished_epochs():
    fake = SimpleNamespace(now=0.0)
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    host, display = Host(), Bars(console, works(3), lambda: fake.now)
    host.register(display, "progress")
    host.notify("corecbench_cell_started", cell=CELL)
    fake.now = 60.0
    for _ in range(4):
        host.notify("corecbench_epoch_finished", cell=CELL, record={**epoch(0.1), "duration_s": 15.0})
    host.notify("corecbench_cell_finished", cell=CELL, result=DONE)
    assert display.bars.tasks[0].description == "cells 1/3, about 2 min left; NDCG@10 of validation"

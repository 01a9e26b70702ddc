"""Checks of trackers: they are told of two cells, one of which fails."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

from corecbench.plugin.host import Host
from corecbench.testing.kit import Bench, CheckError, settings_survive_json
from corecbench.testing.records import toy_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corecbench.api import CellFacts, CellResult

Call = tuple[str, dict[str, Any]]
"""A hook and what it is called with."""


def facts_of(record: CellResult) -> CellFacts:
    """Return the facts of a cell as a run would tell them."""
    parts = [part for part in (record["cell"]["domain"], record["cell"]["llm"]) if part]
    settings = {part: {"epochs": 6, "learning_rate": 0.01, "schedule": "constant"} for part in parts}
    return {**record["cell"], "max_history": 8, "hash": record["hash"], "settings": settings}


def toy_run() -> Iterator[Call]:
    """Yield what is told of a pair that succeeds and of a model that fails."""
    epochs = [
        {
            "side": side,
            "turn": turn,
            "epoch": 1,
            "loss": 2.5,
            "validation": 0.1,
            "duration_s": 1.0,
            "planned_epochs": 2,
        }
        for turn, side in enumerate(("domain", "llm"), start=1)
    ]
    side = {"metrics": {"HR@10": 0.5, "MRR": 0.25}}
    for record, trained in (
        (toy_record("toy-domain", "toy-llm", side=side, epochs=epochs), epochs),
        (toy_record("toy-domain", status="failed"), []),
    ):
        cell = facts_of(record)
        yield "corecbench_cell_started", {"cell": cell}
        yield "corecbench_progress", {"cell": cell, "what": "encoding item texts", "done": 1, "total": 2}
        yield from (("corecbench_epoch_finished", {"cell": cell, "record": epoch}) for epoch in trained)
        yield "corecbench_cell_finished", {"cell": cell, "result": record}


def it_hears_of_a_run(bench: Bench) -> None:
    """It implements hooks that exist, and raises nothing, also where a cell fails."""
    folder = tempfile.mkdtemp(prefix="corecbench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # a tracker's package may remember it until then
    with contextlib.chdir(folder):
        host = Host()  # without plugins
        host.track(bench.selected)
        for hook, arguments in toy_run():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                host.notify(hook, **arguments)
            raised = [str(warning.message) for warning in caught if f": {hook}: " in str(warning.message)]
            if raised:
                raise CheckError(raised[0])


CHECKS = (it_hears_of_a_run, settings_survive_json)

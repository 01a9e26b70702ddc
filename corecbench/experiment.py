"""A run from its settings to its tables, which both the command line and Python call."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corecbench.api import UsageError
from corecbench.config import METRICS, SHOWN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from corecbench.config import RunConfig
    from corecbench.host import Host
    from corecbench.plan import Plan
    from corecbench.publish import Published
    from corecbench.record import Record
    from corecbench.report.per_user import Entry, ReadOnce
    from corecbench.results import Store


@dataclass(frozen=True)
class Finished:
    """What a run leaves."""

    records: Sequence[Record]
    """Of all cells, in the order of the plan."""
    entries: Sequence[Entry]
    """The same, with their folders."""
    store: ReadOnce
    published: Published
    """The tables of these cells, written beside the results."""


@dataclass(frozen=True)
class Experiment:
    """A run that is planned."""

    plan: Plan
    host: Host
    store: Store

    def run(self, progress: bool = False) -> Finished:
        """Run every cell that is not done and write the tables.

        Args:
            progress: whether it is shown on stderr.
        """
        from corecbench.progress import shown
        from corecbench.publish import publish, stored
        from corecbench.report.per_user import ReadOnce
        from corecbench.runner import run as run_plan

        to_do = [cell for cell in self.plan.cells if not cell.done]
        with shown(self.host, to_do) if progress else contextlib.nullcontext():
            records = run_plan(self.plan, self.host, self.store)
        asked = self.plan.config.metrics
        store, entries = ReadOnce(self.store.root, self.store.benchmark), stored(self.store, records)
        published = publish(self.host, store, entries, SHOWN if asked == METRICS else asked)
        return Finished(records, entries, store, published)


def prepare(config: RunConfig, host: Host, out: Path) -> Experiment:
    """Check the settings of a run and plan it.

    Args:
        config: what is asked for.
        host: knows the components.
        out: where results are stored.

    Raises:
        UsageError: nothing is asked for, or something that does not exist.
        DataError: a data set cannot be used.
    """
    if not config.models and not config.llms:
        raise UsageError("nothing to run; give --models, --llm or both (`corecbench list models` shows some)")
    host.check_settings(config)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else a busy neighbour slows each step several times

    from corecbench.plan import make_plan
    from corecbench.results import Store

    store = Store(out, config.benchmark)
    return Experiment(make_plan(config, host, store), host, store)

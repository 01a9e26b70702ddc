"""Writes what happens in a run to a file: cells, epochs, warnings, and what libraries and worker processes say."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from datetime import datetime
from typing import TYPE_CHECKING, Any

from corecbench.api import CellFacts, CellResult, EpochRecord, hookimpl
from corecbench.experiment.progress import outcome, title
from corecbench.results.layout import slug

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corecbench.plugin.host import Host
    from corecbench.results.store import Store

LOG = logging.getLogger("corecbench")
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class CellLog:
    """Logs what happens in cells."""

    @hookimpl
    def corecbench_cell_started(self, cell: CellFacts) -> None:
        LOG.info("%s: started, hash %s, settings %s", title(cell), cell["hash"], cell["settings"])

    @hookimpl
    def corecbench_epoch_finished(self, cell: CellFacts, record: EpochRecord) -> None:
        LOG.info(
            "%s: %s, turn %d, epoch %d, loss %.6f, validation NDCG@10 %.6f, %.1f s",
            title(cell),
            *(record[key] for key in ("side", "turn", "epoch", "loss", "validation", "duration_s")),
        )

    @hookimpl
    def corecbench_cell_finished(self, cell: CellFacts, result: CellResult) -> None:
        LOG.info("%s: %s", title(cell), outcome(result))
        if result["status"] == "failed" and result["error"] is not None:
            LOG.info("%s", result["error"]["traceback"])


class RunFile(logging.FileHandler):
    """The file of a run's log. Where it cannot be written, such as on a full disk, the run goes on without."""

    write_failed = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.write_failed:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, as logging has it
        self.write_failed = True
        LOG.warning("%s: the log cannot be written any further (%s)", self.baseFilename, sys.exc_info()[1])

    def close(self) -> None:
        try:
            super().close()
        except OSError:
            self.stream = None


@contextlib.contextmanager
def logged(host: Host, store: Store) -> Iterator[Path]:
    """Log to a new file in the folder of a benchmark for as long as the context lasts, and return the file."""
    folder = store.root / slug(store.benchmark)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"run-{datetime.now():%Y-%m-%dT%H-%M-%S-%f}.log"
    handler = RunFile(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(FORMAT))
    host.register(CellLog(), "log")
    root, level = logging.getLogger(), LOG.level
    console = logging.StreamHandler() if not root.handlers else logging.NullHandler()
    console.setLevel(logging.WARNING)  # what Python prints of libraries' logs where nothing is logged to a file
    root.addHandler(handler)
    root.addHandler(console)
    LOG.setLevel(logging.INFO)
    try:
        with warnings_logged():
            yield path
    finally:
        LOG.setLevel(level)
        root.removeHandler(console)
        root.removeHandler(handler)
        handler.close()


@contextlib.contextmanager
def warnings_logged() -> Iterator[None]:
    """Log Python's warnings of this process, which are shown as before."""
    show = warnings.showwarning

    def log_and_show(message: Any, category: Any, filename: str, lineno: int, *rest: Any, **named: Any) -> None:
        LOG.info("%s", warnings.formatwarning(message, category, filename, lineno).rstrip())
        show(message, category, filename, lineno, *rest, **named)

    warnings.showwarning = log_and_show
    try:
        yield
    finally:
        warnings.showwarning = show

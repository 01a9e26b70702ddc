"""Checks that a plugin keeps the contract, and toy data for its tests.

    from corecbench.testing import conformance

    test_mine = conformance("mine")

Each check is a test of its own; `corecbench check mine` runs the same ones. `corecbench.testing.toys` has data sets
in memory, `corecbench.testing.tiny_llama` an LLM without a download, `corecbench.testing.records` a record.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from corecbench.testing.kit import Check


def conformance(
    name: str,
    kind: str | None = None,
    *,
    plugin: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Callable[[Check], None]:
    """Return a test function that runs every check of a component as a case of its own.

    In a test file, `test_mine = conformance("mine")` is all that is needed.

    Args:
        name: as on the command line, such as "mine" or "mine:ARGUMENT".
        kind: "model", "llm", "sharing", "control", "dataset", "metric", "reporter" or "tracker", where several
            components have the name.
        plugin: the Python file that offers the component; not needed for one that is installed.
        settings: setting -> value. A model or an LLM is trained for a moment only, unless its training settings
            are among these.

    Raises:
        UsageError: there is no such component, or the settings do not fit.
        PluginError: the file is broken.
    """
    import pytest

    found = checks_of(name, kind, [] if plugin is None else [Path(plugin)], settings or {})

    @pytest.mark.parametrize("check", found, ids=lambda check: check.name)
    def test(check: Check) -> None:
        run(check)

    return test


def checks_of(name: str, kind: str | None, files: list[Path], settings: Mapping[str, Any]) -> list[Check]:
    """Return the checks of an installed or a loose component."""
    from corecbench.plugin.host import Host
    from corecbench.testing.kit import checks, find, select

    host = Host.discover(files)
    return checks(host, select(host, find(host, name, kind), name, settings))


def run(check: Check) -> None:
    """Run a check: one that does not apply is skipped, and a fault needs no traceback."""
    import pytest

    from corecbench.testing.kit import CheckError, NotApplicableError

    try:
        check.run()
    except NotApplicableError as why:
        pytest.skip(str(why))
    except CheckError as fault:
        pytest.fail(str(fault), pytrace=False)

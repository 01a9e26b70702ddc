"""A pytest plugin: `pytest --corecbench NAME` runs the checks of a component beside the tests.

Without that option it adds nothing to a session but the option.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("corecbench", "plugins of corecbench")
    group.addoption(
        "--corecbench", action="append", default=[], metavar="NAME", help="Run the checks of this component, too."
    )
    group.addoption(
        "--corecbench-plugin", action="append", default=[], metavar="FILE.py", help="A file that offers components."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take part in the collection only where a component was named."""
    if config.getoption("--corecbench"):
        config.pluginmanager.register(Conformance(), "corecbench-conformance")


class Conformance:
    """Adds a test for each check of the components that were named."""

    @pytest.hookimpl(tryfirst=True)  # so that -k and -m choose among the checks, too
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Add the checks behind the tests."""
        files = [Path(file) for file in config.getoption("--corecbench-plugin")]
        for name in config.getoption("--corecbench"):
            items.extend(checks_as_items(session, name, files))


def checks_as_items(session: pytest.Session, name: str, files: list[Path]) -> Iterator[CheckItem]:
    """Yield the checks of a component.

    Raises:
        pytest.UsageError: there is no such component.
    """
    from corecbench.api import CorecbenchError
    from corecbench.testing import checks_of

    try:
        found = checks_of(name, None, files, {})
    except CorecbenchError as error:
        raise pytest.UsageError(str(error)) from error
    for check in found:
        nodeid = f"corecbench::{name}::{check.name}"
        yield CheckItem.from_parent(session, name=check.name, nodeid=nodeid, check=check)


class CheckItem(pytest.Item):
    """One check as a test."""

    def __init__(self, *, check: Any, **options: Any) -> None:
        super().__init__(**options)
        self.check = check

    def runtest(self) -> None:
        """Run the check."""
        from corecbench.testing import run

        run(self.check)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return what stands above a failure."""
        return self.path, None, self.nodeid

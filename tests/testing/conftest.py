"""A way to check a component that is made in a test."""

from collections.abc import Callable
from typing import Any

import pytest

from corecbench.api import Component, hookimpl
from corecbench.plugin.host import Host
from corecbench.plugin.kinds import KINDS
from corecbench.testing.kit import Outcome, checks, select


@pytest.fixture(scope="session")
def outcome_of(cache: Any) -> Callable[..., Any]:
    """Run one check of a component, or all of them: `outcome_of(kind, build, config, "states are finite")`."""

    def run(kind: str, build: Any, config: Any = None, name: str | None = None, **component: Any) -> Any:
        def offer() -> list[Component]:
            return [KINDS[kind].component("mine", build, config, **component)]

        offer.__name__ = KINDS[kind].hook
        plugin = type("Plugin", (), {KINDS[kind].hook: staticmethod(hookimpl(offer))})
        host = Host()
        host.register(plugin, "mine")
        found: dict[str, Outcome] = {
            check.name: check.outcome()
            for check in checks(host, select(host, kind, "mine", {}))
            if name in (None, check.name)
        }
        return found if name is None else found[name]

    return run


@pytest.fixture(autouse=True)
def _cache(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))

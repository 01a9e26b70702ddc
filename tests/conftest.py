"""Fixtures that several tests share, and a guard: the tests run against the installed package."""

import filecmp
import importlib.util
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
PACKAGES = {"corecbench": CHECKOUT / "corecbench", "corecbench_plugins": CHECKOUT / "plugins"}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop when what is installed is not what lies here: an old copy would be tested instead."""
    for package, folder in PACKAGES.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            pytest.exit(f"{package} is not installed; run: pip install '.[test]'", returncode=4)
        installed = Path(next(iter(spec.submodule_search_locations)))
        names = {file.relative_to(root) for root in (folder, installed) for file in root.rglob("*.py")}
        _, different, missing = filecmp.cmpfiles(folder, installed, map(str, names), shallow=False)
        if different or missing:
            pytest.exit(
                f"the installed {package} differs from this checkout in {', '.join(sorted(different + missing))}; "
                "run: rm -rf build && pip install '.[test]' (or once: pip install -e '.[test]')",
                returncode=4,
            )


@pytest.fixture
def loose_file(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a plugin to a loose file: `loose_file(name, source)`."""

    def write(name: str, source: str) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    return write


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a distribution for one test: `distribution(name, source, entry_points=None)`.

    Its module is named like it and registered as a plugin of the same name, unless `entry_points` gives the text
    of its entry_points.txt.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    modules = []

    def install(name: str, source: str, entry_points: str | None = None) -> None:
        modules.append(name)
        (site / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        metadata = site / f"{name}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (metadata / "entry_points.txt").write_text(entry_points or f"[corecbench]\n{name} = {name}\n")

    yield install
    for name in modules:
        sys.modules.pop(name, None)

"""Fixtures that several tests share, and a guard: the tests run against the installed package."""

import filecmp
import gc
import importlib.util
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: tiny steps beside a busy process are 10x slower

CHECKOUT = Path(__file__).parent.parent
KINDS = ("*.py", "*.toml", "templates/*")
"""Files that are compared."""
PACKAGES = {
    "corecbench": CHECKOUT / "corecbench",
    "corecbench_plugins": CHECKOUT / "plugins" / "corecbench_plugins",
}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop without RecBole, or when what is installed is not what lies here but an old copy."""
    if importlib.util.find_spec("recbole") is None:
        pytest.exit("RecBole is not installed; run: pip install --no-deps recbole==1.2.1", returncode=4)
    for package, folder in PACKAGES.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            pytest.exit(f"{package} is not installed; run: pip install '.[test]'", returncode=4)
        installed = Path(next(iter(spec.submodule_search_locations)))
        found = [file for root in (folder, installed) for kind in KINDS for file in root.rglob(kind)]
        files = [file for file in found if file.is_file()]
        names = {file.relative_to(folder if folder in file.parents else installed) for file in files}
        _, different, missing = filecmp.cmpfiles(folder, installed, map(str, names), shallow=False)
        if different or missing:
            pytest.exit(
                f"the installed {package} differs from this checkout in {', '.join(sorted(different + missing))}; "
                "run: rm -rf build && pip install '.[test]' (or once: pip install -e '.[test]')",
                returncode=4,
            )


@pytest.fixture(scope="module", autouse=True)
def what_is_imported_is_no_garbage() -> None:
    """Spare all that is in memory from later searches for garbage; each cell begins with one, of half a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def loose_file(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a plugin to a loose file: `loose_file(name, source)`."""

    def write(name: str, source: str) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    return write


DOMAIN_MODEL = """
    import torch

    from corecbench.api import DomainModelComponent, States, Training, hookimpl

    Config = Training

    class Model(torch.nn.Module):
        examples = "pairs"

        def __init__(self, config, setup, ids):
            super().__init__()
            tables = ids(8)
            self.user, self.item, self.config, self.setup = tables.user, tables.item, config, setup

        def states(self, batch):
            return States(self.user(batch.user), self.item.weight)

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("mine", Model, Config)]
"""


@pytest.fixture
def domain_model(loose_file: Callable[[str, str], Path]) -> Callable[[str], Path]:
    """Write a plugin with the domain model `mine`, a matrix factorisation: `domain_model(change)`.

    The change is code that alters or replaces `Model`, `Config` or the hook.
    """

    def write(change: str = "") -> Path:
        return loose_file("plugin_file", textwrap.dedent(DOMAIN_MODEL) + "\n" + textwrap.dedent(change))

    return write


SHARING_MODULE = """
    import torch

    from corecbench.api import SharingComponent, Turn, hookimpl, private_ids

    class Module:
        start_from = "pretrained"

        def __init__(self, config, setup):
            self.catalog = setup.catalog

        def ids(self, side, width):
            return private_ids(self.catalog.n_users, self.catalog.n_items, width)

        def start(self, pretrained):
            pass

        def turns(self, budget):
            return [Turn("llm", 1), Turn("domain", 1)]

        def losses(self, side, own, other, batch):
            return {}

    @hookimpl
    def corecbench_sharing_modules():
        return [SharingComponent("mine", Module, combines=hasattr(Module, "combine"))]
"""


@pytest.fixture
def sharing_module(loose_file: Callable[[str, str], Path]) -> Callable[[str], Path]:
    """Write a plugin with the sharing module `mine`, which shares nothing: `sharing_module(change)`.

    The change is code that alters the class `Module`.
    """

    def write(change: str = "") -> Path:
        return loose_file("module_file", textwrap.dedent(SHARING_MODULE) + "\n" + textwrap.dedent(change))

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


# --- a toy data set: a small cyclic catalogue ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the toy data as RecBole's atomic files: 60 users x 12 items, the next item is the next of a circle."""
    from corecbench.testing.toys import circle, write_atomic

    return write_atomic(circle(), tmp_path_factory.mktemp("data") / "toy")


@pytest.fixture(scope="session")
def host() -> Any:
    """Find the installed plugins, once."""
    from corecbench.plugin.host import Host

    return Host.discover()


@pytest.fixture(scope="session")
def toy_data(host: Any, toy_folder: Path) -> Any:
    """Load the toy data set."""
    from corecbench.data.dataset import load_dataset

    return load_dataset("toy", host.build(host.select("datasets", str(toy_folder), {})))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one folder for what is expensive to compute."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def make_cell_training(host: Any, cache: Path) -> Callable[..., Any]:
    """Set up the training of one cell: `make_cell_training(dataset, cell="toy", seed=0, host=...)`."""
    from corecbench.api import Setup
    from corecbench.data.split import leave_one_out
    from corecbench.training.cell import CellTraining

    def make(dataset: Any, cell: str = "toy", seed: int = 0, host: Any = host) -> Any:
        metric = host.build(host.select("metrics", "NDCG@10", {}))
        setup = Setup(dataset.catalog, max_history=8, seed=seed, cache=cache)
        return CellTraining(host, setup, leave_one_out(dataset), cell, metric)

    return make


# --- a tiny random LLM --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a random Llama of 4 layers of width 32 whose tokens are the words of the toy titles."""
    from corecbench.testing.tiny_llama import save_tiny_llama

    return save_tiny_llama(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Save a tiny random model of any family, once: `tiny("gpt2")`, `tiny("qwen2", chat_template="...")`."""
    from corecbench.testing.tiny_llama import save_tiny

    saved: dict[str, Path] = {}

    def save(model_type: str, **settings: Any) -> Path:
        key = repr((model_type, settings))
        if key not in saved:
            saved[key] = save_tiny(tmp_path_factory.mktemp(model_type) / "tiny", model_type, **settings)
        return saved[key]

    return save


@pytest.fixture(scope="session")
def quick() -> dict[str, dict[str, Any]]:
    """Settings with which everything trains in a moment."""
    few = {"epochs": 4, "batch_size": 32, "learning_rate": 0.01}
    turns = {"start": "pretrained", "warm_up_epochs": 0, "rounds": 1, "domain_epochs": 1, "llm_epochs": 1}
    return {
        "sasrec": {"embedding_size": 16, "inner_size": 16, "n_layers": 1, "n_heads": 1, **few},
        "gru4rec": {"embedding_size": 16, "hidden_size": 16, **few},
        "lightgcn": {"embedding_size": 16, **few, "batch_size": 256},
        "llama": {
            "embedding_size": 16,
            "lora_layers": 2,
            "lora_rank": 2,
            "dtype": "float32",
            **few,
            "epochs": 2,
        },
        "bdlm": turns,
        "none": turns,
    }


# --- whole runs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, toy_folder: Path, quick: dict[str, Any]
) -> Callable[..., Any]:
    """Plan and run, and return the records: `bench(files=(), diary=None, root="results", models=("sasrec",))`.

    Cells run in this process, unless `runs_in(plan, host, store)` returns something else that runs them.
    """
    from in_process import InProcess

    from corecbench.experiment.execution.schedule import run
    from corecbench.experiment.plan import make_plan
    from corecbench.plugin.host import Host
    from corecbench.results.store import Store
    from corecbench.settings.config import RunConfig

    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    shutil.rmtree(cache / "begun", ignore_errors=True)  # another test may have changed the code that trains

    def go(
        files: Any = (), diary: Any = None, root: str = "results", runs_in: Any = InProcess, **options: Any
    ) -> Any:
        host = Host.discover(files)
        if diary is not None:
            host.register(diary, "diary")
        usual = {"datasets": (str(toy_folder),), "settings": quick, "metrics": ("NDCG@10",), "references": False}
        config = RunConfig(**usual | options)
        store = Store(tmp_path / root, config.benchmark)
        plan = make_plan(config, host, store)
        return run(plan, host, store, runs_in(plan, host, store))

    return go


@pytest.fixture
def ranks(tmp_path: Path) -> Callable[..., Any]:
    """Read a side's stored ranks: `ranks("sasrec", "domain", root="results", seed=0)`."""
    from corecbench.results.store import Store

    def read(cell: str, side: str = "domain", root: str = "results", seed: int = 0) -> Any:
        store = Store(tmp_path / root, "default")
        (folder,) = (
            folder
            for folder, record in store.records()
            if (record["cell"]["name"], record["cell"]["seed"]) == (cell, seed)
        )
        return store.ranks(folder, side)

    return read


@pytest.fixture
def make_diary() -> Callable[..., Any]:
    """Make a tracker that notes each call of a hook, and interrupts the run at one: `make_diary(entry)`."""
    from corecbench.api import hookimpl

    class Diary:
        def __init__(self, interrupt: Any = None) -> None:
            self.entries, self.planned, self.interrupt = [], [], interrupt

        def note(self, *entry: Any) -> None:
            self.entries.append(entry)
            if entry == self.interrupt:
                raise KeyboardInterrupt

        @hookimpl
        def corecbench_cell_started(self, cell: Any) -> None:
            self.note("started", cell["name"])

        @hookimpl
        def corecbench_epoch_finished(self, cell: Any, record: Any) -> None:
            self.planned.append((cell, record["planned_epochs"]))
            self.note("epoch", cell["name"], record["side"], record["epoch"])

        @hookimpl
        def corecbench_cell_finished(self, cell: Any, result: Any) -> None:
            self.note("finished", cell["name"], result["status"])

    return Diary

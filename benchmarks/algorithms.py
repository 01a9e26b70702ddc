"""Says which code each algorithm consists of, and keeps a digest of it beside the algorithm's number.

    python benchmarks/algorithms.py                 # after a number was counted up, or for a new algorithm
    python benchmarks/algorithms.py --same-ranks    # after a change that keeps all ranks bit for bit

Both write `benchmarks/algorithms.json`. A test compares it with the code.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from corecbench.api import PROJECT, Component
from corecbench.plugin.host import Host
from corecbench.version import ALGORITHMS

ROOT = Path(__file__).parents[1]
FILE = ROOT / "benchmarks" / "algorithms.json"
KINDS = ("models", "llms", "sharing", "controls")
"""Kinds of components that decide ranks. Data sets are hashed by their contents."""


def files(**modules: str) -> tuple[str, ...]:
    """Return the files of some modules of the core, which stand behind their package.

    >>> files(api="seeds", data="split ties")
    ('corecbench/api/seeds.py', 'corecbench/data/split.py', 'corecbench/data/ties.py')
    """
    return tuple(f"corecbench/{package}/{name}.py" for package, names in modules.items() for name in names.split())


CORE = {
    "leave-one-out split": files(data="ranking_task reduction split ties"),
    "split by time": files(data="ranking_task reduction split ties time_split times"),
    "full ranking": files(evaluation="counting far_counting pairs ranking scores selection"),
    "training loop": (
        *files(api="data models seeds tables", toolkit="full_softmax losses processor"),
        *files(training="averaging cell contexts examples frozen loop refit weights"),
        "plugins/corecbench_plugins/metrics/rank_metrics.py",
    ),
    "pair training": files(api="sharing", training="alone beginning cosine pair turns weighing"),
    "score ensemble": files(training="ensemble"),
    "pair controls": files(training="controls"),
    "item texts": files(toolkit="placebos texts whitening words"),
    "texts in scores": files(training="alone content weighing"),
    "rows that a loss reads": files(training="loop"),
}
"""Algorithm of the core -> its modules."""

CHOSEN_BY_TEXT = {"recbole": "plugins/corecbench_plugins/recbole_models/*_adapter*.py"}
"""Component -> modules that it finds by their names, so that no import shows them."""

NO_RANKS = (
    *files(evaluation="bounds measuring protocol slices states text_similarity", training="checkpoints side_state"),
    "plugins/corecbench_plugins/hf_llm/locks.py",
    "plugins/corecbench_plugins/hf_llm/packaged_weights.py",  # the weights themselves are hashed
)
"""Modules beside an algorithm that decide no ranks: metrics, reports, exact states. Modules of settings are
none either: a cell is hashed with the values of its settings."""


class Digest(NamedTuple):
    """The code of an algorithm, and the number that it has."""

    number: int
    code: str


def plain(node: Any) -> Any:
    """Return a syntax tree as lists, without docstrings, comments and places; the same under every Python."""
    if isinstance(node, list):
        return [plain(each) for each in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    values = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if "body" in values and isinstance(values["body"], list):
        values["body"] = [each for each in values["body"] if not is_text(each)]
    return [
        type(node).__name__,
        *([name, plain(value)] for name, value in sorted(values.items()) if name != "kind"),
    ]


def is_text(node: ast.AST) -> bool:
    """Return whether a statement is a docstring, of a field as well."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def digest_of(sources: list[str]) -> str:
    """Return 16 hexadecimal digits of the code in some modules."""
    trees = [plain(ast.parse(source)) for source in sources]
    return hashlib.sha256(json.dumps(trees).encode()).hexdigest()[:16]


def path_of(module: str) -> Path:
    """Return the file of a module of the plugins."""
    path = ROOT / "plugins" / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def with_imports(module: str, found: set[Path]) -> set[Path]:
    """Return the files of a module of the plugins and of all modules of its plugin that it imports."""
    path = path_of(module)
    if path not in found and path.stem != "settings":
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("corecbench_plugins."):
                with_imports(str(node.module), found)
    return found


def modules() -> dict[str, list[str]]:
    """Return algorithm -> its modules, as paths in the project."""
    found = {name: sorted(paths) for name, paths in CORE.items()}
    for component in components():
        build = component.build
        module = build.partition(":")[0] if isinstance(build, str) else build.__module__
        files = with_imports(module, set()) | set(ROOT.glob(CHOSEN_BY_TEXT.get(component.name, "-")))
        paths = {str(path.relative_to(ROOT)) for path in files}
        found[component.name] = sorted(paths - set(NO_RANKS))
    return found


def components() -> list[Component]:
    """Return the first-party components that decide ranks."""
    host = Host.discover()
    return [each for kind in KINDS for each, plugin in host.list(kind) if plugin.distribution == PROJECT]


def numbers() -> dict[str, int]:
    """Return algorithm -> its number."""
    return {**ALGORITHMS, **{each.name: each.algorithm or 1 for each in components()}}


def digests() -> dict[str, Digest]:
    """Return algorithm -> its number and the digest of its code, as they are now."""
    known = numbers()
    return {
        name: Digest(known[name], digest_of([(ROOT / path).read_text(encoding="utf-8") for path in paths]))
        for name, paths in modules().items()
    }


def stored() -> dict[str, Digest]:
    """Return algorithm -> number and digest, as they were written last."""
    return {name: Digest(*values) for name, values in json.loads(FILE.read_text(encoding="utf-8")).items()}


def not_counted(before: dict[str, Digest], now: dict[str, Digest]) -> list[str]:
    """Return the algorithms whose code has changed and whose number has not."""
    both = before.keys() & now.keys()
    return sorted(
        name for name in both if now[name].code != before[name].code and now[name].number <= before[name].number
    )


def advice(names: list[str]) -> str:
    """Return what to do about algorithms that are not counted up."""
    return (
        f"the code of {', '.join(names)} has changed. If ranks can change by it, count the number up (in "
        "corecbench/version.py, or `algorithm=` of the component) and run: python benchmarks/algorithms.py. If all "
        "ranks stay the same bit for bit, run: python benchmarks/algorithms.py --same-ranks"
    )


def main(arguments: list[str]) -> int:
    """Write the digests of the code as it is now, unless a number should have been counted up."""
    now = digests()
    names = not_counted(stored(), now) if FILE.exists() else []
    if names and arguments != ["--same-ranks"]:
        sys.stderr.write(f"error: {advice(names)}\n")
        return 1
    FILE.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

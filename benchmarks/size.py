"""Prints the budgets of size and what there is: `make size`.

Lines count with docstrings and blank lines, words as `wc -w` counts them. Code lines are those without imports,
docstrings, comments and blanks. String words are those of all strings but docstrings, parts of f-strings included.
"""

from __future__ import annotations

import ast
import dataclasses
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corecbench.cli.main import main as command_line
from corecbench.settings.config import RunConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
CORE = "corecbench/*.py"
BUDGETS = (
    ("lines", CORE, 32_000),
    ("code lines", CORE, 18_000),
    ("string words per 100 code lines", CORE, 45),
    ("docstring words per 100 code lines", CORE, 120),
    ("lines", "benchmarks/*.py", 3_500),
    ("words", "*.md", 60_000),
    ("words", "README.md", 700),
    ("words", "docs/*.md", 25_000),
    ("words", "docs/published-results.md", 1_200),
    ("words", "benchmarks/LABBOOK.md", 3_000),
    ("words", "results/published/README.md", 2_000),
    ("MB", "results/published/*", 30),
    ("verbs", "corecbench", 17),
    ("options", "corecbench", 120),
    ("fields", "of a run", 30),
)


def contents(where: str) -> Iterator[bytes]:
    """Yield the contents of tracked files in all depths."""
    listed = subprocess.run(["git", "ls-files", "-z", where], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    yield from (path.read_bytes() for path in paths if path.is_file())


@dataclasses.dataclass(frozen=True)
class Code:
    """What a module holds, in lines and words."""

    lines: int
    string_words: int
    docstring_words: int


def docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the strings that stand alone as a statement, which document what is before or around them."""
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value


def code_in(source: str) -> Code:
    r"""Return what a module holds.

    >>> code_in("'Two words.'\nimport os\n\n# no\nx = 'one'  # no\ny = f'two {x}'\n")
    Code(lines=2, string_words=2, docstring_words=2)
    """
    tree = ast.parse(source)
    documented = list(docstrings(tree))
    left_out = {id(each) for each in documented}
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    skipped = {n for each in (*documented, *imports) for n in range(each.lineno, (each.end_lineno or 0) + 1)}
    code = [n for n, line in enumerate(source.splitlines(), start=1) if line.split("#")[0].strip()]
    strings = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out
    ]
    return Code(
        len([n for n in code if n not in skipped]),
        sum(len(text.split()) for text in strings),
        sum(len(str(each.value).split()) for each in documented),
    )


def amount(what: str, where: str) -> int:
    """Return how much there is of what a budget limits."""
    verbs = list(leaves(command_line))
    if what in ("verbs", "options", "fields"):
        options = [each for _, verb in verbs for each in verb.params if not getattr(each, "hidden", False)]
        shown = [each for each in command_line.commands.values() if not each.hidden]
        return {"verbs": len(shown), "options": len(options), "fields": len(dataclasses.fields(RunConfig))}[what]
    if what in ("lines", "words", "MB"):
        count = {"lines": lambda each: each.count(b"\n"), "words": lambda each: len(each.split())}
        return round(sum(count.get(what, lambda each: len(each) / 1e6)(each) for each in contents(where)))
    found = [code_in(each.decode()) for each in contents(where)]
    lines = sum(each.lines for each in found)
    if what == "code lines":
        return lines
    words = sum(each.docstring_words if what.startswith("doc") else each.string_words for each in found)
    return round(100 * words / lines)


def leaves(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Yield the visible verbs of a group and those below them."""
    for name, verb in group.commands.items():
        if isinstance(verb, click.Group):
            yield from leaves(verb)
        elif not verb.hidden:
            yield name, verb


def main() -> None:
    """Print a line for each package of the core, then one for each budget."""
    for package in sorted(path.parent.name for path in ROOT.glob("corecbench/*/__init__.py")):
        print(f"{amount('lines', f'corecbench/{package}/*.py'):9,}  corecbench/{package}")
    for what, where, budget in BUDGETS:
        size = amount(what, where)
        print(f"{size:9,} of {budget:6,} {what:7} {where}{'  OVER' if size > budget else ''}")


if __name__ == "__main__":
    main()

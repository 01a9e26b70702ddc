"""Prints the budgets of size and what there is: `make size`.

Lines count with docstrings and blank lines, words as `wc -w` counts them.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from corecbench.cli.main import main as command_line

ROOT = Path(__file__).parents[1]
COUNTS = {
    "files": lambda content: 1,
    "lines": lambda content: content.count(b"\n"),
    "words": lambda content: len(content.split()),
    "MB": lambda content: len(content) / 1e6,
}
BUDGETS = (
    ("lines", "corecbench/*.py", 30_000),
    ("lines", "corecbench/report/*.py", 6_600),
    ("files", "corecbench/report/*.py", 42),
    ("lines", "benchmarks/*.py", 3_000),
    ("words", "*.md", 60_000),
    ("words", "README.md", 800),
    ("words", "docs/*.md", 25_000),
    ("words", "docs/published-results.md", 1_200),
    ("words", "benchmarks/LABBOOK.md", 3_000),
    ("words", "results/published/README.md", 2_000),
    ("MB", "results/published/*", 30),
    ("files", "results/published/*", 60),
    ("options", "run", 25),
    ("options", "report", 15),
)


def amount(what: str, where: str) -> int:
    """Return the files, lines, words or MB of tracked files in all depths, or the options that a verb shows."""
    if what == "options":
        return sum(getattr(option, "hidden", True) is False for option in command_line.commands[where].params)
    listed = subprocess.run(["git", "ls-files", "-z", where], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return round(sum(COUNTS[what](path.read_bytes()) for path in paths if path.is_file()))


def main() -> None:
    """Print a line for each package of the core, then one for each budget."""
    for package in sorted(path.parent.name for path in ROOT.glob("corecbench/*/__init__.py")):
        print(f"{amount('lines', f'corecbench/{package}/*.py'):9,}  corecbench/{package}")
    for what, where, budget in BUDGETS:
        size = amount(what, where)
        print(f"{size:9,} of {budget:6,} {what:7} {where}{'  OVER' if size > budget else ''}")


if __name__ == "__main__":
    main()

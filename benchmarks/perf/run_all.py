"""Runs every measuring script and prints one table; `make perf` calls it.

    python benchmarks/perf/run_all.py --tiny
    python benchmarks/perf/run_all.py --only evaluation,llm --rounds 3

Options that it does not know go to every script. Each script writes results/perf/NAME.json.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import click
from measuring.record import RESULTS, read
from measuring.sides import FOLDER
from measuring.table import table


def scripts() -> list[str]:
    """Return the names of the scripts that measure: files with the options of all of them."""
    files = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py"))}
    return [name for name, text in files.items() if "\n@measuring_options\n" in text]


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--only", default="", help="Scripts to run, such as evaluation,llm.  [default: all]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="As in every script.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def main(only: str, out: Path | None, arguments: tuple[str, ...]) -> None:
    """Run every script with ARGUMENTS, and print the table of all that was measured."""
    names = only.split(",") if only else scripts()
    unknown = sorted(set(names) - set(scripts()))
    if unknown:
        raise click.UsageError(f"unknown script '{unknown[0]}'; have: {', '.join(scripts())}")
    if out is None:
        out = Path(tempfile.mkdtemp(prefix="perf-")) if "--tiny" in arguments else RESULTS
    failed = []
    for name in names:
        command = [sys.executable, str(FOLDER / f"{name}.py"), "--out", str(out), *arguments]
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode != 0:
            failed.append(name)
    print(table(read(out)))
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

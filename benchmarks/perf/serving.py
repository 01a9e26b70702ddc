"""Measures how long one request for ten items takes: by `corecbench.load_model`, and by an exported folder.

    python benchmarks/perf/serving.py

Each model is trained for one epoch on ml-100k at its default size, kept, loaded and exported. A request is a
history of a user before the test item. The requests of 200 users are answered one after another, and the best of
five passes counts. `milliseconds_per_request` is the time of one, `load_s` the time until the first answer, with
all imports.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from measuring.command_line import measuring_options
from measuring.comparison import Comparison, Target
from measuring.record import measure_all
from measuring.sides import Side, SideError, own_side

if TYPE_CHECKING:
    from measuring.options import Options

MODELS = ("sasrec", "gru4rec", "lightgcn")
MOST_MS = 10.0
N_REQUESTS = 200


def trained(model: str, results: Path, tiny: bool) -> Path:
    """Train a model for an epoch, keep it, and return the folder of its cell."""
    quick = ["--set", f"{model}.max_examples=256"] if tiny else []
    command = ["run", "--no-references", "--models", model, "--set", f"{model}.epochs=1", *quick, "--keep-models"]
    call([*command, "--results", str(results / model)])
    return next((results / model).glob("*/*/*/seed*"))


def call(arguments: list[str]) -> None:
    """Run a verb of corecbench.

    Raises:
        SideError: it failed.
    """
    command = [sys.executable, "-m", "corecbench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SideError(f"corecbench {arguments[0]} failed: {done.stderr.strip()[-300:]}")


def write_requests(file: Path, n_requests: int) -> None:
    """Write the histories of some users of ml-100k as lists of item ids."""
    from corecbench.data.loaded import read_datasets
    from corecbench.plugin.host import Host
    from corecbench.settings.config import RunConfig

    (data,) = read_datasets(RunConfig(), Host.discover())
    seen, item_ids = data.split.task("test", 50).seen, data.catalog.item_ids
    stretches = zip(seen.start[:n_requests], seen.length[:n_requests], strict=True)
    histories = [[item_ids[item] for item in seen.items[start : start + length]] for start, length in stretches]
    file.write_text(json.dumps(histories), encoding="utf-8")


def comparison(model: str, place: Path, requests: Path, tiny: bool) -> Comparison:
    """Return the two ways to serve a model."""
    cell, served = trained(model, place, tiny), place / f"{model}-served"
    call(["export", str(cell), "--to", str(served)])
    ways = {"corecbench.load_model": ("loaded", cell), "an exported folder": ("exported", served)}
    sides: list[Side] = [
        own_side(f"{model}, {name}", "serving_requests.py", way, str(folder), str(requests))
        for name, (way, folder) in ways.items()
    ]
    targets = [Target(side.name, at_most=MOST_MS, quantity="milliseconds_per_request") for side in sides]
    return Comparison(f"requests to {model} on ml-100k", sides, targets)


@click.command()
@measuring_options
def main(options: Options) -> None:
    """Measure requests to served models."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        requests = place / "requests.json"
        write_requests(requests, 5 if options.tiny else N_REQUESTS)
        models = MODELS[:1] if options.tiny else MODELS
        measure_all("serving", [comparison(model, place, requests, options.tiny) for model in models], options)


if __name__ == "__main__":
    main()

"""Measures reading titles by an LLM: corecbench beside plain transformers.

    python benchmarks/perf/encoding.py --titles 2000

Both sides return the mean state of each title at the default depths. The plain one runs as many layers, on batches
of 32 titles that are sorted by length. The titles are neighbours in the alphabet, which share their beginnings as
those of the whole catalogue do. corecbench also computes its statistics of all frozen layers, on 128 texts.
"""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from measuring.comparison import Comparison, Target
from measuring.options import Options, measuring_options
from measuring.record import measure_all
from measuring.sides import SideError, own_side

from corecbench.toolkit import product_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.api import Catalog

OURS, PLAIN = "corecbench", "plain transformers"
AS_EQUAL = {"torch.float32": 1e-3, "torch.bfloat16": 2.0**-8}
"""Number format -> largest difference of a title's mean states, as a share of their norm."""


def titles_of(catalog: Catalog, n_titles: int) -> list[str]:
    """Return titles of a data set from the middle of the alphabet, or all of them where there are no more."""
    titles = sorted(set(catalog.item_texts) - {""})
    first = max(len(titles) - n_titles, 0) // 2
    return titles[first : first + n_titles]


def check(folder: Path, first: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Compare the states of both sides.

    Raises:
        SideError: those of a title differ.
    """
    if len(first) < 2:
        return []
    ours, plain = (np.load(folder / f"{side}.npy") for side in ("ours", "plain"))  # [N, n, h]
    apart = np.linalg.norm(ours - plain, axis=2) / np.linalg.norm(plain, axis=2)
    if not apart.max() <= AS_EQUAL[str(product_dtype("auto", "cpu"))]:
        raise SideError(f"mean states of a title differ by {apart.max():.1e} of their norm")
    return [f"mean states of a title differ by at most {apart.max():.1e} of their norm"]


def of_model(llm: str, titles: Sequence[str], folder: Path) -> Comparison:
    """Compare both sides on one LLM."""
    folder.mkdir()
    (folder / "titles.json").write_text(json.dumps(titles), encoding="utf-8")
    sides = [own_side(name, "encoding.py", folder, llm, kind) for name, kind in ((OURS, "ours"), (PLAIN, "plain"))]
    name = f"{len(titles):,} titles, {Path(llm).name}"
    return Comparison(name, sides, [Target(PLAIN, OURS, at_least=1.5)], check=functools.partial(check, folder))


@click.command()
@click.option("--titles", default=2_000, show_default=True, help="Number of titles.")
@click.option("--llms", default="llama,gemma3", show_default=True)
@measuring_options
def main(options: Options, titles: int, llms: str) -> None:
    """Measure reading titles beside plain transformers."""
    from corecbench.testing.tiny_llama import save_tiny_llama

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        names = [f"llama:{save_tiny_llama(folder / 'tiny')}"] if options.tiny else llms.split(",")
        (data,) = options.data("amazon-beauty", folder)
        read = titles_of(data.catalog, titles)
        comparisons = [of_model(llm, read, folder / f"{number}") for number, llm in enumerate(names)]
        measure_all("encoding", comparisons, options)


if __name__ == "__main__":
    main()

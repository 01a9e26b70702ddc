"""Measures the LLM: encoding, training steps and evaluation, beside plain transformers and peft.

    python benchmarks/perf/llm.py

Model, texts and dtype are the same on both sides. The plain side of training runs the whole LLM on the prompts of
the layout `titles`; it starts from the same weights and computes the same losses, which is checked in float32
before the clock starts. The layout `item-tokens` is another model: its prompts hold one position for each item.
"""

from __future__ import annotations

import functools
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from measuring.command_line import measuring_options
from measuring.comparison import Comparison, Target
from measuring.record import measure_all
from measuring.sides import SideError, own_side, run_side
from safetensors.torch import load_file
from sides.llm_work import BATCH, LlmWork
from sides.training_work import TrainingWork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from measuring.options import Options

SAME_LOSS = 1e-3
STEPS = {
    "plain": "transformers and peft, titles",
    "titles": "corecbench, titles",
    "item-tokens": "corecbench, item-tokens",
}
ENCODERS = {
    "corecbench": "corecbench",
    "plain": "transformers",
    "sorted": "transformers, texts of like length together",
}


def work_of(dataset: str, weights: str, folder: Path) -> LlmWork:
    """Return the texts and interactions of a data set, and the folder of the LLM."""
    from corecbench.data.loaded import read_datasets
    from corecbench.plugin.host import Host
    from corecbench.settings.config import RunConfig
    from corecbench.toolkit import cache_folder
    from corecbench_plugins.hf_llm.weights import model_folder

    (data,) = read_datasets(RunConfig(datasets=(dataset,), ties="file"), Host.discover())
    train, held, sizes = data.split.train, data.split.held, np.array([data.catalog.n_users, data.catalog.n_items])
    interactions = TrainingWork(
        train.user, train.item, held["test"].users, held["validation"].target, held["test"].target, sizes
    )
    model = model_folder(weights, cache_folder(), lambda what, done, total: print(what, file=sys.stderr))
    return LlmWork(folder, interactions, data.catalog.item_texts, str(model))


def tiny_work(folder: Path) -> LlmWork:
    """Return a tiny LLM with random weights, whose words are the titles of toy data."""
    from domain_training import circle_work

    from corecbench.testing.tiny_llama import save_tiny_llama
    from corecbench.testing.toys import TITLES

    model = save_tiny_llama(folder / "model")
    return LlmWork(folder, circle_work(n_items=len(TITLES)), ("", *TITLES), str(model))


def check_encoding(folder: Path, first: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return how like the summaries of both sides are, and how like they are when their mean is taken away."""
    plain, ours = (
        load_file(folder / f"pooled-{side}.safetensors")["pooled"].double() for side in ("plain", "corecbench")
    )
    sentences = []
    for words, centred in (("", False), (", their mean taken away", True)):
        pair = [part - part.mean(dim=0) if centred else part for part in (plain, ours)]
        cosine = (pair[0] * pair[1]).sum(-1) / (pair[0].norm(dim=-1) * pair[1].norm(dim=-1)).clamp(min=1e-12)
        sentences.append(f"cosine of summaries{words}: mean {cosine.mean():.5f}, lowest {cosine.min():.5f}")
    return sentences


def check_losses(folder: Path, options: Options, first: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare losses and ranks of the layout `titles` with those of the plain side, in float32.

    Raises:
        SideError: losses differ by more than 1e-3.
    """
    found = {}
    for side in ("titles", "plain"):
        program = functools.partial(own_side, side, "llm_step.py", folder, side)
        found[side] = [
            run_side(program(what, str(n), "float32"), options.threads, options.tiny)["facts"]
            for what, n in (("train", 2 * BATCH), ("evaluate", BATCH))
        ]
    losses = [np.array(facts[0]["losses"]) for facts in found.values()]
    ranks = [np.array(facts[1]["ranks"]) for facts in found.values()]
    gap = float(np.abs(losses[0] - losses[1]).max())
    if gap > SAME_LOSS:
        raise SideError(f"losses of titles and of plain transformers and peft differ by {gap:.2g}: {losses}")
    return [
        f"in float32, losses of {len(losses[0])} steps differ by {gap:.1g} at most",
        f"in float32, ranks of {int((ranks[0] != ranks[1]).sum())} of {len(ranks[0])} users differ",
    ]


def encoding(folder: Path, n_texts: int, dtype: str) -> Comparison:
    """Compare the encoding of item texts."""
    sides = [
        own_side(name, "llm_encoding.py", folder, side, str(n_texts), dtype) for side, name in ENCODERS.items()
    ]
    targets = [
        Target(ENCODERS["plain"], ENCODERS["corecbench"], at_least=2.5),
        Target(ENCODERS["sorted"], ENCODERS["corecbench"]),
    ]
    check = functools.partial(check_encoding, folder)
    return Comparison(f"encoding {n_texts} item texts", sides, targets, [f"dtype: {dtype}."], check)


def steps(what: str, n: int, at_least: float, folder: Path, dtype: str, options: Options) -> Comparison:
    """Compare training or evaluation."""
    sides = [own_side(name, "llm_step.py", folder, side, what, str(n), dtype) for side, name in STEPS.items()]
    targets = [
        Target(STEPS["plain"], STEPS["titles"], at_least=at_least),
        Target(STEPS["titles"], STEPS["item-tokens"], at_most=3),
        Target(STEPS["plain"], STEPS["item-tokens"]),
        Target(STEPS["titles"], STEPS["item-tokens"], quantity="first_pass_cpu_s"),
    ]
    notes = [
        f"dtype: {dtype}. One layer is trained.",
        "Seconds are those of a second pass; first_pass_cpu_s holds the first, in which corecbench reads each "
        + "prompt of the layout titles for the first time.",
    ]
    check = functools.partial(check_losses, folder, options) if what == "train" else None
    words = {"train": f"training on {n} histories", "evaluate": f"evaluation of {n} users"}[what]
    return Comparison(words, sides, targets, notes, check)


@click.command()
@click.option("--dataset", default="ml-100k", show_default=True)
@click.option(
    "--weights", default="smollm2-135m-instruct", show_default=True, help="Weights of the setting `llama`."
)
@click.option("--dtype", default="auto", show_default=True)
@click.option("--texts", type=click.IntRange(2), default=1000, show_default=True)
@click.option("--histories", type=click.IntRange(1), default=128, show_default=True)
@measuring_options
def main(options: Options, dataset: str, weights: str, dtype: str, texts: int, histories: int) -> None:
    """Measure the LLM beside plain transformers and peft."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        work = tiny_work(folder) if options.tiny else work_of(dataset, weights, folder)
        work.save()
        n_texts, n = (12, BATCH) if options.tiny else (texts, histories)
        n_texts = min(n_texts, len(set(work.texts) - {""}))
        comparisons = [
            encoding(folder, n_texts, dtype),
            steps("train", n, 5, folder, dtype, options),
            steps("evaluate", n, 10, folder, dtype, options),
        ]
        measure_all("llm", comparisons, options)


if __name__ == "__main__":
    main()

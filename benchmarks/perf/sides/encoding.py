"""Reads titles by an LLM: `encoding.py FOLDER LLM ours|plain`, and writes their mean states to FOLDER."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from measuring.clock import report, timed

from corecbench.api import Catalog, Setup
from corecbench.experiment.process import keep_freed_memory
from corecbench.plugin.host import Host
from corecbench.toolkit import cache_folder
from corecbench_plugins.hf_llm.backend import reader_of
from corecbench_plugins.hf_llm.text_encoder import MAX_SUMMARY_TOKENS, TextEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH = 32


def plain(encoder: TextEncoder, layers: Sequence[int]) -> Callable[[Sequence[str]], torch.Tensor]:
    """Return a function that computes the mean states [N, n, h] of titles behind n layers by transformers alone."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(encoder.folder, dtype=encoder.dtype).eval()
    model.layers, model.norm = model.layers[: max(layers)], torch.nn.Identity()
    model.config.num_hidden_layers = max(layers)

    @torch.inference_mode()
    def means(titles: Sequence[str]) -> torch.Tensor:
        tokens = [torch.tensor(encoder.tokenise(title, MAX_SUMMARY_TOKENS)) for title in titles]
        order = sorted(range(len(titles)), key=lambda row: len(tokens[row]))
        found = torch.empty(len(titles), len(layers), model.config.hidden_size)
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            batch = torch.nn.utils.rnn.pad_sequence([tokens[row] for row in rows], batch_first=True)
            states = model(batch, output_hidden_states=True, use_cache=False).hidden_states
            for number, row in enumerate(rows):  # the start token is left out
                found[row] = torch.stack([states[k][number, 1 : len(tokens[row])].mean(dim=0) for k in layers])
        return found

    return means


def main(folder: Path, llm: str, kind: str) -> None:
    """Read, and report what it took."""
    keep_freed_memory()  # as every run of corecbench does
    titles = json.loads((folder / "titles.json").read_text(encoding="utf-8"))
    setup = Setup(Catalog("titles", ("",), ("",), ("",)), max_history=1, seed=0, cache=cache_folder())
    encoder = reader_of(Host.discover().select("llms", llm, {}).config, setup, TextEncoder)
    encoder.load()
    depths = encoder.config.text_depths
    layers = [round(depth * encoder.n_layers) for depth in depths]
    ours = kind == "ours"
    means = (lambda texts: encoder.summarise(texts, depths)["pooled"]) if ours else plain(encoder, layers)
    means(titles[:BATCH])
    states, cost = timed(lambda: means(titles))
    np.save(folder / f"{kind}.npy", states.float().numpy())
    report(cost, ("corecbench", "torch", "transformers"), titles_per_cpu_s=len(titles) / cost.cpu_s)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

"""An LLM backend whose view of items lies in a file: one machine encodes, another one tests."""

from __future__ import annotations

from pathlib import Path

from corecbench.api import LlmComponent, hookimpl
from corecbench_plugins.vectors.settings import VectorsConfig


def label(config: VectorsConfig) -> str:
    """Return the name of the rows: that of the file, without its folder and its ending."""
    return f"vectors:{Path(config.file).stem}" if config.file else "vectors"


@hookimpl
def corecbench_llms() -> list[LlmComponent]:
    """Offer `vectors`."""
    return [
        LlmComponent(
            "vectors",
            "corecbench_plugins.vectors.backend:build",
            VectorsConfig,
            summary="vectors of items from a file, vectors:FILE, under a small causal transformer",
            paper="Kang and McAuley, ICDM 2018, arXiv 1808.09781 (the transformer)",
            argument="file",
            label=label,
            fingerprint="corecbench_plugins.vectors.rows:fingerprint",
            untrained=True,
            reads_texts=False,
        )
    ]

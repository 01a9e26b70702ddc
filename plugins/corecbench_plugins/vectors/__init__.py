"""Models whose view of items lies in a file, so that one machine encodes and another one tests."""

from __future__ import annotations

from pathlib import Path

from corecbench.api import DomainModelComponent, LlmComponent, hookimpl
from corecbench_plugins.vectors.settings import AlphaRecConfig, FileConfig, VectorsConfig

FINGERPRINT = "corecbench_plugins.vectors.rows:fingerprint"


def label(config: FileConfig) -> str:
    """Return the name of the rows: that of the file, without its folder and its ending."""
    return f"{config.component}:{Path(config.file).stem}" if config.file else config.component


@hookimpl
def corecbench_domain_models() -> list[DomainModelComponent]:
    """Offer `alpharec`."""
    return [
        DomainModelComponent(
            "alpharec",
            "corecbench_plugins.vectors.alpharec:AlphaRec",
            AlphaRecConfig,
            summary="vectors of items from a file, alpharec:FILE, propagated over the graph; no rows of ids",
            paper="Sheng et al., ICLR 2025, arXiv 2407.05441",
            argument="file",
            label=label,
            fingerprint=FINGERPRINT,
            joint=False,
        )
    ]


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
            fingerprint=FINGERPRINT,
            untrained=True,
            reads_texts=False,
        )
    ]

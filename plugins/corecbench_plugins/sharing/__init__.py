"""Information-sharing modules: who owns the id embeddings, and how the two sides learn from each other."""

from __future__ import annotations

from corecbench.api import SharingComponent, hookimpl
from corecbench_plugins.sharing.settings import (
    BdlmConfig,
    CollmConfig,
    CtrlConfig,
    Dllm2recConfig,
    Llama4recConfig,
    Llmd4recConfig,
    LlminitConfig,
    Schedule,
)


@hookimpl
def corecbench_sharing_modules() -> list[SharingComponent]:
    """Offer the methods, and the control `none`."""
    return [
        SharingComponent(
            "bdlm",
            "corecbench_plugins.sharing.bdlm:Bdlm",
            BdlmConfig,
            summary="one store of ids and texts read by both sides, trained in turns with mutual learning",
            paper="Bridging the Information Gap, 2023, arXiv 2311.03778",
        ),
        SharingComponent(
            "collm",
            "corecbench_plugins.sharing.collm:Collm",
            CollmConfig,
            summary="the LLM reads the domain model's frozen embeddings through a small network",
            paper="Zhang et al., 2023, arXiv 2310.19488",
        ),
        SharingComponent(
            "ctrl",
            "corecbench_plugins.sharing.ctrl:Ctrl",
            CtrlConfig,
            summary="contrastive alignment of both sides' states of users and of items",
            paper="Li et al., 2023, arXiv 2306.02841",
        ),
        SharingComponent(
            "dllm2rec",
            "corecbench_plugins.sharing.dllm2rec:Dllm2rec",
            Dllm2recConfig,
            summary="the domain model learns from the LLM's ranking, by importance, and from its view of texts",
            paper="Cui et al., RecSys 2024, arXiv 2405.00338",
        ),
        SharingComponent(
            "llama4rec",
            "corecbench_plugins.sharing.llama4rec:Llama4rec",
            Llama4recConfig,
            summary="an ensemble of both sides' scores, by the length of a user's history",
            paper="Luo et al., 2024, arXiv 2401.13870",
            combines=True,
        ),
        SharingComponent(
            "llmd4rec",
            "corecbench_plugins.sharing.llmd4rec:Llmd4rec",
            Llmd4recConfig,
            summary="mutual distillation by turns, each sample as far as the teacher is to be trusted",
            paper="Wu et al., 2025, arXiv 2505.18120",
        ),
        SharingComponent(
            "llminit",
            "corecbench_plugins.sharing.llminit:Llminit",
            LlminitConfig,
            summary="the domain model's items start from dimensions of the LLM's states of their texts",
            paper="Zhang et al., 2025, arXiv 2503.01814",
        ),
        SharingComponent(
            "none",
            "corecbench_plugins.sharing.none:Private",
            Schedule,
            summary="private ids for each side, the same turns, nothing shared: the control",
            shares=False,
        ),
    ]

"""Information-sharing modules: who owns the id embeddings, and how the two sides learn from each other."""

from __future__ import annotations

from corecbench.api import SharingComponent, hookimpl
from corecbench_plugins.sharing.settings import (
    BdlmConfig,
    BesideTextsConfig,
    CollmConfig,
    CtrlConfig,
    Dllm2recConfig,
    HybridConfig,
    Llama4recConfig,
    Llmd4recConfig,
    LlminitConfig,
    NoneConfig,
)


@hookimpl
def corecbench_sharing_modules() -> list[SharingComponent]:
    """Offer the methods, and the controls that share nothing."""
    return [
        SharingComponent(
            "bdlm",
            "corecbench_plugins.sharing.bdlm:Bdlm",
            BdlmConfig,
            summary="one store of ids and texts read by both sides, trained in turns with mutual learning",
            paper="Bridging the Information Gap, 2023, arXiv 2311.03778",
            reads_texts=lambda config: config.texts,
            couples=lambda config: bool(config.domain_weight or config.llm_weight),
            content=lambda config: config.content and config.texts,
        ),
        SharingComponent(
            "beside-texts",
            "corecbench_plugins.sharing.beside_texts:BesideTexts",
            BesideTextsConfig,
            summary="any recommender as it is alone; words and an LLM's view of texts have a say in its scores",
            paper="Burke, 2002, DOI 10.1023/A:1021240730564",
            reads_texts=lambda config: config.states,
            couples=False,
            trains=False,
            content=True,
        ),
        SharingComponent(
            "collm",
            "corecbench_plugins.sharing.collm:Collm",
            CollmConfig,
            summary="the LLM reads the domain model's frozen embeddings through a small network",
            paper="Zhang et al., 2023, arXiv 2310.19488",
            reads_texts=False,
            couples=False,
        ),
        SharingComponent(
            "ctrl",
            "corecbench_plugins.sharing.ctrl:Ctrl",
            CtrlConfig,
            summary="contrastive alignment of both sides' states of users and of items",
            paper="Li et al., 2023, arXiv 2306.02841",
            reads_texts=False,
            couples=lambda config: config.weight != 0,
        ),
        SharingComponent(
            "dllm2rec",
            "corecbench_plugins.sharing.dllm2rec:Dllm2rec",
            Dllm2recConfig,
            summary="the domain model learns from the LLM's ranking, by importance, and from its view of texts",
            paper="Cui et al., RecSys 2024, arXiv 2405.00338",
            reads_texts=lambda config: config.embeddings,
            couples=lambda config: config.ranking_weight != 0,
        ),
        SharingComponent(
            "hybrid",
            "corecbench_plugins.sharing.none:Hybrid",
            HybridConfig,
            summary="nothing shared, but counted words have a say in the scores: the control of what texts say",
            paper="Burke, 2002, DOI 10.1023/A:1021240730564",
            shares=False,
            reads_texts=False,
            couples=False,
            content=True,
        ),
        SharingComponent(
            "llama4rec",
            "corecbench_plugins.sharing.llama4rec:Llama4rec",
            Llama4recConfig,
            summary="an ensemble of both sides' scores, by the length of a user's history",
            paper="Luo et al., 2024, arXiv 2401.13870",
            combines=True,
            reads_texts=False,
            couples=False,
        ),
        SharingComponent(
            "llmd4rec",
            "corecbench_plugins.sharing.llmd4rec:Llmd4rec",
            Llmd4recConfig,
            summary="mutual distillation by turns, each sample as far as the teacher is to be trusted",
            paper="Wu et al., 2025, arXiv 2505.18120",
            reads_texts=False,
            couples=lambda config: bool(config.domain_weight or config.llm_weight),
        ),
        SharingComponent(
            "llminit",
            "corecbench_plugins.sharing.llminit:Llminit",
            LlminitConfig,
            summary="the domain model's items start from dimensions of the LLM's states of their texts",
            paper="Zhang et al., 2025, arXiv 2503.01814",
            couples=False,
        ),
        SharingComponent(
            "none",
            "corecbench_plugins.sharing.none:Private",
            NoneConfig,
            summary="private ids for each side, the same turns, nothing shared: the control",
            shares=False,
            reads_texts=False,
            couples=False,
        ),
    ]

"""LLM backends through transformers and peft."""

from __future__ import annotations

from corecbench.api import LlmComponent, hookimpl
from corecbench_plugins.hf_llm.settings import (
    Gemma3Config,
    GemmaConfig,
    LlamaConfig,
    LlmConfig,
    MiniLmConfig,
    QwenConfig,
)

LORA = "Hu et al., ICLR 2022, arXiv 2106.09685 (LoRA)"


def llm_component(name: str, config: type[LlmConfig], summary: str, paper: str = "", by: str = "") -> LlmComponent:
    """Return one backend. Backends differ in their defaults, and encoders also in how they read texts."""
    return LlmComponent(
        name,
        f"corecbench_plugins.hf_llm.backend:build{by}",
        config,
        summary=summary,
        paper=f"{paper}; {LORA}" if paper else LORA,
        argument="weights",
        untrained=True,
        encode=f"corecbench_plugins.hf_llm.backend:encode{by and '_by'}{by}",
        needs="corecbench_plugins.hf_llm.planning:needs",
        fingerprint="corecbench_plugins.hf_llm.fingerprint:fingerprint",
        likelihoods="corecbench_plugins.hf_llm.likelihoods:likelihoods" if not by else None,
    )


@hookimpl
def corecbench_llms() -> list[LlmComponent]:
    """Offer the families by name, and any causal LM by its place."""
    return [
        llm_component(
            "llama",
            LlamaConfig,
            "Llama-family LM with LoRA; SmolLM2-135M-Instruct unless llama:PATH_OR_ID says otherwise",
            "Allal et al., 2025, arXiv 2502.02737 (SmolLM2)",
        ),
        llm_component(
            "gemma3",
            Gemma3Config,
            "Gemma 3 with LoRA; gemma-3-270m, from Python packages, unless gemma3:PATH_OR_ID says otherwise",
            "Gemma Team, 2025, arXiv 2503.19786",
        ),
        llm_component(
            "gemma",
            GemmaConfig,
            "Gemma-family LM with LoRA; gemma-3-1b-it of the hub unless gemma:PATH_OR_ID says otherwise",
            "Gemma Team, 2025, arXiv 2503.19786",
        ),
        llm_component(
            "qwen",
            QwenConfig,
            "Qwen-family LM with LoRA; Qwen2.5-0.5B-Instruct of the hub unless qwen:PATH_OR_ID says otherwise",
            "Qwen Team, 2024, arXiv 2412.15115",
        ),
        llm_component("hf", LlmConfig, "any causal LM of transformers with LoRA: hf:ID_OR_PATH"),
        llm_component("gguf", LlmConfig, "the causal LM of a GGUF file with LoRA: gguf:FILE"),
        llm_component(
            "minilm",
            MiniLmConfig,
            "sentence encoder, its top layers made causal; all-MiniLM-L6-v2 unless minilm:PATH_OR_ID is given",
            "Wang et al., NeurIPS 2020, arXiv 2002.10957 (MiniLM); Reimers and Gurevych, EMNLP 2019, arXiv "
            "1908.10084 (sentence encoders)",
            by="_encoder",
        ),
    ]

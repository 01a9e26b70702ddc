"""Encodes item texts: `llm_encoding.py FOLDER corecbench|plain|sorted N DTYPE`.

`plain` is transformers as its documentation shows it: padded batches in the order of the texts, all layers, states
of all of them. `sorted` is the same with texts of like length together.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from measuring.clock import report, timed
from safetensors.torch import save_file

from corecbench_plugins.hf_llm.text_encoder import MAX_SUMMARY_TOKENS, TextEncoder
from sides.llm_work import LlmWork

BATCH = 32


def by_corecbench(work: LlmWork, texts: list[str], dtype: str) -> tuple[torch.Tensor, Any]:
    """Return the summaries of texts, float32 [N, n, h], and what they took."""
    config = work.config("item-tokens", dtype)
    with tempfile.TemporaryDirectory() as cache:
        encoder = TextEncoder(Path(work.model), config, work.setup(Path(cache)))
        encoder.summarise(texts[:2], config.text_depths)  # loads model and tokenizer
        summary, cost = timed(lambda: encoder.summarise(texts, config.text_depths))
    return summary["pooled"], cost


@torch.no_grad()
def by_transformers(work: LlmWork, texts: list[str], dtype: str, in_order: bool) -> tuple[torch.Tensor, Any]:
    """Return the same of transformers alone."""
    from transformers import AutoModel, AutoTokenizer

    config = work.config("item-tokens", dtype)
    tokenizer = AutoTokenizer.from_pretrained(work.model)
    chosen_dtype = TextEncoder(Path(work.model), config, work.setup(work.folder)).dtype
    model = AutoModel.from_pretrained(work.model, dtype=chosen_dtype).eval()
    n_layers = len(model.layers) - config.lora_layers
    chosen = [round(depth * n_layers) for depth in config.text_depths]

    def pooled_of(some: list[str]) -> torch.Tensor:
        """Return the mean states of the tokens behind the start token, float32 [B, n, h]."""
        rows = [
            [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]][:MAX_SUMMARY_TOKENS]
            for text in some
        ]
        tokens = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
        length = torch.tensor([len(row) for row in rows])
        mask = torch.arange(tokens.shape[1]) < length[:, None]
        states = model(tokens, attention_mask=mask.long(), output_hidden_states=True, use_cache=False).hidden_states
        mask[:, 0] = False
        weight = (mask / mask.sum(dim=1, keepdim=True))[:, None, :, None]  # [B, 1, S, 1]
        return (torch.stack([states[layer] for layer in chosen], dim=1).float() * weight).sum(dim=2)

    def encode() -> torch.Tensor:
        order = list(range(len(texts))) if in_order else sorted(range(len(texts)), key=lambda row: len(texts[row]))
        parts = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
        pooled = torch.cat([pooled_of([texts[row] for row in part]) for part in parts])
        return pooled[torch.tensor(order).argsort()]

    pooled_of(texts[:2])
    return timed(encode)


def main(folder: Path, side: str, n_texts: int, dtype: str) -> None:
    """Encode, and report what it took."""
    work = LlmWork.load(folder)
    texts = sorted({text for text in work.texts if text})[:n_texts]
    if side == "corecbench":
        pooled, cost = by_corecbench(work, texts, dtype)
    else:
        pooled, cost = by_transformers(work, texts, dtype, side == "plain")
    save_file({"pooled": pooled.contiguous()}, folder / f"pooled-{side}.safetensors")
    report(cost, ("corecbench", "torch", "transformers"), texts=len(texts), texts_per_cpu_s=len(texts) / cost.cpu_s)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])

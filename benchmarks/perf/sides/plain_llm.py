"""The layout `titles` in plain transformers and peft: every step runs the whole LLM on the prompts.

It computes what corecbench computes. The one thing that transformers lacks is the trained state of the recommend
token, which enters the last layer; a hook puts it there.
B prompts, S tokens, N items, h the LLM's hidden width, d the width of a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from corecbench_plugins.hf_llm.text_encoder import MAX_TOKENS

if TYPE_CHECKING:
    from corecbench_plugins.hf_llm.backend import LlmRecommender
    from sides.llm_work import LlmWork


class PlainTitles(nn.Module):
    """The whole LLM with LoRA in its last layer, and projections before and behind it."""

    text: torch.Tensor
    """[N+1, k], the whitened summaries of the texts, as corecbench has them."""

    def __init__(self, work: LlmWork, dtype: str, like: LlmRecommender) -> None:
        super().__init__()
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModel, AutoTokenizer

        config = work.config("titles", dtype)
        self.config, self.texts = config, work.texts
        self.tokenizer = AutoTokenizer.from_pretrained(work.model)
        body: Any = AutoModel.from_pretrained(work.model, dtype=like.text.dtype)
        last = len(body.layers) - 1
        lora = LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,
            target_modules=[f"layers.{last}.self_attn.{name}" for name in ("q_proj", "v_proj", "o_proj")],
            lora_dropout=0.0,
        )
        self.body: Any = get_peft_model(body, lora, autocast_adapter_dtype=False)
        self.item_text = nn.Linear(like.item_text.in_features, like.item_text.out_features, bias=False)
        self.leave = nn.Linear(like.leave.in_features, like.leave.out_features, bias=False)
        start = {name: weight.detach() for name, weight in like.named_parameters() if weight.requires_grad}
        self.recommend = nn.Parameter(start["layout.recommend"].clone())
        self.register_buffer("text", like.text.clone(), persistent=False)
        with torch.no_grad():
            self.item_text.weight.copy_(start["item_text.weight"])
            self.leave.weight.copy_(start["leave.weight"])
            adapters = dict(body.named_parameters())
            for name, weight in start.items():
                if "lora" in name:
                    adapters[name.removeprefix("body.").replace("layers.0.", f"layers.{last}.")].copy_(weight)
        body.layers[last].register_forward_pre_hook(self.put_recommend, with_kwargs=True)

    def put_recommend(self, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        """Put the recommend token's state at the last position of the last layer's input."""
        states = args[0] if args else kwargs["hidden_states"]
        own = self.recommend.to(states.dtype).expand(len(states), 1, -1)
        states = torch.cat([states[:, :-1], own], dim=1)
        return ((states, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": states})

    def forward(self, history: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the states of users [B, d] and items [N+1, d] for histories int64 [B, L]."""
        latest = [[item for item in row if item][-self.config.max_titles :] for row in history.tolist()]
        prompts = [
            f"{self.config.instruction} " + "; ".join(self.texts[item] for item in items) for items in latest
        ]
        start = self.tokenizer.bos_token_id
        rows = [
            [start, *self.tokenizer(text, add_special_tokens=False)["input_ids"]][:MAX_TOKENS] for text in prompts
        ]
        longest = max(map(len, rows)) + 1  # and the recommend token, on the right
        tokens = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for number, row in enumerate(rows):
            tokens[number, longest - 1 - len(row) : longest - 1] = torch.tensor(row)
            mask[number, longest - 1 - len(row) :] = 1
        position = (mask.cumsum(dim=1) - 1).clamp(min=0)
        final = self.body(
            input_ids=tokens, attention_mask=mask, position_ids=position, use_cache=False
        ).last_hidden_state[:, -1]
        table = (self.text @ self.item_text.weight.T.to(self.text.dtype)).float()
        last = torch.tensor([items[-1] for items in latest])
        return self.leave(final.float()) + nn.functional.embedding(last, table), table

"""What the frozen lower layers make of texts, computed once and kept on disk.

N items, T tokens, h the LLM's hidden width.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file

from corecbench.api import DataError
from corecbench_plugins.hf_llm.anatomy import run_whole
from corecbench_plugins.hf_llm.body import choose_dtype, load_body, lower_part, n_lower_layers
from corecbench_plugins.hf_llm.prompts import Frame, chat, plain
from corecbench_plugins.hf_llm.published import sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from corecbench.api import Setup

TEXTS_PER_BATCH = 32
MAX_TOKENS = 512
"""Of a prompt; what is longer is cut at its end."""
MAX_SUMMARY_TOKENS = 64
"""Of a text that is summarised."""
NORM = 5.0
"""Root mean square norm of a whitened row; a projection with torch's initial weights turns it into small scores."""
VERSION = 4
"""Of what the cache holds; a change of the computation below counts it up."""


class TextEncoder:
    """Encodes texts by the frozen lower layers; loads them only when something is not in the cache."""

    left_out = 1
    """Tokens at the start of a text that are no part of its summary: the start token."""
    entry = 1.0
    """The part of the layers that encode behind which the trained ones read."""

    def __init__(self, folder: Path, config, setup: Setup):
        self.folder, self.config, self.setup = folder, config, setup
        self.dtype = choose_dtype(config.dtype, setup.device)
        self.untrained_seed = derived(setup.seed) if setup.untrained_llm else None
        self.lower, self.n_layers = None, 0  # what encodes, and how many of its layers

    def body(self, **options) -> torch.nn.Module:
        """Load the whole body."""
        where = {"device": self.setup.device, "quantised": self.config.quantised}
        return load_body(self.folder, self.dtype, self.untrained_seed, **where, **options)

    def summaries(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return what is known of each text as a whole, from the cache where it was computed before.

        The cache knows the set of the texts, so the same texts in another order are found there.

        Returns:
            "pooled": float32 [N, n, h], at each of the n `text_depths` the mean of the states of a text's tokens;
                zero for an empty text.
            "mean", "deviation": float32 [h], of single token states of all different texts, where the trained
                layers read them.
        """
        unique = sorted(set(texts) - {""})
        if not unique:
            raise DataError("no item has a text, so an LLM has nothing to read")
        depths = self.config.text_depths
        summary = self.cached(("summaries", repr(depths), *unique), lambda: self.summarise(unique, depths))
        row = {text: number for number, text in enumerate(unique)}
        pooled = torch.zeros(len(texts), *summary["pooled"].shape[1:])
        for number, text in enumerate(texts):
            if text:
                pooled[number] = summary["pooled"][row[text]]
        return {**summary, "pooled": pooled}

    def summarise(self, texts: Sequence[str], depths: Sequence[float]) -> dict[str, torch.Tensor]:
        """Compute what `summaries` returns, of texts that are all different and none empty."""
        pooled: list[torch.Tensor] = [torch.empty(0)] * len(texts)
        total, squares, count = 0.0, 0.0, 0
        depths = (*depths, self.entry)
        for row, states in self.encode(texts, MAX_SUMMARY_TOKENS, depths, what="encoding item texts"):
            states = states[:, self.left_out :].double()  # [n+1, T, h]
            pooled[row] = states[:-1].mean(dim=1).nan_to_num().float()  # of no token: zero
            top = states[-1]
            total, squares, count = total + top.sum(0), squares + (top**2).sum(0), count + len(top)
        if not count:
            raise DataError("no item has a text that the tokenizer knows, so an LLM has nothing to read")
        mean = total / count
        return {
            "pooled": torch.stack(pooled),
            "mean": mean.float(),
            "deviation": (squares / count - mean**2).clamp(min=1e-6).sqrt().float(),
        }

    def states(self, text: str) -> torch.Tensor:
        """Return the states of a prompt's tokens, float32 [T, h], start token first, from the cache if there."""
        key = ("states", text, *([] if self.template is None else [repr(self.template)]))
        return self.cached(key, lambda: {"states": self.token_states([text])[0]})["states"]

    def token_states(self, texts: Sequence[str]) -> list[torch.Tensor]:
        """Return for each prompt the states of its tokens, float32 [T, h]; T is 0 for an empty text."""
        self.load()
        found = [torch.zeros(0, self.lower.config.hidden_size)] * len(texts)
        for row, states in self.encode(texts, MAX_TOKENS, (self.entry,), frame=self.template):
            found[row] = states[0]
        return found

    def encode(
        self,
        texts: Sequence[str],
        max_tokens: int,
        depths: Sequence[float],
        what: str = "",
        frame: Frame | None = None,
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield row and states, float32 [n, T, h], of each text that is not empty, in order of length.

        A start token stands in front: the first position of a causal LM is an attention sink whatever it holds.

        Args:
            texts: what is encoded.
            max_tokens: of a text; what is longer is cut at its end.
            depths: n parts, from 0 to 1, of the frozen layers that the states have passed.
            what: names the work for the user; "" for work that is short.
            frame: the tokens around each text; None for a start token alone.
        """
        self.load()
        layers = [round(depth * self.n_layers) for depth in depths]
        tokens = [self.tokenise(text, max_tokens, frame) if text else [] for text in texts]
        order = sorted((row for row in range(len(texts)) if tokens[row]), key=lambda row: len(tokens[row]))
        for start in range(0, len(order), TEXTS_PER_BATCH):
            rows = order[start : start + TEXTS_PER_BATCH]
            batch = torch.nn.utils.rnn.pad_sequence([torch.tensor(tokens[row]) for row in rows], batch_first=True)
            with torch.no_grad():
                found = self.read(batch.to(self.setup.device), [len(tokens[row]) for row in rows])
            chosen = torch.stack([found[layer] for layer in layers]).float().cpu()  # [n, B, T, h]
            for number, row in enumerate(rows):
                yield row, chosen[:, number, : len(tokens[row])].clone()
            if what:
                self.setup.progress(what, start + len(rows), len(order))

    def read(self, tokens: torch.Tensor, lengths: Sequence[int]) -> Sequence[torch.Tensor]:
        """Return the states [B, T, h] of tokens [B, T] before each frozen layer and behind the last.

        Padding is on the right, where causal attention never looks.
        """
        return run_whole(self.lower, tokens)[0]

    def tokenise(self, text: str, max_tokens: int, frame: Frame | None = None) -> list[int]:
        """Return the tokens of a text and of the frame around it; what is cut is the text."""
        before, after = frame or self.frame
        room = min(max_tokens, self.longest - len(before) - len(after))
        tokens = self.tokenizer(text, add_special_tokens=False, truncation=True, max_length=room)
        return [*before, *tokens["input_ids"], *after]

    @functools.cached_property
    def tokenizer(self):
        """The model's tokenizer."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder, local_files_only=True)

    @functools.cached_property
    def frame(self) -> Frame:
        """What stands around a text that is read by itself."""
        return plain(self.tokenizer)

    @functools.cached_property
    def template(self) -> Frame | None:
        """What the tokenizer's chat template puts around a prompt; None where prompts are plain text."""
        return None if self.config.prompt == "plain" else chat(self.tokenizer, needed=self.config.prompt == "chat")

    @property
    def longest(self) -> int:
        """How many positions the model has."""
        return getattr(self.lower.config, "max_position_embeddings", None) or sys.maxsize

    def load(self) -> None:
        """Load the lower layers at first use."""
        if self.lower is None:
            body = self.body()
            self.n_layers = n_lower_layers(body, self.config.lora_layers)
            self.lower = lower_part(body, self.config.lora_layers)

    def cached(
        self, key: tuple[str, ...], compute: Callable[[], dict[str, torch.Tensor]]
    ) -> dict[str, torch.Tensor]:
        """Return tensors computed earlier for this key under this model, depth and dtype, or compute them."""
        model = (self.fingerprint, self.config.lora_layers, str(self.dtype), self.untrained_seed)
        quantised = () if self.config.quantised == "no" else (self.config.quantised,)
        text = repr((VERSION, *model, *quantised, key))
        path = self.setup.cache / "texts" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.safetensors"
        if path.exists():
            return load_file(path)
        computed = compute()
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        save_file(computed, temporary)
        os.replace(temporary, path)
        return computed

    @functools.cached_property
    def fingerprint(self) -> str:
        """Checksums of the weights and the tokenizer."""
        files = [*self.folder.glob("*.safetensors"), *self.folder.glob("tokenizer*")]
        return ",".join(sha256(file) for file in sorted(files))


def derived(seed: int) -> int:
    """Return a seed for random weights, unrelated to what others draw from the same seed."""
    return int.from_bytes(hashlib.sha256(f"untrained llm {seed}".encode()).digest()[:7], "big")


def whiten(pooled: torch.Tensor) -> torch.Tensor:
    """Return text states of zero mean without correlation, scaled so that a row has a norm of 5 on average.

    Raw pooled states all point in nearly the same direction; their differences are what tells items apart. Each
    depth is whitened for itself.

    Args:
        pooled: float32 [N+1, n, h]; rows of zeros have no text and stay zero.

    Returns:
        float32 [N+1, k], k the number of directions in which the texts differ, over all depths, at most n * h.

    Raises:
        DataError: the texts do not differ.
    """
    parts = [whiten_depth(part) for part in pooled.unbind(dim=1)]
    return NORM / len(parts) ** 0.5 * torch.cat(parts, dim=1)


def whiten_depth(pooled: torch.Tensor) -> torch.Tensor:
    """Return what `whiten` makes of one depth, float32 [N+1, k], with a norm of 1 on average."""
    has_text = pooled.abs().sum(dim=1) > 0
    texts = pooled[has_text].double()
    centred = texts - texts.mean(dim=0)
    u, singular, _ = torch.linalg.svd(centred, full_matrices=False)
    kept = singular > max(singular[0] * 1e-3, 1e-6)
    if not kept.any():
        raise DataError("all item texts are alike, so an LLM has nothing to tell items apart by")
    whitened = torch.zeros(len(pooled), int(kept.sum()))
    whitened[has_text] = (u[:, kept] * (len(texts) / kept.sum()) ** 0.5).float()
    return whitened

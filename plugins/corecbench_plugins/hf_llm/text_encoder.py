"""Reads texts by the frozen lower layers of an LLM, once, and keeps the states on disk.

N items, T tokens, h the LLM's hidden width.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sys
from typing import TYPE_CHECKING, Any

import torch

from corecbench.api import DataError, Setup
from corecbench.toolkit import load_tensors, on_device, one_thread, product_dtype, save_tensors, set_aside, whitened
from corecbench_plugins.hf_llm.body import load_body, lower_part, n_lower_layers
from corecbench_plugins.hf_llm.body_runs import run_lower
from corecbench_plugins.hf_llm.loading import load_tokenizer
from corecbench_plugins.hf_llm.locks import only_one
from corecbench_plugins.hf_llm.model_cache import checksum, version
from corecbench_plugins.hf_llm.prompts import Frame, chat, plain
from corecbench_plugins.hf_llm.trial import try_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from corecbench_plugins.hf_llm.body_layers import Body
    from corecbench_plugins.hf_llm.settings import LlmConfig

TOKENS_PER_BATCH = {"cpu": 2**11, "cuda": 2**15}
"""Where texts are read -> tokens that are read together, padding included: products are faster with more rows."""
FEW_TOKENS = 64
"""Tokens of a batch up to which one thread reads them: products of matrices with at most 11 rows have other last
digits with two threads (seen in float32 with torch 2.13, whose library MKL has kernels of its own for few rows)."""
MAX_TOKENS = 512
"""Most tokens of a prompt. A longer one is cut at its end."""
CHARACTERS_PER_TOKEN = 100
"""A text is cut to so many characters for each of its tokens before it is read, far more than tokens have."""
MAX_SUMMARY_TOKENS = 64
"""Most tokens of a text that is summarised."""
TYPICAL_TEXTS = 128
"""Texts from which mean and deviation of single token states are computed; they run through more layers."""
NORM = 5.0
"""Root mean square norm of a whitened row. A projection with torch's initial weights turns it into small scores."""
VERSION = 7
"""Version of the cached values. Any change of the computation below must increase it."""


class TextEncoder:
    """Reads texts by the frozen lower layers. They are loaded only if something is not in the cache."""

    left_out = 1
    """Number of tokens at the start of a text that are left out of its summary: the start token."""
    entry = 1.0
    """Depth in the encoding layers, from 0 to 1, whose output the trained layers read."""

    def __init__(self, folder: Path, config: LlmConfig, setup: Setup) -> None:
        self.folder, self.config, self.setup = folder, config, setup
        self.dtype = product_dtype(config.dtype, setup.device)
        self.untrained_seed = weights_seed(setup.seed) if setup.untrained_llm else None
        self.lower: Body = None
        """The layers that encode, once they are loaded."""
        self.n_layers = 0
        """Number of the layers that encode."""

    def body(self) -> Body:
        """Load the whole body."""
        return self.load_body(causal=False)

    def load_body(self, causal: bool) -> Body:
        """Load the whole body, made causal or as it is."""
        device, quantised = self.setup.device, self.config.quantised
        return load_body(
            self.folder, self.dtype, self.untrained_seed, device=device, quantised=quantised, causal=causal
        )

    def summaries(self, texts: Sequence[str], n_new: int = 0) -> dict[str, torch.Tensor]:
        """Return summaries of texts, from the cache where they were computed before.

        The cache is keyed by the set of the texts, so their order does not matter.

        Args:
            texts: the texts.
            n_new: the last texts, which do not count for "mean" and "deviation".

        Returns:
            "pooled": float32 [N, n, h], the mean state of a text's tokens at each of the n `text_depths`; zero for
            an
                empty text.
            "mean", "deviation": float32 [h], mean and standard deviation of single token states, over some of the
                texts, at the depth that the trained layers read.
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
        if n_new:
            known = some_of(sorted({*texts[: len(texts) - n_new]} - {""}))
            names = ("mean", "deviation")
            typical = self.cached(
                ("typical", *known), lambda: dict(zip(names, self.typical_states(known), strict=True))
            )
            summary = {**summary, **typical}
        return {**summary, "pooled": pooled}

    def summarise(self, texts: Sequence[str], depths: Sequence[float]) -> dict[str, torch.Tensor]:
        """Compute what `summaries` returns, for texts that are all different and not empty."""
        try_tokenizer(self.folder, [readable(text, MAX_SUMMARY_TOKENS) for text in texts])
        pooled: list[torch.Tensor] = [torch.empty(0)] * len(texts)
        for row, states in self.encode(texts, MAX_SUMMARY_TOKENS, depths, what="encoding item texts"):
            pooled[row] = (
                states[:, self.left_out :].double().mean(dim=1).nan_to_num().float()
            )  # zero without tokens
        mean, deviation = self.typical_states(some_of(texts))
        return {"pooled": torch.stack(pooled).cpu(), "mean": mean, "deviation": deviation}

    def typical_states(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and deviation, float32 [h], of token states at the depth that the trained layers read."""
        entering = [
            states[0, self.left_out :].double()
            for _, states in self.encode(texts, MAX_SUMMARY_TOKENS, (self.entry,))
        ]
        tokens = torch.cat(entering or [torch.empty(0, 1)])  # [T, h]
        if not len(tokens):
            raise DataError("no item has a text that the tokenizer knows, so an LLM has nothing to read")
        variance = tokens.var(dim=0, correction=0)
        return tokens.mean(dim=0).float().cpu(), variance.clamp(min=1e-6).sqrt().float().cpu()

    def states(self, text: str) -> torch.Tensor:
        """Return the states of a prompt's tokens, float32 [T, h], start token first; the cache keeps them."""
        key = ("states", text, *([] if self.template is None else [repr(self.template)]))
        return self.cached(key, lambda: {"states": self.token_states([text])[0]})["states"]

    def token_states(self, texts: Sequence[str]) -> list[torch.Tensor]:
        """Return for each prompt the states of its tokens, float32 [T, h]; T is 0 for an empty text."""
        self.load()
        prompt_states = [torch.zeros(0, self.lower.config.hidden_size)] * len(texts)
        for row, states in self.encode(texts, MAX_TOKENS, (self.entry,), frame=self.template):
            prompt_states[row] = states[0].cpu()
        return prompt_states

    def encode(
        self,
        texts: Sequence[str],
        max_tokens: int,
        depths: Sequence[float],
        what: str = "",
        frame: Frame | None = None,
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield the row and the states, float32 [n, T, h], of each text that is not empty, in the order of length.

        They stay where they were computed. A start token stands in front: the first position of a causal LM is an
        attention sink, whatever its token.

        Args:
            texts: the texts.
            max_tokens: most tokens of a text; a longer one is cut at its end.
            depths: n depths in the frozen layers, from 0 to 1, at which states are taken.
            what: name of the work for the user; "" for short work.
            frame: the tokens around each text; None for the frame of a text that is read by itself.
        """
        self.load()
        layers = [round(depth * self.n_layers) for depth in depths]
        tokens = [self.tokenise(text, max_tokens, frame) if text else [] for text in texts]
        order = sorted((row for row in range(len(texts)) if tokens[row]), key=lambda row: len(tokens[row]))
        done = 0
        for rows in self.batches(order, [len(tokens[row]) for row in order]):
            batch = torch.nn.utils.rnn.pad_sequence([torch.tensor(tokens[row]) for row in rows], batch_first=True)
            tokens_there, lengths = on_device(batch, self.setup.device), [len(tokens[row]) for row in rows]
            steadily = one_thread() if batch.numel() <= FEW_TOKENS else contextlib.nullcontext()
            with torch.no_grad(), steadily:
                states = self.read(tokens_there, lengths, max(layers))
            chosen = torch.stack([states[layer] for layer in layers]).float()  # [n, B, T, h]
            for number, row in enumerate(rows):
                yield row, chosen[:, number, : len(tokens[row])].clone()
            done += len(rows)
            if what:
                self.setup.progress(what, done, len(order))

    def batches(self, order: Sequence[int], lengths: Sequence[int]) -> Iterator[Sequence[int]]:
        """Yield rows that are read together, as many as have `most_tokens` tokens, one at least.

        Args:
            order: rows, those of short texts first.
            lengths: the number of tokens of each text, in the same order.
        """
        start = 0
        for end, length in enumerate(lengths):
            if end > start and (end + 1 - start) * length > self.most_tokens:  # the last text is the longest
                yield order[start:end]
                start = end
        if start < len(order):
            yield order[start:]

    def read(self, tokens: torch.Tensor, lengths: Sequence[int], deepest: int) -> Sequence[torch.Tensor]:
        """Return the states [B, T, h] of tokens [B, T] before and behind each of the first `deepest` layers.

        Padding is on the right, where causal attention never looks.
        """
        return run_lower(self.lower, tokens, deepest)

    def tokenise(self, text: str, max_tokens: int, frame: Frame | None = None) -> list[int]:
        """Return the tokens of a text and of the frame around it. Only the text is cut to `max_tokens`."""
        before, after = frame or self.frame
        room = min(max_tokens, self.longest - len(before) - len(after))
        text = readable(text, max_tokens)
        tokens = self.tokenizer(text, add_special_tokens=False, truncation=True, max_length=room)
        return [*before, *tokens["input_ids"], *after]

    @property
    def most_tokens(self) -> int:
        """The number of tokens that are read together."""
        return TOKENS_PER_BATCH.get(torch.device(self.setup.device).type, TOKENS_PER_BATCH["cpu"])

    @functools.cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        return load_tokenizer(self.folder)

    @functools.cached_property
    def frame(self) -> Frame:
        """The tokens around a text that is read by itself."""
        return plain(self.tokenizer)

    @functools.cached_property
    def template(self) -> Frame | None:
        """The tokens that the chat template puts around a prompt; None where prompts are plain text."""
        return None if self.config.prompt == "plain" else chat(self.tokenizer, needed=self.config.prompt == "chat")

    @property
    def longest(self) -> int:
        """The number of positions of the model."""
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
        """Return the cached tensors of a key for this model, depth and dtype, or compute and cache them."""
        model = (self.fingerprint, self.config.lora_layers, str(self.dtype), self.untrained_seed)
        quantised = () if self.config.quantised == "no" else (self.config.quantised,)
        text = repr((VERSION, *model, *quantised, key))
        key_hash = hashlib.sha256(text.encode()).hexdigest()[:32]
        return cached_tensors(self.setup.cache / "texts" / f"{key_hash}.safetensors", compute)

    @functools.cached_property
    def fingerprint(self) -> str:
        """The checksums of the weights and the tokenizer."""
        files = [*self.folder.glob("*.safetensors"), *self.folder.glob("tokenizer*")]
        return ",".join(checksum(version(file)) for file in sorted(files))


def cached_tensors(path: Path, compute: Callable[[], dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the tensors in a file of the cache; if it is not there, or damaged, they are computed and written."""
    found = load_tensors(path)
    if found is not None and found.facts == path.name:
        return found.tensors
    with only_one(path):
        found = load_tensors(path)
        if found is not None and found.facts == path.name:  # another process has computed it meanwhile
            return found.tensors
        if path.exists():
            set_aside(path, "is damaged or holds something else")
        computed = compute()
        save_tensors(path, computed, facts=path.name)
    return computed


def some_of(texts: Sequence[str]) -> Sequence[str]:
    """Return at most `TYPICAL_TEXTS` of texts, at equal distances."""
    return texts[:: max(1, -(-len(texts) // TYPICAL_TEXTS))]


def readable(text: str, max_tokens: int) -> str:
    """Return the beginning of a text that becomes so many tokens, with "?" for what is no character.

    >>> readable("half a pair: " + chr(0xD800), 9), len(readable("a" * 80_000, 64))
    ('half a pair: ?', 6400)
    """
    return text[: max_tokens * CHARACTERS_PER_TOKEN].encode("utf-8", "replace").decode("utf-8")


def weights_seed(seed: int) -> int:
    """Return a seed for random weights, unrelated to all other random numbers that come from the same seed."""
    return int.from_bytes(hashlib.sha256(f"untrained llm {seed}".encode()).digest()[:7], "big")


def whiten(pooled: torch.Tensor, n_new: int = 0) -> torch.Tensor:
    """Return text states with zero mean and without correlation, scaled to an average norm of 5.

    Raw pooled states all point in nearly the same direction. Their differences tell items apart. Each depth is
    whitened on its own.

    Args:
        pooled: float32 [N+1, n, h]. A row of zeros belongs to an item without a text and stays zero.
        n_new: `Catalog.n_new_items`; the states of these decide nothing.

    Returns:
        float32 [N+1, k]; k is the number of directions in which the texts differ, over all depths, at most n * h.

    Raises:
        DataError: the texts do not differ.
    """
    parts = [whitened(part, n_new=n_new) for part in pooled.unbind(dim=1)]
    scale: float = NORM / len(parts) ** 0.5
    return scale * torch.cat(parts, dim=1)

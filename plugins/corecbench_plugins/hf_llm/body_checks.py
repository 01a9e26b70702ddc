"""Checks by short runs that parts of a body compute the same as the whole.

S positions, h the hidden width.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from corecbench_plugins.hf_llm.body_layers import Body, cannot_split, text_config
from corecbench_plugins.hf_llm.body_runs import reading_only, run_layers, run_whole

PROBE_TOKENS = 6
"""Number of tokens of the short run that checks a body."""


class Probe(NamedTuple):
    """States of a few tokens in the whole body."""

    entering: torch.Tensor
    """[1, S, h], the states that enter the trained layers."""
    final: torch.Tensor
    """[1, S, h], the states behind the final norm."""


def probe(body: Body, n_lower: int) -> Probe:
    """Run a few tokens through a whole body, and keep the states that enter the layers above the lower ones.

    Raises:
        UsageError: the body does not run like a causal LM.
    """
    tokens = torch.arange(1, 1 + PROBE_TOKENS, device=body.device)[None] % text_config(body).vocab_size
    try:
        with torch.no_grad():
            states, final = run_whole(body, tokens)
    except Exception as error:  # a body with other arguments may raise anything
        raise cannot_split(body, f"it does not run on tokens alone ({type(error).__name__})") from error
    return Probe(states[n_lower], final)


def check_upper_layers(body: Body, whole: Probe) -> None:
    """Check that the upper layers alone compute from their input what the whole body computed.

    Raises:
        UsageError: they compute something else, or look at later positions or at padding on the left.
    """
    states, final = whole
    padded = torch.cat([states[:, :2].flip(1), states], dim=1)  # [1, 2 + S, h]
    mask = torch.ones(padded.shape[:2], dtype=torch.long, device=states.device)
    mask[:, :2] = 0
    try:
        with torch.no_grad():
            differences = {
                "its layers do not run from the middle": run_layers(body, states) - final,
                "it looks at later words, and a causal LM is needed": run_layers(body, states[:, :3])
                - final[:, :3],
                "it looks at padding": run_layers(body, padded, mask)[:, 2:] - final,
            }
    except Exception as error:  # a body with other arguments may raise anything
        raise cannot_split(body, f"its layers do not run from the middle ({type(error).__name__})") from error
    for fault, difference in differences.items():
        if not difference.abs().max() <= tolerance(final):
            raise cannot_split(body, fault)


def can_read_only(body: Body, states: torch.Tensor) -> bool:
    """Return whether `reading_only` gives the last of the final states as running all positions does.

    Args:
        body: a body without embeddings.
        states: [1, S, h], for a short run.
    """
    try:
        with torch.no_grad():
            whole = run_layers(body, states)[:, -1]
            with reading_only(body, 1):
                alone = run_layers(body, states)[:, -1]
    except Exception:  # whatever a layer of another family raises, it then runs as usual
        return False
    return bool((alone - whole).abs().max() <= tolerance(whole))


def tolerance(final: torch.Tensor) -> torch.Tensor:
    """Return how far final states may differ by rounding."""
    share = 0.05 if final.dtype in (torch.bfloat16, torch.float16) else 1e-3
    return share * final.abs().max()

"""Information-sharing modules: who owns the id embeddings, and how the two sides learn from each other."""

from dataclasses import dataclass
from typing import Literal

from corecbench.api import Component, hookimpl


@dataclass(frozen=True)
class Schedule:
    """Who trains when: the domain model's warm-up, then rounds of an LLM turn and a domain turn."""

    start: Literal["new", "pretrained"] = "new"
    """Whether the domain side starts with new weights, or with what the domain model learnt alone."""
    warm_up_epochs: int = 60
    """Of the domain model before the first round, fewer if its patience ends them."""
    rounds: int = 2
    domain_epochs: int = 20
    """At most, over all rounds; never more than the domain model has left of its budget."""
    llm_epochs: int = 4
    """At most, over all rounds; never more than the LLM's budget."""


@dataclass(frozen=True)
class BdlmConfig(Schedule):
    """Settings of the store and of mutual learning."""

    texts: bool = True
    """Whether the store's items hold what the LLM makes of their texts, beside rows of their own."""
    neighbours: int = 5
    """Items with the nearest texts whose rows an item shares in; 0 for none."""
    llm_writes: bool = True
    """Whether the LLM's turns change the store, or only read it."""
    row_dropout: float = 0.3
    """Probability that an item is its text alone for a moment of training."""
    domain_weight: float = 0.5
    """Of the mutual term while the domain model trains."""
    llm_weight: float = 0.5
    """Of the mutual term while the LLM trains."""
    temperature: float = 1.0
    """Both sides' scores are divided by it before they are compared."""
    positions: int = 256
    """Of each batch at which the sides are compared, at most."""


@hookimpl
def corecbench_sharing_modules():
    """Offer the control and the method."""
    return [
        Component(
            "bdlm",
            "corecbench_plugins.sharing.bdlm:Bdlm",
            BdlmConfig,
            summary="one store of ids and texts read by both sides, trained in turns with mutual learning",
            paper="Bridging the Information Gap, 2023, arXiv 2311.03778",
        ),
        Component(
            "none",
            "corecbench_plugins.sharing.none:Private",
            Schedule,
            summary="private ids for each side, the same turns, nothing shared: the control",
            shares=False,
        ),
    ]

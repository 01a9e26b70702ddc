"""Information-sharing modules: who owns the id embeddings, and how the two sides learn from each other."""

from dataclasses import dataclass

from corecbench.api import Component, hookimpl


@dataclass(frozen=True)
class Schedule:
    """Who trains when: rounds of an LLM turn and a domain turn."""

    rounds: int = 2
    domain_epochs: int = 12
    """At most, over all rounds; never more than the domain model has left of its budget."""
    llm_epochs: int = 4
    """At most, over all rounds; never more than the LLM's budget."""


@dataclass(frozen=True)
class BdlmConfig(Schedule):
    """Settings of the store and of mutual learning."""

    domain_weight: float = 0.5
    """Of the mutual term while the domain model trains."""
    llm_weight: float = 0.5
    """Of the mutual term while the LLM trains."""
    temperature: float = 1.0
    """Both sides' scores are divided by it before they are compared."""


@hookimpl
def corecbench_sharing_modules():
    """Offer the control and the method."""
    return [
        Component(
            "bdlm",
            "corecbench_plugins.sharing.bdlm:Bdlm",
            BdlmConfig,
            summary="one store of ids read by both sides, trained in turns with mutual learning",
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

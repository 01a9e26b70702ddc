"""Information-sharing modules: who owns the id embeddings, and how the two sides learn from each other."""

from dataclasses import dataclass
from typing import Literal

from corecbench.api import SharingComponent, hookimpl


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
    llm_reads_users: bool = False
    """Whether `<uid>` is the user's row, as in the paper. A domain model with user rows fits them to the very items
    that the LLM learns to predict, so in training they give those away."""
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


@dataclass(frozen=True)
class LlmTrains(Schedule):
    """The domain side is the domain model as it was trained alone, and the LLM has one turn."""

    start: Literal["pretrained"] = "pretrained"
    warm_up_epochs: int = 0
    rounds: int = 1
    domain_epochs: int = 0


@dataclass(frozen=True)
class LlmFirst(Schedule):
    """The LLM has one turn, then the domain model has one, as long as its budget and its patience allow."""

    warm_up_epochs: int = 0
    rounds: int = 1
    domain_epochs: int = 1000


@dataclass(frozen=True)
class CollmConfig(LlmTrains):
    """Settings of the injection of collaborative embeddings."""

    hidden_size: int = 128
    """Of the network that maps the domain model's rows to the LLM's id rows."""


@dataclass(frozen=True)
class Dllm2recConfig(LlmFirst):
    """Settings of the two distillations."""

    ranking_weight: float = 0.5
    """Of ranking distillation; 0 leaves it out."""
    top: int = 10
    """Items that the teacher teaches at a place."""
    decay: float = 5.0
    """Places of the teacher's list over which the weight by position falls to 1/e."""
    by_position: float = 1.0
    """Share of an item's weight that its place on the teacher's list gives."""
    by_confidence: float = 1.0
    """Share that the teacher's probability gives."""
    by_consistency: float = 1.0
    """Share that being among the student's own first items gives."""
    positions: int = 256
    """Of each batch at which the student is taught, at most."""
    embeddings: bool = True
    """Whether the student's items hold what the LLM makes of their texts, beside rows of their own."""
    hidden_size: int = 128
    """Of the network that maps the texts to the domain model's width."""


@dataclass(frozen=True)
class Llmd4recConfig(Schedule):
    """Settings of mutual distillation."""

    domain_weight: float = 1.0
    """Of the term while the domain model trains."""
    llm_weight: float = 1.0
    """Of the term while the LLM trains."""
    temperature: float = 1.0
    """Both sides' scores are divided by it before they are compared."""
    positions: int = 256
    """Of each batch at which the sides are compared, at most."""


@dataclass(frozen=True)
class CtrlConfig(Schedule):
    """Settings of contrastive alignment."""

    weight: float = 0.1
    """Of the alignment of users, and of that of items."""
    temperature: float = 0.1
    """Similarities are divided by it."""
    subspaces: int = 4
    """Vectors of a state in the common space."""
    common_size: int = 16
    """Width of each of them."""
    positions: int = 256
    """Places, and items, of each batch that are told apart, at most."""


@dataclass(frozen=True)
class LlminitConfig(Schedule):
    """Settings of the initial item embeddings."""

    start: Literal["new"] = "new"
    """Other embeddings than new ones are begun already."""
    selection: Literal["variance", "uniform", "random"] = "variance"
    """Which of the LLM's dimensions are taken."""
    deviation: float = 0.02
    """Of the initial rows, over all dimensions together; random rows have that one."""


@dataclass(frozen=True)
class Llama4recConfig(LlmTrains):
    """Settings of the ensemble; of several weights and tails validation chooses."""

    weights: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    """Of the LLM's scores, from 0 to 1."""
    tails: tuple[float, ...] = (0.0, 0.5, 1.0)
    """How much less the LLM counts where histories are long, from 0 to 1."""

    def __post_init__(self):
        """Check what the types do not say."""
        for name in ("weights", "tails"):
            values = getattr(self, name)
            if not values or not all(0 <= value <= 1 for value in values):
                raise ValueError(f"{name} are {list(values)}, needed is one number from 0 to 1 or more")


@hookimpl
def corecbench_sharing_modules():
    """Offer the control and the methods."""
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

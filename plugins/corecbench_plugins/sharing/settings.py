"""Settings of the sharing modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from corecbench.api import Added, Choices, Count, Fraction, Natural, Positive, Search, Share, Weight


@dataclass(frozen=True)
class Schedule:
    """Who trains when: the domain model's warm-up, then rounds of an LLM phase and a domain phase."""

    start: Literal["new", "pretrained"] = "new"
    """Whether the domain side starts with new weights, or with what the domain model learnt alone."""
    warm_up_epochs: Annotated[Count, Choices(())] = 60
    """Most epochs of the domain model before the first round. Its patience may end them earlier."""
    rounds: Annotated[Natural, Choices(())] = 2
    """Number of rounds; each is a training phase of the LLM and one of the domain model."""
    domain_epochs: Annotated[Count, Choices(())] = 20
    """Most epochs of the domain model over all rounds, within what is left of its budget."""
    llm_epochs: Annotated[Count, Choices(())] = 4
    """Most epochs of the LLM over all rounds, within its budget."""
    alone_unless_better: bool = False
    """Whether the domain side stays what the domain model learnt alone, unless the pair's is better on validation
    by more than one standard error of the difference."""


@dataclass(frozen=True)
class NoneConfig(Schedule):
    """Settings of the control without sharing; as the pair that it stands beside, it does no harm."""

    alone_unless_better: bool = True


@dataclass(frozen=True)
class HybridConfig(NoneConfig):
    """Settings of the control in which words have a say; its domain side is what the domain model learnt alone."""

    start: Literal["new", "pretrained"] = "pretrained"
    warm_up_epochs: Annotated[Count, Choices(())] = 0
    domain_epochs: Annotated[Count, Choices(())] = 0
    words: Natural = 1024
    """Most directions of the counted words of the item texts."""
    phrases: bool = True
    """True: phrases of two words count, too, and the first words of a text count most."""


@dataclass(frozen=True)
class BesideTextsConfig:
    """Settings of a recommender beside texts."""

    words: Count = 1024
    """Most dimensions of the counted words; 0 for no words."""
    phrases: bool = True
    """True: phrases of two words count, too, and the first words of a text count most."""
    states: bool = True
    """Whether what the LLM makes of the texts has a say."""
    joined: bool = True
    """True: words and states are one content with one weight. False: the states are added after the words, if that
    is clearly better."""
    or_words: Annotated[bool, Added(before=False)] = True
    """Whether words alone may take the place of words joined with states, where these are better on validation."""
    controlled_words: bool = False
    """Whether a control that replaces the item texts replaces them for the counted words, too. False: it replaces
    only what the LLM reads, if that has a say."""

    def __post_init__(self) -> None:
        """Check that something has a say, which the types do not say."""
        if not self.words and not self.states:
            raise ValueError("neither words nor states have a say; give words, or states=true")


@dataclass(frozen=True)
class HybridNeighboursConfig:
    """Settings of a recommender beside neighbours and counted words."""

    words: Natural = 1024
    """Most dimensions of the counted words."""
    phrases: bool = True
    """True: phrases of two words count, too, and the first words of a text count most."""
    states: ClassVar[bool] = False
    joined: ClassVar[bool] = False
    or_words: ClassVar[bool] = False
    controlled_words: ClassVar[bool] = False


@dataclass(frozen=True)
class BdlmConfig(Schedule):
    """Settings of the store and of mutual learning."""

    alone_unless_better: bool = True
    texts: bool = True
    """Whether the store's items hold what the LLM makes of their texts, beside rows of their own."""
    words: Count = 0
    """Most dimensions of the counted words that stand beside what the LLM makes of the texts; 0 for no words."""
    content: bool = False
    """True gives what is said of the texts a say in the scores of each side, once it is trained. How large a say is
    chosen on validation."""
    content_words: Count = 1024
    """Most dimensions of the counted words that have a say beside that; 0 for no words."""
    content_phrases: bool = True
    """True: among them are phrases of two words, and the first words of a text count most."""
    neighbours: Annotated[Count, Choices((0, 3, 5, 10))] = 5
    """Number of items with the nearest texts whose rows an item shares in; 0 for none."""
    llm_writes: bool = True
    """Whether the LLM's training phases change the store, or only read it."""
    renewed: Annotated[bool, Added(before=False), Choices(())] = False
    """Whether the domain side is told, after each of the LLM's phases, what the LLM has come to make of each item:
    its state after a history of that item alone. It stands beside the texts, and says nothing before."""
    llm_reads_users: bool = False
    """Whether the token `<uid>` is the user's row, as in the paper. A domain model with user rows fits them to the
    very items that the LLM learns to predict, so in training they give those items away."""
    row_dropout: Annotated[Share, Search(0.0, 0.6)] = 0.3
    """Probability, drawn anew for each batch, that an item is represented by its text alone in training."""
    domain_weight: Annotated[Weight, Search(0.05, 2.0, log=True)] = 0.5
    """Weight of the mutual term while the domain model trains."""
    llm_weight: Annotated[Weight, Choices(())] = 0.5
    """Weight of the mutual term while the LLM trains."""
    temperature: Positive = 1.0
    """Both sides' scores are divided by the temperature before they are compared."""
    positions: Annotated[Natural, Choices(())] = 256
    """Most positions of each batch at which the sides are compared."""


@dataclass(frozen=True)
class LlmOnly(Schedule):
    """The domain side is the domain model as it was trained alone, and the LLM has one training phase."""

    start: Literal["pretrained"] = "pretrained"
    warm_up_epochs: Count = 0
    rounds: Natural = 1
    domain_epochs: Count = 0


@dataclass(frozen=True)
class LlmFirst(Schedule):
    """The LLM has one phase, then the domain model has one, as long as its budget and its patience allow."""

    warm_up_epochs: Count = 0
    rounds: Natural = 1
    domain_epochs: Count = 1000


@dataclass(frozen=True)
class FrozenLlm(Schedule):
    """The domain side has one phase, as long as its budget and its patience allow, and the LLM has none."""

    warm_up_epochs: Annotated[Count, Choices(())] = 1000
    rounds: Annotated[Natural, Choices(())] = 1
    domain_epochs: Annotated[Count, Choices(())] = 0
    llm_epochs: Annotated[Count, Choices(())] = 0


@dataclass(frozen=True)
class AlphafuseConfig(FrozenLlm):
    """Settings of the ids in the null space of texts."""

    start: Literal["new"] = "new"
    """The domain side always starts anew: its rows are made of texts."""
    null_space: Annotated[Share, Search(0.25, 0.75)] = 0.5
    """Share of the dimensions of a row in which ids are learnt. The others say what the text says, and stay."""
    cover: bool = False
    """True: in these dimensions a row has its id alone. False: its id is added to what the text says."""
    scale: Annotated[Positive, Search(0.02, 1.0, log=True)] = 0.1
    """Standard deviation of each dimension of what the texts say."""
    temperature: Annotated[Weight, Search(0.03, 0.3, log=True)] = 0.07
    """Scores are cosines, divided by the temperature; 0 for the inner products that the domain model has alone."""


@dataclass(frozen=True)
class CollmConfig(LlmOnly):
    """Settings of the injection of collaborative embeddings."""

    hidden_size: Count = 0
    """Hidden width of the network that maps the domain model's rows to the LLM's id rows; 0 for ten times the width
    of these rows."""


@dataclass(frozen=True)
class LlmsrecConfig(CollmConfig):
    """Settings of the distillation of a recommender's states of users."""

    distillation: Weight = 1.0
    """Weight of the distance between the LLM's states of users and the mapped ones of the domain model."""
    uniformity: Weight = 1.0
    """Weight of the likeness of the states of different users, on either side."""
    taught_size: Natural = 128
    """Hidden width of the network that maps the domain model's states of users."""


@dataclass(frozen=True)
class Dllm2recConfig(LlmFirst):
    """Settings of the two distillations."""

    ranking_weight: Weight = 0.8
    """Weight of the ranking distillation; 0 leaves it out."""
    top: Natural = 10
    """Number of the teacher's first items that the student is taught at a position."""
    decay: Positive = 1.0
    """Number of ranks in the teacher's list over which the weight by position falls to 1/e."""
    by_position: Weight = 0.3
    """Factor of the part of an item's weight that its rank in the teacher's list gives."""
    by_confidence: Weight = 0.5
    """Factor of the part of an item's weight that the teacher's probability gives."""
    by_consistency: Weight = 0.1
    """Factor of the part that an item gets for being among the student's own first items."""
    robust: Weight = 0.0
    """Weight of the robust term, which draws scores to 1 or 0. It suits a task loss that does so, too."""
    positions: Annotated[Natural, Choices(())] = 256
    """Most positions of each batch at which the student is taught."""
    embedding_weight: Weight = 0.2
    """Factor of what a linear map makes of the texts beside the rows of the student's items; 0 leaves it out."""


@dataclass(frozen=True)
class Llm2recConfig(LlmFirst):
    """Settings of the LLM whose vectors are the items; its phase, of `llm_epochs`, tunes it."""

    start: Literal["new"] = "new"
    """The domain side always starts anew: its rows are made of texts."""


@dataclass(frozen=True)
class EnsrecConfig(LlmOnly):
    """Settings of the ensemble of ids and texts."""


@dataclass(frozen=True)
class Llmd4recConfig(Schedule):
    """Settings of mutual distillation."""

    domain_weight: Weight = 1.0
    """Weight of the distillation term while the domain model trains."""
    llm_weight: Annotated[Weight, Choices(())] = 1.0
    """Weight of the distillation term while the LLM trains."""
    temperature: Positive = 1.0
    """Both sides' scores are divided by the temperature before they are compared."""
    positions: Annotated[Natural, Choices(())] = 256
    """Most positions of each batch at which the sides are compared."""


@dataclass(frozen=True)
class CtrlConfig(Schedule):
    """Settings of contrastive alignment."""

    weight: Weight = 0.1
    """Weight of the alignment of users, and also of the alignment of items."""
    temperature: Positive = 0.1
    """Similarities are divided by the temperature."""
    subspaces: Natural = 4
    """Number of vectors that stand for a state in the common space."""
    common_size: Natural = 16
    """Width of each vector in the common space."""
    positions: Annotated[Natural, Choices(())] = 256
    """Most positions, and most items, of each batch that are told apart."""


@dataclass(frozen=True)
class RlmrecConfig(FrozenLlm):
    """Settings of the alignment with texts."""

    kind: Literal["contrastive", "generative"] = "contrastive"
    """Whether states are told apart by their texts, or tell the texts of what is hidden from the model."""
    weight: Annotated[Weight, Search(0.001, 1.0, log=True)] = 0.01
    """Weight of the alignment; the public code has 0.01 for contrastive and 0.1 for generative."""
    temperature: Annotated[Positive, Search(0.05, 1.0, log=True)] = 0.2
    """Cosines are divided by the temperature."""
    hidden: Annotated[Fraction, Search(0.05, 0.3, when=("kind", ("generative",)))] = 0.15
    """Share of the users and items that are hidden, drawn anew for each batch."""
    positions: Annotated[Natural, Choices(())] = 256
    """Most users, and most items, of each batch that are told apart."""


@dataclass(frozen=True)
class LlminitConfig(Schedule):
    """Settings of the initial item embeddings."""

    start: Literal["new"] = "new"
    """The domain side always starts anew: embeddings that were trained already have no initial values to set."""
    selection: Literal["variance", "uniform", "random"] = "variance"
    """Which of the LLM's dimensions are taken."""
    popular: Annotated[Share, Search(0.05, 1.0)] = 0.2
    """Share of the items, those with most interactions in training, whose variance decides; 1 for all items."""
    users: bool = True
    """Whether users start as the mean rows of their items, or at random."""
    deviation: Positive = 0.02
    """Standard deviation of the initial rows, over all dimensions together; random rows have the same."""


@dataclass(frozen=True)
class RecPcaConfig(FrozenLlm):
    """Settings of initial item embeddings that follow behaviour."""

    start: Literal["new"] = "new"
    """The domain side always starts anew: embeddings that were trained already have no initial values to set."""
    alignment: Annotated[Weight, Search(0.1, 1.0, log=True)] = 1.0
    """How much variance among the items of a user counts against a direction; 0 for principal components."""
    users: bool = True
    """Whether users start as the mean rows of their items, or at random."""
    deviation: Positive = 0.02
    """Standard deviation of the initial rows, over all dimensions together; random rows have the same."""


@dataclass(frozen=True)
class Llama4recConfig(LlmOnly):
    """Settings of the ensemble; validation chooses among several weights and tails."""

    weights: tuple[Share, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    """Candidates, from 0 to 1, for the weight of the LLM's scores."""
    tails: tuple[Share, ...] = (0.0, 0.5, 1.0)
    """Candidates, from 0 to 1, for how much less the LLM counts where histories are long."""

    def __post_init__(self) -> None:
        """Check that there are candidates, which the types do not say."""
        for name in ("weights", "tails"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty; give one number from 0 to 1 or more")


@dataclass(frozen=True)
class UnisrecConfig(FrozenLlm):
    """Settings of the mixture of experts over texts."""

    start: Literal["new"] = "new"
    """The domain side always starts anew: its rows are made of texts."""
    rows: bool = True
    """Whether an item has a row of its own beside its text (transductive), or its text alone (inductive)."""
    experts: Annotated[Natural, Choices((1, 4, 8))] = 8
    """Number of experts that map a text's vector to a row."""
    dropout: Annotated[Fraction, Search(0.0, 0.5)] = 0.2
    """Share of a vector's entries that are left out in training before the experts read it."""
    temperature: Annotated[Weight, Search(0.03, 0.3, log=True)] = 0.07
    """Scores are cosines, divided by the temperature; 0 for the inner products that the domain model has alone."""

"""What a component may have beside what it must have: one small protocol for each optional capability.

A plugin need not name these protocols; it is enough to have the method or attribute. corecbench looks once, after
the component is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import torch

    from corecbench.api.data import Batch, Interactions, States
    from corecbench.api.models import Side
    from corecbench.api.sharing import Budget, Pretrained


class Fits(Protocol):
    """A recommender or a sharing module that looks at the training part once, before the first epoch.

    A model without gradients learns here; a graph model builds its graph. A sharing module counts, or looks for
    similar users: it is called after `ids` and before `start`.
    """

    def fit(self, train: Interactions) -> None:
        """Learn from the training part, or prepare for it."""
        ...


class ReadsTexts(Protocol):
    """A domain model that takes what the LLM says of item texts, such as for semantic ids or a second view."""

    def read_texts(self, pretrained: Pretrained) -> None:
        """Take what the sharing module was given, before anything is trained together.

        Called in a pair, once its weights are those that it starts from and after the module's `start`; never for
        the model alone. Layers that are made here are trained with it.

        Args:
            pretrained: of which a model that is loaded later is given `text` and `text_states` alone.
        """
        ...


class HasLoss(Protocol):
    """A recommender with a task loss of its own.

    The standard loss is cross-entropy over the catalogue, or over sampled items, at every position of windows, and
    BPR for pairs.
    """

    def loss(self, batch: Batch, states: States | None) -> torch.Tensor:
        """Return the loss of a batch, a scalar tensor.

        Args:
            batch: with targets, and negatives for pairs.
            states: what `states(batch)` returned; None for a recommender that gives scores.
        """
        ...


class Scores(Protocol):
    """A recommender whose score is no inner product. It has `scores` in place of `states`.

    It is trained alone only (`joint=False`), by `fit` or by a loss of its own. Texts may have a say in its scores.
    """

    def scores(self, batch: Batch) -> torch.Tensor:
        """Return the scores of all items for each history, float32 [B, N+1]. Column 0 is padding."""
        ...


class HasLastStates(Protocol):
    """A recommender with a state per position that computes the one after the whole history cheaper than all."""

    def last_states(self, batch: Batch) -> States:
        """Return what `states(batch)` says of the users after their last items, user float32 [B, d].

        Asked for where users are ranked, in evaluation mode and without gradients.
        """
        ...


class HasText(Protocol):
    """An LLM that summarises item texts. A sharing module may give the summaries to both sides."""

    text: torch.Tensor
    """[N+1, k] in the dtype of the LLM's body: the untrained LLM's summary of each item's text. The rows of padding
    and of items without a text are zero."""


class HasTextStates(Protocol):
    """An LLM whose `text` is scaled or projected, and that also gives what it was made of."""

    text_states: torch.Tensor
    """float [N+1, h]: the LLM's own states of each item's text. The rows of padding and of items without a text are
    zero."""


class TellsOfHistories(Protocol):
    """A table of users for the LLM that says something of each sample's own history, beside a row for each user."""

    of_histories: Callable[[Batch], torch.Tensor] | None
    """`of_histories(batch)` returns float32 [B, L, d], what stands beside each item of a history: it may depend on
    that item and those before it alone. None: nothing does. An LLM that knows of it reads it; any other reads the
    rows of users alone. A side with such a table is not kept, since only the other side can tell it anew."""


class StartsFrom(Protocol):
    """A sharing module that says where the domain side of a pair starts."""

    start_from: Literal["pretrained", "new"]
    """"pretrained" (the default without this attribute): the domain model starts from what it learnt alone. "new":
    it starts from new weights and has the whole budget of epochs of the model alone. Then nothing that was learnt
    alone is read, and `start` is given the tables of a new model."""


class ScoresByCosine(Protocol):
    """A sharing module under which both sides score by cosines: in training, in its losses, and where they rank."""

    cosine_temperature: float | None
    """The score is the cosine of a user's and an item's state, divided by this positive number. None, as without
    this attribute: it is their product."""


class KeepsAlone(Protocol):
    """A sharing module under which a domain model need not lose by the pair."""

    alone_unless_better: bool
    """Whether the domain side stays what the domain model learnt alone, unless more is better on validation by more
    than one standard error: that model with the module's `content` in its scores, or the pair. Each is compared
    with the best before it. Without this attribute it is always the pair's."""


if TYPE_CHECKING:
    Content = torch.Tensor | Scores | tuple[torch.Tensor | Scores, ...]


class HasContent(Protocol):
    """A sharing module, or a domain model, that has a say in how trained sides rank (`content=True`)."""

    content: Content | Sequence[Content] | None
    """float [N+1, k], what is said of each item's text; a zero row for an item without one. None for no say. Read
    once a side is trained: the cosine of an item's row and the mean row of a history is then added to the scores of
    the side, with a weight that is chosen on validation, if that is clearly better. Of several, each is added to
    what came before. A model that `Setup.build` made, such as neighbours, adds its `scores` likewise. A tuple among
    them holds versions, the simplest first, of which validation chooses one."""


class Prepares(Protocol):
    """A sharing module that trains something of its own before the turns, such as a quantiser or an alignment."""

    def prepare(self, budget: Budget) -> Iterator[tuple[Side, float]]:
        """Train an epoch, yield the side whose budget it is taken from and its mean loss, and go on or end.

        Called once, after `start`. `turns` is asked within what is left of the budget. The time counts, too.
        """
        ...


class TrainsLayers(Protocol):
    """A sharing module with layers that train together with a side, beside the tables that the side reads."""

    def trained_with(self, side: Side) -> torch.nn.Module | None:
        """Return the layers that a side trains in its turns, None if there are none. Called once for each side.

        The parameters of a side's model, and so those of the id tables that it keeps, are trained anyhow.
        """
        ...


class IsToldAnew(Protocol):
    """A sharing module that is told what the LLM makes of the items whenever the LLM has learnt."""

    def renew(self, item_states: torch.Tensor) -> None:
        """Take what the LLM now makes of each item. Called before each domain turn that follows a turn of the LLM.

        A module that does not always want to be told has None in place of this method.

        Args:
            item_states: float32 [N+1, d], the LLM's state after a history of that item alone; row 0 is zero.
        """
        ...


class Settles(Protocol):
    """A combiner that chooses something, such as weights, by validation."""

    def settle(self, validate: Callable[[], float]) -> Mapping[str, float]:
        """Choose, and return name -> finite number, to be stored with the results.

        Called once, before the test items are ranked. Nothing of the test items is known to it.

        Args:
            validate: ranks the validation items by the present scores of `combine`, and returns NDCG@10.
        """
        ...

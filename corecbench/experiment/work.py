"""What a cell is going to train, turn by turn, as far as it is known before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from corecbench.api import Training
from corecbench.experiment.controls import applied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.api import CellRecord, Side, Turn
    from corecbench.experiment.cells import Cell
    from corecbench.experiment.plan import Plan
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected


class Kind(NamedTuple):
    """Cells of one kind take a similar time."""

    dataset: str
    parts: str
    """What is trained: "domain", "llm", "pair", or "reference", which is quick."""


class Timed(NamedTuple):
    """What a model takes on a data set."""

    epoch_s: float
    """Seconds of an epoch with its validation; 0 for a model that is not trained."""
    beside_s: float
    """Seconds of a cell beside its epochs: building the model, and ranking all users."""
    memory_bytes: int
    """The largest memory of the process meanwhile."""


class Stretch(NamedTuple):
    """The epochs of one model in one turn."""

    model: str
    """What the user called it."""
    most: int
    """Most epochs."""
    likely: int
    """Epochs that it probably needs."""
    patience: int
    coupled: bool = False
    """Whether it learns from a side that was trained before."""


class Work(NamedTuple):
    """What a cell is going to train."""

    kind: Kind
    stretches: tuple[Stretch, ...] = ()
    """One for each turn; none where nothing is trained."""


def kind_of(cell: CellRecord) -> Kind:
    if cell.get("reference"):
        return Kind(cell["dataset"], "reference")
    return Kind(cell["dataset"], "pair" if cell["sharing"] else "llm" if cell["llm"] else "domain")


def work_of(cell: Cell, plan: Plan, host: Host) -> Work:
    """Return what a cell is going to train. The sharing module and the control of a pair say its turns."""
    kind = kind_of(cell.facts)
    models: dict[Side, Selected] = {}
    models |= {} if cell.domain is None else {"domain": cell.domain}
    models |= {} if cell.llm is None else {"llm": cell.llm}
    if not all(isinstance(part.config, Training) for part in models.values()):
        return Work(kind)
    if cell.sharing is None:
        return Work(kind, tuple(stretch(part, part.config.epochs) for part in models.values()))
    if not cell.sharing.trains:
        return Work(kind)
    turns = turns_of(cell, models["domain"], models["llm"], plan, host)
    sides = [turn.side for turn in turns]
    return Work(
        kind,
        tuple(
            stretch(models[turn.side], turn.epochs, len(set(sides[:number])) > (turn.side in sides[:number]))
            for number, turn in enumerate(turns)
        ),
    )


def stretch(part: Selected, most: int, coupled: bool = False) -> Stretch:
    return Stretch(part.label, most, min(most, likely_epochs(part)), part.config.patience, coupled)


def likely_epochs(part: Selected) -> int:
    """Return how many epochs a model probably needs alone.

    Where its patience may end them early, it is a third of the most: half of the published SASRec, GRU4Rec and
    LightGCN needed between 13 and 41 %.
    """
    most: int = part.config.epochs
    return most if 2 * part.config.patience >= most else -(-most // 3)


def turns_of(cell: Cell, domain: Selected, llm: Selected, plan: Plan, host: Host) -> Sequence[Turn]:
    """Return the turns of a pair; where the module cannot be asked, one of each side."""
    from corecbench.api import Budget, Setup, Turn
    from corecbench.plugin.abilities import sharing_abilities
    from corecbench.training.turns import turns_within

    epochs = domain.config.epochs, llm.config.epochs
    try:
        setup = Setup(cell.data.catalog, cell.max_history, cell.seed, "cpu", plan.cache)
        module = host.build(cast("Selected", cell.sharing), setup)
        anew = sharing_abilities(module).start_from == "new"
        turns = turns_within(Budget(epochs[0] - (0 if anew else likely_epochs(domain)), epochs[1]), module)
        if cell.control is None:
            return turns
        return applied(cell.control, host).turns(turns)
    except (Exception, SystemExit):
        return [Turn("domain", epochs[0]), Turn("llm", epochs[1])]

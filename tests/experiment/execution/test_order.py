"""Which cell is handed over first, and which one waits."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from corecbench.experiment.execution.order import Queue, same_texts, side_by_side


@dataclass(frozen=True)
class Part:
    label: str
    is_reference: bool = False


@dataclass(frozen=True)
class Data:
    name: str
    whole: str = ""

    @property
    def whole_name(self):
        return self.whole or self.name


@dataclass(frozen=True)
class FakeCell:
    domain: Part | None = None
    llm: Part | None = None
    sharing: Part | None = None
    seed: int = 0
    data: Data = Data("toys")

    @property
    def name(self):
        return "+".join(part.label for part in (self.domain, self.llm, self.sharing) if part)

    @property
    def folder(self):
        return Path(f"{self.name}-{self.seed}")


SASREC, GRU, LLAMA, BDLM = map(Part, ("sasrec", "gru4rec", "llama", "bdlm"))
PLAN = [
    FakeCell(SASREC),
    FakeCell(GRU),
    FakeCell(llm=LLAMA),
    FakeCell(SASREC, LLAMA, BDLM),
    FakeCell(GRU, LLAMA, BDLM),
]


def of_sasrec(cell):
    """Return that pairs with SASRec need what it learnt alone."""
    return None if cell.domain == GRU else "start"


def names(queue):
    """Return the cells that can be handed over now, in their order."""
    found = []
    while (cell := queue.next()) is not None:
        found.append(cell.name)
    return found


def test_a_queue_without_more_is_in_the_order_of_the_plan():
    assert names(Queue(list(PLAN))) == [cell.name for cell in PLAN]


def test_pairs_that_need_nothing_of_their_models_alone_are_first():
    queue = side_by_side(PLAN, lambda _: None)
    assert names(queue) == ["sasrec+llama+bdlm", "gru4rec+llama+bdlm", "llama", "sasrec", "gru4rec"]


def test_references_come_before_all():
    reference = replace(PLAN[0], domain=Part("item-knn", is_reference=True))
    assert names(side_by_side([*PLAN, reference], lambda _: None))[:2] == [reference.name, "sasrec+llama+bdlm"]


def test_a_cell_is_put_off_only_if_there_is_another():
    queue = side_by_side(PLAN, lambda _: None)
    assert [queue.next(lambda cell: cell.llm is not None).name for _ in PLAN] == [
        *("sasrec", "gru4rec"),
        *("sasrec+llama+bdlm", "gru4rec+llama+bdlm", "llama"),
    ]
    assert queue.next() is None


def test_cells_read_the_same_texts_by_the_same_llm_on_the_same_data():
    assert same_texts(PLAN[2], PLAN[3])
    assert not same_texts(PLAN[3], replace(PLAN[3], data=Data("others")))
    assert not same_texts(PLAN[0], PLAN[1])
    assert same_texts(PLAN[3], replace(PLAN[3], data=Data("a part of it", whole=PLAN[3].data.name)))


def test_a_pair_that_needs_its_domain_model_waits_for_it_alone():
    queue = side_by_side(PLAN, of_sasrec)
    assert names(queue) == ["sasrec", "gru4rec+llama+bdlm", "llama", "gru4rec"]
    queue.ended(PLAN[1])
    assert names(queue) == []
    queue.ended(PLAN[0])
    assert names(queue) == ["sasrec+llama+bdlm"]


def test_a_pair_that_needs_it_at_its_end_waits_until_its_domain_model_alone_is_handed_over():
    queue = side_by_side(PLAN, lambda _: "end", takes_back=True)
    assert names(queue) == ["sasrec", "gru4rec", "llama"]
    queue.begun(PLAN[1])
    assert names(queue) == ["gru4rec+llama+bdlm"]
    assert names(side_by_side(PLAN, lambda _: "end")) == ["sasrec", "gru4rec", "llama"]


def test_a_pair_that_is_taken_back_waits_until_its_domain_model_alone_has_ended():
    queue = side_by_side(PLAN[3:], lambda _: "end", takes_back=True)
    pair = queue.next()
    queue.back(pair, [PLAN[1], PLAN[0]])
    queue.begun(PLAN[0])
    assert names(queue) == ["gru4rec+llama+bdlm"]
    queue.ended(PLAN[0])
    assert names(queue) == [pair.name]
    queue.back(pair, [])
    assert names(queue) == [pair.name]


def test_a_pair_waits_for_no_cell_that_is_done_already():
    assert names(side_by_side(PLAN[1:], of_sasrec))[0] == "sasrec+llama+bdlm"


@pytest.mark.parametrize("change", [{"seed": 1}, {"data": Data("others")}])
def test_a_pair_waits_for_the_cell_of_its_own_seed_and_data_only(change):
    other = replace(PLAN[0], **change)
    assert names(side_by_side([other, PLAN[3]], lambda _: "start")) == ["sasrec+llama+bdlm", "sasrec"]

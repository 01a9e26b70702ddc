"""Counting in blocks against whole rows of exact scores."""

import itertools

import numpy as np
import pytest
import torch

from corecbench.api import Batch, States
from corecbench.data.ranking_task import RankingTask, SeenItems
from corecbench.evaluation import counting, far_counting
from corecbench.evaluation.counting import BLOCKS, count_ranks
from corecbench.evaluation.far_counting import count_without_waiting
from corecbench.evaluation.pairs import Absent, Pairs
from corecbench.evaluation.ranking import rank_task
from corecbench.evaluation.scores import GivenScores, StateScores, item_scores

N_USERS, N_ITEMS, K = 70, 2600, 10


def exact_ranks_and_lists(scores, target, left_out, k):
    """Rank and list from the definition, by float32 scores [U, N+1] and, for each user, a set of left-out items."""
    ranks, lists = [], []
    for own, item, out in zip(scores, target, left_out, strict=True):
        candidates = np.array([i for i in range(1, len(own)) if i == item or i not in out])
        ranks.append(int((own[candidates] >= own[item]).sum()))
        lists.append(candidates[np.lexsort((candidates, -own[candidates]))][:k].tolist())
    return ranks, lists


def states(kind, d=16):
    """States under which scores differ, tie in pairs, differ by less than float32 resolves, are equal, or rise."""
    generator = torch.Generator().manual_seed(3)
    user, item = torch.randn(N_USERS, d, generator=generator), torch.randn(N_ITEMS + 1, d, generator=generator)
    if kind == "pairs":
        item[1 + N_ITEMS // 2 :] = item[1 : 1 + N_ITEMS // 2].clone()
    if kind == "close":
        item = item[:1] + 1e-7 * item
    if kind == "equal":
        item[:] = item[7].clone()
    if kind == "rising":
        user[:, 0], item[:, 0] = 1, torch.linspace(0, 60, N_ITEMS + 1)
    return user, item


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("kind", ["different", "pairs", "close", "equal", "rising"])
def test_blocks_of_fast_scores_give_the_ranks_and_lists_of_exact_scores(kind, wide, monkeypatch):
    user, item = states(kind)
    rng = np.random.default_rng(5)
    target = rng.integers(1, N_ITEMS + 1, N_USERS)
    left_out = [set(rng.integers(1, N_ITEMS + 1, 40).tolist()) - {row} for row in target.tolist()]
    pairs = Pairs(*(torch.tensor(column) for column in zip(*pairs_of(left_out), strict=True)))
    exact = item_scores(user, item).numpy()
    expected = exact_ranks_and_lists(exact, target, left_out, K)
    if not wide:  # lists are merged
        monkeypatch.setattr(counting, "BLOCKS", ((32, 512), (32, 512)))
        monkeypatch.setattr(far_counting, "BLOCK", N_USERS * 512)
    both = StateScores(user, item), GivenScores(torch.tensor(exact))
    for scores, count in itertools.product(both, (count_ranks, count_without_waiting)):
        ranks, best = count(scores, torch.tensor(target), pairs, K)
        assert (ranks.tolist(), best.items.tolist()) == expected
        row = np.arange(N_USERS)[:, None]
        assert (best.scores.numpy() == exact[row, best.items.numpy()]).all()
        assert count(scores, torch.tensor(target), pairs, 0)[0].tolist() == expected[0]


@pytest.mark.parametrize("kind", ["different", "pairs", "close", "equal", "rising"])
@pytest.mark.parametrize("given", [False, True])
def test_ranks_down_to_a_place_are_those_of_all_items_and_others_are_beyond_it(kind, given, monkeypatch):
    monkeypatch.setattr(counting, "BLOCKS", ((32, 64), (32, 64)))
    monkeypatch.setattr(counting, "MANY_PAIRS", 3)
    user, item = states(kind)
    rng = np.random.default_rng(5)
    since, until = rng.integers(0, 100, N_ITEMS + 1), np.full(N_USERS, 90)
    exact = item_scores(user, item).numpy()
    candidates = exact * (since <= 90) - 1e9 * (since > 90)
    place = rng.integers(1, 2 * K, N_USERS) * rng.choice([1, 50], N_USERS)
    target = candidates[:, 1:].argsort(axis=1)[np.arange(N_USERS), -place] + 1
    left_out = [set(rng.integers(1, N_ITEMS + 1, 40).tolist()) - {row} for row in target.tolist()]
    pairs = Pairs(*(torch.tensor(column) for column in zip(*pairs_of(left_out), strict=True)))
    out = [own | set(np.flatnonzero(since > 90).tolist()) for own in left_out]
    expected, _ = exact_ranks_and_lists(exact, target, out, K)
    absent = Absent(torch.tensor(since, dtype=torch.int32), torch.tensor(until, dtype=torch.int32))
    scores = GivenScores(torch.tensor(exact)) if given else StateScores(user, item)
    ranks, _ = counting.count_to(K, scores, torch.tensor(target), pairs, absent)
    assert ranks.clamp(max=K + 1).tolist() == np.minimum(expected, K + 1).tolist()
    if kind == "different":
        assert len({rank for rank in expected if rank <= K}) > 3
        assert (ranks.numpy() < expected).any()  # some were not counted on


@pytest.mark.parametrize("kind", ["different", "close", "equal"])
def test_items_that_do_not_exist_yet_are_no_candidates(kind, monkeypatch):
    monkeypatch.setattr(counting, "BLOCKS", ((32, 512), (32, 512)))
    monkeypatch.setattr(far_counting, "BLOCK", N_USERS * 512)
    user, item = states(kind)
    rng = np.random.default_rng(5)
    target, since = rng.integers(1, N_ITEMS + 1, N_USERS), rng.integers(0, 100, N_ITEMS + 1)
    until = np.maximum(since[target], 50)
    later = [set(np.flatnonzero(since > own).tolist()) for own in until]
    expected = exact_ranks_and_lists(item_scores(user, item).numpy(), target, later, K)
    absent = Absent(torch.tensor(since, dtype=torch.int32), torch.tensor(until, dtype=torch.int32))
    nothing = Pairs(*torch.zeros((2, 0), dtype=torch.int64))
    for count in (count_ranks, count_without_waiting):
        ranks, best = count(StateScores(user, item), torch.tensor(target), nothing, K, absent)
        assert (ranks.tolist(), best.items.tolist()) == expected


def pairs_of(left_out):
    """Yield pairs of a row and a left-out item."""
    return [(row, item) for row, items in enumerate(left_out) for item in sorted(items)]


def test_a_block_of_scores_of_whole_batches_stays_in_a_processor_s_cache():
    assert all(users * items <= 2**20 for users, items in BLOCKS)


def test_nothing_as_large_as_users_times_items_is_ever_held():
    n_items, k = 200_000, 10
    generator = torch.Generator().manual_seed(0)
    item = torch.randn(n_items + 1, 8, generator=generator)
    users = np.arange(256)
    seen = SeenItems(np.zeros(0, dtype=np.int64), np.zeros_like(users), np.zeros_like(users))
    task = RankingTask(users, users + 1, np.ones((256, 1), dtype=np.int64), seen)
    largest = 0

    class Largest(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            out = function(*args, **(kwargs or {}))
            largest = max(
                [largest, *(part.numel() for part in torch.utils._pytree.tree_leaves(out) if is_tensor(part))]
            )
            return out

    is_tensor = lambda part: isinstance(part, torch.Tensor)  # noqa: E731
    with Largest():
        rank_task(lambda batch: States(torch.ones(len(batch.user), 8), item), task, top_k=k)
    assert largest <= 8 * (n_items + 1)  # the item states; all scores would be 32 times as many


def test_states_in_half_precision_are_ranked_too():
    user, item = (tensor.bfloat16() for tensor in states("different"))
    task = RankingTask(
        np.arange(2),
        np.array([3, 4]),
        np.ones((2, 1), dtype=np.int64),
        SeenItems(*np.zeros((3, 2), dtype=np.int64)),
    )

    def answer(batch: Batch) -> States:
        return States(user[batch.user], item)

    exact = item_scores(user[:2].float(), item.float())
    expected = [1 + int((row[1:] >= row[target]).sum()) - 1 for row, target in zip(exact, (3, 4), strict=True)]
    assert rank_task(answer, task).rank.tolist() == expected

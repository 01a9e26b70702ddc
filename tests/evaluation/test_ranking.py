import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corecbench.api import Batch, States
from corecbench.data.ranking_task import RankingTask, SeenItems
from corecbench.evaluation.ranking import rank_task, task_states
from corecbench.evaluation.scores import ScoreError

examples = settings(max_examples=40, deadline=None)


def integers(*rows):
    return torch.tensor(rows, dtype=torch.int64)


def ranked(user, item, target, seen, top_k=0):
    """Rank the targets of users whose states are given."""
    users = np.arange(len(user))
    task = RankingTask(users, target.numpy(), np.ones((len(user), 1), dtype=np.int64), seen_items(seen))
    return rank_task(lambda batch: States(user[batch.user], item), task, top_k=top_k)


def rank_scores(scores, target, seen=(0,)):
    """Rank one user whose scores of items 1..N are given."""
    item = torch.tensor([0.0, *scores])[:, None]
    ranks = ranked(torch.ones(1, 1), item, integers(target), integers(seen))
    return ranks.rank.item(), ranks.n_candidates.item()


def seen_items(rows):
    """The seen items of each user, from rows that are padded with 0."""
    of_users = [[item for item in row if item] for row in np.asarray(rows).tolist()]
    length = np.array([len(items) for items in of_users])
    items = np.array([item for items in of_users for item in items], dtype=np.int64)
    return SeenItems(items, np.cumsum(length) - length, length)


@st.composite
def tasks(draw):
    """Users with a target and seen items, and scores in few steps so that ties are common."""
    n_users, n_items = draw(st.integers(1, 12)), draw(st.integers(2, 15))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.integers(-2, 3, size=(n_users, n_items + 1)).astype(np.float32) / 3
    n_seen = int(rng.integers(1, n_items))
    task = RankingTask(
        users=np.arange(1, n_users + 1),
        target=rng.integers(1, n_items + 1, size=n_users),
        history=rng.integers(1, n_items + 1, size=(n_users, 4)),
        seen=seen_items(rng.integers(0, n_items + 1, size=(n_users, n_seen))),
    )
    return task, scores


def scorer(scores):
    """States under which the score of a user and an item is the entry of the matrix."""
    item = torch.eye(scores.shape[1])
    return lambda batch: States(user=torch.tensor(scores)[batch.user - 1], item=item)


def all_seen(task):
    """The seen items of each user of a task, padded with 0."""
    return task.seen.of(np.arange(len(task.users)))


def slow_rank(scores, target, seen):
    """Rank one user with plain Python, straight from the definition."""
    candidates = [i for i in range(1, len(scores)) if i == target or i not in seen]
    higher = sum(scores[i] > scores[target] for i in candidates)
    tied = sum(scores[i] == scores[target] for i in candidates if i != target)
    return 1 + higher + tied, len(candidates)


def permuted_items(n_items, d, seed):
    """Item states that hold the same numbers in different orders: a constant user scores them all alike."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=d)
    return torch.tensor(np.stack([rng.permutation(numbers) for _ in range(n_items + 1)]), dtype=torch.float32)


def test_a_rank_counts_the_candidates_with_a_higher_score():
    assert rank_scores([0.3, 0.9, 0.1, 0.5], target=1) == (3, 4)


def test_ties_count_against_the_model():
    assert rank_scores([0.5, 0.5, 0.9, 0.5, 0.1], target=2) == (4, 5)


def test_a_constant_scorer_gets_the_worst_rank():
    assert rank_scores([7.0] * 5, target=3, seen=(1, 2, 0)) == (3, 3)


def test_seen_items_are_left_out():
    assert rank_scores([0.9, 0.8, 0.7, 0.6], target=3, seen=(1, 4, 0)) == (2, 2)


def test_a_target_that_was_seen_is_still_ranked():
    assert rank_scores([0.9, 0.8, 0.7], target=2, seen=(1, 2)) == (1, 2)


def test_the_padding_column_is_never_ranked():
    item = torch.tensor([[99.0], [1.0], [2.0]])
    ranks = ranked(torch.ones(1, 1), item, integers(2), integers((0,)))
    assert (ranks.rank.item(), ranks.n_candidates.item()) == (1, 2)


def test_the_padding_column_may_hold_anything():
    item = torch.tensor([[float("nan")], [1.0], [2.0]])
    assert ranked(torch.ones(1, 1), item, integers(1), integers((0,))).rank.item() == 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_not_finite_has_no_rank(bad):
    user = torch.tensor([[0.5], [bad]])
    item = torch.tensor([[0.0], [1.0], [1.0]])
    with pytest.raises(ScoreError, match="scores of 1 of 2 users are NaN or infinite") as error:
        ranked(user, item, integers(1, 1), integers((0,), (0,)))
    assert "\n" not in str(error.value)


def test_a_score_beyond_float32_is_an_error():
    with pytest.raises(ScoreError, match="scores of 1 of 1 users are NaN or infinite"):
        ranked(torch.tensor([[1e30]]), torch.tensor([[0.0], [1e30]]), integers(1), integers((0,)))


def test_a_seen_item_with_a_score_that_is_not_finite_is_an_error_too():
    with pytest.raises(ScoreError, match="scores of 1 of 1 users are NaN or infinite"):
        rank_scores([1.0, float("nan")], target=1, seen=(2,))


@given(tasks(), st.integers(1, 13))
@examples
def test_scores_are_ranked_like_states_that_give_them(drawn, batch_size):
    task, scores = drawn
    given = torch.tensor(scores)
    ranks, expected = (
        rank_task(answer, task, batch_size) for answer in (lambda batch: given[batch.user - 1], scorer(scores))
    )
    assert ranks.rank.tolist() == expected.rank.tolist()
    assert ranks.n_candidates.tolist() == expected.n_candidates.tolist()


def test_scores_that_are_given_stay_as_they_are():
    given = torch.tensor([[3.0, 1.0, 2.0]])
    one = np.ones(1, dtype=np.int64)
    task = RankingTask(users=one, target=one, history=2 * one[:, None], seen=seen_items(2 * one[:, None]))
    assert rank_task(lambda batch: given, task).n_candidates.tolist() == [1]
    assert given.tolist() == [[3.0, 1.0, 2.0]]


@given(tasks(), st.integers(1, 13))
@examples
def test_ranks_agree_with_a_slow_reference(drawn, batch_size):
    task, scores = drawn
    ranks = rank_task(scorer(scores), task, batch_size)
    expected = [slow_rank(*user) for user in zip(scores, task.target, all_seen(task), strict=True)]
    assert list(zip(ranks.rank.tolist(), ranks.n_candidates.tolist(), strict=True)) == expected
    assert ranks.rank.dtype == ranks.n_candidates.dtype == np.int64


@given(tasks(), st.randoms(use_true_random=False))
@examples
def test_ranks_do_not_depend_on_the_order_of_users(drawn, random):
    task, scores = drawn
    order = list(range(len(task.users)))
    random.shuffle(order)
    seen = SeenItems(task.seen.items, task.seen.start[order], task.seen.length[order])
    shuffled = RankingTask(task.users[order], task.target[order], task.history[order], seen)
    straight, other = rank_task(scorer(scores), task), rank_task(scorer(scores), shuffled)
    assert other.users.tolist() == straight.users[order].tolist()
    assert other.rank.tolist() == straight.rank[order].tolist()
    assert other.n_candidates.tolist() == straight.n_candidates[order].tolist()


@pytest.mark.parametrize("d", [1, 3, 8, 17, 33, 64, 65, 129, 300])
def test_ranks_do_not_depend_on_the_batch_size(d):
    n_users, n_items = 23, 101
    rng = np.random.default_rng(d)
    levels = permuted_items(n_items, d, seed=d)
    levels[::3] *= 1 + 1e-3  # so that a rank is neither 1 nor N
    user = torch.tensor(rng.normal(size=(n_users + 1, 1)), dtype=torch.float32).expand(-1, d)
    task = RankingTask(
        users=np.arange(1, n_users + 1),
        target=rng.integers(1, n_items + 1, size=n_users),
        history=np.ones((n_users, 1), dtype=np.int64),
        seen=seen_items(np.zeros((n_users, 1), dtype=np.int64)),
    )
    whole, *parts = (
        rank_task(lambda batch: States(user=user[batch.user], item=levels), task, batch_size)
        for batch_size in (n_users, 1, 2, 5, 16)
    )
    assert all(part.rank.tolist() == whole.rank.tolist() for part in parts)


@pytest.mark.parametrize("d", [1, 2, 7, 16, 31, 64, 65, 100, 255])
def test_equal_items_tie_wherever_they_stand_in_the_table(d):
    generator = torch.Generator().manual_seed(d)
    distinct = torch.randn(53, d, generator=generator)
    item = torch.cat([torch.zeros(1, d), distinct, distinct, distinct])  # item i equals i + 53 and i + 106
    user = torch.randn(19, d, generator=generator)
    first = torch.arange(1, 20)
    nothing = torch.zeros_like(first)[:, None]
    ranks = [ranked(user, item, first + shift, nothing).rank for shift in (0, 53, 106)]
    assert ranks[0].tolist() == ranks[1].tolist() == ranks[2].tolist()
    assert all(rank % 3 == 0 for rank in ranks[0].tolist())


@pytest.mark.parametrize("d", [3, 16, 65, 300])
def test_scores_that_differ_only_by_rounding_tie(d):
    item = permuted_items(40, d, seed=d)
    ranks = ranked(torch.ones(1, d), item, integers(7), integers((0,)))
    assert ranks.rank.item() == ranks.n_candidates.item() == 40


def test_the_state_after_the_last_item_counts():
    item = torch.eye(4)
    position_states = item[torch.tensor([[1, 2, 3], [2, 1, 3]])]  # the state after a position favours one item

    def states(batch: Batch):
        return States(user=position_states[batch.user - 1], item=item)

    task = RankingTask(
        users=np.array([1, 2]),
        target=np.array([2, 2]),
        history=np.array([[3, 1, 0], [3, 0, 0]]),  # two items, so position 2; one item, so position 1
        seen=seen_items(np.array([[0], [0]])),
    )
    assert rank_task(states, task).rank.tolist() == [1, 1]


# --- the best candidates ------------------------------------------------------------------------------------------


def best_scored(scores, k, target, seen=(0,)):
    """Return the best candidates of one user whose scores of items 1..N are given."""
    item = torch.tensor([0.0, *scores])[:, None]
    ranks = ranked(torch.ones(1, 1), item, integers(target), integers(seen), top_k=k)
    return ranks.top_items[0].tolist(), ranks.top_scores[0].tolist()


def test_the_best_candidates_come_by_score():
    assert best_scored([0.25, 1.0, 0.125, 0.5], k=3, target=1) == ([2, 4, 1], [1.0, 0.5, 0.25])


def test_of_equal_candidates_the_one_with_the_lower_index_comes_first():
    assert best_scored([0.5, 0.25, 1.0, 0.5, 0.5], k=3, target=5)[0] == [3, 1, 4]


def test_seen_items_and_padding_are_never_among_the_best_and_a_seen_target_may_be():
    assert best_scored([-1.0, -2.0, -3.0, -4.0], k=2, target=4, seen=(1, 4, 0))[0] == [2, 3]
    assert best_scored([4.0, 3.0, 2.0, 1.0], k=2, target=1, seen=(1, 2))[0] == [1, 3]


def test_a_user_with_few_candidates_has_a_short_list():
    assert best_scored([0.5, 1.0, 2.0], k=3, target=1, seen=(3, 0)) == ([2, 1, 0], [1.0, 0.5, -torch.inf])


def slow_best(scores, target, seen, k):
    """Return the best candidates of one user with plain Python, straight from the definition."""
    candidates = [i for i in range(1, len(scores)) if i == target or i not in seen]
    return (sorted(candidates, key=lambda i: (-scores[i], i)) + [0] * k)[:k]


@given(tasks(), st.integers(0, 20), st.integers(1, 13))
@examples
def test_the_best_candidates_agree_with_a_slow_reference_and_change_no_rank(drawn, k, batch_size):
    task, scores = drawn
    ranks, without = (rank_task(scorer(scores), task, batch_size, top_k=top_k) for top_k in (k, 0))
    users = zip(scores, task.target, all_seen(task), strict=True)
    assert ranks.top_items.tolist() == [slow_best(*user, k) for user in users]
    filled = ranks.top_items > 0
    row, _ = np.nonzero(filled)
    assert ranks.top_scores[filled].tolist() == scores[row, ranks.top_items[filled]].tolist()
    assert np.isneginf(ranks.top_scores[~filled]).all()
    assert ranks.rank.tolist() == without.rank.tolist()
    assert without.top_items.shape == (len(task.users), 0)


@given(tasks(), st.integers(1, 20))
@examples
def test_a_target_is_among_the_best_k_if_its_rank_is_at_most_k_and_only_then_but_for_ties(drawn, k):
    task, scores = drawn
    ranks = rank_task(scorer(scores), task, top_k=k)
    for user, target in enumerate(task.target):
        among, at_most_k = target in ranks.top_items[user], ranks.rank[user] <= k
        assert among or not at_most_k
        tied = (scores[user, 1:] == scores[user, target]).sum() > 1
        assert at_most_k or tied or not among


def test_ranking_keeps_no_gradient():
    item = torch.eye(3, requires_grad=True)
    made = []

    def states(batch: Batch):
        made.append(States(user=2 * item[batch.user], item=item))
        return made[-1]

    task = RankingTask(np.array([1]), np.array([1]), np.array([[2]]), seen_items([[2]]))
    rank_task(states, task)
    assert not made[0].user.requires_grad


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_the_states_of_a_task_stand_in_the_rows_of_their_users(batch_size):
    history = np.array([[5, 6, 0], [7, 0, 0], [8, 9, 4]])
    users, seen = np.array([1, 3, 4]), seen_items(history)
    task = RankingTask(users, target=users, history=history, seen=seen)
    item = torch.rand(10, 2)

    def answer(batch):  # [B, L, 2], a state for each place of the history
        return States(
            torch.stack([batch.history, batch.user[:, None].expand(batch.history.shape)], dim=2).float(), item
        )

    states = task_states(answer, task, batch_size)
    assert states.user.tolist() == [[0, 0], [6, 1], [0, 0], [7, 3], [4, 4]]  # the last item, and the user
    assert states.item is item

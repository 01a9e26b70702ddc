"""Leaks are planted, and found; what knows training only raises no more false alarms than it may."""

import os
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from corecbench.api import DataError, UsageError
from corecbench.cli.main import main
from corecbench.data.dataset import load_dataset
from corecbench.data.split import leave_one_out
from corecbench.data.time_split import by_time
from corecbench.leakcheck.files import check_file
from corecbench.leakcheck.pairs import Matching
from corecbench.leakcheck.texts import check_item_texts, check_user_texts, names
from corecbench.leakcheck.vectors import check_vectors, judge
from corecbench.testing.toys import ToySource, write_atomic

N_USERS, N_ITEMS, DIMENSIONS = 240, 160, 48
WORDS = ["amber", "birch", "cobalt", "dune", "ember", "fjord", "glade", "heron", "iris", "jade", "kelp", "lotus"]


def world(seed, n_users=N_USERS, n_items=N_ITEMS):
    """Users with tastes for some of 8 kinds of items; titles say the kind by one of their words, for even seeds."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 8, n_items)
    popular = random.pareto(2, n_items) + 0.2
    rows = []
    for user in range(n_users):
        likes = random.choice(8, 2, replace=False)
        weight = popular * np.where(np.isin(kind, likes), 6, 1)
        items = random.choice(n_items, random.integers(5, 12), replace=False, p=weight / weight.sum())
        rows += [(f"u{user}", f"i{item}", 1000 * place + user) for place, item in enumerate(items)]
    said = kind if seed % 2 == 0 else random.permutation(kind)
    titles = {
        f"i{item}": f"{WORDS[said[item]]} {WORDS[random.integers(8, 12)]} number {item}" for item in range(n_items)
    }
    return ToySource(rows, titles)


@cache
def data_of(seed):
    dataset = load_dataset("toy", world(seed))
    return SimpleNamespace(dataset=dataset, catalog=dataset.catalog, split=leave_one_out(dataset), name="toy")


@cache
def matching_of(seed):
    return Matching(data_of(seed), seed)


def fitted(data, seed, leaking, steps=60):
    """Vectors that bring items near which a user has in a row, by gradients of a softmax over all items."""
    train, test = data.split.train, data.split.held["test"]
    rows = np.flatnonzero(train.user[1:] == train.user[:-1])
    first, second = train.item[rows], train.item[rows + 1]
    if leaking:
        last = test.known.items[test.known.start + test.known.length - 1]
        first, second = np.concatenate([first, last]), np.concatenate([second, test.target])
    n = data.catalog.n_items + 1
    ends = np.concatenate([first, second]), np.concatenate([second, first])
    follows = csr_array((np.ones(len(ends[0])), ends), shape=(n, n)).toarray()
    follows /= np.maximum(follows.sum(axis=1, keepdims=True), 1)
    vectors = np.random.default_rng(seed).normal(0, 0.3, (n, DIMENSIONS))
    for _ in range(steps):
        scores = vectors @ vectors.T
        scores[:, 0] = -1e9
        np.fill_diagonal(scores, -1e9)
        share = np.exp(scores - scores.max(axis=1, keepdims=True))
        wrong = follows - share / share.sum(axis=1, keepdims=True)
        wrong[0] = 0
        vectors += 0.05 * ((wrong + wrong.T) @ vectors)
    vectors[0] = 0
    return vectors


@pytest.mark.parametrize("seed", range(4))
def test_vectors_that_were_fitted_to_all_transitions_are_found(seed):
    data = data_of(seed)
    finding = check_vectors(Matching(data), fitted(data, seed, leaking=True))
    assert finding.verdict == "leak", finding.lines()


def test_vectors_that_were_fitted_to_training_alone_raise_no_alarm_in_95_of_100_cases():
    verdicts = []
    for case in range(200):
        data = data_of(case % 20)
        finding = check_vectors(matching_of(case % 20), fitted(data, case, False, steps=(10, 20, 40)[case % 3]))
        verdicts.append(finding.verdict)
    assert verdicts.count("leak") <= 10
    assert verdicts.count("no sign") >= 180


def test_vectors_that_know_nothing_or_only_texts_are_no_leak():
    data = data_of(0)
    random = np.random.default_rng(0).normal(size=(data.catalog.n_items + 1, DIMENSIONS))
    assert check_vectors(Matching(data), random).verdict != "leak"
    texts = Matching(data).texts.toarray()
    assert check_vectors(Matching(data), texts).verdict != "leak"


def test_with_the_vectors_before_only_what_was_learnt_counts():
    data = data_of(0)
    before, after = fitted(data, 0, leaking=True, steps=0), fitted(data, 0, leaking=True)
    assert check_vectors(Matching(data), after, before).verdict == "leak"
    held, trained = check_vectors(Matching(data), after, after).shares.values()
    assert (held.value, trained.value) == (0, 0)


def test_matched_items_are_as_popular_and_nobody_has_them_beside_the_first():
    data = data_of(1)
    pairs, train = Matching(data).held_out, data.split.train
    has = [set(train.user[train.item == item].tolist()) for item in range(data.catalog.n_items + 1)]
    assert len(pairs) > 50
    for first, second, matched in zip(pairs.first, pairs.second, pairs.matched, strict=True):
        assert not has[first] & has[second]
        assert all(not has[first] & has[item] for item in matched)
        assert second not in matched
    for first, second in zip(
        *(getattr(Matching(data).in_training, each) for each in ("first", "second")), strict=True
    ):
        assert len(has[first] & has[second]) == 1


def test_few_pairs_and_lifts_between_cannot_tell():
    assert judge(np.ones(1), np.ones(50))[0] == "cannot tell"
    assert judge(np.full(19, 0.5), np.full(50, 0.5))[0] == "cannot tell"  # all alike, so of no width
    assert judge(np.full(20, 0.5), np.full(50, 0.5))[0] == "leak"
    assert judge(np.tile([0.5, -0.1], 20), np.tile([0.5, 0.0], 20))[0] == "cannot tell"


def profiles(data, knows, share=1.0, seed=0):
    """Texts of users: some titles of their history and, for a share of them, the test item or an item at random."""
    random = np.random.default_rng(seed)
    held, titles = data.split.held["test"], data.catalog.item_texts
    texts = {}
    for row, user in enumerate(held.users.tolist()):
        own = [titles[item] for item in held.known.of(np.array([row]))[0][-3:] if item]
        other = held.target[row] if knows and random.random() < share else random.integers(1, len(titles))
        texts[user] = f"A reader of {' and '.join(own)}. Might like {titles[other].upper()}!"
    return texts


@pytest.mark.parametrize(
    ("knows", "share", "verdict"), [(True, 1, "leak"), (True, 0.1, "leak"), (False, 1, "no sign")]
)
def test_texts_of_users_that_name_their_test_item_are_found(knows, share, verdict):
    data = data_of(2)
    finding = check_user_texts(Matching(data), profiles(data, knows, share))
    assert finding.verdict == verdict or (finding.verdict, verdict) == ("cannot tell", "no sign"), finding.lines()


def test_texts_of_users_that_know_nothing_raise_no_alarm_in_95_of_100_cases():
    data = data_of(3)
    found = [check_user_texts(Matching(data), profiles(data, knows=False, seed=seed)).verdict for seed in range(20)]
    assert found.count("leak") <= 1


@pytest.mark.parametrize("knows", [True, False])
def test_texts_of_few_users_cannot_tell(knows):
    data, matching = data_of(2), Matching(data_of(2))
    texts = profiles(data, knows)
    few = {user: texts[user] for user in matching.held_out.user[:19].tolist()}
    finding = check_user_texts(matching, few)
    assert (finding.verdict, finding.shares["difference"].n) == ("cannot tell", 19)
    one = check_user_texts(matching, dict(list(few.items())[:1]))
    assert "inf" not in " ".join(one.lines())


def test_texts_of_items_that_list_what_is_bought_next_are_found():
    data = data_of(4)
    held, titles = data.split.held["test"], data.catalog.item_texts
    last = held.known.items[held.known.start + held.known.length - 1]
    plain = {item: titles[item] for item in range(1, len(titles))}
    also = dict(plain)
    for item, target in zip(last.tolist(), held.target.tolist(), strict=True):
        also[item] += f". Also bought: {titles[target]}"
    assert check_item_texts(Matching(data), also).verdict == "leak"
    assert check_item_texts(Matching(data), plain).verdict == "no sign"


def test_a_title_is_found_with_a_letter_wrong_and_without_accents():
    assert names("one of the best amélie poulain".replace("é", "e"), "Amélie Poulain")
    assert names("the usual suspect", "Usual Suspects")
    assert not names("the usual evening", "Usual Suspects")
    assert not names("", "Heat")


def test_the_split_by_time_is_checked_alike(tmp_path):
    dataset, split = by_time(load_dataset("toy", world(5)), ("0.6", "0.7"))
    data = SimpleNamespace(dataset=dataset, catalog=dataset.catalog, split=split, name="toy")
    assert check_user_texts(Matching(data), profiles(data, knows=True)).verdict == "leak"


def test_the_verb_reads_texts_and_vectors_and_its_exit_code_tells_of_a_leak(tmp_path, capsys):
    folder, data = write_atomic(world(2), tmp_path / "world"), data_of(2)
    texts = profiles(data, knows=True)
    table = pd.DataFrame({"user_id": [data.catalog.user_ids[user] for user in texts], "text": list(texts.values())})
    table.to_csv(tmp_path / "profiles.csv", index=False)
    with pytest.raises(SystemExit) as ended:
        main(["audit", "leaks", str(tmp_path / "profiles.csv"), "--dataset", str(folder)])
    assert ended.value.code == 1
    assert "verdict: leak" in capsys.readouterr().out
    vectors = pd.DataFrame(fitted(data, 0, leaking=False)[1:]).rename(columns=str)
    vectors.assign(item_id=data.catalog.item_ids[1:]).to_parquet(tmp_path / "vectors.parquet")
    checked = check_file(tmp_path / "vectors.parquet", data)
    assert (checked.kind, checked.n_known, checked.n_others) == ("vectors of items", data.catalog.n_items, 0)
    assert checked.finding.verdict != "leak"
    np.savez(tmp_path / "vectors.npz", ids=data.catalog.item_ids[1:], v=vectors.to_numpy(np.float64))
    assert check_file(tmp_path / "vectors.npz", data).finding == checked.finding


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("a,b\n1,2\n", "has the columns a, b; item_id is needed"),
        ("a,text\n1,2\n", "has the columns a, text; texts have the columns"),
        ("item_id,text\nnobody,1\n", "no item_id is one of data set 'toy'"),
        ("item_id,x\nnobody,1\n", "none of its 1 ids, such as 'nobody', is an item of toy"),
        ("item_id,x\ni1,red\n", "x has texts that are no lists of finite numbers"),
        ("item_id,x\ni1,\n", "missing or not finite"),
        ("", "cannot be read as a table"),
    ],
)
def test_files_of_another_form_end_in_one_line(tmp_path, content, fault):
    path = tmp_path / "file.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=fault) as raised:
        check_file(path, data_of(0))
    assert "\n" not in str(raised.value)


def test_texts_are_not_compared_with_vectors(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("item_id,text\ni1,a\n")
    with pytest.raises(UsageError, match="--before is for vectors"):
        check_file(path, data_of(0), before=path)


@pytest.mark.parametrize("name", ["texts.csv", "texts.parquet"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="a pipe, a device or a socket"):
        check_file(tmp_path / name, data_of(0))

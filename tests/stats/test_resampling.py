import numpy as np
import pytest

from corecbench.stats import bootstrap
from corecbench.stats.bootstrap import HEAVY, resampled_means


def plain_means(values, n_resamples, seed):
    """Return the means of resamples drawn user by user."""
    rng = np.random.default_rng(seed)
    return values[rng.integers(len(values), size=(n_resamples, len(values)))].mean(axis=1)


@pytest.mark.parametrize("kind", ["all alike", "few values", "all different", "mixed"])
def test_the_means_are_spread_as_those_of_users_drawn_one_by_one(kind):
    rng = np.random.default_rng(0)
    values = {
        "all alike": np.ones(100),
        "few values": np.repeat([0.0, 0.5, 1.0], [3 * HEAVY, HEAVY, 2 * HEAVY]),
        "all different": rng.normal(size=100),
        "mixed": np.append(np.zeros(200), rng.exponential(size=40)),
    }[kind]
    # means of n resamples: their mean varies by sd / sqrt(n), their sd by sd / sqrt(2 n)
    ours, theirs = resampled_means(values, 20_000, seed=1), plain_means(values, 20_000, seed=2)
    spread = values.std() / len(values) ** 0.5
    assert ours.mean() == pytest.approx(values.mean(), abs=4 * spread / 20_000**0.5 + 1e-12)
    assert ours.std() == pytest.approx(spread, rel=4 / 40_000**0.5, abs=1e-12)
    assert np.quantile(ours, [0.025, 0.975]) == pytest.approx(np.quantile(theirs, [0.025, 0.975]), abs=spread / 8)


def test_two_metrics_of_a_user_stay_together():
    rng = np.random.default_rng(0)
    first = np.append(np.zeros(100), rng.normal(size=30))
    means = resampled_means(first + 1j * (3 * first + 1), 100, seed=0)
    assert means.imag == pytest.approx(3 * means.real + 1)


def test_every_resample_has_as_many_users():
    rng = np.random.default_rng(0)
    values = np.append(np.zeros(100), rng.normal(size=30)) + 1j
    assert resampled_means(values, 100, seed=0).imag == pytest.approx(np.ones(100))


def test_a_resample_without_any_light_user_is_not_given_one():
    # one user of 33 has 1; a resample holds none of it in (32/33)^33 = .362 of cases
    values = np.append(np.zeros(HEAVY), 1.0)
    share = (HEAVY / (HEAVY + 1)) ** (HEAVY + 1)
    none = np.mean(resampled_means(values, 10_000, seed=0) == 0)
    assert none == pytest.approx(share, abs=4 * (share * (1 - share) / 10_000) ** 0.5)


def test_the_seed_decides_the_resamples():
    values = np.arange(10.0)
    first, again, other = (resampled_means(values, 5, seed).tolist() for seed in (0, 0, 1))
    assert first == again != other


@pytest.fixture
def drawn_one_by_one(monkeypatch):
    """Note the numbers of users that are drawn one by one for each resample, block by block."""
    blocks, light_sums = [], bootstrap._light_sums

    def noting(light, n_drawn, generator):
        blocks.append(n_drawn.tolist())
        return light_sums(light, n_drawn, generator)

    monkeypatch.setattr(bootstrap, "_light_sums", noting)
    return blocks


@pytest.mark.parametrize(("most", "blocks"), [(40, [4, 4, 2]), (10, [1] * 10), (4, [1] * 10), (1000, [10])])
def test_no_more_users_are_held_than_allowed_but_for_one_resample(monkeypatch, drawn_one_by_one, most, blocks):
    monkeypatch.setattr(bootstrap, "MOST_AT_ONCE", most)
    resampled_means(np.arange(10.0), 10, seed=0)
    assert drawn_one_by_one == [[10] * n for n in blocks]


@pytest.mark.parametrize(("n_alike", "blocks"), [(32, []), (31, [[31] * 3])])
def test_users_are_drawn_by_their_number_from_32_alike_on(drawn_one_by_one, n_alike, blocks):
    resampled_means(np.ones(n_alike), 3, seed=0)
    assert drawn_one_by_one == blocks

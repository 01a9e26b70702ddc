"""Which settings of a cell are taken where several are stored."""

from pathlib import Path

import pytest

from corecbench.api import UsageError
from corecbench.results.choice import Choice, choice_of, read_picks, started
from corecbench.testing.records import toy_record


def entry(hash8, day, name="sasrec", dataset="toy", seed=0):
    record = toy_record(name, dataset=dataset, seed=seed, hash=hash8, started=f"2026-01-{day:02}T00:00:00+00:00")
    return Path(f"{dataset}/{name}/{hash8}"), record


OLD, NEW = entry("a" * 8, 1), entry("b" * 8, 2)


def hashes(choice, *entries):
    return [record["hash"][0] for _, record in choice.of(entries)]


def test_the_latest_settings_are_those_that_were_run_last():
    assert hashes(Choice(latest=True), NEW, OLD) == ["b"]


def test_the_latest_settings_are_taken_with_all_their_seeds_and_no_others():
    assert hashes(Choice(latest=True), OLD, NEW, entry("a" * 8, 1, seed=1), entry("b" * 8, 2, seed=2)) == ["b", "b"]


def test_a_pick_goes_before_the_latest():
    other = entry("c" * 8, 1, "gru4rec"), entry("d" * 8, 2, "gru4rec")
    assert hashes(Choice(True, (("sasrec", "a" * 8),)), OLD, NEW, *other) == ["a", "d"]


def test_each_data_set_takes_its_own_pick():
    there = entry("c" * 8, 1, dataset="toys"), entry("d" * 8, 2, dataset="toys")
    assert hashes(choice_of(pick={"sasrec": ["a" * 8, "c" * 8]}), OLD, NEW, *there) == ["a", "c"]
    with pytest.raises(UsageError, match="toy: two settings of sasrec are picked: aaaaaaaa, bbbbbbbb"):
        choice_of(pick={"sasrec": ["a" * 8, "b" * 8]}).of([OLD, NEW])


def test_settings_of_different_seeds_are_kept_as_they_are():
    assert hashes(Choice(), OLD, entry("b" * 8, 2, seed=1)) == ["a", "b"]


def test_settings_for_the_same_seed_are_an_error_that_names_the_latest_first():
    with pytest.raises(
        UsageError, match=r"for seed 0: bbbbbbbb \(2026-01-02 00:00\), aaaaaaaa .*--pick sasrec=bbbb"
    ):
        Choice().of([OLD, NEW])


def test_settings_of_which_nothing_is_said_stay_where_one_cell_is_asked_for():
    other = entry("c" * 8, 1, "gru4rec"), entry("d" * 8, 2, "gru4rec")
    pick = Choice(picks=(("sasrec", "a" * 8),))
    assert [record["hash"][0] for _, record in pick.narrowed([OLD, NEW, *other])] == ["a", "c", "d"]
    assert len(Choice().narrowed([OLD, NEW])) == 2


def test_what_is_picked_may_be_in_any_benchmark():
    found = choice_of(pick={"sasrec": "a" * 8}).of_each(
        {"one": [OLD, NEW], "other": [entry("c" * 8, 1, "gru4rec")]}
    )
    assert [len(entries) for entries in found.values()] == [1, 1]


def test_names_with_an_equals_sign_can_be_picked():
    assert read_picks(["a=b=0123abcd"]) == {"a=b": ["0123abcd"]}


@pytest.mark.parametrize(
    ("text", "year"), [("2026-01-01T00:00:00", 2026), ("2026-01-01T00:00:00+02:00", 2025), ("then", 1)]
)
def test_times_are_compared_in_one_zone_and_bad_ones_come_first(text, year):
    assert started(toy_record(started=text)).astimezone(started(NEW[1]).tzinfo).year == year

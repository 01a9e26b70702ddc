"""Every check of a data set finds the fault that it is there for."""

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from corecbench.testing import dataset_checks
from corecbench.testing.toys import ToySource, circle


class Good:
    """The toy data of a circle."""

    def __init__(self, config):
        self.toy = circle()

    def interactions(self):
        return self.toy.interactions()

    def items(self):
        return self.toy.items()


class WithoutTime(Good):
    def interactions(self):
        return super().interactions().drop(columns="timestamp")


class AList(Good):
    def items(self):
        return [("i0", "red apple")]


class NumbersAsIds(Good):
    def interactions(self):
        table = super().interactions()
        return table.assign(user_id=table["user_id"].str[1:].astype(int))


class NothingAsTitle(Good):
    def items(self):
        table = super().items().astype(object)
        table.loc[3, "title"] = None
        return table


class NumbersOfUsers(Good):
    def users(self):
        return pd.DataFrame({"user_id": ["u0"], "text": [7]})


class AnEmptyId(Good):
    def interactions(self):
        table = super().interactions()
        return table.assign(item_id=table["item_id"].replace("i3", ""))


class IdsWithABlank(Good):
    def interactions(self):
        table = super().interactions()
        first = table.assign(user_id=table["user_id"] + " ")
        return pd.concat([table, first], ignore_index=True)


class TimeInFloat32(Good):
    def interactions(self):
        return super().interactions().astype({"timestamp": np.float32})


class WithoutATime(Good):
    def interactions(self):
        table = super().interactions()
        return table.assign(timestamp=table["timestamp"].where(table.index != 3))


class ListedTwice(Good):
    def items(self):
        return pd.concat([super().items(), super().items().iloc[:2]])


class WrittenInTwoWays(Good):
    def items(self):
        return super().items().assign(item_id=lambda table: table["item_id"] + ".0")


class Shuffled(Good):
    def interactions(self):
        return super().interactions().sample(frac=1, random_state=np.random.default_rng())


class GivesItsOwnTable(Good):
    def __init__(self, config):
        super().__init__(config)
        self.table = self.toy.items()

    def items(self):
        return self.table


class TooShort(Good):
    def __init__(self, config):
        self.toy = ToySource([("u0", "i0", 0), ("u0", "i1", 1)], circle().titles)


@dataclass(frozen=True)
class OfASet:
    names: set[str] = field(default_factory=lambda: {"a"})


FAULTS = [
    ("tables have the columns of the contract", WithoutTime, r"interactions\(\) has no column timestamp"),
    ("tables have the columns of the contract", AList, r"items\(\) gives list, must be a DataFrame"),
    (
        "tables have the columns of the contract",
        NumbersAsIds,
        r"user_id of interactions\(\) holds \[0\], must be",
    ),
    ("tables have the columns of the contract", NothingAsTitle, r"title of items\(\) holds \[None\], must be text"),
    ("tables have the columns of the contract", NumbersOfUsers, r"text of users\(\) holds \[7\], must be text"),
    ("tables have the columns of the contract", AnEmptyId, r"item_id of interactions\(\) is empty in 36 rows"),
    (
        "tables have the columns of the contract",
        TimeInFloat32,
        r"timestamp .* is float32, must be int64 or",
    ),
    ("tables have the columns of the contract", WithoutATime, r"timestamp .* has 1 missing or infinite values"),
    ("ids are written in one way", IdsWithABlank, r"120 values of user_id differ .* such as 'u0' and 'u0 '"),
    ("an item is listed once", ListedTwice, r"lists 2 ids again, such as \['i0'\]"),
    (
        "interactions are with known items",
        WrittenInTwoWays,
        r"20 of 20 items are not in items\(\), such as",
    ),
    ("the order is stable", Shuffled, r"interactions\(\) gives other rows, or another order"),
    ("the order is stable", GivesItsOwnTable, r"items\(\) gives other rows"),
    ("it can be split", TooShort, r"no user has 3 interactions"),
]


def test_a_good_data_set_passes_every_check(outcome_of):
    outcomes = outcome_of("datasets", Good)
    assert {outcome.status for outcome in outcomes.values()} == {"ok", "not applicable"}, outcomes


def test_a_data_set_without_texts_may_be_one(outcome_of):
    class WithoutTexts(Good):
        def items(self):
            return super().items().iloc[:0]

    outcomes = outcome_of("datasets", WithoutTexts)
    assert outcomes["interactions are with known items"].reason == "it has no texts"
    assert {outcome.status for outcome in outcomes.values()} == {"ok", "not applicable"}, outcomes


@pytest.mark.parametrize(("check", "source", "reason"), FAULTS, ids=[fault[1].__name__ for fault in FAULTS])
def test_a_fault_of_a_data_set_is_found(outcome_of, check, source, reason):
    outcome = outcome_of("datasets", source, None, check)
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


def test_settings_that_do_not_survive_are_found(outcome_of):
    assert outcome_of("datasets", Good, OfASet, "settings survive json").status == "failed"


def test_every_check_has_a_fault_that_it_finds():
    with_fault = {check for check, *_ in FAULTS} | {"settings survive json"}
    assert with_fault == {check.__name__.replace("_", " ") for check in dataset_checks.CHECKS}

"""What is tried for a setting: its mark, or a space around its default within its range."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Le

from corecbench.api import (
    Choices,
    Count,
    Follows,
    Fraction,
    Natural,
    PluginError,
    Positive,
    Search,
    Share,
    Training,
    Weight,
)
from corecbench.plugin.search_space import SEARCHED, search_space, shown_space


@dataclass(frozen=True)
class Config(Training):
    epochs: int = 7  # another type: the mark of `Training` holds, and keeps it out
    learning_rate: Annotated[Positive, Search(1e-4, 1e-2, log=True)] = 1e-3
    width: Natural = 64
    depth: Annotated[int, Ge(1), Le(3)] = 2
    rate: Positive = 0.5
    dropout: Fraction = 0.3
    share: Share = 0.5
    penalty: Weight = 0.0
    extra: Count = 0
    order: Literal["first", "last"] = "last"
    wide: bool = True
    inner: Annotated[Natural, Follows("width", 4)] = 256
    free: float = 1.0


SPACE = search_space(Config)


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("learning_rate", Search(1e-4, 1e-2, log=True)),
        ("width", Search(32, 128, log=True)),
        ("depth", Search(1, 3, log=True)),
        ("rate", Search(0.05, 5.0, log=True)),
        ("dropout", Search(0.0, 0.9)),
        ("share", Search(0.0, 1.0)),
        ("inner", Follows("width", 4)),
        ("weight_decay", Choices((0.0, 0.01, 0.1))),
        ("batch_size", Search(64, 256, log=True)),
    ],
)
def test_a_setting_has_its_mark_or_a_space_around_its_default(name, mark):
    assert SPACE[name] == mark


@pytest.mark.parametrize(
    "name",
    ["epochs", "patience", "max_examples", "penalty", "extra", "negatives", "order", "wide", "free", "loss_dtype"],
)
def test_what_says_nothing_of_what_else_to_try_is_not_searched(name):
    assert name not in SPACE


@dataclass(frozen=True)
class Derived(Config):
    learning_rate: Positive = 0.5
    weight_decay: Weight = 0.3
    width: Annotated[Natural, Choices(())] = 64


def test_a_subclass_keeps_the_marks_and_each_space_has_its_own_default():
    space = search_space(Derived)
    assert space["learning_rate"] == Search(1e-4, 0.5, log=True)
    assert space["weight_decay"] == Choices((0.0, 0.01, 0.1, 0.3))


def test_a_subclass_can_take_a_setting_out():
    assert "width" not in search_space(Derived)


def test_a_default_without_a_place_on_its_scale_names_the_setting():
    @dataclass(frozen=True)
    class Faulty:
        penalty: Annotated[Weight, Search(1e-4, 1e-2, log=True)] = 0.0

    with pytest.raises(PluginError, match=r"Faulty\.penalty: its default 0\.0 has no place on the scale"):
        search_space(Faulty)


def test_a_mark_that_names_no_setting_is_a_fault():
    @dataclass(frozen=True)
    class Faulty:
        inner: Annotated[Natural, Follows("width")] = 256

    with pytest.raises(PluginError, match=r"Faulty\.inner: its mark names the setting 'width', which is not there"):
        search_space(Faulty)


def test_a_default_that_does_not_count_may_lie_outside():
    @dataclass(frozen=True)
    class Conditional:
        loss: Annotated[str, Choices(("a", "b"))] = "a"
        penalty: Annotated[Weight, Search(1e-4, 1e-2, log=True, when=("loss", ("b",)))] = 0.0

    assert search_space(Conditional)["penalty"] == Search(1e-4, 1e-2, log=True, when=("loss", ("b",)))


def test_every_first_party_component_has_a_space_that_can_be_shown(host):
    configs = [component.config for kind in SEARCHED for component, _ in host.list(kind)]
    for config in filter(None, configs):
        for mark in search_space(config).values():
            assert shown_space(mark)

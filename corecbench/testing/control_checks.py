"""Checks of controls, on toy texts and toy turns. N items, k the width of what is said of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from corecbench.api import Catalog, Turn
from corecbench.experiment.controls import applied
from corecbench.plugin.abilities import ControlAbilities
from corecbench.testing import kit
from corecbench.testing.bench import make_cell_training
from corecbench.testing.kit import NotApplicableError, require, settings_survive_json
from corecbench.testing.partners import TEXT_WIDTH

if TYPE_CHECKING:
    from corecbench.training.controls import AppliedControl

WITHOUT_TEXT = 3
"""An item of the toy data that has no text."""
TURNS = (Turn("domain", 3), Turn("llm", 2), Turn("domain", 1), Turn("llm", 1))


class Bench(kit.Bench):
    """A control to be checked."""

    def control(self) -> AppliedControl:
        """Build the control anew."""
        return applied(self.selected, self.host)

    def catalog(self) -> Catalog:
        """Return new toy data in which an item has no text."""
        return make_cell_training(self.host, 40, (WITHOUT_TEXT,)).setup.catalog

    def text(self) -> torch.Tensor:
        """Return what a toy LLM says of the texts, float32 [N+1, k]."""
        rows = self.catalog().n_items + 1
        text = torch.randn(rows, TEXT_WIDTH, generator=torch.Generator().manual_seed(0))
        text[[0, WITHOUT_TEXT]] = 0
        return text


def it_changes_something(bench: Bench) -> None:
    """A control takes something away from its pair."""
    changes = bench.control().abilities != ControlAbilities()
    require(
        changes or bench.selected.untrained_llm,
        "it has none of item_texts, text, turns, sharing_settings, teacher, nor untrained_llm=True",
    )


def it_says_how_it_differs_from_its_pair(bench: Bench) -> None:
    """Reports and lists say it by the summary of the component, in one line."""
    summary = bench.selected.component.summary
    require(summary.strip() and "\n" not in summary, f"its summary is {summary!r}; one line is needed")


def what_it_gives_fits_the_pair(bench: Bench) -> None:
    """A text or a row for each item, none for an item without a text, no longer turns, and names of settings."""
    control = bench.control()
    catalog, abilities = bench.catalog(), control.abilities
    for row, (before, after) in enumerate(
        zip(catalog.item_texts, control.catalog(catalog, 0).item_texts, strict=True)
    ):
        require(bool(before) == bool(after), f"the text of item {row} was {before!r} and is {after!r}")
    if abilities.text is not None:
        text = control.text(catalog, 0, bench.text())
        require(text.is_floating_point(), f"its text is of {text.dtype}, must be of floating point")
        for row in (0, WITHOUT_TEXT):
            require(not text[row].any(), f"row {row} of its text belongs to no text and is not zero")
    places = iter(TURNS)
    for turn in control.turns(TURNS):
        stays = any(turn.side == other.side and turn.epochs <= other.epochs for other in places)
        require(stays, f"{turn} is no turn of the pair, or stands in another place")
    for key in abilities.sharing_settings:
        require(isinstance(key, str) and key.isidentifier(), f"{key!r} is no name of a setting")


def nothing_that_it_is_given_is_changed(bench: Bench) -> None:
    """Catalogue, text and turns belong to the pair."""
    control, catalog, text, turns = bench.control(), bench.catalog(), bench.text(), list(TURNS)
    control.catalog(catalog, 0)
    require(catalog == bench.catalog(), "it changes the catalogue that it is given; return new texts")
    if control.abilities.text is not None:
        control.text(catalog, 0, text)
        require(torch.equal(text, bench.text()), "it changes the LLM's text that it is given")
    if control.abilities.turns is not None:
        control.abilities.turns(turns)
        require(tuple(turns) == TURNS, "it changes the turns that it is given; return a new list")


def the_same_seed_gives_the_same_control(bench: Bench) -> None:
    """The seed decides all random numbers, whatever was drawn before."""
    catalog = bench.catalog()
    one, two = (bench.control() for _ in range(2))
    alike = one.catalog(catalog, 5) == two.catalog(catalog, 5)
    require(alike, "two runs of one seed give different texts; draw from corecbench.api.generator")
    if one.abilities.text is not None:
        first, second = (each.text(catalog, 5, bench.text()) for each in (one, two))
        require(torch.equal(first, second), "two runs of one seed differ; draw from corecbench.api.generator")


def controls_of_module_texts_say_so(bench: Bench) -> None:
    """What a sharing module is told of texts can be replaced only where it reads texts."""
    if bench.control().abilities.text is None:
        raise NotApplicableError("it has no method text")
    says = bench.selected.of_module_texts
    require(says, "it has a method text, so its component needs of_module_texts=True")


CHECKS = (
    it_changes_something,
    it_says_how_it_differs_from_its_pair,
    what_it_gives_fits_the_pair,
    nothing_that_it_is_given_is_changed,
    the_same_seed_gives_the_same_control,
    controls_of_module_texts_say_so,
    settings_survive_json,
)

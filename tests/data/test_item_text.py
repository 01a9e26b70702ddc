"""Texts of items made of fields: what stands in them, what is left out, and what is refused."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from corecbench.api import PluginError, UsageError
from corecbench.data.dataset import load_dataset
from corecbench.data.item_text import make_texts, parse
from corecbench.testing.toys import circle

FIELDS = {
    "title": ["Heat", "", "Alien", ""],
    "year": ["1995", "1979", "", ""],
    "genre": ["crime", "drama", "horror", ""],
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{title}", ["Heat", "", "Alien", ""]),
        ("{title}; {genre}", ["Heat; crime", "drama", "Alien; horror", ""]),
        ("{genre}; {title}", ["crime; Heat", "drama", "horror; Alien", ""]),
        ("{title} ({year})", ["Heat (1995)", "1979", "Alien", ""]),
        ("{title} ({year}), {genre}", ["Heat (1995), crime", "1979, drama", "Alien, horror", ""]),
        ("A: {title}. G: {genre}.", ["A: Heat. G: crime.", "G: drama.", "A: Alien. G: horror.", ""]),
        ("{{{title}}} {genre}", ["{Heat} crime", "drama", "{Alien} horror", ""]),
        ("{title}{{x}}", ["Heat{x}", "", "Alien{x}", ""]),
        ("{title} {title}", ["Heat Heat", "", "Alien Alien", ""]),
    ],
)  # fmt: skip
def test_an_empty_field_is_left_out_with_what_belongs_to_it(template, expected):
    assert make_texts(parse(template), FIELDS) == expected


@pytest.mark.parametrize("template", ["no field", "{}", "{title", "{title!r}", "{title:>9}", "title}"])
def test_a_template_of_another_form_is_an_error(template):
    message = f"item_text is {template!r}, must have names of fields in braces, such as '{{title}}; {{categories}}'"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
        parse(template)


# --- with a data set ----------------------------------------------------------------------------------------------


@pytest.fixture
def source():
    """The toy data, whose items also have a colour; every second one lacks it."""
    toy = circle()
    items = toy.items()
    colours = [title.split()[0] if number % 2 else "" for number, title in enumerate(items["title"])]
    return SimpleNamespace(interactions=toy.interactions, items=lambda: items.assign(colour=colours))


def test_a_text_can_be_made_of_any_field(source):
    texts = load_dataset("toy", source, item_text="{colour}: {title}").catalog.item_texts
    assert texts[:3] == ("", "red apple", "blue: blue apple")


def test_without_a_template_further_columns_change_nothing(source):
    plain, rich = load_dataset("toy", circle()), load_dataset("toy", source)
    titles = load_dataset("toy", source, item_text="{title}")
    assert plain.fingerprint == rich.fingerprint == titles.fingerprint
    assert plain.catalog == rich.catalog == titles.catalog


def test_another_text_is_another_fingerprint(source):
    plain, made = load_dataset("toy", source), load_dataset("toy", source, item_text="{title}, {colour}")
    assert plain.fingerprint != made.fingerprint


def test_an_unknown_field_is_an_error_that_names_those_that_there_are(source):
    message = "unknown item field of data set 'toy' 'color'; did you mean 'colour'? have: colour, title"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        load_dataset("toy", source, item_text="{title}; {color}")


def test_a_field_that_is_no_text_is_a_fault_of_its_plugin(source):
    items = source.items().assign(price=9.5)
    numeric = SimpleNamespace(interactions=source.interactions, items=lambda: items)
    assert load_dataset("toy", numeric).catalog.item_texts[1] == "red apple"
    with pytest.raises(PluginError, match=r"items\(\) gives floating as price, only str is allowed"):
        load_dataset("toy", numeric, item_text="{price}")


def test_items_whose_fields_are_all_empty_have_no_text(source):
    assert load_dataset("toy", source, item_text="{colour}").facts["items_without_text"] == 10
    assert isinstance(source.items(), pd.DataFrame)

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Lt
from pydantic import Field

from corecbench.api import DomainModelComponent, Training
from corecbench.plugin.loaded import PluginInfo
from corecbench.plugin.metadata import describe, settings


@dataclass(frozen=True)
class Config(Training):
    epochs: int = 7
    path: Path = field(kw_only=True)
    """Where it lies,
    in two lines."""
    order: Literal["first", "last"] = "last"
    rate: Annotated[float, Ge(0), Lt(1)] = 0.5
    """A part."""
    depth: Annotated[int, Field(ge=1, le=9)] = 2
    names: tuple[str, ...] = field(default_factory=tuple)


def test_a_setting_is_listed_with_type_default_and_doc():
    listed = settings(Config)
    assert listed["path"] == {"type": "Path", "required": True, "doc": "Where it lies, in two lines."}
    assert listed["names"] == {"type": "tuple[str, ...]", "default": ()}


def test_a_range_is_listed_where_the_class_states_one():
    listed = settings(Config)
    assert listed["rate"] == {"type": "float", "default": 0.5, "minimum": 0, "below": 1, "doc": "A part."}
    assert listed["depth"] == {"type": "int", "default": 2, "minimum": 1, "maximum": 9}
    assert listed["order"]["choices"] == ["first", "last"]
    assert not {"minimum", "above", "maximum", "below"} & listed["names"].keys()


def test_an_inherited_setting_has_the_range_of_where_it_was_defined_unless_it_has_its_own_type():
    assert settings(Config)["batch_size"] == {"type": "int", "default": 128, "minimum": 1}
    assert "minimum" not in settings(Config)["epochs"]


def test_an_inherited_setting_has_its_new_default_and_the_doc_of_where_it_was_defined():
    listed = settings(Config)
    assert listed["epochs"] == {"type": "int", "default": 7}
    assert listed["patience"]["doc"].startswith("Epochs without a better validation")


def test_a_class_whose_source_or_annotations_cannot_be_read_is_listed_all_the_same():
    made = dataclass(frozen=True)(type("Made", (), {"__annotations__": {"k": "NoSuchType"}, "k": 3}))
    assert settings(made) == {"k": {"type": "NoSuchType", "default": 3}}


def test_a_component_is_listed_with_its_kind_and_where_it_comes_from():
    component = DomainModelComponent("mine", "module:build", summary="does it", paper="A, 2020")
    listed = describe("llms", component, PluginInfo("plug", "dist", "1.2"))
    assert listed == {
        "name": "mine",
        "kind": "llm",
        "summary": "does it",
        "paper": "A, 2020",
        "plugin": "plug",
        "distribution": "dist",
        "version": "1.2",
        "argument": None,
        "settings": {},
    }

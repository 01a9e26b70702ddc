"""Controls: each repeats a pair and takes one thing away, to show what a gain does not come from."""

from __future__ import annotations

from corecbench.api import ControlComponent, hookimpl
from corecbench_plugins.controls.settings import BagOfWordsConfig

PLACE = "corecbench_plugins.controls"
WORDS_PAPER = "Deerwester et al., 1990, DOI 10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9"


@hookimpl
def corecbench_controls() -> list[ControlComponent]:
    """Offer the controls, those of texts first."""
    return [
        ControlComponent(
            "shuffled-texts",
            f"{PLACE}.shuffled_texts:ShuffledTexts",
            summary="each item has the text of another item",
        ),
        ControlComponent(
            "ciphered-texts",
            f"{PLACE}.ciphered_texts:CipheredTexts",
            summary="each word of the texts is replaced by another word, always by the same one",
        ),
        ControlComponent(
            "bag-of-words",
            f"{PLACE}.bag_of_words:BagOfWords",
            BagOfWordsConfig,
            summary="the sharing module reads the words of the texts, counted, and an LLM of random weights",
            paper=WORDS_PAPER,
            untrained_llm=True,
            of_module_texts=True,
        ),
        ControlComponent(
            "frozen-bag-of-words",
            f"{PLACE}.bag_of_words:FrozenBagOfWords",
            BagOfWordsConfig,
            summary="the sharing module reads counted words, and an LLM of random weights that has no turn",
            paper=WORDS_PAPER,
            untrained_llm=True,
            of_module_texts=True,
            begins_as="bag-of-words",
        ),
        ControlComponent(
            "untrained-llm",
            f"{PLACE}.parts_left_out:UntrainedLlm",
            summary="the LLM starts from random weights",
            untrained_llm=True,
        ),
        ControlComponent(
            "frozen-texts",
            f"{PLACE}.parts_left_out:FrozenTexts",
            summary="the LLM has no turn, so the texts are read as it read them at first",
            of_module_texts=True,
            begins_as="pair",
        ),
        ControlComponent(
            "own-teacher",
            f"{PLACE}.parts_left_out:OwnTeacher",
            summary="the LLM has no turn, and the domain model learns from its own ranking of before the turn",
            paper="Furlanello et al., 2018, arXiv 1805.04770",
            of_module_texts=True,
            begins_as="pair",
        ),
        ControlComponent(
            "no-neighbours",
            f"{PLACE}.parts_left_out:NoNeighbours",
            summary="items share nothing with the items of the nearest texts",
            of_module_texts=True,
        ),
        ControlComponent(
            "no-mutual",
            f"{PLACE}.parts_left_out:NoMutual",
            summary="the coupling losses are left out",
            begins_as="pair",
        ),
    ]

"""Controls: each repeats a pair and takes one thing away, to show what a gain does not come from."""

from __future__ import annotations

from corecbench.api import ControlComponent, LedgerEntry, hookimpl
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
            ledger=LedgerEntry(
                "the right text of each item",
                "with the texts of other items",
                order=55,
                in_ledger=True,
                placebo=True,
                texts_say_nothing=True,
            ),
        ),
        ControlComponent(
            "ciphered-texts",
            f"{PLACE}.ciphered_texts:CipheredTexts",
            summary="each word of the texts is replaced by another word, always by the same one",
            ledger=LedgerEntry(
                "the meaning of words",
                "with every word replaced by another",
                order=30,
                in_ledger=True,
                placebo=True,
            ),
        ),
        ControlComponent(
            "shuffled-vectors",
            f"{PLACE}.replaced_vectors:ShuffledVectors",
            summary="the sharing module reads of each item what the LLM says of another item",
            of_module_texts=True,
            ledger=LedgerEntry(
                "the right vector of each item",
                "with the vectors of other items",
                order=56,
                placebo=True,
                texts_say_nothing=True,
            ),
        ),
        ControlComponent(
            "random-vectors",
            f"{PLACE}.replaced_vectors:RandomVectors",
            summary="the sharing module reads random vectors, as long and as correlated as those of the LLM",
            of_module_texts=True,
            ledger=LedgerEntry(
                "what the vectors say",
                "with random vectors",
                order=57,
                placebo=True,
                texts_say_nothing=True,
            ),
        ),
        ControlComponent(
            "bag-of-words",
            f"{PLACE}.bag_of_words:BagOfWords",
            BagOfWordsConfig,
            summary="the sharing module reads counted words, and the LLM is randomly initialised",
            paper=WORDS_PAPER,
            untrained_llm=True,
            of_module_texts=True,
            ledger=LedgerEntry(
                "knowledge beyond counted words",
                "with counted words and a randomly initialised LLM",
                order=10,
                in_ledger=True,
                placebo=True,
            ),
        ),
        ControlComponent(
            "frozen-bag-of-words",
            f"{PLACE}.bag_of_words:FrozenBagOfWords",
            BagOfWordsConfig,
            summary="the sharing module reads counted words, and the randomly initialised LLM is not fine-tuned",
            paper=WORDS_PAPER,
            untrained_llm=True,
            of_module_texts=True,
            begins_as="bag-of-words",
            ledger=LedgerEntry(
                "the LLM beyond counted words",
                "with counted words and a frozen, randomly initialised LLM",
                step=30,
                adds="counted words",
                sides=("domain",),
                order=20,
                in_ledger=True,
                placebo=True,
            ),
        ),
        ControlComponent(
            "untrained-llm",
            f"{PLACE}.parts_left_out:UntrainedLlm",
            summary="the LLM is randomly initialised",
            untrained_llm=True,
            ledger=LedgerEntry(
                "pretraining", "with a randomly initialised LLM", order=50, in_ledger=True, placebo=True
            ),
        ),
        ControlComponent(
            "frozen-texts",
            f"{PLACE}.parts_left_out:FrozenTexts",
            summary="the LLM is not fine-tuned, so the texts are read as it read them at first",
            of_module_texts=True,
            begins_as="pair",
            ledger=LedgerEntry(
                "training the LLM",
                "with a frozen pretrained LLM",
                step=40,
                adds="the frozen pretrained LLM",
                sides=("domain",),
                order=40,
                in_ledger=True,
                needs_llm_turn=True,
            ),
        ),
        ControlComponent(
            "own-teacher",
            f"{PLACE}.parts_left_out:OwnTeacher",
            summary="the LLM is not fine-tuned, and the domain model distils from its own earlier checkpoint",
            paper="Furlanello et al., 2018, arXiv 1805.04770",
            of_module_texts=True,
            begins_as="pair",
            ledger=LedgerEntry(
                "the LLM as a teacher", "distilling from its own earlier checkpoint", sides=("domain",), order=45
            ),
        ),
        ControlComponent(
            "no-neighbours",
            f"{PLACE}.parts_left_out:NoNeighbours",
            summary="items share nothing with the items of the nearest texts",
            of_module_texts=True,
            ledger=LedgerEntry("sharing with neighbours", "without neighbours", order=80),
        ),
        ControlComponent(
            "no-mutual",
            f"{PLACE}.parts_left_out:NoMutual",
            summary="the coupling losses are left out",
            begins_as="pair",
            ledger=LedgerEntry(
                "mutual learning",
                "without mutual learning",
                step=50,
                adds="fine-tuning",
                adds_to_llm="the shared store",
                is_contrast=False,
                order=70,
                in_ledger=True,
                needs_llm_turn=True,
            ),
        ),
    ]

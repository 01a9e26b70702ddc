"""The rows that a ledger compares, by the names of controls, and what each comparison tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corecbench.api import Side
    from corecbench.results.rows import RowKey

NONE_SHARED = "none"
"""The rung of a pair that shares nothing. Its row has the name of such a sharing module."""
HYBRID = "hybrid"
"""The rung of a pair that shares nothing, but in which words have a say in the scores: a sharing module, too. It is
no part of `--ledger`, so where it has no row, nothing is missing."""
BAG_OF_WORDS = "bag-of-words"
FROZEN_BAG_OF_WORDS = "frozen-bag-of-words"
"""The rung of words. Its row is also `bag-of-words` where no turn of the domain model follows one of the LLM."""
PAIR = "pair"
ALONE = "alone"

STEPS: Mapping[Side, Mapping[str, str]] = {
    "domain": {
        NONE_SHARED: "schedule and ids",
        HYBRID: "what counted words say",
        FROZEN_BAG_OF_WORDS: "words",
        "frozen-texts": "what the LLM knew",
        "no-mutual": "what the LLM learned",
        PAIR: "mutual learning",
    },
    "llm": {
        NONE_SHARED: "schedule and ids",
        HYBRID: "what counted words say",
        "no-mutual": "what the store holds",
        PAIR: "mutual learning",
    },
}
"""side -> rung, from the bottom -> what the step up to it tells. The model alone is below the first one."""

CONTRASTS: Mapping[str, str] = {
    BAG_OF_WORDS: "anything beyond words",
    FROZEN_BAG_OF_WORDS: "anything beyond words, and any turn of the LLM",
    HYBRID: "anything beyond what counted words say",
    "ciphered-texts": "meaning of words",
    "frozen-texts": "any turn of the LLM",
    "untrained-llm": "pretraining",
    "shuffled-texts": "right texts",
    "no-neighbours": "neighbours",
}
"""control, or sharing module that shares nothing -> what the pair minus the control tells."""
FURTHER: Mapping[str, str] = {"own-teacher": "an LLM as the teacher"}
"""The same for controls that are no part of `--ledger`: where they have no row, nothing is missing."""

NO_TURN = frozenset({"frozen-texts", FROZEN_BAG_OF_WORDS, "own-teacher"})
"""Controls in which the LLM takes no turn, so that its side cannot be compared."""

LEARNT_LATER = frozenset({"frozen-texts", "no-mutual"})
"""Rungs above which only what the LLM learns can make a difference to the domain side."""

WHOLE = "the whole gain"

IN_WORDS: Mapping[str, tuple[str, str]] = {
    BAG_OF_WORDS: ("a bag of words keeps", "what the LLM adds beyond words"),
    FROZEN_BAG_OF_WORDS: ("a bag of words without turns of an LLM keeps", "what the LLM adds to it"),
    "ciphered-texts": ("ciphered texts keep", "what the meaning of words adds"),
    "frozen-texts": ("texts encoded once keep", "what the turns of the LLM add"),
    "own-teacher": ("a model that teaches itself keeps", "what the LLM adds as a teacher"),
    "untrained-llm": ("an LLM of random weights keeps", "what pretraining adds"),
    "shuffled-texts": ("texts of other items keep", "what the right texts add"),
    "no-mutual": ("the pair without mutual learning keeps", "what mutual learning adds"),
    "no-neighbours": ("the pair without neighbours keeps", "what neighbours add"),
    NONE_SHARED: ("training with nothing shared keeps", "what sharing adds"),
    HYBRID: ("the model alone beside counted words keeps", "what is more than they say"),
}
"""control -> who keeps a part of the gain, and what is the rest. The first one that was run tells most about the
LLM."""

IN_SENTENCES: Mapping[str, tuple[str, str]] = {
    "shuffled-texts": ("with shuffled titles", "what the titles say"),
    "ciphered-texts": ("with every word replaced by another", "what the words of the titles mean"),
    BAG_OF_WORDS: (
        "with counted words and an untrained LLM",
        "what the LLM knows beyond which words a title has",
    ),
    FROZEN_BAG_OF_WORDS: (
        "with counted words and an untrained LLM that has no turn",
        "what the LLM knows beyond which words a title has, and what it learns",
    ),
    "untrained-llm": ("with an untrained LLM", "what the LLM has learned"),
    "frozen-texts": ("with an LLM that has no turn", "what the LLM learns in its turns"),
    "own-teacher": ("with itself as the teacher", "what the LLM adds as a teacher"),
    "no-neighbours": ("without neighbours", "what items share with those of the nearest titles"),
    "no-mutual": ("without mutual learning", "mutual learning"),
}
"""control -> its name in a sentence, and the part of the method that it leaves out."""


def rung_of(key: RowKey) -> str:
    """Return the name of the control that a row is; a sharing module that shares nothing is one, too."""
    return key.control or (HYBRID if key.sharing == HYBRID else NONE_SHARED)


def contrast_of(control: str) -> str:
    """Return what a pair minus one of its controls tells.

    >>> contrast_of("untrained-llm"), contrast_of("of-a-plugin")
    ('pretraining', 'what of-a-plugin leaves out')
    """
    return {**CONTRASTS, **FURTHER}.get(control, f"what {control} leaves out")


def in_words(control: str) -> tuple[str, str]:
    """Return who keeps a part of the gain under a control, and what is the rest.

    >>> in_words("of-a-plugin")
    ('the control of-a-plugin keeps', 'what it leaves out adds')
    """
    return IN_WORDS.get(control, (f"the control {control} keeps", "what it leaves out adds"))

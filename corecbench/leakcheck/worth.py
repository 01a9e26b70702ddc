"""What vectors of items are worth beside a recommender: more than words, as much, or as much as any vectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from corecbench.report.evidence.contrasts import FEWEST_SEEDS, Contrast, Verdict
from corecbench.report.evidence.controls import controls_of
from corecbench.report.page.blocks import Statement
from corecbench.report.views.findings import change, excludes_zero, interval
from corecbench.report.wording import decimal, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corecbench.report.evidence.evidence import Evidence
    from corecbench.results.rows import RowKey

Value = Literal["more than words", "as much as words", "less than words", "as much as any vectors", "unknown"]
WORDS, VECTORS, BOTH, PAIR = "beside-words", "beside-vectors", "beside-both", "frozen-pair"
"""The names that the run file `audit` gives to a recommender beside texts, and to the trained pair."""
VERDICTS: Mapping[Value, Verdict] = {
    "more than words": "gain",
    "as much as words": "nothing",
    "less than words": "loss",
}


@dataclass(frozen=True)
class Worth:
    """The contrasts by which vectors are judged beside one recommender."""

    model: str
    words: RowKey
    """The row of the recommender with counted words in its scores."""
    with_words: Contrast
    """With the vectors and the words, against the words alone."""
    vectors: Contrast
    """With the vectors and no words, against the words alone; of a trained pair the same as `with_words`."""
    placebos: Sequence[Contrast]
    """Each row of vectors against the same row under a control that takes away what they say."""
    higher_is_better: bool

    def differs(self, contrast: Contrast, better: bool) -> bool:
        is_better = (contrast.difference > 0) == self.higher_is_better
        return excludes_zero(contrast) and is_better == better

    @property
    def lacks_seeds(self) -> bool:
        return self.with_words.lacks_seeds or self.vectors.lacks_seeds

    @property
    def value(self) -> Value:
        """What the vectors are worth, by 95 % intervals."""
        if self.lacks_seeds:
            return "unknown"
        own = [each for each in self.placebos if each.row == self.vectors.row]
        if not all(self.differs(each, better=True) for each in own):
            return "as much as any vectors"
        if self.differs(self.with_words, better=True):
            both = [each for each in self.placebos if each.row == self.with_words.row]
            return (
                "more than words" if all(self.differs(each, better=True) for each in both) else "as much as words"
            )
        return "less than words" if self.differs(self.vectors, better=False) else "as much as words"

    @property
    def unseen(self) -> str:
        contrasts = [each for each in (self.with_words, self.vectors, *self.placebos) if not excludes_zero(each)]
        sizes = [size for each in contrasts if (size := each.detectable_change)]
        return f" (changes below {max(sizes):.0%} could not be seen)" if sizes else ""

    def lines(self, evidence: Evidence) -> Iterator[str]:
        """Yield each contrast in words."""
        reached = decimal(evidence.rows[self.words].metrics[evidence.tested])
        yield f"beside {self.model}, whose {evidence.tested} with counted words is {reached}:"
        named = {"vectors and words, against words": self.with_words}
        named |= {"vectors, against words": self.vectors} if self.vectors != self.with_words else {}
        for each in self.placebos:
            what = "vectors and words" if each.row.sharing == BOTH else "vectors"
            named[f"{what}, against {each.other.control}"] = each
        for what, contrast in named.items():
            yield f"  {what}: {change(contrast)} ({interval(contrast)})"


def worths(evidence: Evidence) -> list[Worth]:
    found = []
    for pair in evidence.rows:
        if pair.sharing in (BOTH, PAIR) and not pair.control and pair.side == "domain":
            alone = replace(pair, sharing=VECTORS) if pair.sharing == BOTH else pair
            found.append(worth(evidence, pair, alone))
    return [each for each in found if each is not None]


def worth(evidence: Evidence, pair: RowKey, alone: RowKey) -> Worth | None:
    """Return what vectors are worth by a row with words and one without; None where a row is missing.

    One row has vectors and words, the other vectors without words; it is the same where there is no such row.
    """
    words = replace(pair, sharing=WORDS)
    rows = dict.fromkeys((alone, pair))
    controls = [key for row in rows for key in controls_of(row, evidence.rows)]
    if not controls or not all(evidence.has(key) for key in (words, *rows, *controls)):
        return None
    found = [evidence.contrast(row, words) for row in (pair, alone)]
    placebos = [evidence.contrast(replace(key, control=None), key) for key in controls]
    known = [each for each in (*found, *placebos) if each is not None]
    if len(known) < len(found) + len(placebos):
        return None
    name = f"{pair.domain} trained with them" if pair.sharing == PAIR else str(pair.domain)
    return Worth(name, words, known[0], known[1], known[2:], evidence.higher_is_better)


def statement(evidence: Evidence, vectors: str, dataset: str, leak: str, minutes: float) -> Statement:
    """Return the one sentence that an audit ends in, and the lines that it rests on."""
    found = worths(evidence)
    asides = [line for each in found for line in each.lines(evidence)]
    on, took = f"{vectors} on {dataset}", f"({minutes:.1f} minutes)"
    if not found:
        return Statement("missing", f"{on}: cannot tell, since rows of the audit failed {took}", asides)
    said: dict[Value, list[str]] = {}
    for each in found:
        said.setdefault(each.value, []).append(each.model + each.unseen * each.value.startswith("as much"))
    parts = [
        f"worth {value} beside {listed(models, 'recommenders')}"
        for value, models in said.items()
        if value != "unknown"
    ]
    if unknown := said.get("unknown"):
        parts.append(
            f"of unknown worth beside {listed(unknown, 'recommenders')} before {FEWEST_SEEDS} seeds are run"
        )
    if leak == "leak":
        return Statement("loss", f"{on} leaks, so nothing of this counts: {'; '.join(parts)} {took}", asides)
    text = f"{on} is {'; '.join(parts)}; leaks: {leak} {took}"
    return Statement(VERDICTS.get(found[0].value, "open"), text, asides)

"""How well an LLM knows the titles of a data set before it is trained on anything.

Each title is compared with its twin, in which a control replaced every word by another one: what makes any text
likely, such as its length and form, is alike in both. S titles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from corecbench.api import ControlComponent, LlmComponent, PluginError, Setup, UsageError, generator, resolve
from corecbench.experiment.controls import choose_control
from corecbench.leakcheck.verdict import CONFIDENCE, Mean
from corecbench.plugin.guard import guard
from corecbench.toolkit import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from corecbench.api import Catalog
    from corecbench.plugin.host import Host
    from corecbench.plugin.selected import Selected

SEED = 0
"""Draws the titles and their twins."""
SHORTEST = 4
"""Least tokens of a title with two halves."""
COMPLETED = 0.5
"""The likelihood of each token of the second half, their geometric mean, from which on an LLM completes a title."""
WELL_KNOWN = 0.05
"""The share of completed titles from which on a data set is well known."""

Judgement = Literal["well known", "no sign", "cannot tell"]


@dataclass(frozen=True)
class Titles:
    """Titles of a data set and how likely they are: the mean of the natural logarithm over tokens."""

    dataset: str
    n_all: int
    """The different titles that there are."""
    n_short: int
    """Those that were drawn and left out, since they or their twins have fewer than SHORTEST tokens."""
    texts: tuple[str, ...]
    whole: np.ndarray
    """float64 [S, 2], of all tokens of the title and of its twin."""
    second: np.ndarray
    """float64 [S, 2], of those of the second half, given the first."""

    @property
    def beyond_twins(self) -> np.ndarray:
        return np.asarray(self.second[:, 0] - self.second[:, 1])


@dataclass(frozen=True)
class Contamination:
    """What was found."""

    llm: str
    titles: Titles
    verdict: Judgement
    completed: Mean
    """The share of titles that the LLM completes, and not their twins; its interval is that of Wilson (1927)."""
    others: Mapping[str, Mean] = field(default_factory=dict)
    """Other data set -> how much more `beyond_twins` is here than there; the interval is Welch's (1947)."""

    def facts(self) -> dict[str, object]:
        """Return all of it as JSON takes it."""
        titles = self.titles
        return {
            "llm": self.llm,
            "dataset": titles.dataset,
            "titles": {"all": titles.n_all, "read": len(titles.texts), "short": titles.n_short},
            "log-likelihood": {
                name: dict(zip(("title", "twin", "difference"), map(vars, means), strict=True))
                for name, *means in self.measured()
            },
            "completed": vars(self.completed),
            "more than on": {name: vars(mean) for name, mean in self.others.items()},
            "verdict": self.verdict,
        }

    def measured(self) -> list[tuple[str, Mean, Mean, Mean]]:
        parts = {"a token": self.titles.whole, "a token of the second half, given the first": self.titles.second}
        return [
            (name, Mean.of(both[:, 0]), Mean.of(both[:, 1]), Mean.of(both[:, 0] - both[:, 1]))
            for name, both in parts.items()
        ]

    def lines(self) -> list[str]:
        """Return it as lines of text, a sentence at the end."""
        titles = self.titles
        short = f", {titles.n_short:,} shorter ones left out" if titles.n_short else ""
        return [
            f"{self.llm} on {titles.dataset}: {len(titles.texts):,} of {titles.n_all:,} titles{short}",
            "log-likelihoods (natural) of titles and of their twins in other words:",
            *(
                f"  {name}: {own.value:.2f}, twins {twin.value:.2f}, difference {nats(difference)}"
                for name, own, twin, difference in self.measured()
            ),
            *(
                f"  that difference of second halves, less that on {name}: {nats(mean)}"
                for name, mean in self.others.items()
            ),
            f"verdict: {self.verdict}; {self.sentence()}",
        ]

    def sentence(self) -> str:
        share = self.completed
        ends = f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
        return {
            "well known": f"{self.llm} completes {ends} of the titles from their first halves",
            "no sign": f"{self.llm} completes only {ends} of the titles from their first halves",
            "cannot tell": f"{share.n:,} titles are too few, of which {self.llm} completes {ends}",
        }[self.verdict]


def nats(mean: Mean) -> str:
    """Return a mean difference of log-likelihoods with its interval.

    >>> nats(Mean(1.25, 1.0, 1.5, 9))
    '+1.25 (+1.00 to +1.50)'
    """
    return f"{mean.value:+.2f} ({mean.low:+.2f} to {mean.high:+.2f})"


def judge(llm: str, titles: Titles, others: Iterable[Titles] = ()) -> Contamination:
    """Return what likelihoods say of how well an LLM knows a data set, also beside other data sets."""
    knows = titles.second >= np.log(COMPLETED)
    completed = share_of(knows[:, 0] & ~knows[:, 1])
    verdict: Judgement = "cannot tell"
    if completed.low >= WELL_KNOWN:
        verdict = "well known"
    elif completed.high < WELL_KNOWN:
        verdict = "no sign"
    more = {other.dataset: difference(titles.beyond_twins, other.beyond_twins) for other in others}
    return Contamination(llm, titles, verdict, completed, more)


def share_of(holds: np.ndarray) -> Mean:
    """Return the share of titles of which something holds, bool [S], with Wilson's interval.

    >>> share = share_of(np.array([False, False, True, False]))  # (k + z^2/2) / (n + z^2) -+ ..., z^2 is 3.841
    >>> share.value, round(share.low, 3), round(share.high, 3)
    (0.25, 0.046, 0.699)
    """
    n = len(holds)
    if not n:
        return Mean(0.0, 0.0, 1.0, 0)
    ends = stats.binomtest(int(holds.sum()), n).proportion_ci(CONFIDENCE, method="wilson")
    return Mean(float(holds.mean()), float(ends.low), float(ends.high), n)


def difference(own: np.ndarray, other: np.ndarray) -> Mean:
    """Return the mean of some values less that of others, which are not paired, with Welch's interval.

    >>> mean = difference(np.array([2.0, 4.0]), np.array([1.0, 1.0]))  # error 1, of one degree of freedom
    >>> mean.value, round(mean.low, 3), round(mean.high, 3)  # t(.975, 1) is 12.706
    (2.0, -10.706, 14.706)
    """
    value = float(own.mean() - other.mean()) if len(own) and len(other) else float("nan")
    if min(len(own), len(other)) < 2:
        return Mean(value, float("-inf"), float("inf"), len(own))
    errors = [float(values.var(ddof=1)) / len(values) for values in (own, other)]
    error = sum(errors)
    if not error:
        return Mean(value, value, value, len(own))
    freedom = error**2 / sum(e**2 / (len(v) - 1) for e, v in zip(errors, (own, other), strict=True))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error**0.5
    return Mean(value, value - half, value + half, len(own))


# --- what an LLM makes of texts -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reader:
    """Asks an LLM how likely titles are."""

    host: Host
    llm: Selected
    device: str = "cpu"
    progress: Callable[[str, int, int], None] = lambda what, done, total: None

    def titles(self, catalog: Catalog, most: int, of: Iterable[int] | None = None) -> Titles:
        """Return how likely titles of a data set and their twins are: all, or at most so many drawn at random.

        Raises:
            UsageError: the LLM gives no likelihoods, no control makes twins, or no item has a text.
        """
        twins = self.twins(catalog)
        rows = range(1, catalog.n_items + 1) if of is None else sorted(set(of))
        twin_of = {catalog.item_texts[row]: twins[row] for row in rows if catalog.item_texts[row]}
        if not twin_of:
            raise UsageError(
                f"data set '{catalog.name}': no item has a text, so there is nothing that an LLM knows"
            )
        texts = list(twin_of)
        drawn = generator(SEED, catalog.name, "contamination").permutation(len(texts))[: most or None]
        texts = [texts[row] for row in sorted(drawn)]
        setup = Setup(catalog, 1, SEED, self.device, cache_folder(), self.progress)
        both = likelihoods(self.llm, setup, [*texts, *(twin_of[text] for text in texts)])
        pairs = [
            (text, own, twin)
            for text, own, twin in zip(texts, both[: len(texts)], both[len(texts) :], strict=True)
            if min(len(own), len(twin)) >= SHORTEST
        ]
        whole = [(own.mean(), twin.mean()) for _, own, twin in pairs]
        second = [(own[len(own) // 2 :].mean(), twin[len(twin) // 2 :].mean()) for _, own, twin in pairs]
        return Titles(
            catalog.name,
            len(twin_of),
            len(texts) - len(pairs),
            tuple(text for text, *_ in pairs),
            np.array(whole).reshape(-1, 2),
            np.array(second).reshape(-1, 2),
        )

    def twins(self, catalog: Catalog) -> Sequence[str]:
        """Return the texts of a catalogue in other words, by the control that leaves all but their meaning.

        Raises:
            UsageError: there is no such control.
        """
        for component, _ in self.host.list("controls"):
            entry = component.ledger if isinstance(component, ControlComponent) else None
            if entry is None or not entry.placebo or entry.texts_say_nothing:
                continue
            control = choose_control(self.host, component.name, {})
            if control.abilities.item_texts is not None:
                return control.catalog(catalog, SEED).item_texts
        raise UsageError("no control here replaces the words of item texts, which titles are compared with")


def likelihoods(llm: Selected, setup: Setup, texts: Sequence[str]) -> list[np.ndarray]:
    """Return the log-likelihood of each token of each text.

    Raises:
        UsageError: the LLM gives none.
        PluginError: it does not give one array of finite values of at most 0 for each text.
    """
    component = llm.component
    asked = component.likelihoods if isinstance(component, LlmComponent) else None
    if asked is None:
        raise UsageError(f"{llm.label} gives no likelihoods of texts; a causal LM is needed")
    with guard(str(llm), "likelihoods"):
        found = [np.asarray(each, dtype=np.float64) for each in resolve(asked)(llm.config, setup, texts)]
        if len(found) != len(texts):
            raise PluginError(f"it gives {len(found)} arrays for {len(texts)} texts")
        if not all(each.ndim == 1 and np.isfinite(each).all() and (each <= 0).all() for each in found):
            raise PluginError(
                "it gives a value that is no finite logarithm of a likelihood, or arrays of another shape"
            )
    return found

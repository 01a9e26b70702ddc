"""What captions say of tests, intervals and effect sizes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from corecbench.report.evidence.contrasts import ALPHA, FEWEST_SEEDS, Contrast, Method
from corecbench.report.views.columns import has_seeds, p_name
from corecbench.report.views.findings import CORRECTED
from corecbench.report.views.layout import NONE
from corecbench.report.wording import decimal
from corecbench.stats.bootstrap import RESAMPLES
from corecbench.stats.differences import FEWEST_DIFFERENT
from corecbench.stats.paired import METHODS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from corecbench.report.evidence.evidence import Evidence


def significant(method: Method) -> str:
    return f"{p_name(method)} below {decimal(ALPHA, 2)}"


def of_tests(contrasts: Collection[Contrast], method: Method, kind: str, base: str) -> Iterator[str]:
    if contrasts:
        yield of_p(contrasts, method)
        yield of_family(method, families_in_words(contrasts, kind, base))


def families_in_words(contrasts: Collection[Contrast], kind: str, base: str) -> str:
    """Return how many tests of which families there are.

    Rows that are compared with the base and are no controls are of a kind, such as "joint rows".
    """
    sizes = Counter(each.family for each in contrasts)
    named = ((kind, sizes["row"]), ("ablations", sizes["ablation"]), ("controls", sizes["control"]))
    families = [f"{n} {name if n > 1 else name.removesuffix('s')} against {base}" for name, n in named if n]
    number = ("one family", "two families", "three families")[len(families) - 1]
    return f"{number} of tests: {' and '.join(families)}"


def of_family(method: Method, tests: str, of: str = "") -> str:
    if method.correction == "none":
        return f"p is not adjusted for the number of tests; {tests}"
    return f"{p_name(method, of)}: {CORRECTED[method.correction]}-adjusted within {tests}"


def of_p(contrasts: Collection[Contrast], method: Method) -> str:
    """Return the sentence of a caption about what p is of, and about what it speaks."""
    name = METHODS[method.test][0]
    if not method.speaks_of_methods:
        return f"p: {name}, for these trained models"
    lacking = [each.lacks_seeds for each in contrasts]
    if not any(lacking):
        return f"p: {name}"
    alone = f"{METHODS['t'][0]}, for these trained models and without a star: a verdict needs {FEWEST_SEEDS} seeds"
    if all(lacking):
        return f"p: {alone}"
    return f"p: {name}; where fewer than {FEWEST_SEEDS} seeds rank the same users, {alone}"


def of_changes(method: Method) -> str:
    return "the BCa bootstrap" if method.is_resampled else "Fieller's theorem"


def intervals_in_words(method: Method, contrasts: Iterable[Contrast]) -> str:
    if method.is_resampled:
        return f"BCa bootstrap over users, {RESAMPLES:,} resamples"
    over_users = {each.lacks_seeds or not method.speaks_of_methods for each in contrasts}
    if over_users == {True}:
        return "t over users, for these trained models"
    few = f"; where fewer than {FEWEST_SEEDS} seeds rank the same users, over users, for these trained models"
    return f"t over users and seeds{few if True in over_users else ''}"


def of_intervals(method: Method, contrasts: Iterable[Contrast]) -> str:
    return (
        f"95% interval: of the difference ({intervals_in_words(method, contrasts)}), not adjusted for the number "
        f"of rows; {NONE} where fewer than {FEWEST_DIFFERENT} users differ or all differ by the same"
    )


def of_power(evidence: Evidence) -> Iterator[str]:
    """Yield which changes against models alone can hardly be found under a split by time, whose users are few."""
    for dataset, protocol in evidence.protocols.items():
        contrasts = [each for key, each in evidence.over_alone.items() if key.dataset == dataset]
        found = sorted(size for each in contrasts if (size := each.detectable_change) is not None)
        if protocol.get("split") == "time" and found:
            most = f" to {found[-1]:.0%}, by row," if len(found) > 1 else ""
            yield (
                f"On {dataset} changes below {found[0]:.0%}{most} cannot be seen: with these users and seeds the "
                "tests find them with less than 80% power"
            )


def of_effects(method: Method, base: str, contrasts: Collection[Contrast]) -> Iterator[str]:
    """Yield the sentences of a caption about effect sizes, in the order of their columns.

    `base` is what the rows are compared with, in words.
    """
    seeds = has_seeds(contrasts)
    test, many = ("the test", "users and seeds") if method.speaks_of_methods else ("a paired t test", "users")
    yield of_intervals(method, contrasts)
    yield (
        f"95% interval (change): of the relative change, by {of_changes(method)}; unbounded where the mean "
        "compared with is too close to 0"
    )
    yield "d_z: mean difference in standard deviations of the users' differences"
    yield "better/worse/equal: shares of the users"
    yield (
        f"detectable: the smallest true difference that {test} at .05 over as many {many} finds with 80% power; "
        f"users needed: for it to find the observed difference with that power, {NONE} where more do not help"
    )
    if seeds:
        yield (
            "variance: of the difference of one user under one seed, the share that is the user, the seed and the "
            "rest; seeds needed: to find the "
            f"observed difference with 80% power among as many users, {NONE} where more seeds do not help"
        )
    if method.find:
        share = f"{100 * method.find:g}%"
        yield (
            f"users for {share}: with whom it finds a change of {share} of {base} with that power"
            + (f"; seeds for {share}: the same, among as many users" if seeds else "")
        )
    yield (
        f"{p_name(method, 'TOST')}: of two one-sided t tests, of a difference of {100 * method.margin:g}% "
        f"of {base} or more; where it is low the two are alike up to that margin"
    )

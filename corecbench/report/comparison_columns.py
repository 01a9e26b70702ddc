"""The columns of a comparison, and the sentences of a caption about its tests and effect sizes."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Literal

from corecbench.report.columns import NONE, Column, interval_columns, of_intervals, t_intervals
from corecbench.report.comparison import ALPHA, FEWEST_SEEDS, Comparison, Method
from corecbench.report.wording import count, decimal, p_value, percent, percents, signed
from corecbench.stats.bootstrap import RESAMPLES
from corecbench.stats.paired import METHODS
from corecbench.stats.relative import ChangeSet

CORRECTED = {"holm": "Holm", "hochberg": "Hochberg", "bh": "Benjamini-Hochberg", "none": ""}
"""correction -> the name of its authors in a caption."""

Value = Callable[[Any], Any]
Part = Callable[[Callable[[Comparison], Any]], Value]
"""Takes comparison -> value and returns row -> value, None for a row without a comparison."""


def p_name(method: Method, of: str = "") -> str:
    """Return the name of the column of an adjusted p.

    >>> p_name(Method()), p_name(Method(correction="bh"), "TOST"), p_name(Method(correction="none"))
    ('p (Holm)', 'p (TOST, BH)', 'p')
    """
    short = {"bh": "BH"}.get(method.correction, CORRECTED[method.correction])
    stated = ", ".join(filter(None, (of, short)))
    return f"p ({stated})" if stated else "p"


def significant(method: Method) -> str:
    """Return the meaning of the mark of a significant difference."""
    return f"{p_name(method)} below {decimal(ALPHA, 2)}"


# --- columns ----------------------------------------------------------------------------------------------------


def comparison_columns(
    comparison_of: Callable[[Any], Comparison | None], change: str, method: Method, effects: bool, seeds: bool
) -> Iterator[Column]:
    """Yield the columns of comparisons.

    Args:
        comparison_of: row -> its comparison, if it has one.
        change: the name of the column of relative changes.
        method: the method of the tests.
        effects: whether there are columns of effect sizes.
        seeds: whether some of these columns are about seeds.
    """
    part = _part(comparison_of)
    if effects:
        yield Column("difference", part(lambda each: each.difference), signed)
        yield from interval_columns(part(lambda each: each.sizes.interval))
    yield Column(change, part(lambda each: each.change), percent)
    if effects:
        yield from _effects(part)
        yield from _of_seeds(part) if seeds else ()
        yield from _wanted(part, method.find, seeds) if method.find else ()
        yield from equivalence_columns(comparison_of, method)
    yield Column("p", part(lambda each: each.test.p), p_value)
    if method.correction != "none":
        yield Column(p_name(method), part(lambda each: each.p_adjusted), p_value)


def _part(comparison_of: Callable[[Any], Comparison | None]) -> Part:
    def part(value: Callable[[Comparison], Any]) -> Value:
        def value_of(row: Any) -> Any:
            comparison = comparison_of(row)
            return None if comparison is None else value(comparison)

        return value_of

    return part


def _effects(part: Part) -> Iterator[Column]:
    yield Column("95% interval (change)", part(lambda each: each.sizes.changes), _changes, exact=False)
    yield Column("95% low (change)", part(lambda each: _bounded(each.sizes.changes, "low")), None)
    yield Column("95% high (change)", part(lambda each: _bounded(each.sizes.changes, "high")), None)
    yield Column("d_z", part(lambda each: each.sizes.dz), lambda value: signed(value, 3))
    yield Column("better/worse/equal", part(lambda each: each.sizes.shares), percents, exact=False)
    yield Column("better", part(lambda each: each.sizes.shares.better), None)
    yield Column("worse", part(lambda each: each.sizes.shares.worse), None)
    yield Column("equal", part(lambda each: each.sizes.shares.equal), None)
    yield Column("detectable", part(lambda each: each.sizes.detectable), decimal)
    yield Column("users needed", part(lambda each: each.sizes.users_needed), count)


def _changes(changes: ChangeSet) -> str:
    return f"[{percent(changes.low)}, {percent(changes.high)}]" if changes.bounded else "unbounded"


def _bounded(changes: ChangeSet | None, end: Literal["low", "high"]) -> float | None:
    """Return an end of a set of changes; None where it is unbounded."""
    if changes is None or not changes.bounded:
        return None
    return changes.low if end == "low" else changes.high


def _of_seeds(part: Part) -> Iterator[Column]:
    variance = part(lambda each: each.sizes.seeds and each.sizes.seeds.variance)
    yield Column("variance: user/seed/rest", variance, percents, exact=False)
    yield Column("variance: user", lambda row: getattr(variance(row), "user", None), None)
    yield Column("variance: seed", lambda row: getattr(variance(row), "seed", None), None)
    yield Column("variance: rest", lambda row: getattr(variance(row), "residual", None), None)
    yield Column("seeds needed", part(lambda each: each.sizes.seeds and each.sizes.seeds.needed), count)


def _wanted(part: Part, find: float, seeds: bool) -> Iterator[Column]:
    share = f"{100 * find:g}%"
    yield Column(f"users for {share}", part(lambda each: each.sizes.wanted and each.sizes.wanted.users), count)
    if seeds:
        yield Column(f"seeds for {share}", part(lambda each: each.sizes.wanted and each.sizes.wanted.seeds), count)


def equivalence_columns(comparison_of: Callable[[Any], Comparison | None], method: Method) -> Iterator[Column]:
    """Yield the columns of the test for equivalence; arguments as in `comparison_columns`."""
    part = _part(comparison_of)
    p = part(lambda each: each.sizes.equivalence and each.sizes.equivalence.p)
    if method.correction == "none":
        yield Column("p (TOST)", p, p_value)
    else:
        yield Column("p (TOST)", p, None)
        yield Column(p_name(method, "TOST"), part(lambda each: each.p_equivalence), p_value)


# --- caption ----------------------------------------------------------------------------------------------------


def of_tests(comparisons: Sequence[Comparison], method: Method, kind: str, base: str) -> Iterator[str]:
    """Yield the sentences of a caption about the tests of a table; nothing if there are none.

    Args:
        comparisons: all comparisons of the table.
        method: the method of the tests.
        kind: the kind of rows that are compared and are no controls, such as "joint rows".
        base: the row that they are compared with, in words.
    """
    if not comparisons:
        return
    yield of_p(comparisons, method)
    sizes = Counter(each.family for each in comparisons)
    named = ((kind, sizes["row"]), ("ablations", sizes["ablation"]), ("controls", sizes["control"]))
    families = [f"{n} {name if n > 1 else name.removesuffix('s')} against {base}" for name, n in named if n]
    number = ("one family", "two families", "three families")[len(families) - 1]
    tests = f"{number} of tests: {' and '.join(families)}"
    if method.correction == "none":
        yield f"p is not adjusted for the number of tests; {tests}"
    else:
        whose = CORRECTED[method.correction]
        yield f"{p_name(method)}: {whose}-adjusted within {tests}"


def of_p(comparisons: Collection[Comparison], method: Method) -> str:
    """Return the sentence of a caption about what p is of, and about what it speaks."""
    name = METHODS[method.test][0]
    if not method.speaks_of_methods:
        return f"p: {name}, for these trained models"
    lacking = [each.lacks_seeds for each in comparisons]
    if not any(lacking):
        return f"p: {name}"
    alone = f"{METHODS['t'][0]}, for these trained models and without a star: a verdict needs {FEWEST_SEEDS} seeds"
    return (
        f"p: {alone}"
        if all(lacking)
        else f"p: {name}; where fewer than {FEWEST_SEEDS} seeds rank the same users, {alone}"
    )


def of_changes(method: Method) -> str:
    """Return the method of the intervals of relative changes, in words."""
    return "the BCa bootstrap" if method.is_resampled else "Fieller's theorem"


def of_difference(method: Method, comparisons: Collection[Comparison]) -> str:
    """Return the sentence of a caption about the intervals of differences."""
    if method.is_resampled:
        return of_intervals(f"BCa bootstrap over users, {RESAMPLES:,} resamples")
    return of_intervals(t_intervals(each.lacks_seeds or not method.speaks_of_methods for each in comparisons))


def of_effects(method: Method, base: str, comparisons: Collection[Comparison]) -> Iterator[str]:
    """Yield the sentences of a caption about effect sizes, in the order of their columns.

    Args:
        method: the method of the tests.
        base: what the rows are compared with, in words.
        comparisons: all comparisons of the table.
    """
    seeds = any(each.sizes.seeds for each in comparisons)
    test, many = ("the test", "users and seeds") if method.speaks_of_methods else ("a paired t test", "users")
    yield of_difference(method, comparisons)
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

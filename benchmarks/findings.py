"""What README and the results page say, computed from the published bundles.

    python benchmarks/findings.py            writes the marked parts of the pages anew
    python benchmarks/findings.py --check    says which finding is not shown, and which part is out of date

Each finding in `results/published/findings.toml` names its contrast and what is claimed of it. All of them are one
family: their p are adjusted together by Holm. "less than" is a one-sided test of `row >= (1 + margin) base`.
"""

from __future__ import annotations

import functools
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

import corecbench
from corecbench.report.evidence.contrasts import ALPHA, Contrast, of_users
from corecbench.report.evidence.users import EVERYONE, users_in_order
from corecbench.settings.configure import configure
from corecbench.stats.components import mean_test
from corecbench.stats.correction import adjust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corecbench.report.evidence.evidence import Evidence
    from corecbench.report.evidence.rows import Row

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "results" / "published"
PAGES = (ROOT / "README.md", ROOT / "docs" / "published-results.md")
MARKED = re.compile(r"(<!-- findings: (?P<name>[\w-]+) -->\n).*?(<!-- end of findings -->)", re.DOTALL)
TESTED = "NDCG@10"
HEAD = ("row", "against", "data set", "users", "change (95 %)", "p", "shown")

FEWEST_SEEDS = 5
"""Fewer seeds of what is trained or drawn by seed carry no sentence: of ten triples of five stored seeds four were
significant where all five are not."""

Claim = Literal["above", "below", "less than", "not shown"]


@dataclass(frozen=True)
class Finding:
    """A contrast, and what is claimed of it."""

    name: str
    part: str
    """The part of a page whose table has it."""
    bundle: str
    dataset: str
    row: str
    base: str
    claim: Claim
    group: Literal["all", "in order"] = "all"
    margin: float = 0.05
    """Of "less than", as a share of the base."""
    calls: str = ""
    """The row in the words of the page; its name if empty."""
    against: str = ""
    """The base in the words of the page."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of a page, with the names of findings in braces."""

    part: str
    text: str


@dataclass(frozen=True)
class Shown:
    """A finding beside what its contrast shows."""

    finding: Finding
    contrast: Contrast
    p: float
    """Adjusted over all findings."""
    can_vary: bool = False
    """Whether other seeds could change either row."""

    @property
    def change(self) -> str:
        """The change with its interval, in per cent."""
        ends = self.contrast.sizes.change_ends
        interval = "no bounds" if ends is None else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}"
        return f"{100 * (self.contrast.change or 0):+.1f} % ({interval})"

    @property
    def p_value(self) -> str:
        """The p, as a page prints it."""
        return "< .001" if self.p < 0.001 else "1" if self.p == 1 else f"{self.p:.3f}".lstrip("0")

    @property
    def shows(self) -> Claim:
        """What may be claimed."""
        if self.p >= ALPHA or (self.can_vary and len(self.contrast.seeds) < FEWEST_SEEDS):
            return "not shown"
        if self.finding.claim == "less than":
            return "less than"
        return "above" if self.contrast.difference > 0 else "below"

    @property
    def holds(self) -> bool:
        """Whether the contrast shows what is claimed."""
        return self.shows == self.finding.claim

    def cells(self) -> Sequence[str]:
        """Return the finding as a line of a table."""
        each = self.finding
        shows = f"less than {each.margin:+.0%}" if self.shows == "less than" else self.shows
        words = each.calls or f"`{each.row}`", each.against or f"`{each.base}`"
        return (*words, each.dataset.partition(" (")[0], each.group, self.change, self.p_value, shows)


def read() -> tuple[list[Finding], list[Sentence]]:
    """Return the findings and the sentences of the file."""
    stated = tomllib.loads((PUBLISHED / "findings.toml").read_text(encoding="utf-8"))
    found = [configure(Finding, each, f"finding {each.get('name')}") for each in stated["finding"]]
    return found, [configure(Sentence, each, "sentence") for each in stated["sentence"]]


@functools.cache
def evidence(bundle: str) -> Evidence:
    """Return what a bundle holds."""
    return corecbench.load(PUBLISHED / f"{bundle}.zip", metrics=TESTED).evidence


def rows_of(finding: Finding) -> tuple[Row, Row]:
    """Return the row and the base of a finding."""
    known = evidence(finding.bundle)
    row, base = (known.rows[known.called(name)[finding.dataset]] for name in (finding.row, finding.base))
    return row, base


def contrast_of(finding: Finding) -> tuple[Contrast, float]:
    """Return the contrast of a finding, and the p of its claim before it is adjusted."""
    row, base = rows_of(finding)
    group = EVERYONE if finding.group == "all" else users_in_order(row)
    contrast = evidence(finding.bundle).contrast(row.key, base.key, group)
    if contrast is None:
        raise click.ClickException(f"finding {finding.name}: the rows cannot be compared")
    if finding.claim != "less than":
        return contrast, contrast.test.p
    own, other = (of_users(each, TESTED, contrast.seeds, group) for each in (row, base))
    values = (own, (1 + finding.margin) * other)
    test = mean_test(*(values if contrast.sizes.with_seeds else [each.mean(axis=1) for each in values]))
    return contrast, 1.0 if test is None else test.p_less


def shown(findings: Sequence[Finding]) -> Mapping[str, Shown]:
    """Return what is shown of each finding, all of them one family."""
    contrasts = [contrast_of(each) for each in findings]
    adjusted = adjust([p for _, p in contrasts], "holm").tolist()
    varies = [not all(row.is_deterministic for row in rows_of(each)) for each in findings]
    both = zip(findings, contrasts, adjusted, varies, strict=True)
    return {each.name: Shown(each, contrast, p, vary) for each, (contrast, _), p, vary in both}


def part(name: str, found: Mapping[str, Shown], sentences: Sequence[Sentence]) -> str:
    """Return a part of a page: its sentences, and the table of its findings."""
    figures = {key: f"{each.change[:-1]}; p {each.p_value})" for key, each in found.items()}
    own = [each.text.format(**figures) for each in sentences if each.part == name]
    lines = [f"{number}. {text}" for number, text in enumerate(own, start=1)] if len(own) > 1 else own
    rows = [each.cells() for each in found.values() if each.finding.part == name]
    table = [f"| {' | '.join(cells)} |" for cells in (HEAD, ["---"] * len(HEAD), *rows)] if rows else []
    return "\n".join([*lines, *([""] if lines and table else []), *table, ""])


def written(page: str, found: Mapping[str, Shown], sentences: Sequence[Sentence]) -> str:
    """Return a page with its marked parts made anew."""
    return MARKED.sub(lambda match: match[1] + part(match["name"], found, sentences) + match[3], page)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; end with 1 where a finding or a page is not right.")
def main(check: bool) -> None:
    """Write what the published bundles show into README and the results page."""
    findings, sentences = read()
    found = shown(findings)
    faults = [
        f"{name}: claims {each.finding.claim!r}, shows {each.shows!r}, {each.change}, p {each.p_value}"
        for name, each in found.items()
        if not each.holds
    ]
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        new = written(page, found, sentences)
        if new != page and check:
            faults.append(f"{path.name} is out of date")
        elif new != page:
            path.write_text(new, encoding="utf-8")
    click.echo(
        "\n".join(
            [*faults, f"{len(found)} findings, {sum(each.holds for each in found.values())} shown as claimed"]
        )
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()

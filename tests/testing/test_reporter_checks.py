"""Every check of a reporter finds the fault that it is there for."""

import html
import itertools
import re
from dataclasses import dataclass, field

import pytest

from corecbench.api import Style
from corecbench.testing import reporter_checks

COUNT = itertools.count()


class Good:
    """An HTML table."""

    suffix = "html"
    style = Style(html.escape)

    def __init__(self, config):
        pass

    def render(self, report):
        cells, caption = report.styled(self.style)
        return f"{cells.to_html(escape=False)}<p>{caption}</p>"


class WithDot(Good):
    suffix = ".html"


class AsBytes(Good):
    def render(self, report):
        return super().render(report).encode()


class NeedsARow(Good):
    def render(self, report):
        return report.frame["model"].iloc[0] + super().render(report)


class FirstRowsOnly(Good):
    def render(self, report):
        return report.frame.head(60).map(html.escape).to_html(escape=False)


class WithANumber(Good):
    def render(self, report):
        return f"{super().render(report)}<!-- {next(COUNT)} -->"


class ChangesTheFrame(Good):
    def render(self, report):
        report.frame["model"] = report.frame["model"].str.upper()
        return super().render(report)


class ChangesTheMarks(Good):
    def render(self, report):
        report.marks.clear()
        return super().render(report)


class WithTags(Good):
    style = Style()


class MarkdownWithoutEscapes(Good):
    suffix = "md"

    def render(self, report):
        return "\n".join("| " + " | ".join(row) + " |" for row in report.frame.to_numpy().tolist())


class MarkdownWithTags(Good):
    suffix = "md"
    style = Style(lambda text: text.replace("|", r"\|"))

    def render(self, report):
        cells, caption = report.styled(self.style)
        return "\n".join("| " + " | ".join(row) + " |" for row in cells.to_numpy().tolist()) + f"\n\n{caption}"


class LatexWithoutEscapes(Good):
    suffix = "tex"

    def render(self, report):
        return "\n".join(" & ".join(row) + r" \\" for row in report.frame.to_numpy().tolist())


class CsvByHand(Good):
    suffix = "csv"

    def render(self, report):
        return "\n".join(",".join(row).replace("`", '"') for row in report.frame.to_numpy().tolist())


class JsonByHand(Good):
    suffix = "json"

    def render(self, report):
        return "[" + ",".join(f'"{name}"' for name in report.frame["model"]) + "]"


@dataclass(frozen=True)
class OfASet:
    names: set[str] = field(default_factory=lambda: {"a"})


FAULTS = [
    ("the suffix is that of a file", WithDot, r"suffix is '.html', must be letters and digits"),
    ("every table is written", AsBytes, r"gives bytes, must be str"),
    ("every table is written", NeedsARow, r"failed in render: IndexError"),
    ("every table is written", FirstRowsOnly, r"with 80 rows it leaves out 20 rows, such as \['model60'\]"),
    ("the same table is the same text", WithANumber, r"written in two ways"),
    ("a table is not changed", ChangesTheFrame, r"changes the frame of a table with two rows"),
    ("a table is not changed", ChangesTheMarks, r"changes the marks"),
    ("markup is escaped", WithTags, r"does not read there as it is"),
    ("markup is escaped", MarkdownWithoutEscapes, r"a name with '\|' makes 6 cells of a row of 5"),
    ("markup is escaped", MarkdownWithTags, r"a name with '<b>' becomes a tag"),
    ("markup is escaped", LatexWithoutEscapes, r"a name with '&' makes 6 cells"),
    ("markup is escaped", CsvByHand, r"does not read there as it is"),
    ("markup is escaped", JsonByHand, r"it is no valid \.json"),
]


def test_a_good_reporter_passes_every_check(outcome_of):
    outcomes = outcome_of("reporters", Good)
    assert {outcome.status for outcome in outcomes.values()} == {"ok", "not applicable"}, outcomes
    assert outcomes["markup is escaped"].status == "ok"


def test_of_an_unknown_format_it_is_not_said_what_markup_is(outcome_of):
    other = type("Other", (Good,), {"suffix": "org"})
    outcome = outcome_of("reporters", other, None, "markup is escaped")
    assert (outcome.status, outcome.reason) == ("not applicable", "what is markup in a .org file is not known here")


@pytest.mark.parametrize(("check", "reporter", "reason"), FAULTS, ids=[fault[1].__name__ for fault in FAULTS])
def test_a_fault_of_a_reporter_is_found(outcome_of, check, reporter, reason):
    outcome = outcome_of("reporters", reporter, None, check)
    assert outcome.status == "failed"
    assert re.search(reason, outcome.reason)


def test_settings_that_do_not_survive_are_found(outcome_of):
    assert outcome_of("reporters", Good, OfASet, "settings survive json").status == "failed"


def test_every_check_has_a_fault_that_it_finds():
    with_fault = {check for check, *_ in FAULTS} | {"settings survive json"}
    assert with_fault == {check.__name__.replace("_", " ") for check in reporter_checks.CHECKS}

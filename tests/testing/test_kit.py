from random import random

import pytest

from corecbench.api import UsageError
from corecbench.testing import checks_of, conformance
from corecbench.testing.kit import Check, CheckError, NotApplicableError, find, require, select

BROKEN = """
    from corecbench.api import MetricComponent, hookimpl

    class Constant:
        higher_is_better = True

        def __init__(self, config):
            pass

        def per_user(self, rank, n_candidates):
            return rank * 0 + 2.0

    @hookimpl
    def corecbench_metrics():
        return [MetricComponent("constant", Constant), MetricComponent("none", Constant)]
"""


def raising(error):
    def run():
        raise error

    return Check("a check", run)


# --- outcomes -----------------------------------------------------------------------------------------------------


def test_a_check_that_raises_nothing_is_ok():
    assert Check("a check", lambda: None).outcome().status == "ok"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (CheckError("too wide"), "failed", "too wide"),
        (ValueError("no\n good"), "failed", "ValueError: no good"),
        (SystemExit(2), "failed", "SystemExit: 2"),
        (NotApplicableError("no settings"), "not applicable", "no settings"),
    ],
)
def test_what_a_check_raises_decides_what_becomes_of_it(error, status, reason):
    outcome = raising(error).outcome()
    assert (outcome.name, outcome.status, outcome.reason) == ("a check", status, reason)
    assert outcome.error is (error if status == "failed" else None)


def test_what_is_required_and_is_not_so_is_a_fault():
    require(True, "never")
    with pytest.raises(CheckError, match=r"^too wide$"):
        require(0, "too wide")


# --- finding ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("popularity", "models"),
        ("llama:some/path", "llms"),
        ("HR@10", "metrics"),
        ("ml-100k", "datasets"),
        ("some/folder", "datasets"),
        ("none", "sharing"),
        ("html", "reporters"),
        ("csv:ratings.csv", "datasets"),
    ],
)
def test_a_component_is_found_by_its_name(host, name, kind):
    assert find(host, name) == kind


def test_an_unknown_component_comes_with_close_matches(host):
    with pytest.raises(UsageError, match="unknown component 'popularty'; did you mean 'popularity'"):
        find(host, "popularty")
    with pytest.raises(UsageError, match="unknown component 'popularity'"):
        find(host, "popularity", "llm")


def test_a_name_of_two_kinds_needs_the_kind(loose_file):
    path = loose_file("mine", BROKEN)
    with pytest.raises(UsageError, match="'none' is a sharing module and a metric; say which kind is meant"):
        checks_of("none", None, [path], {})
    assert checks_of("none", "metric", [path], {})[0].name == "it has one method"


def test_a_recommender_trains_for_a_moment_unless_told_otherwise(host):
    assert select(host, "models", "sasrec", {}).config.epochs == 10
    config = select(host, "models", "sasrec", {"epochs": 3, "n_layers": 1}).config
    assert (config.epochs, config.n_layers, config.batch_size) == (3, 1, 16)


def test_the_settings_of_other_kinds_are_their_defaults(host):
    assert select(host, "sharing", "bdlm", {}) == host.select("sharing", "bdlm", {})


# --- as tests of pytest -------------------------------------------------------------------------------------------


def cases(test):
    """Return the checks that a test function is parametrised with, by name."""
    (mark,) = test.pytestmark
    return {check.name: check for check in mark.args[1]}


def test_each_check_is_a_case_of_the_test(loose_file):
    test = conformance("constant", plugin=loose_file("mine", BROKEN))
    found = cases(test)
    test(found["there is a value for each user"])
    with pytest.raises(pytest.fail.Exception, match="is not from 0 to 1"):
        test(found["values are bounded"])
    with pytest.raises(pytest.skip.Exception, match="it has no settings"):
        test(found["settings survive json"])


def test_an_error_of_a_component_keeps_its_traceback(loose_file):
    path = loose_file("mine", BROKEN.replace("rank * 0 + 2.0", "1 / 0"))
    test = conformance("constant", "metric", plugin=path)
    with pytest.raises(Exception, match="failed in per_user: ZeroDivisionError") as caught:
        test(cases(test)["values are bounded"])
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_settings_reach_the_component():
    with pytest.raises(UsageError, match="unknown setting of sasrec 'epoch'"):
        conformance("sasrec", settings={"epoch": 1})


READS = "what it reads is said alike each time"


@pytest.mark.parametrize(
    ("component", "fault"),
    [
        ({"needs": lambda config, cache: ["1 MB"], "fingerprint": lambda config, cache: {"a": "b"}}, ""),
        ({"needs": lambda config, cache: "1 MB"}, "a list of single lines is needed"),
        ({"fingerprint": lambda config, cache: {"a": str(random())}}, "it must say the same in every process"),
    ],
)
def test_what_a_component_reads_must_be_said_alike_each_time(outcome_of, component, fault):
    outcome = outcome_of("controls", lambda config: None, None, READS, summary="mine", **component)
    assert outcome.status == ("failed" if fault else "ok")
    assert fault in outcome.reason
    assert READS not in outcome_of("controls", lambda config: None, summary="mine")

from dataclasses import replace

import pytest

from corecbench.experiment.cells import decisive_in
from corecbench.experiment.controls import choose_control, why_not, with_ledger
from corecbench.settings.config import RunConfig

BOTH_OFF = {"domain_weight": 0, "llm_weight": 0}
FROZEN = {"llm_epochs": 0}


@pytest.fixture
def reason(host):
    """Return why a pair lacks a control: `reason("no-mutual", "bdlm", llm_weight=0)`."""

    def find(control, module, llm="llama", **settings):
        chosen = choose_control(host, control, {})
        return why_not(chosen, host.select("llms", llm, {}), host.select("sharing", module, {module: settings}))

    return find


@pytest.mark.parametrize(
    ("control", "module", "settings", "note"),
    [
        ("no-mutual", "none", {}, "none shares nothing, so it is a control itself and has no further ones"),
        ("no-mutual", "collm", {}, "collm is the same under the control no-mutual, so it has none"),
        ("no-mutual", "bdlm", BOTH_OFF, "bdlm is the same under the control no-mutual, so it has none"),
        ("no-mutual", "bdlm", {"llm_weight": 0}, None),
        ("no-neighbours", "bdlm", {}, None),
        (
            "no-neighbours",
            "bdlm",
            {"neighbours": 0},
            "bdlm is the same under the control no-neighbours, so it has none",
        ),
        ("no-neighbours", "llminit", {}, "llminit has no setting neighbours, so it has no control no-neighbours"),
        ("bag-of-words", "bdlm", {}, None),
        (
            "bag-of-words",
            "bdlm",
            {"texts": False},
            "bdlm reads no texts of the LLM, so it has no control bag-of-words",
        ),
        ("bag-of-words", "ctrl", {}, "ctrl reads no texts of the LLM, so it has no control bag-of-words"),
        ("frozen-texts", "dllm2rec", {}, None),
        ("frozen-texts", "llama4rec", {}, "llama4rec reads no texts of the LLM, so it has no control frozen-texts"),
        ("own-teacher", "bdlm", {}, None),
        ("own-teacher", "bdlm", BOTH_OFF, "bdlm has no coupling losses, so it has no control own-teacher"),
        ("frozen-texts", "bdlm", FROZEN, "bdlm is the same under the control frozen-texts, so it has none"),
        ("no-mutual", "bdlm", FROZEN, "bdlm is the same under the control no-mutual, so it has none"),
        ("own-teacher", "bdlm", FROZEN, None),
        ("frozen-bag-of-words", "bdlm", FROZEN, None),
        ("no-mutual", "rlmrec", {}, None),
        ("own-teacher", "rlmrec", {}, "rlmrec has losses without a teacher, so it has no control own-teacher"),
        ("shuffled-texts", "ctrl", {}, None),
        ("ciphered-texts", "ctrl", {}, None),
        ("untrained-llm", "collm", {}, None),
        (
            "frozen-texts",
            "beside-texts",
            {},
            "beside-texts has no training phases, so it has no control frozen-texts",
        ),
        (
            "untrained-llm",
            "beside-texts",
            {"states": False},
            "beside-texts is the same under the control untrained-llm, so it has none",
        ),
    ],
)
def test_a_pair_lacks_a_control_that_cannot_be_or_would_be_the_pair_itself(reason, control, module, settings, note):
    assert reason(control, module, **settings) == note


def test_an_llm_that_reads_no_item_texts_has_no_control_that_replaces_them(host):
    llama, bdlm = host.select("llms", "llama", {}), host.select("sharing", "bdlm", {})
    from_file = replace(llama, component=replace(llama.component, reads_texts=False))
    note = why_not(choose_control(host, "shuffled-texts", {}), from_file, bdlm)
    assert note == "llama does not read item texts, so it has no control shuffled-texts"
    assert why_not(choose_control(host, "untrained-llm", {}), from_file, bdlm) is None


@pytest.mark.parametrize("name", ["shuffled-texts", "bag-of-words"])
def test_how_a_control_reads_is_no_part_of_what_decides_its_ranks(host, name):
    ours = host.select("controls", name, {})
    wordless = replace(ours, component=replace(ours.component, ledger=None))
    assert decisive_in(wordless, name) == decisive_in(ours, name)


# --- the ledger ---------------------------------------------------------------------------------------------------


def test_a_ledger_adds_the_controls_and_the_modules_whose_plugins_say_so(host):
    found = with_ledger(RunConfig(sharing=("bdlm",), controls=("no-neighbours", "no-mutual"), ledger=True), host)
    assert found.sharing == ("bdlm", "none")
    assert found.controls == (
        *("no-neighbours", "no-mutual", "bag-of-words", "frozen-bag-of-words", "ciphered-texts", "frozen-texts"),
        *("untrained-llm", "shuffled-texts"),
    )


def test_without_a_ledger_nothing_is_added(host):
    config = RunConfig(controls=("no-mutual",))
    assert with_ledger(config, host) == config

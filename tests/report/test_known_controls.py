"""Controls explain themselves, also those of third parties, and those whose plugins are not here."""

from corecbench.plugin.host import Host
from corecbench.report.evidence.controls import known_controls
from corecbench.report.evidence.reading import read
from corecbench.report.views.findings import sentence

from .conftest import METRICS

PLUGIN = """
from corecbench.api import ControlComponent, LedgerEntry, hookimpl

@hookimpl
def corecbench_controls():
    entry = LedgerEntry("knowledge of brands", "without brands", step=45, adds="brands", order=5, in_ledger=True)
    return [ControlComponent("no-brands", object, ledger=entry)]
"""


def ledger_of(bench, host):
    """Return the ledger of a pair with one control of a third party, and one by which nothing is explained."""
    bench.add("sasrec", domain_ranks=[2] * 20)
    for control, n in {"no-brands": 5, "of-nobody": 6, None: 15}.items():
        bench.add("sasrec", "llama", control=control, domain_ranks=[1] * n + [2] * (20 - n), llm_ranks=[2] * 20)
    controls = known_controls(host, bench.entries)
    evidence = read(bench.entries, bench.store, {"MRR": METRICS["MRR"]}, "MRR", controls=controls)
    return evidence.ledgers()[0], evidence


def test_a_control_of_a_third_party_reads_as_well_as_ours(bench, loose_file):
    found, evidence = ledger_of(bench, Host.discover([loose_file("brands", PLUGIN)]))
    assert "brands" in found.of_kind("step")[0].tells
    assert "knowledge of brands" in [each.tells for each in found.of_kind("contrast")]
    assert "it keeps +25.0% without brands; knowledge of brands adds +50.0%" in sentence(found, evidence)


def test_without_its_plugin_a_control_has_plain_words_with_its_name(bench):
    found, evidence = ledger_of(bench, Host())
    tells = {each.comparison.other.control: each.tells for each in found.of_kind("contrast")}
    assert tells == {
        "no-brands": "what no-brands leaves out",
        "of-nobody": "what of-nobody leaves out",
    }
    assert "under the control no-brands" in sentence(found, evidence)


def test_a_sharing_module_that_shares_nothing_is_known_by_its_name_and_by_those_of_its_variants(bench, host):
    for sharing, variant_of in (("none", {}), ("private", {"variant_of": "none"}), ("bdlm", {})):
        plugins = {sharing: {"distribution": "corecbench", "version": "0", **variant_of}}
        bench.add("sasrec", "llama", sharing=sharing, plugins=plugins, domain_ranks=[1], llm_ranks=[1])
    known = known_controls(host, bench.entries)
    assert known.unshared == {"none", "private"}
    assert known.by_label["private"] == known.by_label["none"]

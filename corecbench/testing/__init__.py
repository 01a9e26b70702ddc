"""Checks that a plugin keeps the contract, and toy data for its tests.

    from corecbench.testing import conformance

    test_mine = conformance("mine")

Each check is a test of its own; `corecbench check mine` runs the same ones. `corecbench.testing.toys` has data sets
in memory, `corecbench.testing.tiny_llama` an LLM without a download, `corecbench.testing.records` results.
"""

from corecbench.testing.as_tests import conformance

__all__ = ["conformance"]

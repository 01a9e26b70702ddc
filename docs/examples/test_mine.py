"""The checks of both plugins, each a test."""

from corecbench.testing import conformance

test_average = conformance("average", plugin="average.py")
test_tied = conformance("tied", plugin="tied.py")

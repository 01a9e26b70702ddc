"""The checks of both plugins. Each check is a test."""

from corecbench.testing import conformance

test_average = conformance("average", plugin="average.py")
test_tied = conformance("tied", plugin="tied.py")

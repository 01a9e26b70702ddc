"""The version of corecbench, and that of the algorithms in it."""

__version__ = "0.2.0.dev0"

ALGORITHMS = "0.2.0"
"""The version of the first-party components and of training. A change that changes ranks counts it up. It is part
of the hash of a cell, as the version of its distribution is for the component of a third party."""

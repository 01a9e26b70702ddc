"""The version of corecbench."""

__version__ = "0.1.0"

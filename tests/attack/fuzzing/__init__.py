"""Feeds the readers of corecbench with files that were good before something was changed in them."""

"""Reads, merges and checks the settings of a run."""

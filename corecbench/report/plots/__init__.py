"""Plots from stored results: for each its numbers, then its drawing; `registry` writes them all."""

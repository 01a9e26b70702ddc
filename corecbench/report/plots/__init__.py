"""Plots of stored results. Each module prepares the numbers of a plot and draws it; `registry` writes all."""

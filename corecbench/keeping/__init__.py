"""Keeps the trained sides of a cell beside its results, loads either side alone, and lets it recommend."""

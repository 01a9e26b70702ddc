"""Loads data sets, splits them into training and test parts, and fetches published ones."""

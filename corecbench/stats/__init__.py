"""Paired tests over users and corrections for many tests."""

"""The name of the project, and the mark of a hook implementation."""

from __future__ import annotations

import pluggy

PROJECT = "corecbench"
"""The name of the distribution, of the entry-point group and of the hooks."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of the same name."""

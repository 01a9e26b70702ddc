"""Errors that are meant for the user."""


class CorecbenchError(Exception):
    """An error meant for the user: printed as one line, its class decides the exit code."""

    exit_code = 1


class UsageError(CorecbenchError):
    """A name, option or setting that does not exist or does not fit."""

    exit_code = 2


class PluginError(CorecbenchError):
    """A fault inside a plugin; the host puts the names of component, plugin and hook in front of the message."""

    exit_code = 3
    named = False
    """Whether the message has these names already."""


class DataError(CorecbenchError):
    """Data that cannot be used; the message names file, line and column where it can."""

    exit_code = 4


class CorecbenchWarning(RuntimeWarning):
    """A warning meant for the user: the command line prints it as one line."""

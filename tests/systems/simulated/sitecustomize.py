"""Lets corecbench see another operating system, in every process that has this folder on its path.

`SIMULATED` names the system as `sys.platform` does. Only what corecbench and its plugins import is changed, since
the libraries below are those of the system that the tests run on:

- modules and functions that the other system lacks cannot be imported or found, and /proc is not there;
- `os.kill(pid, 0)` is an error, because it sends Ctrl-C on Windows;
- on Windows a process inherits a handle as Python's documentation says: it was made inheritable, and stands in
  `STARTUPINFO`. `pass_fds` and `start_new_session` are errors;
- text that a file gets has Windows' ends of lines unless the code asks for others.
"""

import builtins
import importlib
import multiprocessing.connection
import os
import pathlib
import subprocess
import sys
import types

SYSTEM = os.environ.get("SIMULATED", "")
MODULES = {"win32": {"resource", "fcntl", "pwd", "grp", "termios"}, "darwin": set()}
NAMES = {
    "os": {
        "win32": {
            *("chown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getuid", "killpg", "mkfifo", "nice"),
            *("O_NOFOLLOW", "sched_getaffinity", "setsid", "statvfs", "uname", "wait"),
        },
        "darwin": {"sched_getaffinity"},
    },
    "signal": {
        "win32": {
            *("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU"),
            *("alarm", "pause", "setitimer"),
        },
    },
}


class Startup(types.SimpleNamespace):
    """STARTUPINFO of Windows."""


class Popen(subprocess.Popen):
    """Starts a process as Windows does."""

    def __init__(self, command, *, startupinfo=None, creationflags=0, **options):
        for name in ("pass_fds", "start_new_session", "preexec_fn", "process_group"):
            if options.get(name):
                raise ValueError(f"{name} is not supported on Windows")
        handles = startupinfo.lpAttributeList["handle_list"] if startupinfo is not None else []
        if not all(os.get_inheritable(handle) for handle in handles):
            raise OSError("[WinError 87] The parameter is incorrect")
        super().__init__(command, pass_fds=handles, start_new_session=creationflags == 0x200, **options)


def kill(pid, number):
    if number == 0:
        raise AssertionError(f"os.kill({pid}, 0) sends Ctrl-C on Windows")
    os.kill(pid, number)


CHANGED = {
    "sys": {"platform": SYSTEM},
    "os": {"name": "nt", "kill": kill, "set_handle_inheritable": os.set_inheritable} if SYSTEM == "win32" else {},
    "subprocess": {"STARTUPINFO": Startup, "CREATE_NEW_PROCESS_GROUP": 0x200, "Popen": Popen}
    if SYSTEM == "win32"
    else {},
    "signal": {},
}


class Seen(types.ModuleType):
    """A module of the standard library as the other system has it."""

    def __init__(self, real):
        super().__init__(real.__name__)
        lacking = NAMES.get(real.__name__, {}).get(SYSTEM, ())
        vars(self).update({key: value for key, value in vars(real).items() if key not in lacking})
        vars(self).update(CHANGED[real.__name__])


def is_ours(importer):
    return importer.partition(".")[0] in ("corecbench", "corecbench_plugins")


def simulate():
    real_import, seen = builtins.__import__, {name: Seen(importlib.import_module(name)) for name in CHANGED}

    def see(name, importer=None, place=None, fromlist=(), level=0):
        if level == 0 and is_ours((importer or {}).get("__name__", "")):
            if name in MODULES[SYSTEM]:
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)
            if name in seen:
                return seen[name]
        return real_import(name, importer, place, fromlist, level)

    builtins.__import__ = see
    if SYSTEM == "win32":
        multiprocessing.connection.PipeConnection = multiprocessing.connection.Connection
        for name in ("write_text", "open"):
            setattr(pathlib.Path, name, with_its_ends_of_lines(getattr(pathlib.Path, name)))
    for name in ("read_text", "read_bytes", "write_text", "exists"):
        setattr(pathlib.Path, name, without_proc(getattr(pathlib.Path, name)))


def caller_is_ours():
    frame = sys._getframe(1)
    while frame.f_globals is globals():
        frame = frame.f_back
    return is_ours(frame.f_globals.get("__name__", ""))


def without_proc(method):
    def changed(self, *args, **options):
        if str(self).startswith("/proc/") and caller_is_ours():
            if method.__name__ == "exists":
                return False
            raise FileNotFoundError(2, "No such file or directory", str(self))
        return method(self, *args, **options)

    return changed


def with_its_ends_of_lines(method):
    def changed(self, *args, **options):
        mode = "w" if method.__name__ != "open" else args[0] if args else options.get("mode", "r")
        if mode in ("w", "a", "x") and options.get("newline") is None and caller_is_ours():
            options["newline"] = "\r\n"
        return method(self, *args, **options)

    return changed


if SYSTEM:
    simulate()

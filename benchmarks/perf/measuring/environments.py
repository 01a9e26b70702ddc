"""The peers' environments: each library is installed with pinned versions in a virtual environment of its own."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from measuring.sides import FOLDER, Side

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from measuring.options import Options


class PeerError(Exception):
    """A peer's environment cannot be made."""


PEERS = {"recbole": ("recbole==1.2.1",), "rectools": (), "lenskit": ()}
"""Peer -> what is installed without its own requirements, beside those of `REQUIREMENTS/PEER.txt`."""
REQUIREMENTS = FOLDER / "measuring" / "requirements"


def default_folder() -> Path:
    """Return where environments are kept if no folder is given."""
    from platformdirs import user_cache_path

    return user_cache_path("corecbench") / "peers"


def torch_version() -> str:
    """Return the version of torch here, without its local part."""
    return importlib.metadata.version("torch").partition("+")[0]


def place(peer: str, folder: Path) -> Path:
    """Return where a peer's environment lies: another one for other versions of what is in it."""
    text = (REQUIREMENTS / f"{peer}.txt").read_text(encoding="utf-8")
    wanted = [text, *PEERS[peer], torch_version(), sys.version.split()[0]]
    return folder / f"{peer}-{hashlib.sha256(repr(wanted).encode()).hexdigest()[:8]}"


def python_of(name: str, options: Options) -> Path | None:
    """Return the interpreter of a peer's environment, which is made if it is not there and may be made.

    Returns:
        None where it is not there and `--no-install` is given.

    Raises:
        PeerError: pip failed.
    """
    environment = place(name, options.peers)
    python = environment / "bin" / "python"
    if not python.exists():
        if not options.install:
            return None
        options.say(f"installing {name} into {environment}")
        install(name, environment, shlex.split(options.pip_args))
    return python


def peer_side(name: str, peer: str, options: Options, program: str, *arguments: str | Path) -> Side:
    """Return a side in the environment of a peer."""
    python = python_of(peer, options)
    missing = "" if python else "its environment is not there, and --no-install was given"
    return Side(name, [python or "python", FOLDER / "sides" / program, *arguments], cannot=missing)


def install(peer: str, environment: Path, pip_args: Sequence[str]) -> None:
    """Make the environment of a peer. It appears in its place only when it is complete."""
    environment.parent.mkdir(parents=True, exist_ok=True)
    try:
        # An environment cannot be moved, so a failed one is removed instead.
        run_pip([sys.executable, "-m", "venv", "--upgrade-deps", str(environment)], peer)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", *pip_args]
        run_pip([*pip, f"torch=={torch_version()}", "--requirement", str(REQUIREMENTS / f"{peer}.txt")], peer)
        if PEERS[peer]:
            run_pip([*pip, "--no-deps", *PEERS[peer]], peer)
    except BaseException:
        shutil.rmtree(environment, ignore_errors=True)
        raise


def run_pip(command: Sequence[str], peer: str) -> None:
    """Run a command that makes an environment."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PeerError(f"{peer} cannot be installed ({last}); give pip what it needs by --pip-args")

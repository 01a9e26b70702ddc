"""Runs the commands of `output/*.txt` in the order of their names.

`python docs/examples/sessions.py` writes the files anew. Each is what a terminal shows: a line "$ COMMAND", then
what that prints. What stands below a table is left out.
"""

import contextlib
import io
import os
import re
import runpy
import shlex
import shutil
import tempfile
from pathlib import Path

from click.testing import CliRunner

from corecbench.cli.main import main

EXAMPLES = Path(__file__).parent
SESSIONS = sorted((EXAMPLES / "output").glob("*.txt"))


def command_of(session: Path) -> str:
    """Return the command of a session."""
    return session.read_text(encoding="utf-8").splitlines()[0].removeprefix("$ ")


def run(command: str) -> str:
    """Return what a command prints in the current folder, progress left out."""
    program, *args = shlex.split(command)
    if program == "python":
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            runpy.run_path(args[0])
        return printed.getvalue()
    result = CliRunner().invoke(main, args)
    errors = "".join(line for line in result.stderr.splitlines(keepends=True) if line.startswith("error: "))
    text = (result.stdout + errors).replace(os.getcwd(), "~/tutorial")
    return re.sub(r"\nProtocol: .*", "...\n", text, flags=re.DOTALL)


def copy_examples(folder: Path) -> None:
    """Copy what the commands read."""
    for file in (*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.toml")):
        shutil.copy(file, folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        copy_examples(Path(folder))
        for session in SESSIONS:
            command = command_of(session)
            session.write_text(f"$ {command}\n{run(command)}", encoding="utf-8")

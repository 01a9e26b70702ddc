"""Tries in a process of its own what a model folder brings: its chat template, and the patterns of its tokenizer.

Both can be made to take endless time or memory, in code that nothing can interrupt. So they are tried under limits
of processor time and memory, and used in this process only if they kept them. The trial loads neither torch nor
transformers, so it takes a fraction of a second.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from corecbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECONDS = 10
"""Processor time of a trial."""
CHARACTERS_PER_SECOND = 100_000
"""Texts get a further second for so many characters. Usual tokenizers read millions."""
MEMORY_BYTES = 2 << 30
WALL_SECONDS = 600
"""A process that waits uses no processor time, so it ends after this. Where the system limits no processor time
(Windows), it ends after three times the seconds that it would have."""
MOST_CHARACTERS = 100_000
"""Longest text that a chat template may make around a message."""
START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from corecbench_plugins.hf_llm.trial import main
main(int(sys.argv[2]))
"""
"""The program of the process."""
GENERATION = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")
"""A tag of transformers that marks text and changes none."""


def try_tokenizer(folder: Path, texts: Sequence[str]) -> None:
    """Make sure that a tokenizer with patterns of its own reads texts in bounded time; others need no trial.

    Raises:
        UsageError: it does not.
    """
    path = folder / "tokenizer.json"
    if not path.is_file() or b'"Regex"' not in path.read_bytes():
        return
    seconds = SECONDS + sum(map(len, texts)) // CHARACTERS_PER_SECOND
    if reason := run({"tokenizer": str(path), "texts": list(texts)}, seconds):
        raise UsageError(f"the tokenizer of {folder} cannot be used: reading the item texts {reason}")


@functools.cache
def try_template(template: str, names: tuple[tuple[str, str], ...]) -> str:
    """Return why a chat template cannot be filled, "" if it can. It is tried once in a process.

    Args:
        template: in Jinja.
        names: name -> special token, which the template may use.
    """
    return run({"template": template, "names": dict(names)}, SECONDS)


def run(work: dict[str, Any], seconds: int) -> str:
    """Return why some work cannot be done within limits, "" if it can."""
    command = [sys.executable, "-c", START, json.dumps(sys.path), str(seconds)]
    wall = WALL_SECONDS if hasattr(signal, "SIGXCPU") else 3 * seconds
    try:
        done = subprocess.run(
            command, input=json.dumps(work), capture_output=True, text=True, check=False, timeout=wall
        )
    except subprocess.TimeoutExpired:
        return f"takes more than {wall} seconds"
    if -done.returncode in (getattr(signal, name, None) for name in ("SIGXCPU", "SIGKILL")):
        return f"takes more than {seconds} seconds of processor time"
    if done.returncode != 0:
        return f"ends with exit code {done.returncode}, such as for want of memory"
    return done.stdout.strip()


def main(seconds: int) -> None:
    """Do the work that stands on the standard input within limits, and write what went wrong."""
    import jinja2.sandbox
    import tokenizers

    del jinja2, tokenizers  # imported before there are limits
    work = json.load(sys.stdin)
    limit(seconds)
    try:
        if "template" in work:
            fill(work["template"], work["names"])
        else:
            read(work["tokenizer"], work["texts"])
    except MemoryError:
        sys.stdout.write(f"takes more than {MEMORY_BYTES >> 30} GiB of memory")
    except BaseException as error:  # whatever a template raises; panics of Rust are no Exception
        sys.stdout.write(f"fails ({' '.join(str(error).split())[:200] or type(error).__name__})")


def limit(seconds: int) -> None:
    """End this process after some processor time, or when it takes too much memory, where the system can do so."""
    try:
        import resource
    except ImportError:  # Windows
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    total = round(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (total, total + 1))
    with contextlib.suppress(ValueError):  # macOS limits no memory
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(path: str, texts: Sequence[str]) -> None:
    """Read texts by a tokenizer."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(path)
    for text in texts:
        tokenizer.encode(text, add_special_tokens=False)


def fill(template: str, names: dict[str, str]) -> None:
    """Fill a chat template with a message, in the sandbox and with the names that transformers has.

    Raises:
        ValueError: the text is too long.
    """
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise ValueError(message)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = lambda value, **_: json.dumps(value, default=str)
    environment.globals |= {"raise_exception": refuse, "strftime_now": datetime.datetime.now().strftime}
    given = {"messages": [{"role": "user", "content": "CONTENT"}], "tools": None, "documents": None, **names}
    text = environment.from_string(GENERATION.sub("", template)).render(**given, add_generation_prompt=True)
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it makes {len(text):,} characters, at most {MOST_CHARACTERS:,} are read")

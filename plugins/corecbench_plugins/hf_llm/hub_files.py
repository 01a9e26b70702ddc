"""Gets the files of a packaged model from the model hub, where it is reached and has the very same files."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from corecbench.api import CorecbenchWarning
from corecbench.toolkit import workspace
from corecbench_plugins.hf_llm.packaged_weights import PackagedModel, Progress, sha256

TIMEOUT_S = 3.0
"""Seconds that the hub has to say which files it has, before the packages are taken."""


def fetched(model: PackagedModel, folder: Path, progress: Progress) -> bool:
    """Write a model's files into a new folder; return whether the hub could give them.

    Which source a file comes from changes nothing: its checksum must be the one that is written down.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    with workspace(folder.parent) as temporary:
        try:
            info = api.model_info(model.hub, files_metadata=True, timeout=TIMEOUT_S)
            stated = {each.rfilename: each.lfs.sha256 for each in info.siblings or () if each.lfs is not None}
            found = {name: stated.get(name, file.sha256) for name, file in model.files.items()}
            if not differing(model, found):
                progress(f"downloading {model.title}", 0, 1)
                paths = {
                    name: Path(api.hf_hub_download(model.hub, name, revision=info.sha, local_dir=temporary))
                    for name in model.files
                }
                found = {name: sha256(path) for name, path in paths.items()}
        except Exception:  # no network, a slow hub, no such model or file, or HF_HUB_OFFLINE
            return False
        if others := differing(model, found):
            message = f"{others} of {model.hub} on the hub is not the file that {model.title} is here"
            warnings.warn(f"{message}; the Python packages are used", CorecbenchWarning, stacklevel=2)
            return False
        folder.mkdir()
        for name, path in paths.items():
            os.replace(path, folder / name)
    progress(f"downloading {model.title}", 1, 1)
    return True


def differing(model: PackagedModel, found: dict[str, str]) -> str:
    """Return the first file whose checksum is another than the one that is written down; "" if there is none."""
    return next((name for name, file in model.files.items() if found[name] != file.sha256), "")

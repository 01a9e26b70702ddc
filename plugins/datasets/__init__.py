"""Data sets: the ml-100k inside RecBole's wheel, and any folder of RecBole atomic files."""

from __future__ import annotations

from dataclasses import dataclass

from corecbench.api import Component, hookimpl


@dataclass(frozen=True)
class Folder:
    """Where a data set of the user's own lies."""

    path: str
    """A folder with NAME.inter and, for item texts, NAME.item; NAME is the name of the folder."""


@hookimpl
def corecbench_datasets() -> list[Component]:
    """Offer `ml-100k` and `folder`."""
    return [
        Component(
            name="ml-100k",
            build="corecbench_plugins.datasets.ml100k:open_ml100k",
            summary="MovieLens 100K with film titles, from the installed RecBole",
            paper="Harper and Konstan 2015, doi:10.1145/2827872",
        ),
        Component(
            name="folder",
            build="corecbench_plugins.datasets.folder:open_folder",
            config=Folder,
            summary="a folder of RecBole atomic files: NAME.inter and NAME.item",
            argument="path",
        ),
    ]

"""Applies what a control changes to its pair, and checks that it is what a control may do."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch

from corecbench.api import Catalog, PluginError, Setup, Turn
from corecbench.plugin.guard import guard, unchanged
from corecbench.settings.configure import configure
from corecbench.training.turns import epochs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corecbench.plugin.abilities import ControlAbilities
    from corecbench.plugin.selected import Selected
    from corecbench.training.pair import Pair


@dataclasses.dataclass(frozen=True)
class AppliedControl:
    """A control of one cell."""

    selected: Selected
    abilities: ControlAbilities

    def catalog(self, catalog: Catalog, seed: int) -> Catalog:
        """Return the catalogue that the cell sees.

        Raises:
            PluginError: there is not one text for each item and an empty one for padding.
        """
        if self.abilities.item_texts is None:
            return catalog
        with guard(str(self.selected), "item_texts"):
            texts = tuple(self.abilities.item_texts(catalog, seed))
            if not all(isinstance(text, str) for text in texts) or len(texts) != catalog.n_items + 1 or texts[0]:
                raise PluginError(
                    f"it returned {len(texts)} texts; needed are {catalog.n_items + 1}, of which the first is empty"
                )
        return dataclasses.replace(catalog, item_texts=texts)

    def pair(self, pair: Pair, setup: Setup) -> Pair:
        """Return the pair as it is trained under the control.

        Args:
            pair: as it is without a control.
            setup: of the cell, with the catalogue that the cell sees.
        """
        replaces, leaves_out = self.abilities.text is not None, self.abilities.turns is not None
        return dataclasses.replace(
            pair,
            sharing=self.sharing(pair.sharing),
            teacher=self.abilities.teacher,
            turns=self.turns if leaves_out else None,
            text=(lambda text: self.text(setup.catalog, setup.seed, text)) if replaces else None,
        )

    def text(self, catalog: Catalog, seed: int, text: torch.Tensor | None) -> torch.Tensor:
        """Return what the sharing module is told of the item texts.

        Args:
            catalog: the catalogue that the cell sees.
            seed: of the cell.
            text: the LLM's `text`.

        Raises:
            PluginError: the LLM has no `text`, or there is not one finite row for each item.
        """
        with guard(str(self.selected), "text"):
            if text is None or self.abilities.text is None:
                raise PluginError("the LLM has no `text`, so there is nothing that the control could replace")
            with unchanged({"the text of the LLM": text}):
                rows = self.abilities.text(catalog, seed, text)
            n_rows = catalog.n_items + 1
            if not isinstance(rows, torch.Tensor) or rows.dim() != 2 or len(rows) != n_rows:
                shape = list(rows.shape) if isinstance(rows, torch.Tensor) else type(rows).__name__
                raise PluginError(f"it returned {shape}; a tensor [{n_rows}, k] is needed")
            if not rows.isfinite().all():
                raise PluginError("it returned numbers that are not finite")
        return rows

    def turns(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        """Return the turns that are trained.

        Raises:
            PluginError: a side would train longer than in the pair.
        """
        before = epochs_of(turns)
        with guard(str(self.selected), "turns"):
            left = list(turns if self.abilities.turns is None else self.abilities.turns(tuple(turns)))
            for side, epochs in epochs_of(left).items():
                if epochs > before[side]:
                    raise PluginError(
                        f"it plans {epochs} {side} epochs, allowed are the {before[side]} of the pair"
                    )
        return left

    def sharing(self, module: Selected) -> Selected:
        if not self.abilities.sharing_settings:
            return module
        fields = {field.name: getattr(module.config, field.name) for field in dataclasses.fields(module.config)}
        with guard(str(self.selected), "sharing_settings"):
            config = configure(type(module.config), {**fields, **self.abilities.sharing_settings}, module.name)
        return dataclasses.replace(module, config=config)

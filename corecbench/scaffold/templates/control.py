"""plugname: texts with their words in another order, to be replaced by what you take away.

N items.
"""

from collections.abc import Sequence

from corecbench.api import Catalog, ControlComponent, generator, hookimpl


class PlugnameControl:
    """The words of each text stand in a random order: is it the words that help, or what is said with them?"""

    def __init__(self, config: None) -> None:
        pass

    def item_texts(self, catalog: Catalog, seed: int) -> Sequence[str]:
        """Return the texts that the whole cell reads, N+1 of them; the first stands for padding and is empty."""
        random = generator(seed, catalog.name, "plugname")
        return [" ".join(random.permutation(text.split())) for text in catalog.item_texts]


@hookimpl
def corecbench_controls() -> list[ControlComponent]:
    """Offer the control. Its summary can follow "as the pair, but"."""
    return [ControlComponent("plugname", PlugnameControl, summary="the words of each text are in a random order")]

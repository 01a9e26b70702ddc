"""What a plugin offers: one dataclass for each kind of component. A component is listed without being built."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch

    from corecbench.api.controls import Control
    from corecbench.api.models import Recommender, Setup, Side
    from corecbench.api.reports import Metric, Reporter
    from corecbench.api.sharing import SharingModule
    from corecbench.api.sources import DatasetSource, Download

Called = TypeVar("Called", bound=Callable[..., Any])


@dataclass(frozen=True)
class Component:
    """What components of all kinds have. A plugin offers one of the classes below."""

    name: str
    build: str | Callable[..., Any]
    """A callable, or "module:attribute" of one, which is imported only when the component is used."""
    config: type | None = None
    """A frozen dataclass with the settings, their types and defaults. None: there are no settings."""
    summary: str = ""
    """One line for lists."""
    paper: str = ""
    """Authors or method, year, DOI or arXiv id."""
    argument: str | None = None
    """The setting that NAME:VALUE (or NAME@VALUE) fills on the command line."""
    label: str | Callable[[Any], str] | None = None
    """`label(config) -> str` (or "module:attribute" of it) names its rows where the argument is the path of a file:
    "NAME:" and a short name. The argument is then no part of the hash of a cell, so the fingerprint must tell the
    contents of the file. None: rows have the name that the user wrote."""
    needs: str | Callable[[Any, Path], list[str]] | None = None
    """`needs(config, cache) -> list[str]` (or "module:attribute" of it) names each download that building the
    component would start, one line each. It must not import heavy libraries."""
    fingerprint: str | Callable[[Any, Path], Mapping[str, str]] | None = None
    """`fingerprint(config, cache) -> dict[str, str]` (or "module:attribute" of it) names what the component reads
    beside its settings and the data, such as "weights" -> a checksum. A model, LLM or sharing module is asked when
    a run is planned. The answer is part of the hash of a cell, so it must be the same in every process, and before
    and after a download. It must not import heavy libraries. `checksum` reads a large file only once."""
    algorithm: int | None = None
    """Number of the algorithm, from 1. A change that changes ranks counts it up. None: the version of the
    distribution stands for it, so each release is trained anew."""
    builds: tuple[str, ...] = ()
    """Models, LLMs or sharing modules, as on the command line, that it builds by `Setup.build`. What changes their
    ranks changes the hash of its cells, too."""


@dataclass(frozen=True)
class LedgerEntry:
    """How a control stands and reads in the ledger of a pair, such as `LedgerEntry("pretraining", "with a ...")`.

    The ledger leads in steps from the model alone to the pair. Beside the steps it compares the pair with single
    controls.
    """

    takes_away: str
    """What the pair has beyond the control, a noun in the singular, such as "the meaning of words"."""
    under: str
    """How the pair is trained then, to follow "it gains", such as "with ciphered texts"."""
    step: int | None = None
    """The place of the control among the steps, from 0, the model alone, to 100, the pair. None: it is no step."""
    adds: str = ""
    """What the step up to the control adds to the one below, such as "fine-tuning"."""
    adds_to_llm: str = ""
    """The same for the LLM's side, where that is something else."""
    sides: tuple[Side, ...] = ("domain", "llm")
    """The sides that are compared. Where the LLM has no turn, leave its side out."""
    is_contrast: bool = True
    """False for a step that the pair is not compared with once more."""
    order: int = 60
    """The control of the lowest order is told of first: that which tells most about the LLM."""
    in_ledger: bool = False
    """Whether `run --ledger` trains the control. Where its row is missing, the ledger says so."""
    placebo: bool = False
    """Whether nothing that the LLM knows is left, so that a gain that stays comes from elsewhere."""
    texts_say_nothing: bool = False
    """Whether the texts say nothing of their items. Then the pair must not be worse than the model alone."""
    needs_llm_turn: bool = False
    """Whether it differs from the pair only by what a turn of the LLM brings to later turns of the domain model."""


@dataclass(frozen=True)
class DomainModelComponent(Component):
    """A domain model, built by `build(config, setup, ids)`."""

    build: str | Callable[..., Recommender]
    joint: bool | str | Callable[[Any], bool] = True
    """False for a model that reads no ids and cannot be trained together with an LLM. Where that depends on the
    settings, `joint(config) -> bool` (or "module:attribute" of it), which must not import heavy libraries."""
    reference: bool = False
    """True for a model without an LLM that every run trains beside those that are asked for, so that gains are said
    over the strongest of them. It must be quick and need no training."""
    reads_texts: bool = False
    """True for a model that reads item texts. As a reference it is left out where a data set has none."""
    content: bool | str | Callable[[Any], bool] = False
    """True for a model with `content` (`HasContent`): texts have a say in its scores. Given as `joint` is."""


@dataclass(frozen=True)
class LlmComponent(Component):
    """An LLM backend, built by `build(config, setup, ids)`. Without ids (None) the LLM reads texts only."""

    build: str | Callable[..., Recommender]
    untrained: bool = False
    """True if `build` heeds `Setup.untrained_llm`. Otherwise the LLM has no control with `untrained_llm=True`."""
    reads_texts: bool = True
    """False for an LLM that does not read `Catalog.item_texts`, such as one whose vectors of items lie in a file.
    Controls that replace them would change nothing, so it has none of them."""
    likelihoods: str | Callable[[Any, Setup, Sequence[str]], Sequence[np.ndarray]] | None = None
    """`likelihoods(config, setup, texts)` (or "module:attribute" of it) returns the natural logarithm of the
    likelihood of each token of each text, given the tokens before it: float [T], none for an empty text. Of the
    setup only device, cache and progress count. None for an LLM that gives none, such as an encoder."""
    encode: str | Callable[[Any, Setup], Mapping[str, torch.Tensor]] | None = None
    """`encode(config, setup)` (or "module:attribute" of it) returns name -> float32 [N+1, h]: the LLM's own states
    of each item's text, of which `text` is made. `corecbench encode` writes each under its name, which says what it
    is. None: it builds the LLM and writes `text_states` or, where it lacks these, `text`."""


@dataclass(frozen=True)
class SharingComponent(Component):
    """An information-sharing module, built by `build(config, setup)`."""

    build: str | Callable[..., SharingModule]
    shares: bool = True
    """False for a module under which nothing is shared. It is a control itself and has no further controls."""
    combines: bool = False
    """True for a module with `combine` (`Combiner`): a pair under it has a third row, `ensemble`."""
    reads_texts: bool | str | Callable[[Any], bool] = True
    """False for a module that reads neither `text` nor `text_states` of the LLM. Then it has no control with
    `of_module_texts=True`. Where that depends on the settings, `reads_texts(config) -> bool` (or "module:attribute"
    of it), which must not import heavy libraries."""
    couples: bool | str | Callable[[Any], bool] = True
    """False for a module whose `losses` are always empty: without mutual learning its pair would be the same. Given
    as `reads_texts` is."""
    couples_with_untrained: bool | str | Callable[[Any], bool] = False
    """True for a module whose `losses` are called from the first turn on, also where the other side was never
    trained, such as one that draws states to what the frozen LLM says of texts. Given as `reads_texts` is."""
    reads_other: bool = True
    """False for a module whose `losses` do not read `other`: no side teaches, so none can be its own teacher."""
    trains: bool = True
    """False for a module under which nothing is trained together. The domain side is any domain model as it is
    alone, also one with `joint=False`; the LLM is only read, and has no turn and no row. Of the module `start` is
    called, with empty tables, and `content` is read: it needs no `ids`, `turns` or `losses`."""
    llm_turns: bool | str | Callable[[Any], bool] = True
    """False for a module under which the LLM has no turn: it is only read and, unless scores are combined, has no
    row. Given as `reads_texts` is."""
    takes_scores: bool = False
    """True for a module that also takes a domain model with `joint=False`, such as one that gives scores, as it is
    alone. Then `ids` is asked for the LLM only, `start` is given empty tables, and the domain side has no turn. In
    the LLM's `losses`, `other` has its scores as `user`, float32 [B, N+1], and an `item` [N+1, 0]."""
    content: bool | str | Callable[[Any], bool] = False
    """True for a module with `content` (`HasContent`): texts have a say in scores. Given as `reads_texts` is."""
    ledger: LedgerEntry | None = None
    """How a module with `shares=False` reads in a ledger. None: plain words with its name."""


@dataclass(frozen=True)
class ControlComponent(Component):
    """A control, built by `build(config)`: what is taken away from a pair, to see whether its gain stays.

    Its `summary` says how it differs from the pair, so that it can follow "as the pair, but ...". What a control
    changes stands in the methods and attributes of the object that is built (`Control`).
    """

    build: str | Callable[..., Control]
    untrained_llm: bool = False
    """True: the LLM has random weights. An LLM with `untrained=False` lacks the control."""
    of_module_texts: bool = False
    """True: it is about texts that a sharing module reads. A module with `reads_texts=False` lacks the control."""
    begins_as: str = ""
    """Either "pair" or the name of another control with the same settings, if nothing of it is left out but turns
    of the LLM or coupling losses. Then a first turn of the domain model without coupling serves both, and where no
    turn of the domain model follows one of the LLM, the other control stands for this one in a ledger."""
    ledger: LedgerEntry | None = None
    """How it stands and reads in a ledger. None: a contrast, in plain words with its name."""


@dataclass(frozen=True)
class DatasetComponent(Component):
    """A data set, built by `build(config)`."""

    build: str | Callable[..., DatasetSource]
    download: Download | None = None
    """Where `corecbench datasets fetch NAME` gets the data set. None: it needs no download."""
    suffixes: tuple[str, ...] = ()
    """Ends of the names of files, such as ".csv", that this component is meant by where no other one is named."""


@dataclass(frozen=True)
class MetricComponent(Component):
    """A metric, built by `build(config)`."""

    build: str | Callable[..., Metric]


@dataclass(frozen=True)
class ReporterComponent(Component):
    """A format of tables, built by `build(config)`."""

    build: str | Callable[..., Reporter]


@dataclass(frozen=True)
class TrackerComponent(Component):
    """A tracker: `build(config)` returns an object that implements lifecycle hooks."""

    build: str | Callable[..., object]


def resolve(reference: str | Called) -> Called:
    """Return a callable, importing it first when it is given as "module:attribute"."""
    if not isinstance(reference, str):
        return reference
    module, _, attribute = reference.partition(":")
    resolved: Called = getattr(importlib.import_module(module), attribute)
    return resolved

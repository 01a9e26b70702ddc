"""What is searched: the settings of each model, and those that are tried first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optuna.trial import Trial

FULL = 0
"""As a number of negatives of a model of histories: the whole catalogue."""
BPR = 0
"""As a number of negatives of a model of pairs: one negative for each pair."""


@dataclass(frozen=True)
class Space:
    """The settings that are searched for one model. Names and meanings are those of its config class."""

    suggest: Callable[[Trial, Sequence[int]], dict[str, Any]]
    """`suggest(trial, negatives)` returns settings; `negatives` are the numbers of sampled items to choose from."""
    first: Sequence[Mapping[str, Any]]
    """Settings that are tried first, each with all that `suggest` asks for."""
    first_if_long: Sequence[Mapping[str, Any]]
    """The same on data sets whose histories are longer: more targets in each history, and less need of dropout."""
    first_in_full: Sequence[Mapping[str, Any]] = ()
    """The same where the loss is over the whole catalogue; empty for a model that has no such loss."""
    first_in_pairs: Sequence[Mapping[str, Any]] = ()
    """The same in pairs, behind what is best alone."""
    patience: int = 6
    """During the search."""
    final_patience: int = 10
    """Of the settings that are written."""


def learning_rate(trial: Trial, low: float, high: float) -> float:
    """Return a learning rate that is as likely in each octave."""
    return trial.suggest_float("learning_rate", low, high, log=True)


def dropout(trial: Trial, name: str) -> float:
    """Return a dropout in tenths."""
    return trial.suggest_float(name, 0.1, 0.7, step=0.1)


def averaging(trial: Trial) -> float:
    """Return the decay of the average of weights."""
    return trial.suggest_categorical("averaging", (0.0, 0.99, 0.998))


def of_histories(trial: Trial, negatives: Sequence[int]) -> dict[str, Any]:
    """Return what all models of histories have."""
    return {
        "learning_rate": learning_rate(trial, 5e-4, 5e-3),
        "batch_size": trial.suggest_categorical("batch_size", (64, 128, 256)),
        "negatives": trial.suggest_categorical("negatives", tuple(negatives)),
        "weight_decay": trial.suggest_categorical("weight_decay", (0.0, 1e-2, 1e-1)),
        "embedding_size": trial.suggest_categorical("embedding_size", (64, 128)),
        "averaging": averaging(trial),
    }


def sasrec(trial: Trial, negatives: Sequence[int]) -> dict[str, Any]:
    """One dropout for states and attention; the inner layer is four times as wide as the states."""
    shared = of_histories(trial, negatives)
    hidden_dropout = dropout(trial, "hidden_dropout")
    return {
        **shared,
        "hidden_dropout": hidden_dropout,
        "attention_dropout": hidden_dropout,
        "n_layers": trial.suggest_int("n_layers", 1, 3),
        "n_heads": trial.suggest_int("n_heads", 1, 2),
        "inner_size": 4 * shared["embedding_size"],
    }


def gru4rec(trial: Trial, negatives: Sequence[int]) -> dict[str, Any]:
    """The recurrent state has a width of its own."""
    return {
        **of_histories(trial, negatives),
        "dropout": dropout(trial, "dropout"),
        "hidden_size": trial.suggest_categorical("hidden_size", (64, 128, 256)),
        "n_layers": trial.suggest_int("n_layers", 1, 2),
    }


def lightgcn(trial: Trial, negatives: Sequence[int]) -> dict[str, Any]:
    """Trained by BPR, or by the softmax over sampled items with cosines; each batch propagates over the graph."""
    sampled = trial.suggest_categorical("negatives", (BPR, *negatives))
    special = (
        {"regularisation": trial.suggest_float("regularisation", 1e-6, 1e-2, log=True)}
        if sampled == BPR
        else {"temperature": trial.suggest_float("temperature", 0.06, 0.3, log=True)}
    )
    return {
        **special,
        "negatives": sampled,
        "learning_rate": learning_rate(trial, 1e-3, 3e-2),
        "batch_size": trial.suggest_categorical("batch_size", (2048, 8192, 32768)),
        "n_layers": trial.suggest_int("n_layers", 1, 4),
        "embedding_size": trial.suggest_categorical("embedding_size", (64, 128)),
        "averaging": averaging(trial),
    }


HISTORIES = {
    "learning_rate": 2e-3,
    "batch_size": 256,
    "negatives": 1024,
    "weight_decay": 0.0,
    "embedding_size": 64,
    "averaging": 0.99,
}
IN_FULL = {"negatives": FULL, "learning_rate": 1e-3, "averaging": 0.0}
REGULARISED = {"embedding_size": 128, "weight_decay": 1e-1, "averaging": 0.99}
SASREC = {**HISTORIES, "hidden_dropout": 0.5, "n_layers": 2, "n_heads": 2}
GRU4REC = {**HISTORIES, "dropout": 0.5, "hidden_size": 128, "n_layers": 1}
WIDE = {**GRU4REC, "embedding_size": 128, "hidden_size": 256}
LIGHTGCN = {
    "learning_rate": 5e-3,
    "batch_size": 8192,
    "n_layers": 3,
    "embedding_size": 64,
    "averaging": 0.0,
}
COSINE = {
    **LIGHTGCN,
    "learning_rate": 3e-3,
    "negatives": 1024,
    "temperature": 0.12,
    "embedding_size": 128,
    "n_layers": 2,
    "averaging": 0.99,
}

SPACES = {
    "sasrec": Space(
        sasrec,
        (
            SASREC,
            {**SASREC, "embedding_size": 128},
            {**SASREC, "hidden_dropout": 0.2, "n_layers": 1, "n_heads": 1, "negatives": 256},
        ),
        (
            {**SASREC, "hidden_dropout": 0.2, "n_layers": 1, "n_heads": 1, "negatives": 256, "batch_size": 64},
            {**SASREC, "hidden_dropout": 0.2, "batch_size": 64},
        ),
        first_in_full=(
            {**SASREC, **IN_FULL},
            {**SASREC, **IN_FULL, "embedding_size": 128},
            {**SASREC, **IN_FULL, "weight_decay": 1e-1},
            {**SASREC, **IN_FULL, "embedding_size": 128, "weight_decay": 1e-1},
            {**SASREC, **IN_FULL, **REGULARISED},
        ),
    ),
    "gru4rec": Space(
        gru4rec,
        (
            {**GRU4REC, "batch_size": 64},
            {**WIDE, "batch_size": 64},
            {**GRU4REC, "batch_size": 64, "dropout": 0.2, "weight_decay": 0.1},
        ),
        (
            {**GRU4REC, "dropout": 0.2, "negatives": 256, "batch_size": 64},
            {**GRU4REC, "dropout": 0.2, "negatives": 256, "batch_size": 64, "hidden_size": 256},
        ),
        first_in_full=(
            {**GRU4REC, **IN_FULL},
            {**WIDE, "negatives": FULL, "batch_size": 64},
            {**WIDE, **IN_FULL, "batch_size": 64},
            {**WIDE, **IN_FULL, **REGULARISED, "batch_size": 64},
            {
                **GRU4REC,
                **IN_FULL,
                **REGULARISED,
                "learning_rate": 5e-3,
                "batch_size": 128,
                "hidden_size": 64,
                "dropout": 0.7,
            },
        ),
        first_in_pairs=(
            {**WIDE, "negatives": FULL, "batch_size": 128},
            {**WIDE, "batch_size": 64},
            {**WIDE, **REGULARISED, "negatives": FULL, "batch_size": 128, "learning_rate": 5e-3},
        ),
    ),
    "lightgcn": Space(
        lightgcn,
        (
            COSINE,
            {**COSINE, "learning_rate": 1e-2},
            {**COSINE, "n_layers": 4},
            {**COSINE, "temperature": 0.08},
            {**COSINE, "batch_size": 2048},
            {**COSINE, "temperature": 0.2, "n_layers": 3, "learning_rate": 1e-2},
        ),
        (
            {**COSINE, "batch_size": 32768},
            {**LIGHTGCN, "negatives": 1024, "temperature": 0.15, "batch_size": 32768},
            {**LIGHTGCN, "negatives": 1024, "temperature": 0.25, "batch_size": 32768, "n_layers": 2},
        ),
        first_in_pairs=(
            {**COSINE, "learning_rate": 1e-3},
            {**COSINE, "temperature": 0.15},
            {**COSINE, "n_layers": 1},
            {**COSINE, "n_layers": 4},
            {**COSINE, "averaging": 0.998},
        ),
        patience=10,
        final_patience=20,
    ),
}
"""Model -> its space. A model of a plugin is tuned once it has one here."""

NEGATIVES = (256, 1024)
FINAL_EPOCHS = 200
MAX_HISTORY = {"ml-1m": 200}
"""Data sets whose histories are longer than `DEFAULT_HISTORY` in the papers."""
DEFAULT_HISTORY = 50
START_TRIALS = 6
"""Those that are given and then random ones, before the sampler learns from what there is."""

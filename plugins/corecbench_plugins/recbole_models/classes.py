"""RecBole's model classes without the rest of RecBole."""

import contextlib
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch

from corecbench.api import PluginError, Setup


def model_class(module: str, name: str) -> type[torch.nn.Module]:
    """Import one of RecBole's model classes.

    Args:
        module: path below `recbole.model`, such as "sequential_recommender.sasrec".
        name: the class in it.
    """
    found: type[torch.nn.Module] = recbole_attribute(f"model.{module}", name)
    return found


def recbole_attribute(module: str, name: str) -> Any:
    """Import something of RecBole and leave the process as it was.

    Importing any sequential model turns on autograd's anomaly mode for the whole process (RecBole's `sine.py`),
    which slows every later step.

    Args:
        module: path below `recbole`.
        name: what is imported from it.
    """
    anomaly = torch.is_anomaly_enabled()
    try:
        with warnings.catch_warnings(), tensorboard_at_hand():
            warnings.simplefilter("ignore")
            return getattr(importlib.import_module(f"recbole.{module}"), name)
    except ImportError as error:
        raise PluginError(
            f"RecBole's {name} cannot be imported ({error}); "
            "RecBole is installed by `pip install --no-deps recbole==1.2.1`"
        ) from error
    finally:
        torch.autograd.set_detect_anomaly(anomaly)


@contextlib.contextmanager
def tensorboard_at_hand() -> Iterator[None]:
    """Let RecBole import TensorBoard's writer where TensorBoard is not installed.

    RecBole imports it beside its enumerations, but only its own trainer writes with it, and that is not used here.
    """
    name = "torch.utils.tensorboard"
    if name in sys.modules or importlib.util.find_spec("tensorboard") is not None:
        yield
        return
    stand_in = ModuleType(name)
    vars(stand_in)["SummaryWriter"] = None
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]


class Sizes:
    """Stands in for RecBole's data set object: models ask it only for sizes and, some, for a matrix."""

    def __init__(self, setup: Setup) -> None:
        self.rows = {"user": setup.catalog.n_users + 1, "item": setup.catalog.n_items + 1}

    def num(self, field: str) -> int:
        """Return the number of rows of a table, padding included."""
        return self.rows[field]

    def inter_matrix(self, form: str) -> Any:
        """Return an empty interaction matrix: the graph comes later, from the training part."""
        import scipy.sparse

        return scipy.sparse.coo_matrix((self.rows["user"], self.rows["item"])).asformat(form)


def base_config(setup: Setup) -> dict[str, Any]:
    """Return the keys that every RecBole model reads."""
    return {
        "USER_ID_FIELD": "user",
        "ITEM_ID_FIELD": "item",
        "NEG_PREFIX": "negative_",
        "LIST_SUFFIX": "_list",
        "ITEM_LIST_LENGTH_FIELD": "item_length",
        "MAX_ITEM_LIST_LENGTH": setup.max_history,
        "loss_type": "CE",
        "device": setup.device,
    }

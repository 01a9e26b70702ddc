"""Writes an exported program as ONNX, where the packages for it are installed."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from typing import TYPE_CHECKING, Any

import torch

from corecbench.api import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

ONNX = ("onnx", "onnxscript")
"""Packages without which torch writes no ONNX."""


def write_onnx(program: torch.export.ExportedProgram, file: Path) -> str:
    """Write a program as ONNX where the packages for it are installed, and return a sentence about it."""
    if any(importlib.util.find_spec(name) is None for name in ONNX):
        return f"There is no ONNX file: `pip install '{PROJECT}[onnx]'` and export again to get one."
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # torch names each package that it does without
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                program,
                f=file,
                input_names=["user", "history"],
                output_names=["state", "items"],
                custom_translation_table={torch.ops.aten.searchsorted.Tensor: searchsorted},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:
        file.unlink(missing_ok=True)
        return f"There is no ONNX file: torch cannot write one of this model ({type(error).__name__})."
    finally:
        logging.disable(level)
    return "`model.onnx` is the same program as ONNX."


def searchsorted(ordered: Any, values: Any, **_: Any) -> Any:
    """Return how many numbers of a sorted list are below each value, by bisection. Torch has no ONNX form of it."""
    from onnxscript import opset18 as op

    def constant(number: int) -> Any:
        return op.Constant(value_int=number)

    n = ordered.shape[0]
    found = op.Mul(values, constant(0))
    for bit in reversed(range(n.bit_length())):
        tried = op.Add(found, constant(1 << bit))
        last = op.Gather(ordered, op.Sub(op.Min(tried, constant(n)), constant(1)))
        is_below = op.And(op.LessOrEqual(tried, constant(n)), op.Less(last, values))
        found = op.Where(is_below, tried, found)
    return found

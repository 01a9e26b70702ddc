"""A plugin that changes the state of the process: it is put back, and the next cell has the same ranks."""

import contextlib
import gc
import locale
import logging
import os
import random
import signal
import sys
import warnings

import numpy as np
import pytest
import torch

from corecbench.experiment.process_state import of_numpy, of_python, of_torch, state_kept

FILL = "torch.utils.deterministic.fill_uninitialized_memory"
CHANGES = {
    "the working folder": "os.chdir('/')",
    "the environment": "os.environ.update(CORECBENCH_NEW='1', PATH='/nowhere')",
    "Python's generator": "random.seed(1)",
    "sys.path": "sys.path.insert(0, '/nowhere')",
    "the recursion limit": "sys.setrecursionlimit(sys.getrecursionlimit() + 7)",
    "sys.stdout": "sys.stdout = sys.__stderr__",
    "sys.stderr": "sys.stderr = sys.__stdout__",
    "sys.stdin": "sys.stdin = None",
    "sys.excepthook": "sys.excepthook = print",
    "the locale": "locale.setlocale(locale.LC_ALL, 'C' if locale.setlocale(locale.LC_ALL) != 'C' else 'C.UTF-8')",
    "the log level": "logging.root.setLevel(3)",
    "the disabled log levels": "logging.disable(logging.CRITICAL)",
    "log handlers": "logging.root.addHandler(logging.NullHandler())",
    "collection of garbage": "gc.disable()",
    "the thresholds of garbage": "gc.set_threshold(7, 7, 7)",
    "the mask of new files": "os.umask(0o177)",
    "signal handlers": "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "numpy's generator": "np.random.seed(1)",
    "what numpy does at errors": "np.seterr(all='raise')",
    "torch's threads": "torch.set_num_threads(torch.get_num_threads() + 1)",
    "torch's default dtype": "torch.set_default_dtype(torch.float64)",
    "torch's default device": "torch.set_default_device('meta')",
    "torch's gradient mode": "torch.set_grad_enabled(False)",
    "torch's deterministic mode": "torch.use_deterministic_algorithms(True, warn_only=True)",
    FILL: f"{FILL} = False",
    "torch's anomaly mode": "torch.autograd.set_detect_anomaly(True, check_nan=False)",
    "torch's precision of products": "torch.set_float32_matmul_precision('medium')",
    "torch's small numbers": "torch.set_flush_denormal(True)",
    "torch.backends.cudnn.enabled": "torch.backends.cudnn.enabled = False",
    "torch.backends.cudnn.deterministic": "torch.backends.cudnn.deterministic = True",
    "torch.backends.cudnn.benchmark": "torch.backends.cudnn.benchmark = True",
    "oneDNN": "torch.backends.mkldnn.set_flags(False)",
    "attention by flash": "torch.backends.cuda.enable_flash_sdp(False)",
    "attention by mem_efficient": "torch.backends.cuda.enable_mem_efficient_sdp(False)",
    "attention by math": "torch.backends.cuda.enable_math_sdp(False)",
    "attention by cudnn": "torch.backends.cuda.enable_cudnn_sdp(False)",
    "autocast on cpu": "torch.set_autocast_enabled('cpu', True); torch.set_autocast_dtype('cpu', torch.float16)",
    "autocast on cuda": "torch.set_autocast_dtype('cuda', torch.bfloat16)",
    "warnings": "warnings.simplefilter('ignore')",
    "torch's generator": "torch.manual_seed(1)",
}
"""Part of the state -> a statement that changes it."""

MODULES = {module.__name__: module for module in (gc, locale, logging, os, random, signal, sys, torch, warnings)}


def parts():
    found = {part.name: part.read for part in (*of_python(), *of_numpy(), *of_torch())}
    return {
        **found,
        "warnings": lambda: list(warnings.filters),
        "torch's generator": lambda: torch.get_rng_state().tolist(),
    }


def test_there_is_a_change_of_every_part():
    assert set(CHANGES) == set(parts())


@pytest.mark.parametrize("name", CHANGES)
def test_a_part_that_is_changed_is_put_back(name):
    read = parts()[name]
    before = read()
    with contextlib.suppress(ZeroDivisionError), state_kept():
        exec(CHANGES[name], {**MODULES, "np": np})
        changed = read() != before
        _ = 1 / 0
    assert changed
    assert read() == before


def test_what_cannot_be_put_back_is_said(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def lose_the_folder():
        with state_kept():
            os.chdir(tmp_path)
            folder.rmdir()

    with pytest.warns(RuntimeWarning, match="the working folder, which a plugin changed, cannot be put back"):
        lose_the_folder()


PLUGIN = """
    import gc, locale, logging, os, random, signal, sys, warnings

    from corecbench.api import DomainModelComponent, hookimpl
    from corecbench_plugins.popularity import Popularity

    class Meddler(Popularity):
        def states(self, batch):
            found = super().states(batch)
            import numpy as np
            import torch
            {changes}
            sys.meddled = True
            return found

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("meddler", Meddler, joint=False)]
"""


def test_the_next_cell_has_the_same_ranks_bit_for_bit(bench, ranks, loose_file):
    plugin = loose_file("meddler", PLUGIN.format(changes="\n            ".join(CHANGES.values())))
    bench(files=[plugin], models=("meddler", "sasrec"), root="meddled")
    bench(models=("sasrec",), root="alone")
    assert ranks("sasrec", root="meddled").equals(ranks("sasrec", root="alone"))
    assert vars(sys).pop("meddled")  # the plugin came to its end

"""A plugin that changes the state of the process: the next cell runs in another one, and has the same ranks."""

import functools

from corecbench.experiment.execution.processes import Processes

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
            return found

    @hookimpl
    def corecbench_domain_models():
        return [DomainModelComponent("meddler", Meddler, joint=False)]
"""


def test_the_next_cell_has_the_same_ranks_bit_for_bit(bench, ranks, loose_file, tmp_path):
    changes = [*CHANGES.values(), f"open({str(tmp_path / 'meddled')!r}, 'w').close()"]
    plugin = loose_file("meddler", PLUGIN.format(changes="\n            ".join(changes)))
    one = functools.partial(Processes, slots=1, n_threads=1)
    bench(files=[plugin], models=("meddler", "sasrec"), root="meddled", runs_in=one)
    bench(models=("sasrec",), root="alone", runs_in=one)
    assert ranks("sasrec", root="meddled").equals(ranks("sasrec", root="alone"))
    assert (tmp_path / "meddled").exists()  # the plugin came to its end

"""The ONNX file of an exported folder computes what torch computes."""

import numpy as np
import pytest
import torch

from corecbench.keeping.export import Program, export
from corecbench.keeping.loading import load_side
from corecbench.results.store import Store

onnx = pytest.importorskip("onnx", exc_type=ImportError)
pytest.importorskip("onnxscript", exc_type=ImportError)


def run_onnx(file, inputs):
    """Return what a model computes: by onnxruntime, else by the slow interpreter that comes with onnx."""
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(str(file)).run(None, inputs)
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]).run(None, inputs)


@pytest.mark.parametrize("model", ["sasrec", "gru4rec", "lightgcn"])
def test_states_are_those_of_torch(bench, host, tmp_path, model):
    bench(models=(model,), keep_models=True)
    loaded = load_side(host, next(Store(tmp_path / "results", "default").records())[0])
    said = export(loaded, tmp_path / "served")
    assert said == ["`model.onnx` is the same program as ONNX."]
    onnx.checker.check_model(str(tmp_path / "served" / "model.onnx"))
    longest = loaded.setup.max_history
    for user, items in ((0, [3]), (0, [1, 2, 3, 4, 5]), (2, [7, 7, 1])):
        history = np.zeros((1, longest), dtype=np.int64)
        history[0, : len(items)] = items
        with torch.no_grad():
            expected = Program(loaded).eval()(torch.tensor([user]), torch.from_numpy(history))
        inputs = {"user": np.array([user], dtype=np.int64), "history": history}
        found = run_onnx(tmp_path / "served" / "model.onnx", inputs)
        for of_torch, of_onnx in zip(expected, found, strict=True):
            np.testing.assert_allclose(of_onnx, of_torch.detach().numpy(), rtol=1e-5, atol=1e-5)

"""The number format of products, chosen by what the machine is fast in."""

import pytest
import torch

from corecbench.api import UsageError
from corecbench.toolkit import processor
from corecbench.toolkit.processor import auto_precision, product_dtype


@pytest.mark.parametrize(
    ("wanted", "tiles", "instructions", "maker", "chosen"),
    [
        ("auto", True, True, "GenuineIntel", torch.bfloat16),
        ("auto", False, True, "GenuineIntel", torch.float32),
        ("auto", False, True, "AuthenticAMD", torch.bfloat16),
        ("auto", False, False, "AuthenticAMD", torch.float32),
        ("float32", True, True, "AuthenticAMD", torch.float32),
        ("bfloat16", False, False, "", torch.bfloat16),
    ],
)
def test_bfloat16_is_chosen_where_the_processor_is_faster_in_it(
    monkeypatch, wanted, tiles, instructions, maker, chosen
):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
    monkeypatch.setattr(processor, "vendor", lambda: maker)
    assert product_dtype(wanted, "cpu") == chosen


@pytest.mark.parametrize(("supported", "chosen"), [(True, torch.bfloat16), (False, torch.float32)])
def test_on_a_gpu_bfloat16_is_chosen_where_it_is_supported(monkeypatch, supported, chosen):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert product_dtype("auto", "cuda") == chosen


def test_a_machine_can_be_told_what_auto_means(monkeypatch):
    for chosen in ("float32", "bfloat16"):
        monkeypatch.setenv("CORECBENCH_PRECISION", chosen)
        assert product_dtype("auto", "cpu") == getattr(torch, chosen)
    assert product_dtype("float32", "cpu") == torch.float32  # a setting that is no `auto` stays


def test_a_precision_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.setenv("CORECBENCH_PRECISION", "half")
    with pytest.raises(UsageError, match="CORECBENCH_PRECISION is 'half'; allowed are auto, float32, bfloat16"):
        auto_precision()

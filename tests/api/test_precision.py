"""The number format of products, chosen by what the machine is fast in."""

import pytest
import torch

from corecbench.api import precision
from corecbench.api.precision import product_dtype


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
    monkeypatch.setattr(precision, "vendor", lambda: maker)
    assert product_dtype(wanted, "cpu") == chosen


@pytest.mark.parametrize(("supported", "chosen"), [(True, torch.bfloat16), (False, torch.float32)])
def test_on_a_gpu_bfloat16_is_chosen_where_it_is_supported(monkeypatch, supported, chosen):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert product_dtype("auto", "cuda") == chosen

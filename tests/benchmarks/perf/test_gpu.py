"""What is measured on a GPU is printed beside the name of the card; without one a line says so."""

import sys

import gpu
import pytest
import torch


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_one_line_says_that_nothing_is_measured(capsys):
    assert gpu.main() == 0
    assert capsys.readouterr().out == "there is no GPU here, so nothing is measured\n"


def test_each_step_is_printed_with_the_card_and_a_failure_is_kept(capsys):
    steps = {
        name: [sys.executable, "-c", f"raise SystemExit({code})"] for name, code in (("tests", 0), ("pair", 3))
    }
    assert not gpu.measure("Card 9000", steps)
    assert [line.split(":")[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["Card 9000", " tests"],
        ["Card 9000", " pair"],
    ]


def test_the_pair_has_the_llm_that_is_asked_for():
    *_, pair = gpu.steps("results", "hf:folder").values()
    assert pair[-2:] == ["--llm", "hf:folder"]
    assert pair[4:6] == ["--device", "cuda"]

"""Projections of texts are kept for as long as they hold."""

import copy

import pytest
import torch
from torch import nn

from corecbench.toolkit import ProjectedTexts, project


@pytest.fixture
def layer():
    return nn.Linear(3, 2, bias=False)


TEXT = torch.arange(12.0).view(4, 3)


def test_a_step_that_reads_the_table_twice_has_the_gradient_of_both(layer):
    projected = ProjectedTexts()
    first, second = projected.of(TEXT, layer), projected.of(TEXT, layer)
    assert first is second
    (first[1].sum() + 2 * second[2].sum()).backward()
    assert torch.equal(layer.weight.grad, (TEXT[1] + 2 * TEXT[2]).expand(2, 3))


@pytest.mark.parametrize("fused", [False, True])
def test_each_step_reads_the_weights_of_its_time(layer, fused):
    projected, optimizer = ProjectedTexts(), torch.optim.AdamW(layer.parameters(), lr=0.1, fused=fused)
    for _ in range(3):
        rows = projected.of(TEXT, layer)
        assert torch.equal(rows, project(TEXT, layer))
        optimizer.zero_grad()
        rows.sum().backward()
        optimizer.step()


def test_weights_that_change_without_a_backward_pass_are_noticed(layer):
    projected = ProjectedTexts()
    with torch.no_grad():
        before = projected.of(TEXT, layer)
        assert projected.of(TEXT, layer) is before
        layer.weight.mul_(2)
        assert torch.equal(projected.of(TEXT, layer), 2 * before)


def test_what_is_computed_without_gradients_is_not_used_in_training(layer):
    projected = ProjectedTexts()
    with torch.no_grad():
        projected.of(TEXT, layer)
    assert projected.of(TEXT, layer).requires_grad


def test_a_copy_of_a_model_keeps_nothing(layer):
    projected = ProjectedTexts()
    projected.of(TEXT, layer)
    assert copy.deepcopy(projected).rows is None

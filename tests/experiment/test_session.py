"""How many cells run side by side, and with how many threads."""

import pytest

from corecbench.experiment import process
from corecbench.experiment.session import jobs_of, threads_of
from corecbench.settings.config import RunConfig


@pytest.mark.parametrize(
    ("options", "jobs", "threads"),
    [
        ({}, 6, 1),
        ({"threads": 2}, 3, 2),
        ({"threads": 8}, 1, 8),
        ({"jobs": 2}, 2, 1),
        ({"device": "cuda"}, 1, None),
        ({"device": "cuda:1", "jobs": 2, "threads": 4}, 2, 4),
    ],
)
def test_all_cores_are_used_and_a_gpu_has_one_cell(monkeypatch, options, jobs, threads):
    monkeypatch.setattr(process, "n_cores", lambda: 6)
    config = RunConfig(**options)
    assert (jobs_of(config), threads_of(config)) == (jobs, threads)

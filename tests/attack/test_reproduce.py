"""A pair that starts from its domain model alone is run again from its record, without what it started from."""

import shutil

import pytest
from click.testing import CliRunner
from in_process import InProcess

from corecbench.cli.main import main
from corecbench.experiment.execution.schedule import run
from corecbench.experiment.session import Steps


@pytest.mark.parametrize("has_alone", [True, False], ids=["beside the model alone", "by itself"])
def test_a_pair_that_starts_from_its_model_alone_has_equal_ranks_again(
    bench, tiny_llama, quick, tmp_path, has_alone
):
    assert quick["bdlm"]["start"] == "pretrained"
    records = bench(models=("sasrec",), llms=(f"llama:{tiny_llama}",), sharing=("bdlm",), seeds=(1,))
    assert [record["status"] for record in records] == ["ok"] * 3
    (pair,) = tmp_path.glob("results/default/*/*+bdlm*/seed1-*")
    if not has_alone:
        for other in {folder.parent for folder in pair.parents[1].glob("*/seed1-*")} - {pair.parent}:
            shutil.rmtree(other)
    steps = Steps(run_plan=lambda plan, host, store: run(plan, host, store, InProcess(plan, host, store)))
    invoked = CliRunner().invoke(main, ["reproduce", str(pair / "result.json")], obj=steps)
    assert invoked.exit_code == 0, invoked.output
    lines = invoked.stdout.splitlines()
    assert lines[0] == f"again: {records[-1]['cell']['name']} on toy, seed 1"
    assert lines[1:] == ["domain: equal for all 60 users", "llm: equal for all 60 users"]

"""An exported folder recommends the same as the loaded side, where no corecbench and no RecBole can be imported."""

import json
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner

from corecbench.api import UsageError
from corecbench.cli.main import main
from corecbench.keeping.export import export, readme
from corecbench.keeping.loading import load_side
from corecbench.keeping.serve import Items, Recommender
from corecbench.results.store import Store

ALONE = """
import json, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"corecbench", "corecbench_plugins", "recbole", "transformers", "safetensors"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
sys.path.insert(0, sys.argv[1])
from serve import Recommender

asked = json.load(sys.stdin)
recommender = Recommender()
histories = [[item.item_id for item in recommender.recommend(history)] for history in asked["histories"]]
users = [[item.item_id for item in recommender.recommend_user(user)] for user in asked["users"]]
assert not {"corecbench", "recbole"} & set(sys.modules)
print(json.dumps([histories, users]))
"""


@pytest.fixture
def loaded(bench, host, tmp_path):
    """Train a model alone, and load what was kept of it."""

    def load(model):
        bench(models=(model,), keep_models=True)
        return load_side(host, next(Store(tmp_path / "results", "default").records())[0])

    return load


@pytest.mark.parametrize("model", ["gru4rec", "lightgcn"])
def test_the_folder_recommends_the_same_with_torch_alone(loaded, tmp_path, model):
    own = loaded(model)
    said = export(own, tmp_path / "served")
    histories = [
        [f"i{n % 20}" for n in range(start, start + length)] for start in (0, 7) for length in (1, 2, 9, 60)
    ]
    users = [f"u{n}" for n in range(60)] if own.knows_users else []
    assert own.knows_users == (model == "lightgcn")
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path / "served")],
        input=json.dumps({"histories": histories, "users": users}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = [[item.item_id for item in own.recommend(history)] for history in histories]
    of_users = [[item.item_id for item in own.recommend_user(user)] for user in users]
    assert json.loads(done.stdout) == [expected, of_users]
    readme = (tmp_path / "served" / "README.md").read_text()
    assert f"# {model}, domain side of {model} on toy" in readme
    assert "ONNX" in said[0]


def test_the_module_is_a_command_and_so_is_the_export(loaded, tmp_path):
    own, folder = loaded("sasrec"), tmp_path / "served"
    (cell,) = (tmp_path / "results").glob("*/*/*/*")
    done = CliRunner().invoke(main, ["export", str(cell), "--to", str(folder)])
    assert done.exit_code == 0, done.output
    written = sorted(path.name for path in folder.iterdir())
    assert {"README.md", "facts.json", "items.json", "model.pt2", "serve.py"} <= set(written)
    assert f"written to {folder}: {', '.join(written)}" in done.stdout
    command = [sys.executable, str(folder / "serve.py"), "red apple; Blue Apple"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    unknown = subprocess.run([*command[:2], "green apple"], capture_output=True, text=True)
    assert (unknown.returncode, unknown.stdout, unknown.stderr.count("\n")) == (1, "", 1)
    assert unknown.stderr.startswith("error: no item has the id or the title 'green apple'")
    expected = own.recommend(["red apple", "blue apple"])
    assert [line.split()[-2].strip("()") for line in shown] == [item.item_id for item in expected]


@pytest.mark.parametrize("model", ["sasrec", "gru4rec", "lightgcn"])
def test_the_program_takes_several_users_at_once(loaded, tmp_path, model):
    export(loaded(model), tmp_path / "served")
    served = Recommender(tmp_path / "served")
    assert served.facts["batch"] is None
    histories = [[1, 2, 3], [4, 0, 0], [5, 6, 0]]
    length = served.facts["length"] or 3
    padded = torch.tensor([[*each, *[0] * (length - 3)] for each in histories])
    states, items = served.program(torch.zeros(3, dtype=torch.long), padded)
    alone = [served.states(0, [item for item in each if item])[0] for each in histories]
    assert torch.allclose(states, torch.cat(alone), atol=1e-5)
    assert torch.equal(items, served.states(0, [1])[1])


def test_the_llm_side_of_a_pair_is_exported_and_recommends_the_same(bench, host, tmp_path):
    bench(models=("sasrec",), llms=("llama",), keep_models=True)
    folders = [
        folder for folder, record in Store(tmp_path / "results", "default").records() if record["cell"]["llm"]
    ]
    for number, folder in enumerate(folders):
        own = load_side(host, folder, "llm")
        export(own, tmp_path / f"served{number}")
        served = Recommender(tmp_path / f"served{number}")
        for history in (["i1"], ["i2", "i5", "i3"]):
            best = [item.item_id for item in served.recommend(history)]
            assert best == [item.item_id for item in own.recommend(history)]
    assert len(folders) == 2


def test_what_cannot_be_exported_is_one_line(loaded, tmp_path):
    with pytest.raises(UsageError, match=r"^recbole:FISM cannot be exported"):
        export(loaded("recbole:FISM"), tmp_path / "served")


def test_a_folder_that_exists_is_left_alone(loaded, tmp_path):
    with pytest.raises(UsageError, match="exists; choose another folder"):
        export(loaded("popularity"), tmp_path)


@pytest.mark.parametrize("title", ["$(touch ran)", "`touch ran`; x", 'it\'s "so" $HOME', "a\nb"])
def test_a_title_in_the_readme_is_a_word_to_the_shell(title):
    items = Items(("", "i0"), ("", title))
    facts = {
        "model": "m",
        "side": "domain",
        "cell": {"name": "m", "dataset": "toy"},
        "batch": 1,
        "length": 3,
        "max_history": 3,
    }
    text = readme(SimpleNamespace(items=items), facts, {}, "no ONNX")
    (line,) = [line.strip() for line in text.splitlines() if line.startswith("    python serve.py")]
    plain = title if title.isprintable() and ";" not in title else "i0"
    assert shlex.split(line) == ["python", "serve.py", plain]
    shown = subprocess.run(
        ["sh", "-c", line.replace("python serve.py", "printf %s")], capture_output=True, check=True
    )
    assert shown.stdout.decode() == plain

"""The notebooks run from top to bottom, in kernels of their own: one on real data, one on a CSV with a tiny LLM."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def shown(name, folder, monkeypatch, **replaced):
    """Return what the cells of a notebook show, run in a folder; lines of its source may be replaced."""
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    for cell in notebook.cells:
        for old, new in replaced.items():
            cell.source = re.sub(rf"^{old} = .*$", f"{old} = {new!r}", cell.source, flags=re.MULTILINE)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute()
    return [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type in ("display_data", "execute_result")
    ]


def test_the_first_steps_run_and_show_results(tmp_path, monkeypatch):
    outputs = shown("first-steps.ipynb", tmp_path, monkeypatch)
    texts = [output.data.get("text/plain", "") for output in outputs]
    assert sum("sasrec" in text for text in texts) == 3
    assert any("image/png" in output.data for output in outputs)


def test_own_data_an_llm_and_the_ledger_run_and_show_what_helps(tmp_path, monkeypatch, tiny_llama, cache):
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    (tmp_path / "small").symlink_to(tiny_llama)  # a short name, which a data frame shows whole
    outputs = shown("own-data.ipynb", tmp_path, monkeypatch, LLM="llama:small")
    results, contrasts, ledger, slices = [output.data.get("text/plain", "") for output in outputs]
    assert "+bdlm+bag-of-words" in results
    assert "minus" in contrasts
    assert "knowledge beyond counted words" in ledger
    assert "history length" in slices


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)

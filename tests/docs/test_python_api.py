"""The code on the page about Python runs, from top to bottom, on toy data."""

import re
from pathlib import Path

from corecbench.testing.toys import circle, write_atomic

PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"


BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_page_runs_and_shows_what_it_says(tmp_path, monkeypatch, tiny_llama, cache, capsys):
    write_atomic(circle(), tmp_path / "shop")
    (tmp_path / "small-llama").symlink_to(tiny_llama)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    names = {}
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(block, str(PAGE), "exec"), names)

    results, table = names["results"], names["table"]
    alone, pair = ["popularity", "sasrec", "llama:small-llama"], ["sasrec+llama:small-llama+bdlm"] * 2
    assert sorted(results["cell"]) == sorted((alone + pair) * 2)
    assert results["notes"].isna().all()
    assert len(names["beyond_accuracy"]) == len(results)
    assert list(table["seeds"]) == ["0-1"] * 5
    assert {item.title for item in names["best"]}.isdisjoint({"red apple", "blue apple"})
    assert len(names["best"]) == 3
    assert "did you mean 'sasrec'" in capsys.readouterr().out

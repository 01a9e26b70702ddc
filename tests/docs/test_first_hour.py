"""The page of the first hour, from a CSV with bad rows to a page of results, without one edit."""

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from corecbench.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs/first-hour.md").read_text(encoding="utf-8")
BAD = ",s1,2026-01-09,Soap 1,5\nc1,s1,soon,Soap 1,5\nc1,s1\nc1 ,s9,2026-01-09,Soap 9,5\n"


def test_the_page_runs_on_a_file_with_bad_rows(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORECBENCH_CACHE", str(cache))
    rows = [
        f"c{user},s{(user + step) % 9},2026-01-{step + 1:02},Soap {(user + step) % 9},{5 - step % 5}\n"
        for user in range(30)
        for step in range(8)
    ]
    header = re.search(r"^    (customer,.*\n)", PAGE, re.MULTILINE)[1]
    (tmp_path / "shop.csv").write_text(header + "".join(rows) + BAD, encoding="utf-8")
    (tmp_path / "shop.toml").write_text(re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1], encoding="utf-8")
    commands = re.findall(r"^    corecbench (.*)$", PAGE, re.MULTILINE)
    done = [CliRunner().invoke(main, shlex.split(command)) for command in commands]
    assert [result.exit_code for result in done] == [4, 0, 0, 0, 0], done[-2].output
    assert "--set csv.user=customer --set csv.item=sku --set csv.timestamp=bought_at" in done[0].stderr
    assert "3 bad rows are left out: 1 of " in done[1].stdout
    assert "sasrec" in (tmp_path / "results/default/report.html").read_text(encoding="utf-8")

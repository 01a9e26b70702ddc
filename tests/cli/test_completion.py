"""Completion in a shell: its script, and the names of components and run files."""

import pytest
from click.shell_completion import ShellComplete

from corecbench.cli.main import main


@pytest.fixture
def complete():
    """Return what a shell offers for the last word: `complete("run", "--models", "sas")`."""

    def offered(*words):
        shell = ShellComplete(main, {}, "corecbench", "_CORECBENCH_COMPLETE")
        return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]

    return offered


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("bash", "complete -o nosort -F _corecbench_completion corecbench"),
        ("zsh", "#compdef corecbench"),
        ("fish", "complete --no-files --command corecbench"),
    ],
)
def test_the_script_of_a_shell_is_printed(shell, line, monkeypatch, capsys):
    monkeypatch.setenv("_CORECBENCH_COMPLETE", f"{shell}_source")
    with pytest.raises(SystemExit) as stop:
        main([], prog_name="corecbench")
    assert stop.value.code == 0
    assert line in capsys.readouterr().out


@pytest.mark.parametrize(("shell", "word"), [("bash", "3"), ("zsh", "3"), ("fish", "sas")])
def test_a_shell_is_told_the_name_of_a_model(shell, word, monkeypatch, capsys):
    monkeypatch.setenv("_CORECBENCH_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "corecbench run --models sas")
    monkeypatch.setenv("COMP_CWORD", word)
    with pytest.raises(SystemExit):
        main([], prog_name="corecbench")
    assert "sasrec" in capsys.readouterr().out


def test_verbs_are_completed(complete):
    assert complete("des") == ["describe"]


def test_the_last_of_several_names_is_completed(complete):
    assert complete("run", "--models", "sasrec,light") == ["sasrec,lightgcn"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("run", "--llm", "lla"), "llama"),
        (("run", "--sharing", "bd"), "bdlm"),
        (("run", "--control", "shuffled-t"), "shuffled-texts"),
        (("run", "--datasets", "ml-1m"), "ml-1m"),
        (("run", "--set", "sasrec.ep"), "sasrec.epochs="),
        (("run", "--set", "lightgc"), "lightgcn."),
        (("run", "--set", "run.cell"), "run.cell_timeout="),
        (("tune", "--set", "bdlm.tem"), "bdlm.temperature="),
        (("run", "--models", "recbole:BE"), "recbole:BERT4Rec"),
        (("run", "--config", "three"), "three-datasets"),
        (("tune", "--models", "gru"), "gru4rec"),
        (("describe", "ser"), "serendipity"),
    ],
)
def test_names_are_completed_where_they_are_asked_for(complete, words, name):
    assert complete(*words) == [name]


def test_a_run_file_of_the_users_own_is_left_to_the_shell(complete):
    assert complete("run", "--config", "./mine") == ["./mine"]

import subprocess
import sys

import pytest

from corecbench.api import DataError
from corecbench_plugins.datasets import ml100k


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("Usual Suspects, The", "The Usual Suspects"),
        ("Beautiful Mind, A", "A Beautiful Mind"),
        ("Affair to Remember, An", "An Affair to Remember"),
        ("Good, The Bad and The Ugly, The", "The Good, The Bad and The Ugly"),
        ("Enfer, L'", "L'Enfer"),
        ("Hate (Haine, La)", "Hate (La Haine)"),
        (
            "Horseman on the Roof, The (Hussard sur le toit, Le)",
            "The Horseman on the Roof (Le Hussard sur le toit)",
        ),
        ("World of Apu, The (Apur Sansar)", "The World of Apu (Apur Sansar)"),
        ("Maybe, Maybe Not (Bewegte Mann, Der)", "Maybe, Maybe Not (Der Bewegte Mann)"),
        ("Paris, Texas", "Paris, Texas"),
        ("Sex, Lies, and Videotape", "Sex, Lies, and Videotape"),
        ("Cry, the Beloved Country", "Cry, the Beloved Country"),
        ("I, Worst of All (Yo, la peor de todas)", "I, Worst of All (Yo, la peor de todas)"),
        ("unkonwn", "unkonwn"),
    ],
)
def test_an_article_is_put_back_in_front(given, wanted):
    assert ml100k.article_first(given) == wanted


def test_ml100k_is_found_without_importing_recbole():
    code = "import sys; from corecbench_plugins.datasets import ml100k; ml100k.find_ml100k(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split()
    assert "corecbench_plugins.datasets.ml100k" in loaded
    assert not {"recbole", "torch"} & set(loaded)


def test_without_recbole_the_command_that_gets_it_is_named(monkeypatch):
    monkeypatch.setattr(ml100k.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError) as error:
        ml100k.open_ml100k()
    assert str(error.value) == (
        "ml-100k comes with RecBole, which is not installed; install it by `pip install --no-deps recbole==1.2.1`"
    )

"""Write a data set with two camps of taste and a Llama of random weights, on which the tutorial tries its pair."""

from pathlib import Path

from corecbench.testing.tiny_llama import save_tiny_llama
from corecbench.testing.toys import camps, write_atomic

print("written:", write_atomic(camps(n_users=200), Path("toy")), save_tiny_llama(Path("tiny-llama")))

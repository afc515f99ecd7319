"Variational networks: the command trains them, goes on with them, and refuses what they cannot be."

import json

import numpy as np
import pytest

from hepae.cli.main import main
from hepae.core import HepaeError, UsageError
from hepae.files.reading import read
from hepae.learning.generation import drawn_rows
from hepae.learning.learner import train
from hepae.learning.model_folder import read_tensors
from hepae.learning.trained import TrainedModel

SETTINGS = dict(latent=2, hidden=[20], epochs=4, lr=1e-2, bs=128, progress=False, preview=False)


@pytest.fixture(scope="module")
def jets():
    "A thousand jets."
    return read("data/jets.root", "4D").iloc[:1000]


def run(*command: str) -> int:
    "The exit code of a command line."
    with pytest.raises(SystemExit) as e: main(list(command))
    return e.value.code


def test_goes_on_where_it_was(jets, tmp_path):
    "What is drawn, and the weight of the divergence, depend on the epoch alone."
    from fastai.basics import Callback

    class Kill(Callback):
        order = 99
        def after_epoch(self):
            if self.epoch == 1: raise KeyboardInterrupt

    train(jets, tmp_path / "through", "VAE", **SETTINGS)
    with pytest.raises(KeyboardInterrupt): train(jets, tmp_path / "stopped", "VAE", cbs=[Kill()], **SETTINGS)
    train(jets, tmp_path / "stopped", "VAE", resume=True, **SETTINGS)
    a, b = (read_tensors(tmp_path / name / "weights.safetensors")[0] for name in ("through", "stopped"))
    for name in a: np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_command(jets, tmp_path):
    "β is in the file of the model, which draws the same jets when it is read again."
    folder = str(tmp_path / "vae")
    command = ["train", "data/jets.root", "-o", folder, "--recipe", "VAE", "--beta", "0.05", "--epochs", "1", "-q"]
    assert run(*command, "--hidden", "8", "--bs", "4096", "--lr", "1e-3") == 0
    assert json.loads((tmp_path / "vae" / "config.json").read_text())["model"]["beta"] == 0.05
    model = TrainedModel.load(folder)
    assert drawn_rows(model, 50).equals(drawn_rows(TrainedModel.load(folder), 50))


def test_without_a_weight_it_is_none(jets, tmp_path):
    "β = 0 is a plain autoencoder of the same layers."
    model = train(jets, tmp_path / "plain", "VAE", beta=0.0, **SETTINGS)
    assert "beta" not in model.model.config
    with pytest.raises(UsageError, match="--recipe VAE"): drawn_rows(model, 5)


@pytest.mark.parametrize("settings, says", [
    ({"beta": -1.0}, "--beta"), ({"beta": float("nan")}, "--beta"), ({"beta": 1e9}, "beta"),
    ({"beta": 0.1, "aux": ["pt", "eta"]}, "all latents are stored"),
])
def test_refused(jets, tmp_path, settings, says):
    "Weights that are none, and latents that are all stored."
    with pytest.raises(HepaeError, match=says): train(jets, tmp_path / "x", "VAE", **SETTINGS | settings)


def test_codec_has_no_such_option(tmp_path, capsys):
    "A density has no β."
    assert run("train", "data/jets.root", "-o", str(tmp_path / "x"), "--recipe", "density", "--beta", "1") == 2
    assert "--beta" in capsys.readouterr().err

"Training that is killed at any moment, model folders that are damaged, tables that do not fit."

import json
import os
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import hepae, started

from hepae.core import HepaeError, UsageError, rng
from hepae.files.reading import write
from hepae.schema import event_index, infer_schema, preset, with_schema

with warnings.catch_warnings():
    # fastai 2.8, while it is imported, uses what torch 2.13 deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from hepae.learning.learner import train
    from hepae.learning.model_folder import write_config
    from hepae.learning.table_learner import ae_learner
    from hepae.learning.trained import TrainedModel

HOW = dict(recipe="AE_3D_50_bn_dropout", epochs=5, lr=1e-2, bs=128, device="cpu", progress=False, preview=False)

# what a killed process was doing: (event, how often it has happened)
DEATHS = [
    ("batch", 70), ("weights.safetensors", 2), ("log.csv", 3), ("checkpoint.safetensors", 1),
    ("checkpoint.safetensors", 3), ("config.json", 1), ("config.json", 2),
]


def child(folder: Path, event: str, times: int) -> None:
    "Train until the event has happened that often, then die of SIGKILL: nothing is cleaned up."
    import hepae.learning.callbacks
    from fastai.basics import Callback

    def count(what):
        nonlocal times
        if event == what:
            times -= 1
            if times == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    class Count(Callback):
        def after_batch(self):
            count("batch")

    def replace_or_die(new, path):
        count(Path(path).name)
        replace(new, path)

    def append_or_die(path, columns, rows):
        append(path, columns, rows)
        count(path.name)

    replace, append = os.replace, hepae.learning.callbacks.append_rows
    os.replace, hepae.learning.callbacks.append_rows = replace_or_die, append_or_die
    torch.set_num_threads(1)
    train(made_up_jets(), folder, cbs=[Count()], **HOW)


def made_up_jets(n: int = 3000) -> pd.DataFrame:
    "Jets (m, pt, phi, eta) in MeV, two an event."
    random = rng(41)
    pt = 2e4 + random.exponential(2e4, n)
    columns = {"m": 0.1 * pt, "pt": pt, "phi": random.uniform(-np.pi, np.pi, n), "eta": random.normal(0, 1.5, n)}
    jets = pd.DataFrame(columns, event_index(np.arange(0, n + 1, 2))).astype("float32")
    return with_schema(jets, infer_schema(jets, "MeV"))


@pytest.fixture(autouse=True)
def one_thread():
    "The last bit of a sum depends on the number of threads."
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def jets():
    return made_up_jets()


@pytest.fixture(scope="module")
def uninterrupted(jets, tmp_path_factory) -> Path:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("uninterrupted") / "model"
    train(jets, folder, **HOW)
    torch.set_num_threads(before)
    return folder


def killed(folder: Path, event: str, times: int) -> None:
    "Train in a process that kills itself at the given moment."
    process = started(child, folder, event, times)
    process.join(120)
    assert process.exitcode == -signal.SIGKILL


def same(folder: Path, other: Path) -> bool:
    "Equal weights, bit for bit, equal losses and equal results."
    a, b = TrainedModel.load(folder), TrainedModel.load(other)
    assert (folder / "weights.safetensors").read_bytes() == (other / "weights.safetensors").read_bytes()
    pd.testing.assert_frame_equal(a.log.drop(columns="time"), b.log.drop(columns="time"), check_exact=True)
    return {k: v for k, v in a.config["result"].items() if k != "seconds"} == {
        k: v for k, v in b.config["result"].items() if k != "seconds"
    }


@pytest.mark.parametrize("event, times", DEATHS)
def test_killed_and_resumed_equals_uninterrupted(event, times, jets, uninterrupted, tmp_path):
    folder = tmp_path / "model"
    killed(folder, event, times)
    if any(folder.glob("config.json")):
        with pytest.raises(HepaeError, match="--resume"):
            TrainedModel.load(folder)
    train(jets, folder, resume=True, **HOW)
    assert same(folder, uninterrupted)
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "log.csv", "weights.safetensors"]


def test_two_kills(jets, uninterrupted, tmp_path):
    folder = tmp_path / "model"
    killed(folder, "batch", 70)
    with pytest.raises(KeyboardInterrupt):
        train(jets, folder, resume=True, cbs=[_interrupt(3)], **HOW)
    train(jets, folder, resume=True, **HOW)
    assert same(folder, uninterrupted)


def _interrupt(epoch: int):
    from fastai.basics import Callback

    def after_batch(self):
        if self.epoch == epoch and self.iter == 3:
            raise KeyboardInterrupt

    return type("Interrupt", (Callback,), {"after_batch": after_batch})()


def test_force_over_a_model_killed_at_its_beginning_says_so(jets, uninterrupted, tmp_path):
    folder = shutil.copytree(uninterrupted, tmp_path / "model")
    with pytest.raises(KeyboardInterrupt):
        train(jets, folder, force=True, cbs=[_interrupt(0)], **HOW)
    with pytest.raises(HepaeError, match="go on with --resume"):
        TrainedModel.load(folder)
    train(jets, folder, resume=True, **HOW)
    assert same(folder, uninterrupted)


@pytest.mark.parametrize(
    "change, says",
    [
        ({"epochs": 6}, "epochs is 6 and was 5"), ({"bs": 64}, "bs is 64 and was 128"),
        ({"seed": 42}, "seed is 42"), ({"latent": 2}, "latent is 2"),
        ({"normalisation": "log"}, "normalisation is log"), ({"schedule": "plain"}, "schedule is plain"),
    ],
)
def test_resume_with_other_arguments_is_refused(change, says, jets, uninterrupted):
    with pytest.raises(HepaeError, match=says):
        train(jets, uninterrupted, resume=True, **(HOW | change))


def test_resume_with_another_table_is_refused(jets, uninterrupted):
    with pytest.raises(HepaeError, match="data checksum is"):
        train(jets * np.float32(2), uninterrupted, resume=True, **HOW)


def test_resume_of_a_complete_training_is_the_model(jets, uninterrupted):
    before = {p: p.stat().st_mtime_ns for p in uninterrupted.rglob("*")}
    pd.testing.assert_frame_equal(
        train(jets, uninterrupted, resume=True, **HOW).reconstruct(jets),
        TrainedModel.load(uninterrupted).reconstruct(jets),
    )
    assert before == {p: p.stat().st_mtime_ns for p in uninterrupted.rglob("*")}


def test_nothing_foreign_is_overwritten(jets, uninterrupted, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for how in ({}, {"force": True}, {"resume": True}):
        with pytest.raises(HepaeError, match="no model folder"):
            train(jets, tmp_path, **HOW, **how)
        with pytest.raises(HepaeError, match="is a file"):
            train(jets, tmp_path / "notes.txt", **HOW, **how)
    with pytest.raises(HepaeError, match="--force"):
        train(jets, uninterrupted, **HOW)
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_rows_that_cannot_be_used(jets, tmp_path):
    holes = jets.copy()
    holes.iloc[5:8, 0], holes.iloc[1, 3] = np.nan, -np.inf
    with pytest.raises(HepaeError, match=r"m \(3 of 3000 rows\), eta \(1 of 3000 rows\)"):
        train(holes, tmp_path / "m", **HOW)
    for rows in (0, 1, 2, 4):
        with pytest.raises(HepaeError, match="too few"):
            train(jets.iloc[:rows], tmp_path / "m", **HOW)
    with pytest.raises(UsageError, match="AE_3D_200_bn"):
        train(jets, tmp_path / "m", **(HOW | {"recipe": "AE"}))
    assert not any(tmp_path.iterdir())


# of so few events, others lie outside the range of the training
@pytest.mark.filterwarnings("ignore::hepae.learning.ranges.ModelRemark")
def test_ten_events_are_enough(tmp_path):
    few = made_up_jets(20)
    model = train(few, tmp_path / "m", **HOW)
    assert {k: int(v.sum()) for k, v in model.split(few).items()} == {"train": 16, "valid": 2, "test": 2}
    assert np.isfinite(model.reconstruct(few)).all().all()


def test_a_full_disk_ends_in_one_sentence(jets, tmp_path, monkeypatch):
    import hepae.learning.model_folder

    def full(tensors, metadata=None):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hepae.learning.model_folder, "to_safetensors", full)
    with pytest.raises(
        HepaeError, match=r"^[^\n]*weights.safetensors: cannot be written \(No space left on device\)[^\n]*$"
    ):
        train(jets, tmp_path / "m", **HOW)
    monkeypatch.undo()
    train(jets, tmp_path / "m", resume=True, **HOW)


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors", "log.csv"])
def test_a_file_cut_anywhere_is_one_sentence(name, uninterrupted, tmp_path):
    folder = shutil.copytree(uninterrupted, tmp_path / "m")
    data = (folder / name).read_bytes()
    for n in {0, 1, 2, 7, 8, 9, 100, *np.linspace(0, len(data) - 1, 25).astype(int)}:
        (folder / name).write_bytes(data[:n])
        with pytest.raises(HepaeError, match=name):
            TrainedModel.load(folder)
    (folder / name).unlink()
    with pytest.raises(HepaeError, match=name):
        TrainedModel.load(folder)
    (folder / name).mkdir()
    with pytest.raises(HepaeError, match=name):
        TrainedModel.load(folder)


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors", "log.csv"])
def test_a_flipped_byte_is_an_error_or_harmless(name, uninterrupted, tmp_path):
    folder, random = shutil.copytree(uninterrupted, tmp_path / "m"), rng(41)
    data = (folder / name).read_bytes()
    for at in random.integers(len(data), size=60):
        (folder / name).write_bytes(data[:at] + bytes([data[at] ^ int(random.integers(1, 256))]) + data[at + 1 :])
        try:
            TrainedModel.load(folder)
        except HepaeError:
            pass


def test_config_with_any_value_replaced(uninterrupted, tmp_path):
    folder = shutil.copytree(uninterrupted, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())

    def places(part, at=()):
        yield at
        for k, v in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
            yield from places(v, (*at, k))

    for place in list(places(config))[1:]:
        for value in (None, -1, 1e300, "x", [], {}, [None], True):
            changed = json.loads(json.dumps(config))
            part = changed
            for k in place[:-1]:
                part = part[k]
            part[place[-1]] = value
            write_config(folder, changed)
            try:
                TrainedModel.load(folder)
            except HepaeError as e:
                assert "\n" not in str(e)


def test_a_hostile_config_takes_no_memory(uninterrupted, tmp_path):
    folder = shutil.copytree(uninterrupted, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    for model in ({"hidden": [10**6] * 3}, {"latent": 10**9}, {"hidden": [5000] * 40}, {"n_features": 10**12}):
        write_config(folder, config | {"model": config["model"] | model})
        with pytest.raises(HepaeError):
            TrainedModel.load(folder)


def test_a_damaged_checkpoint_is_one_sentence(jets, tmp_path):
    folder = tmp_path / "m"
    with pytest.raises(KeyboardInterrupt):
        train(jets, folder, cbs=[_interrupt(2)], **HOW)
    whole = (folder / "checkpoint.safetensors").read_bytes()
    for n in (0, 5, 8, 200, len(whole) // 2, len(whole) - 1):
        (folder / "checkpoint.safetensors").write_bytes(whole[:n])
        with pytest.raises(HepaeError, match="checkpoint.safetensors"):
            train(jets, folder, resume=True, **HOW)
    (folder / "checkpoint.safetensors").write_bytes(whole)
    (folder / "log.csv").write_text("epoch,train_loss,valid_loss,lr,time\n1,0.5\n")
    with pytest.raises(HepaeError, match="log.csv"):
        train(jets, folder, resume=True, **HOW)


def test_a_table_in_other_units_or_columns_is_refused(jets, uninterrupted):
    model = TrainedModel.load(uninterrupted)
    for f in (model.encode, model.reconstruct):
        with pytest.raises(HepaeError, match="column m is in GeV, the model was trained in MeV"):
            f(with_schema(jets, infer_schema(jets, "GeV")))
        with pytest.raises(HepaeError, match="lacks m and has E besides"):
            f(jets.rename(columns={"m": "E"}))


def test_decoding_does_not_depend_on_the_batch(jets, uninterrupted, monkeypatch):
    import hepae.learning.trained

    model = TrainedModel.load(uninterrupted)
    latents, back = model.encode(jets), model.reconstruct(jets)
    monkeypatch.setattr(hepae.learning.trained, "CHUNK", 7)
    few = model.decode(latents)
    for name in ("m", "pt", "eta"):
        np.testing.assert_allclose(few[name], back[name], rtol=1e-4, atol=1e-4 * jets[name].abs().max())
    turn = np.abs(few["phi"] - back["phi"])
    assert np.minimum(turn, 2 * np.pi - turn).max() < 1e-4
    assert back["phi"].between(-np.pi, np.pi, inclusive="left").all()


def test_imports_stay_light():
    "The learner imports no torchvision; a trained model is used without fastai."
    heavy = ("torchvision", "fastai", "matplotlib.pyplot", "tensorboard")
    script = f"import sys, hepae.learning.{{}}; print([m for m in {heavy} if m in sys.modules])"
    said = {
        name: subprocess.run(
            [sys.executable, "-c", script.format(name)], capture_output=True, text=True, check=True
        ).stdout
        for name in ("learner", "trained")
    }
    assert "torchvision" not in said["learner"] and "tensorboard" not in said["learner"]
    assert said["trained"].strip() == "[]"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_of_the_gpu_decodes_on_the_cpu(jets, tmp_path):
    model = train(jets, tmp_path / "m", **(HOW | {"device": "cuda"}))
    on_gpu = TrainedModel.load(tmp_path / "m", device="cuda").reconstruct(jets)
    for name in ("m", "pt", "eta"):
        np.testing.assert_allclose(
            model.reconstruct(jets)[name], on_gpu[name], rtol=1e-3, atol=1e-3 * jets[name].abs().max()
        )


def test_learner_is_fastais(jets):
    "What the studies do by hand: find a rate, train, look."
    learn = ae_learner(jets, "AE_3D_50", bs=256, progress=False, preview=False, device="cpu")
    learn.lr_find(show_plot=False)
    learn.fit_one_cycle(2, 1e-2)
    learn.fit(1, 1e-4)
    assert learn.history.table["epoch"].tolist() == [1, 2, 3]
    assert len(learn.preview_figure().axes) == 5
    parameters = sum(p.numel() for p in learn.model.parameters())
    assert f"Total params: {parameters:,}" in str(learn.summary())


def test_tensorboard_and_activations_are_opt_in(jets, uninterrupted, tmp_path):
    model = train(jets, tmp_path / "m", tensorboard=True, activations=True, **(HOW | {"preview": True}))
    assert {
        p.relative_to(tmp_path / "m").as_posix() for p in (tmp_path / "m").rglob("*.*") if "tfevents" not in p.name
    } == {
        "config.json", "weights.safetensors", "log.csv", "activations.csv", "plots/preview.png",
        "plots/activations.png",
    }
    assert any((tmp_path / "m" / "tensorboard").iterdir())
    assert pd.read_csv(tmp_path / "m" / "activations.csv")["epoch"].max() == len(model.log)
    assert same(tmp_path / "m", uninterrupted)  # looking changes nothing
    assert not any("torchvision" in m for m in sys.modules)


def made_up_27(n: int = 600) -> pd.DataFrame:
    "Jets of the 27 variables in MeV that follow from eight numbers; one is a count."
    random = rng(41)
    table = pd.DataFrame(
        np.exp(random.normal(size=(n, 8)) @ random.normal(size=(8, 27)) / 8),
        columns=preset("27D"),
        index=event_index(np.arange(n + 1)),
    )
    table["N90Constituents"] = np.rint(5 * table["N90Constituents"])
    table[["eta", "phi"]] -= 1
    return with_schema(table.astype("float32"), infer_schema(table.astype("float32"), "MeV"))


@pytest.mark.parametrize("schedule", ["one-cycle", "plain"])
def test_27_variables_from_the_command_line(tmp_path, schedule):
    write(made_up_27(), tmp_path / "jets.root")
    done = hepae(
        "train", tmp_path / "jets.root", "-o", tmp_path / "m", "--dims", "27D", "--recipe", "AE_bn_LeakyReLU",
        "--latent", "14", "--schedule", schedule, "--lr", "1e-3", "--epochs", "3", "-q",
    )
    assert done.returncode == 0, done.stderr
    model = TrainedModel.load(tmp_path / "m")
    assert (model.latent, model.schema.names) == (14, preset("27D"))
    assert [m.out_features for m in model.model.modules() if isinstance(m, torch.nn.Linear)] == [
        200, 200, 200, 14, 200, 200, 200, 27,
    ]


@pytest.mark.parametrize(
    "recipe",
    [
        "AE_basic", "AE_bn", "AE_LeakyReLU", "AE_bn_LeakyReLU", "AE_400", "AE_200_100_50", "AE_skip", "AE_aux",
        "AE_branches", "AE_rounded", "AE_onehot",
    ],
)
def test_latent_sizes_of_27_variables(tmp_path, recipe):
    "8 to 20 numbers a jet, whatever the network; what is said to come back exactly does."
    jets = made_up_27()
    for latent in (8, 14, 20):
        model = train(
            jets,
            tmp_path / f"{latent}",
            recipe=recipe,
            latent=latent,
            epochs=1,
            lr=1e-3,
            bs=128,
            device="cpu",
            progress=False,
            preview=False,
        )
        z = model.encode(jets)
        back = model.decode(z)
        assert z.shape == (len(jets), latent) and back.index.equals(jets.index)
        for name in model.stored:
            np.testing.assert_array_equal(back[name], jets[name])
        if recipe in ("AE_rounded", "AE_onehot"):
            assert set(back["N90Constituents"]) <= set(jets["N90Constituents"])
        assert np.isfinite(back.to_numpy()).all()


def test_a_folder_of_before_is_unchanged():
    "The committed model of four variables knows nothing of newer settings, and says the same."
    folder = Path(__file__).parent.parent / "4D" / "AE_3D_200_standard"
    model = TrainedModel.load(folder)
    assert sorted(model.model.config) == sorted(
        ["n_features", "hidden", "latent", "activation", "norm", "dropout", "latent_activation"]
    )
    assert model.describe()["model"] == json.loads((folder / "config.json").read_text())["model"]

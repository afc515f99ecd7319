"""What cannot be trained on, or asked for, is one sentence before torch is imported; real samples pass."""

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hepae.core import HepaeError, rng
from hepae.files.reading import read
from hepae.physics.cuts import split_by_event
from hepae.physics.fill_values import fill_values
from hepae.schema import event_index, infer_schema, with_schema

ROOT = Path(__file__).resolve().parent.parent
SAID = """
import contextlib, io, json, sys
from hepae.cli.main import main
said = []
for arguments in json.load(sys.stdin):
    with contextlib.redirect_stderr(io.StringIO()) as told:
        try: main(arguments)
        except SystemExit as e: said.append([e.code, told.getvalue()])
json.dump([said, sorted({"torch", "fastai"} & set(sys.modules))], sys.stdout)
"""


def refusals(commands: list[list]) -> list[str]:
    "What the command line says to each; all fail with one sentence, and without torch."
    told = json.dumps([[str(a) for a in command] for command in commands])
    run = subprocess.run([sys.executable, "-c", SAID], input=told, capture_output=True, text=True, cwd=ROOT)
    said, heavy = json.loads(run.stdout)
    assert not heavy and len(said) == len(commands)
    assert all(code in (1, 2) and text.startswith("hepae: ") and text.count("\n") == 1 for code, text in said), said
    return [text for _, text in said]


def jets(n: int = 600) -> pd.DataFrame:
    "Jets in GeV."
    random = rng(14)
    columns = {"pt": random.exponential(40, n) + 20, "eta": random.normal(0, 2, n), "phi": random.uniform(-3, 3, n)}
    return pd.DataFrame(columns).assign(E=lambda t: t.pt * np.cosh(t.eta) * 1.01).astype("f4")


def particles(events: int = 100) -> pd.DataFrame:
    "Twelve electrons and photons an event, in GeV."
    random, n = rng(15), 12 * events
    table = pd.DataFrame({"pid": np.tile([11, 22], n // 2), "pt": random.exponential(5, n) + 1})
    table["eta"], table["phi"] = random.normal(0, 2, n), random.uniform(-3, 3, n)
    table["m"] = np.where(table["pid"] == 11, 0.000511, 0.0)
    table = table.set_axis(event_index(12 * np.arange(events + 1)))
    return with_schema(table, infer_schema(table, "GeV"))


OF_KINDS = {
    "jets": [],
    "bits": ["--recipe", "rate-distortion"],
    "blocks": ["--coordinates", "on-shell", "--recipe", "BIGGER_AE"],
    "quantiles": ["--coordinates", "on-shell", "--recipe", "BIGGER_AE", "--normalisation", "quantile"],
}


@pytest.mark.parametrize("kind", OF_KINDS)
def test_a_fill_value_is_named_with_column_row_and_part(kind, tmp_path):
    table, options = particles() if "--coordinates" in OF_KINDS[kind] else jets(), OF_KINDS[kind]
    cases = [(value, part) for value in (1e30, -1e25, 1e9) for part in ("train", "valid", "test")]
    rows = {part: np.flatnonzero(mask)[3] for part, mask in split_by_event(table).items()}
    commands = []
    for k, (value, part) in enumerate(cases):
        filled = table.copy()
        filled.iloc[rows[part], table.columns.get_loc("pt")] = value
        filled.to_pickle(tmp_path / f"{k}.pkl")
        commands.append(["train", tmp_path / f"{k}.pkl", "-o", tmp_path / "m", *options])
    for (value, part), said in zip(cases, refusals(commands)):
        assert f"pt is {np.float32(value):g} in row {rows[part]}" in said and f", {part}" in said
        assert "filter 'pt " in said
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", ["jets", "jets_27D", "jets_27D_anomalies", "jets_27D_resonance", "jets_27D_ttbar"])
def test_committed_jets_have_no_fill_value(name):
    for dims in ["4D"] if name == "jets" else ["E4D", "29D"]:
        assert not fill_values(read(ROOT / "data" / f"{name}.root", dims=dims))


@pytest.mark.parametrize("name", ["drell_yan.hepmc.gz", "drell_yan_50.hepae", "drell_yan_100.hepae"])
def test_committed_particles_have_no_fill_value(name):
    assert not fill_values(read(ROOT / "data" / name))


NO_TRAINING = [
    "--seed -1", "--seed 9223372036854775808", "--latent 0", "--latent -3", "--hidden 20,0", "--epochs 0", "--bs 0",
    "--lr -1", "--wd nan", "--patience 0", "--schedule steps", "--rate 2", "--bound 1e-3", "--particles 5",
    "--coordinates polar", "--coordinates on-shell --particles 0", "--resume --force",
    "--recipe density --schedule plain", "--recipe density --rate 2", "--recipe density --latent 2",
    "--recipe density --symmetry", "--recipe density --tensorboard", "--recipe density --bs 64",
    "--recipe rate-distortion --rate 0", "--recipe rate-distortion --normalisation log",
    "--recipe rate-distortion --loss huber", "--recipe rate-distortion --patience 3",
]


def test_an_option_that_makes_no_training_is_one_sentence(tmp_path):
    commands = [["train", tmp_path / "absent.pkl", "-o", tmp_path / "m", *options.split()] for options in NO_TRAINING]
    for options, said in zip(NO_TRAINING, refusals(commands)):
        assert any(option in said for option in options.split() if option.startswith("--")), said
        assert "absent" not in said


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_table_of_too_few_rows_is_one_sentence(rows, tmp_path):
    jets(9)[:rows].to_pickle(tmp_path / "t.pkl")
    command = ["train", tmp_path / "t.pkl", "-o", tmp_path / "m", "--recipe"]
    for said in refusals([[*command, "AE_3D_50"], [*command, "density"]]):
        assert "t.pkl" in said and ("no rows" in said or "too few" in said)


def test_symmetry_of_columns_without_angles_is_one_sentence(tmp_path):
    jets()[["pt", "E"]].to_pickle(tmp_path / "t.pkl")
    (said,) = refusals([["train", tmp_path / "t.pkl", "-o", tmp_path / "m", "--symmetry"]])
    assert "pt, E" in said


def test_options_that_other_commands_would_ignore(tmp_path):
    jets().to_pickle(tmp_path / "t.pkl")
    two = ["analyse", tmp_path / "t.pkl", tmp_path / "t.pkl", "-o", tmp_path / "a.html"]
    cases = {
        "--latents is for --model": [*two, "--latents", tmp_path / "z.csv"],
        "--filter is for --model": [*two, "--filter", "pt > 30"],
        "--seed is of --smear": [*two, "--seed", 3],
        "--seed is of the draws": ["scan", tmp_path / "t.pkl", "-o", tmp_path / "s", "--grid", "g.toml", "--seed", 3],
        "--seed -1": ["sample", "-o", tmp_path / "j.root", "--seed", -1],
    }
    for text, said in zip(cases, refusals(list(cases.values()))): assert text in said


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    "A folder with a table of jets, and a network that was trained on it."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fastai's, while it is imported
        from hepae.learning.learner import train

    folder = tmp_path_factory.mktemp("trained")
    table = with_schema(jets(3000), infer_schema(jets(3000)))
    table.to_pickle(folder / "t.pkl")
    train(table, folder / "m", epochs=1, lr=1e-3, progress=False, preview=False, activation="tanh")
    return folder


CHANGES = {
    "other units": (lambda t: t.assign(pt=1000 * t.pt, E=1000 * t.E), ["pt in 100%", "E in "]),
    "azimuths from 0 to 2π": (lambda t: t.assign(phi=t.phi % np.float32(2 * np.pi)), ["phi in "]),
    "50 times the pt": (lambda t: t.assign(pt=50 * t.pt), ["pt in 100%"]),
    "one row far away": (lambda t: t.assign(eta=np.where(t.index == 5, 1e4, t.eta).astype("f4")), ["eta in 0.0333%"]),
    "nothing": (lambda t: t, []),
}


@pytest.mark.parametrize("what", CHANGES)
def test_rows_outside_the_range_of_the_training_are_remarked(what, trained):
    from hepae.learning.ranges import remarked
    from hepae.learning.trained import TrainedModel

    change, expected = CHANGES[what]
    table, model, told = change(jets(3000)), TrainedModel.load(trained / "m"), []
    for use in (model.encode, model.reconstruct):
        told.clear()
        with remarked(told.append): use(table)
        assert len(told) == bool(expected), told
        for text in expected: assert text in told[0]


def test_commands_remark_rows_outside_the_range(trained, tmp_path, capsys):
    from hepae.cli.main import cli

    CHANGES["azimuths from 0 to 2π"][0](jets(3000)).to_pickle(tmp_path / "t.pkl")
    for command in (
        ["analyse", tmp_path / "t.pkl", "--model", trained / "m", "-o", tmp_path / "a.html"],
        ["compress", tmp_path / "t.pkl", "--model", trained / "m", "-o", tmp_path / "t.hepae", "--bound", "1e-3"],
    ):
        cli.main([str(a) for a in command], standalone_mode=False)
        said = capsys.readouterr().err
        assert said.count("outside the range of the training: phi in ") == 1, said


def test_a_changed_config_is_refused_by_its_part_and_one_without_digests_is_remarked(trained, tmp_path):
    from hepae.learning.ranges import ModelRemark
    from hepae.learning.trained import TrainedModel

    folder = shutil.copytree(trained / "m", tmp_path / "m")
    text = (folder / "config.json").read_text()
    config = json.loads(text)
    assert set(config["digests"]) == set(config) - {"digests"}
    for part in config:
        if part in ("format", "version", "digests"): continue
        (folder / "config.json").write_text(json.dumps(config | {part: {"changed": 1}}))
        with pytest.raises(HepaeError, match=f"{part} changed after it was written"): TrainedModel.load(folder)
    (folder / "config.json").write_text(json.dumps({k: x for k, x in config.items() if k != "digests"}))
    with pytest.warns(ModelRemark, match="no digests"): TrainedModel.load(folder)
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TrainedModel.load(folder)
        for committed in ("4D/AE_3D_200", "4D/AE_3D_200_standard", "27D/AE_27_14"): TrainedModel.load(ROOT / committed)


def test_a_scan_has_its_settings_and_results_in_tensorboard(trained, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from hepae.bench.scan import scan

    (tmp_path / "g.toml").write_text('recipe = "AE_3D_50"\nepochs = 2\nlr = 1e-3\nlatent = [1, 2]')
    points = scan(trained / "t.pkl", tmp_path / "s", tmp_path / "g.toml", workers=0, tensorboard=True)
    assert (points["status"] == "done").all(), points["reason"].tolist()
    for name, mse in zip(points["name"], points["valid_mse"]):
        events = EventAccumulator(str(tmp_path / "s" / "points" / name / "tensorboard"), {"images": 0}).Reload()
        assert [e.value for e in events.Scalars("hparam/valid_mse")] == pytest.approx([mse], rel=1e-6)
        assert [e.step for e in events.Images("preview")] == [1, 2]
        contents = [m.plugin_data for m in events.summary_metadata.values()]
        assert any(p.plugin_name == "hparams" and b"latent" in p.content for p in contents)

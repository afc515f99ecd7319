"""What cannot be trained on, or asked for, is one sentence before torch is imported; real samples pass."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hepae.core import rng
from hepae.files.reading import read
from hepae.physics.cuts import split_by_event
from hepae.physics.fill_values import fill_values
from hepae.schema import event_index, infer_schema, with_schema

ROOT = Path(__file__).resolve().parent.parent
SAID = """
import sys
from hepae.cli.main import main
try: main(sys.argv[1:])
except SystemExit as e: code = e.code
print(code, sorted({"torch", "fastai"} & set(sys.modules)))
"""


def refused(*arguments) -> str:
    "What the command line says; it fails with one sentence, and without torch."
    run = subprocess.run([sys.executable, "-c", SAID, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.split() in (["1", "[]"], ["2", "[]"]), run.stdout + run.stderr
    (line,) = run.stderr.strip().splitlines()
    return line


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


@pytest.mark.parametrize("part", ["train", "valid", "test"])
@pytest.mark.parametrize("value", [1e30, -1e25, 1e9])
@pytest.mark.parametrize("kind", ["jets", "blocks"])
def test_a_fill_value_is_named_with_column_row_and_part(kind, value, part, tmp_path):
    table, path = (jets() if kind == "jets" else particles()), tmp_path / "t.pkl"
    row = np.flatnonzero(split_by_event(table)[part])[3]
    table.iloc[row, table.columns.get_loc("pt")] = value
    table.to_pickle(path)
    options = ["--coordinates", "on-shell", "--recipe", "BIGGER_AE"] if kind == "blocks" else []
    said = refused("train", path, "-o", tmp_path / "m", *options)
    assert f"pt is {np.float32(value):g} in row {row}" in said and f", {part}" in said and "filter 'pt " in said
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", ["jets", "jets_27D", "jets_27D_anomalies", "jets_27D_resonance", "jets_27D_ttbar"])
def test_committed_jets_have_no_fill_value(name):
    for dims in ["4D"] if name == "jets" else ["E4D", "29D"]:
        assert not fill_values(read(ROOT / "data" / f"{name}.root", dims=dims))


@pytest.mark.parametrize("name", ["drell_yan.hepmc.gz", "drell_yan_50.hepae", "drell_yan_100.hepae"])
def test_committed_particles_have_no_fill_value(name):
    assert not fill_values(read(ROOT / "data" / name))

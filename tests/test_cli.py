"""The command line as a user runs it: the main job from end to end, and how it ends when something is wrong."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import uproot
from conftest import ROOT, hepae

from hepae.files.reading import read
from hepae.schema import preset, schema_of


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    "A few hundred events of the sample, as ROOT."
    from dataclasses import replace

    from hepae.files.reading import write
    from hepae.schema import Source, with_schema

    jets = read(ROOT / "data" / "jets.root")
    first = jets[jets.index.get_level_values(0) < 1500]
    schema = schema_of(jets)
    source: Source = replace(schema.source, entries=1500)
    path = tmp_path_factory.mktemp("small") / "small.root"
    write(with_schema(first, replace(schema, source=source)), path)
    return path


@pytest.fixture(scope="module")
def model(small, tmp_path_factory):
    "A network trained for two epochs by the command line."
    folder = tmp_path_factory.mktemp("model") / "net"
    done = hepae(
        "train", small, "-o", folder, "--dims", "E4D", "--recipe", "AE_3D_small", "--epochs", "2", "--lr", "1e-3",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epochs"] == 2
    return folder


def test_help_lists_commands():
    done = hepae("--help")
    assert done.returncode == 0
    for command in ("sample", "inspect", "extract", "train", "analyse"):
        assert re.search(rf"^\s+{command}\s", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("suffix", [".pkl", ".parquet", ".csv"])
def test_extract(small, tmp_path, suffix):
    "Values and events are those of the file, in every format."
    done = hepae("extract", small, "-o", tmp_path / f"t{suffix}", "--json")
    assert done.returncode == 0, done.stderr
    facts, table = json.loads(done.stdout), read(tmp_path / f"t{suffix}")
    with uproot.open(small) as file:
        pt = next(b for k, b in file["CollectionTree"].iteritems() if k.endswith(".pt")).array()
    assert facts["rows"] == len(table) == len(np.concatenate(pt.tolist()))
    assert facts["entries"] == len(pt) == 1500
    np.testing.assert_allclose(table["pt"], np.concatenate(pt.tolist()), rtol=1e-6)
    assert table.index.get_level_values(0).tolist() == [i for i, x in enumerate(pt.tolist()) for _ in x]


def test_extract_many(small, tmp_path):
    "A quoted pattern and several files number their events through."
    for name in "ab":
        (tmp_path / f"{name}.root").write_bytes(small.read_bytes())
    done = hepae("extract", tmp_path / "*.root", small, "-o", tmp_path / "all.parquet", "--dims", "E4D", "--leading")
    assert done.returncode == 0, done.stderr
    table, one = read(tmp_path / "all.parquet"), read(small, "E4D", leading=True)
    assert list(table) == preset("E4D") and len(table) == 3 * len(one)
    assert schema_of(table).source.entries == 4500
    assert table.index[-1][0] == 3000 + one.index[-1][0]
    assert table.index.get_level_values(0).is_unique


def test_inspect(small, model):
    "JSON for programs, a table for people, models too."
    facts = json.loads(hepae("inspect", small, "--json").stdout)
    assert facts["containers"][0]["presets"] == ["4D", "E4D"] and facts["trees"][0]["entries"] == 1500
    assert "TrigHLTJetDSSelectorCollection" in hepae("inspect", small).stdout
    assert (
        json.loads(hepae("inspect", model, "--json").stdout)["model"]["latent"]
        == json.loads((model / "config.json").read_text())["model"]["latent"]
    )


def test_analyse(small, model, tmp_path):
    "A report in one file, a ROOT file of the network's variables named as the original's branches, latent variables."
    done = hepae(
        "analyse", small, "--model", model, "-o", tmp_path / "r.html", "--reconstructed", tmp_path / "back.root",
        "--latents", tmp_path / "z.parquet", "--json",
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["residuals"]["net"]) == set(preset("E4D"))
    page = (tmp_path / "r.html").read_text()
    assert page.count("data:image/png;base64,") >= 4
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    with uproot.open(small) as a, uproot.open(tmp_path / "back.root") as b:
        energies = [k.removesuffix(".m") + ".E" if k.endswith(".m") else k for k in a["CollectionTree"].keys()]
        assert sorted(energies) == sorted(b["CollectionTree"].keys())
        assert a["CollectionTree"].num_entries == b["CollectionTree"].num_entries
    assert len(pd.read_parquet(tmp_path / "z.parquet")) == len(read(small))


def test_analyse_rntuple(small, model, tmp_path):
    "RNTuple on request."
    done = hepae(
        "analyse", small, "--model", model, "-o", tmp_path / "r.html", "--reconstructed", tmp_path / "back.root",
        "--rntuple", "-q",
    )
    assert done.returncode == 0, done.stderr
    with uproot.open(tmp_path / "back.root") as file:
        assert file["CollectionTree"].classname.endswith("RNTuple")
    assert len(read(tmp_path / "back.root", "E4D")) == len(read(small))


def test_models_side_by_side(small, model, tmp_path):
    "Several models in one report, under their own names."
    second = tmp_path / "other"
    assert (
        hepae(
            "train", small, "-o", second, "--dims", "E4D", "--recipe", "AE_3D_small", "--latent", "2",
            "--epochs", "1", "--schedule", "plain", "-q",
        ).returncode
        == 0
    )
    done = hepae("analyse", small, "--model", model, "--model", second, "-o", tmp_path / "r.html", "--json", "-q")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found["residuals"]) == ["net", "other"]
    assert [line["numbers"] for line in found["baselines"]] == [4, 3, 3, 3, 4, 2, 2, 2]
    for line in found["baselines"]:  # figures, not text; the original has no error
        assert all(type(v) in (int, float) for n, v in line.items() if n != "way" and "MSE" not in n), line
        errors = [v for n, v in line.items() if "MSE" in n]
        assert errors == [None] * 4 if line["way"] == "original" else all(type(v) is float for v in errors), line


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        (["wrong"], 2, "No such command"),
        (["extract"], 2, "Missing argument"),
        (["extract", "data/jets.root", "-o", "{tmp}/t.pkl", "--dims", "5D"], 2, "5D"),
        (["extract", "data/jets.root", "-o", "{tmp}/t.xyz"], 2, ".parquet"),
        (["extract", "data/jets.root", "-o", "{tmp}/t.pkl", "--container", "Muons"], 2, "no container Muons"),
        (["extract", "no.root", "-o", "{tmp}/t.pkl"], 1, "no such file"),
        (["extract", "data/jets.root", "-o", "{tmp}/no/t.pkl"], 1, "does not exist"),
        (["analyse", "data/jets.root", "-o", "{tmp}/r.html"], 2, "--model"),
        (["analyse", "data/jets.root", "--model", "4D", "-o", "{tmp}/r.html"], 1, "no model folder"),
        (["train", "data/jets.root", "-o", "{tmp}/m", "--recipe", "AE_4D"], 2, "AE_3D_200"),
        (["train", "data/jets.root", "-o", "{tmp}/m", "--filter", "pt > 99 TeV"], 2, ""),
        (["train", "data/jets.root", "-o", "{tmp}/m", "--filter", "pt > 9999 GeV"], 1, "no row"),
        (["inspect", "README.md", "--json", "--wrong"], 2, "No such option"),
    ],
)
def test_ends(arguments, code, said, tmp_path):
    "Exit codes; the sentence says what to do; nothing is left behind."
    done = hepae(*[a.replace("{tmp}", str(tmp_path)) for a in arguments], cwd=ROOT)
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr and not done.stdout
    assert not list(tmp_path.iterdir())


def test_quiet_and_no_bars(small, tmp_path):
    "Progress is for terminals; -q is silent."
    done = hepae("extract", small, "-o", tmp_path / "t.pkl")
    assert "\r" not in done.stderr and "it/s" not in done.stderr
    done = hepae("train", small, "-o", tmp_path / "m", "--recipe", "AE_3D_small", "--epochs", "1", "--lr", "1e-3", "-q")
    assert (done.returncode, done.stderr) == (0, "")


def test_broken_pipe(small):
    "`hepae inspect … | head -0` ends quietly."
    command = f"{sys.executable} -c 'from hepae.cli.main import main; main()' inspect {small} --json | head -c 0"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_resume(small, tmp_path):
    "--resume finds a finished training finished, and a second training needs --force."
    arguments = ["train", small, "-o", tmp_path / "m", "--recipe", "AE_3D_small", "--epochs", "1", "--lr", "1e-3", "-q"]
    assert hepae(*arguments).returncode == 0
    again = hepae(*arguments)
    assert again.returncode == 1 and "--force" in again.stderr
    assert hepae(*arguments, "--resume").returncode == 0

"""The toy detector's jets: what is in the committed file, and that a file does not depend on who made it."""

import importlib.util
import re
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from conftest import hepae

from hepae.files.reading import read
from hepae.schema import preset

DATA = Path(__file__).parents[1] / "data"
TOY, CONTAINER = DATA / "jets_27D.root", "AntiKt4EMTopoJets"
GHOST = 0.1 * 2 * np.pi / 63  # area of a ghost

absent = [name for name in ("pythia8mc", "fastjet") if importlib.util.find_spec(name) is None]
makes_samples = pytest.mark.skipif(
    bool(absent), reason=f"{' and '.join(absent)} not installed (pip install 'hepae[sample]')"
)


@pytest.fixture(scope="module")
def tree():
    with uproot.open(TOY) as root:
        yield root["CollectionTree"]


@pytest.fixture(scope="module")
def jets():
    return read(TOY, "29D")


def test_committed_file_is_small_and_says_what_it_is(tree):
    assert TOY.stat().st_size < 1_000_000
    for fact in ("TOY", "not an experiment's", "HardQCD:all = on", "pile-up 40", "anomalies 0", "seed 41"):
        assert fact in tree.title


def test_committed_file_is_what_the_readme_says(tree, jets):
    found = re.search(r"([\d,]+) collisions with ([\d,]+) toy jets", (DATA / "README.md").read_text(encoding="utf-8"))
    assert [int(x.replace(",", "")) for x in found.groups()] == [tree.num_entries, len(jets)]


def test_branches_are_those_of_atlas(tree):
    types = {name: branch.typename for name, branch in tree.items()}
    floats = {f"{CONTAINER}AuxDyn.{x}": "float[]" for x in preset("29D")}
    assert types == {f"n{CONTAINER}": "int32_t", f"{CONTAINER}AuxDyn.Anomaly": "int32_t[]"} | floats


def test_every_value_is_a_number(jets):
    assert list(jets.columns) == preset("29D") and (jets.dtypes == np.float32).all()
    assert np.isfinite(jets.to_numpy()).all()


def test_ranges(jets):
    assert jets["pt"].min() > 15e3 and jets["eta"].abs().max() < 4.9 and jets["phi"].abs().max() <= np.float32(np.pi)
    assert (jets["m"] >= 0).all() and (jets["NegativeE"] <= 0).all()
    for x in ("OotFracClusters10", "OotFracClusters5"):
        assert jets[x].between(0, 1.00001).all()
    assert (jets["OotFracClusters10"] <= jets["OotFracClusters5"] + 1e-6).all()
    assert (jets["WidthPhi"] <= jets["Width"] + 1e-6).all() and jets["Width"].between(0, 0.4).all()
    assert jets["AverageLArQF"].between(0, 65535).all() and jets["Timing"].abs().max() <= 25
    assert jets["CentroidR"].between(1400, 6500).all(), "inside the calorimeter"
    assert jets["N90Constituents"].min() >= 1


def test_lattices(jets):
    "Areas are numbers of ghosts; N90Constituents are whole numbers."
    steps = jets["ActiveArea"].to_numpy(float) / GHOST
    assert np.abs(steps - np.round(steps)).max() < 1e-3 and len(np.unique(np.round(steps))) > 20
    assert (jets["N90Constituents"] % 1 == 0).all() and (jets["JetGhostArea"] == np.float32(0.01)).all()


def test_relations(jets):
    "What belongs together agrees: area and jet point the same way, jets of one cluster have no mass."
    assert (jets["DetectorEta"] - jets["eta"]).abs().quantile(0.9) < 0.1
    turn = (jets["phi"] - jets["ActiveArea4vec_phi"] + np.pi) % (2 * np.pi) - np.pi
    assert turn.abs().quantile(0.9) < 0.2
    assert (jets["ActiveArea4vec_pt"] <= jets["ActiveArea"] * 1.0001).all()
    assert jets[["ActiveArea", "ActiveArea4vec_pt"]].corr("spearman").iloc[0, 1] > 0.98
    assert (jets.loc[jets["Width"] < 1e-6, "m"] == 0).all()
    assert (jets["HECFrac"].abs()[jets["eta"].abs() < 0.9] < 0.1).all()


@pytest.fixture(scope="module")
def recipe():
    from hepae.toy.collisions import Recipe

    return Recipe(pileup=3, pool_events=40, block_events=5, anomalies=0.6, seed=11)


@pytest.fixture(scope="module")
def ten(recipe, tmp_path_factory):
    "A file of ten events, and what is said of it."
    from hepae.toy.detector import write_detector_jets

    path = tmp_path_factory.mktemp("ten") / "1.root"
    return path, write_detector_jets(path, 10, recipe=recipe)


@makes_samples
def test_workers_do_not_show(recipe, ten, tmp_path):
    from hepae.toy.detector import write_detector_jets

    (path, facts), two = ten, tmp_path / "2.root"
    assert facts == write_detector_jets(two, 10, recipe=recipe, workers=2) and facts["events"] == 10
    assert path.read_bytes() == two.read_bytes() and tmp_path.name.encode() not in two.read_bytes()
    table = read(path, "29D")
    assert np.isfinite(table.to_numpy()).all() and len(table) == facts["jets"]


@makes_samples
def test_longer_run_begins_with_the_shorter(recipe, ten, tmp_path):
    from hepae.toy.detector import write_detector_jets

    write_detector_jets(tmp_path / "7.root", 7, recipe=recipe)
    short, long = (uproot.concatenate(f"{path}:CollectionTree") for path in (tmp_path / "7.root", ten[0]))
    assert short.to_list() == long[:7].to_list()


@makes_samples
def test_anomalies_are_marked(recipe, tmp_path):
    from dataclasses import replace

    from hepae.toy.detector import blocks

    block = next(iter(blocks(replace(recipe, anomalies=1.0, block_events=24))))
    good = next(iter(blocks(replace(recipe, anomalies=0.0, block_events=24))))
    kinds = [ak.flatten(block[block.Anomaly == k]) for k in range(3)]
    assert all(len(k) for k in kinds) and not ak.any(good.Anomaly)
    assert all(len(set(e) - {0}) <= 1 for e in block.Anomaly.to_list()), "one kind an event"
    assert ak.mean(kinds[1].LArQuality) > 0.5 > 0.2 > ak.mean(kinds[0].LArQuality), "bursts have bad pulses"
    assert ak.mean(abs(kinds[2].Timing)) > 8 > 4 > ak.mean(abs(kinds[0].Timing)), "the others come at the wrong time"


@makes_samples
@pytest.mark.parametrize("process", ["ttbar", "resonance"])
def test_processes(process, recipe):
    from dataclasses import replace

    from hepae.toy.detector import blocks

    jets = next(iter(blocks(replace(recipe, process=process, anomalies=0.0, block_events=20))))
    assert ak.mean(ak.num(jets.pt)) > (4 if process == "ttbar" else 2)
    if process == "ttbar":
        return
    two = jets[ak.num(jets.pt) >= 2]
    a, b = two[:, 0], two[:, 1]
    mass = np.sqrt(2 * a.pt * b.pt * (np.cosh(a.eta - b.eta) - np.cos(a.phi - b.phi))) / 1e3
    assert 350 < np.median(mass.to_numpy()) < 700


@makes_samples
def test_interrupted_run_leaves_nothing(recipe, tmp_path):
    from hepae.toy.detector import write_detector_jets

    def stop(steps):
        yield from list(steps)[:1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_detector_jets(tmp_path / "x.root", 8, recipe=recipe, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options, said",
    [
        (["--process", "ttbar"], "goes with --detector"),
        (["--detector", "--jets", "10", "--events", "10"], "give one of them"),
        (["--detector", "--jets", "0"], "one or more"),
        (["--detector", "--anomalies", "2"], "0 to 1"),
        (["--detector", "--pileup", "-1"], "choose 0 to 200"),
        (["--detector", "--workers", "0"], "1 or more"),
        (["--detector", "--process", "resonance", "--pthat-min", "30"], "leave it out"),
    ],
)
def test_wrong_options_are_one_sentence(options, said, tmp_path):
    run = hepae("sample", "-o", tmp_path / "x.root", *options)
    assert run.returncode == 2 and said in run.stderr and "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []

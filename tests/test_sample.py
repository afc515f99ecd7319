"The committed samples are what data/README.md says, and anybody can make them again."

import gzip
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pyhepmc
import pytest
import uproot

DATA = Path(__file__).parents[1] / "data"
JETS, PAIRS = DATA / "jets.root", DATA / "drell_yan.hepmc.gz"
CONTAINER = "HLT_xAOD__JetContainer_TrigHLTJetDSSelectorCollection"
LARGEST = 2_000_000  # bytes of a file in the repository

absent = [name for name in ("pythia8mc", "fastjet") if importlib.util.find_spec(name) is None]
why = f"{' and '.join(absent)} not installed (pip install 'hepae[sample]')"
makes_samples = pytest.mark.skipif(bool(absent), reason=why)


def stated(what: str) -> int:
    "The number that stands before `what` in data/README.md."
    found = re.search(rf"([\d,]+) {what}", (DATA / "README.md").read_text(encoding="utf-8"))
    return int(found[1].replace(",", ""))


@pytest.fixture(scope="module")
def tree():
    with uproot.open(JETS) as root:
        yield root["CollectionTree"]


@pytest.fixture(scope="module")
def jets(tree):
    return ak.zip({x: tree[f"{CONTAINER}AuxDyn.{x}"].array() for x in ("pt", "eta", "phi", "m")})


@pytest.fixture(scope="module")
def pairs():
    with pyhepmc.open(PAIRS) as file:
        return list(file)


def final_momentum(event):
    particles = event.numpy.particles
    final = particles.status == 1
    return np.array([getattr(particles, x)[final].sum() for x in ("px", "py", "pz", "e")])


@pytest.mark.parametrize("path", [JETS, PAIRS], ids=lambda p: p.name)
def test_samples_are_small(path):
    assert 0 < path.stat().st_size <= LARGEST


def test_jet_branches(tree):
    assert tree.classname == "TTree"
    types = {name: branch.typename for name, branch in tree.items()}
    jagged = {f"{CONTAINER}AuxDyn.{x}": "float[]" for x in ("pt", "eta", "phi", "m")}
    assert types == {f"n{CONTAINER}": "int32_t"} | jagged


def test_jet_tree_says_how_it_was_made(tree, jets):
    for fact in ("HardQCD:all = on", "pTHatMin = 20.0", "seed 41", f"{len(jets)} events"):
        assert fact in tree.title


def test_jet_counts_are_those_of_the_readme(tree, jets):
    assert len(jets) == tree.num_entries == stated("events with")
    assert ak.sum(ak.num(jets)) == stated("jets") >= 15_000
    assert ak.all(tree[f"n{CONTAINER}"].array() == ak.num(jets))
    assert ak.any(ak.num(jets) == 0), "events without jets keep their place"


def test_jets_are_jets(jets):
    for x in jets.fields:
        values = ak.flatten(jets[x]).to_numpy()
        assert values.dtype == np.float32 and np.isfinite(values).all()
    assert ak.min(jets.pt) > 20e3, "pt > 20 GeV, in MeV"
    assert ak.all(abs(jets.eta) < 4.9)
    assert ak.all(abs(jets.phi) <= np.float32(np.pi))
    assert ak.all(jets.pt[:, 1:] <= jets.pt[:, :-1]), "leading jet first"
    energy = np.sqrt((jets.pt * np.cosh(ak.values_astype(jets.eta, "float64"))) ** 2 + jets.m**2)
    assert ak.max(energy) < 6.5e6, "no jet has more than its beam"
    assert 0.05 < ak.mean(jets.m / jets.pt) < 0.25, "masses of QCD jets"


def test_jets_are_all_different(jets):
    rows = np.stack([ak.flatten(jets[x]).to_numpy() for x in jets.fields], axis=1)
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_pairs(pairs):
    assert len(pairs) == stated("Drell-Yan events") >= 15
    assert [e.event_number for e in pairs] == list(range(len(pairs)))
    for event in pairs:
        assert (event.momentum_unit, event.length_unit) == (pyhepmc.Units.GEV, pyhepmc.Units.MM)
        assert [(b.pid, b.status, b.momentum.e) for b in event.beams] == [(2212, 4, 6500.0)] * 2
        assert np.abs(final_momentum(event) - [0, 0, 0, 13000]).max() < 1e-3
        assert event.weights == [1.0] and event.weight_names == ["Weight"]
        assert 0 < event.pdf_info.x1 < 1 and event.cross_section.xsec() > 0


def test_pairs_have_their_mass(pairs):
    for event in pairs:
        (boson,) = (p for p in event.particles if p.pid == 23 and p.status == 62)
        electron, positron = boson.end_vertex.particles_out
        assert {electron.pid, positron.pid} == {11, -11}
        assert 250 < (electron.momentum + positron.momentum).m() < 400


def test_pairs_are_hung_together(pairs):
    for event in pairs:
        beams = {b.id for b in event.beams}
        for p in event.particles:
            assert (p.end_vertex is None) == (p.status == 1)
            assert bool(p.parents) == (p.id not in beams)


def test_pairs_survive_reading_and_writing(pairs, tmp_path):
    with pyhepmc.open(tmp_path / "copy.hepmc", "w") as file:
        for event in pairs:
            file.write(event)
    assert (tmp_path / "copy.hepmc").read_bytes().rstrip() == gzip.decompress(PAIRS.read_bytes()).rstrip()


def test_gzip_header_is_the_same_every_day():
    flags, time = PAIRS.read_bytes()[3], PAIRS.read_bytes()[4:8]
    assert (flags, time) == (0, bytes(4)), "no name and no time of day"


MAKE = """
import sys
from hepae.toy.generator import write_sample
write_sample(sys.argv[1] + '.root', 30, seed=5)
write_sample(sys.argv[1] + '.hepmc.gz', 2, seed=5)
"""


@makes_samples
def test_same_bytes_in_another_process_and_not_a_word(tmp_path):
    for name in "ab":
        environment = {**os.environ, "PYTHONHASHSEED": str(ord(name))}
        command = [sys.executable, "-c", MAKE, tmp_path / name]
        run = subprocess.run(command, capture_output=True, env=environment, timeout=300)
        assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    for suffix in ("root", "hepmc.gz"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.hepmc.gz", "a.root", "b.hepmc.gz", "b.root"]


@makes_samples
def test_root_file_does_not_name_its_place(tmp_path):
    from hepae.toy.generator import write_sample

    write_sample(tmp_path / "few.root", 5)
    assert tmp_path.name.encode() not in (tmp_path / "few.root").read_bytes()


@makes_samples
@pytest.mark.parametrize("name", ["few.root", "few.hepmc", "few.hepmc.gz", "few.hepmc.xz"])
def test_interrupted_run_leaves_nothing(tmp_path, name):
    from hepae.toy.generator import write_sample

    def stop(steps):
        yield from list(steps)[:1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / name, 5, progress=stop)
    assert list(tmp_path.iterdir()) == []


@makes_samples
def test_full_disk_is_one_sentence(tmp_path):
    resource = pytest.importorskip("resource", reason="needs file size limits of Unix")
    code = f"""
import resource, signal
from hepae.core import HepaeError
from hepae.toy.generator import write_sample
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for name in ("x.root", "x.hepmc", "x.hepmc.gz"):
    try: write_sample({str(tmp_path)!r} + "/" + name, 50 if name == "x.root" else 2)
    except HepaeError as e: print(e)
"""
    assert resource
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("cannot be written") == 3 and list(tmp_path.iterdir()) == []

"What analyses read: uproot, RDataFrame and NanoEvents see in files that came back what was in the original."

import warnings
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

import hepae
from hepae.bench.compressors import root_package
from hepae.codec.container import DATASETS, Reader
from hepae.core import rng
from hepae.files.compression import compress_files
from hepae.files.decompression import decompress_file
from hepae.io.root_objects import OBJECTS


def needs_root():
    "ROOT 6.40, or skip."
    if (ROOT := root_package()) is None: pytest.skip("no ROOT 6.40 (pip install hepae[root])")
    ROOT.gErrorIgnoreLevel = ROOT.kError
    return ROOT


def nanoevents():
    "coffea's module, or skip."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("coffea.nanoevents")


def nanoaod(path, n: int = 400):
    "A file in NanoAOD's manner: two collections, counters, flags, scalars."
    r, data, counters = rng(17), {}, {}
    for name, mean in (("Jet", 3), ("Muon", 1)):
        counts = r.poisson(mean, n)
        k = counts.sum()
        columns = {"pt": 20 + r.exponential(40, k), "eta": r.normal(0, 1.5, k), "phi": r.uniform(-np.pi, np.pi, k),
                   "mass": r.exponential(8, k)}
        data |= {f"{name}_{c}": ak.unflatten(x.astype("f4"), counts) for c, x in columns.items()}
        counters |= {f"{name}_{c}": f"n{name}" for c in columns}
    data |= {"run": np.full(n, 1, "u4"), "luminosityBlock": np.arange(n, dtype="u4") // 100,
             "event": np.arange(n, dtype="u8"), "HLT_IsoMu24": r.random(n) < 0.3,
             "MET_pt": r.exponential(30, n).astype("f4"), "MET_phi": r.uniform(-np.pi, np.pi, n).astype("f4")}
    types = {k: "var * float32" if k in counters else x.dtype for k, x in data.items()}
    with uproot.recreate(path) as file:
        file.mktree("Events", types, "toy", counter_name=counters.__getitem__).extend(data)
    return path


def load_macros(ROOT) -> None:
    "Let ROOT compile the functions that write files."
    code = Path(__file__).with_name("root_files.C").read_text()
    if not hasattr(ROOT, "hepae_delphes"): ROOT.gInterpreter.Declare(code)


def delphes(path, n: int = 300):
    "A file in Delphes' manner: split arrays of objects, written by ROOT."
    ROOT = needs_root()
    load_macros(ROOT)
    ROOT.hepae_delphes(str(path), n)
    return path


def there_and_back(path, folder, **options):
    "The .hepae file of a ROOT file, and the ROOT file that it becomes again."
    compress_files([path], folder / "x.hepae", force=True)
    decompress_file(folder / "x.hepae", folder / "back.root", force=True, **options)
    return folder / "x.hepae", folder / "back.root"


# ---- uproot

def test_uproot_finds_the_same_masses(tmp_path):
    path = nanoaod(tmp_path / "a.root")
    packed, back = there_and_back(path, tmp_path)

    def masses(tree):
        j = tree.arrays(["Jet_pt", "Jet_eta", "Jet_phi"], library="ak")
        j = j[ak.num(j.Jet_pt) > 1]
        (pt, eta, phi) = (j[n][:, :2] for n in ("Jet_pt", "Jet_eta", "Jet_phi"))
        cosines = np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])
        return np.sqrt(2 * pt[:, 0] * pt[:, 1] * cosines)
    with uproot.open(path) as a, uproot.open(back) as b, hepae.open(packed) as c:
        found = [masses(f["Events"]).to_numpy() for f in (a, b, c)]
    assert len(found[0]) > 100 and (found[0] == found[1]).all() and (found[0] == found[2]).all()


# ---- ROOT

MASS = """
const auto n = pt.size();
if (n < 2) return -1.0;
return ROOT::Math::PtEtaPhiMVector(pt[0], eta[0], phi[0], m[0]).Dot(
       ROOT::Math::PtEtaPhiMVector(pt[1], eta[1], phi[1], m[1]));
"""


def frame(tree: str, path, names: list[str]):
    "Counts, a histogram and a sum that RDataFrame finds; `names`: pt, eta, phi and mass of jets."
    ROOT = needs_root()
    code = MASS
    for short, name in zip(("pt", "eta", "phi", "m"), names): code = f"const auto &{short} = {name};" + code
    d = ROOT.RDataFrame(tree, str(path)).Define("product", code)
    some = d.Filter("product > 0")
    h, n, total = some.Histo1D(("", "", 50, 0.0, 2e4), "product"), some.Count(), some.Sum("product")
    values = [h.GetBinContent(k) for k in range(52)]
    return [d.Count().GetValue(), n.GetValue(), total.GetValue(), *values]


JETS = ["Jet_pt", "Jet_eta", "Jet_phi", "Jet_mass"]


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_rdataframe_reads_what_came_back(tmp_path, kind):
    path = nanoaod(tmp_path / "a.root")
    needs_root()
    _, back = there_and_back(path, tmp_path, tree_class=kind)
    with uproot.open(back) as file: assert kind in file.classnames()["Events;1"]
    before, after = (frame("Events", p, JETS) for p in (path, back))
    assert before == after and before[:2] == [400, sum(before[3:])] and before[1] > 100


def test_root_reads_histograms_that_came_back(tmp_path):
    "Those in the document, too, which is written at no time."
    path, ROOT = tmp_path / "a.root", needs_root()
    with uproot.recreate(path) as file:
        file["t"] = {"x": np.arange(5.0)}
        file["h/pt"], file["eta"] = np.histogram([1, 2, 2], 3), np.histogram2d([1, 2], [2, 3])
    packed, back = there_and_back(path, tmp_path)
    with open(packed, "rb") as file: document = Reader(file, DATASETS).documents[OBJECTS]
    (small := tmp_path / OBJECTS).write_bytes(document)
    for name in (back, small):
        file = ROOT.TFile.Open(str(name))
        assert [file.Get("h/pt").GetBinContent(k) for k in range(5)] == [0, 1, 0, 2, 0]
        assert file.Get("eta").GetEntries() == 2 and not file.IsZombie() and not file.TestBit(ROOT.TFile.kRecovered)
        file.Close()


def test_rdataframe_reads_objects_of_delphes(tmp_path):
    path = delphes(tmp_path / "a.root")
    _, back = there_and_back(path, tmp_path)
    names = ["Jet.PT", "Jet.Eta", "Jet.Phi", "Jet.Mass"]
    before, after = (frame("Delphes", p, names) for p in (path, back))
    assert before == after and before[1] > 100


# what is left out, and said, of each file; '' for nothing
LEFT_OUT = {
    "names": "", "cycles": "older cycles t;1", "lengths": "branch b has 7 entries, its tree t has 10", "empty": "",
    "leaves": "", "stl": "", "objects": "a (ValueError: cannot produce Awkward Arrays", "ntuples": "", "floats": "",
    "types": "variant (values of several", "late": "", "nothing": "",
}


@pytest.fixture(scope="module")
def odd_files(tmp_path_factory):
    "A folder of files that ROOT wrote, each with something that is seldom seen."
    ROOT, folder = needs_root(), tmp_path_factory.mktemp("odd")
    load_macros(ROOT)
    ROOT.hepae_odd(str(folder))
    ROOT.hepae_odd_ntuples(str(folder))
    return folder


def bits(array) -> list:
    "Numbers as they lie in memory, so that each NaN is itself."
    return [x.tobytes() for x in ak.to_buffers(ak.to_packed(array))[2].values()]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_odd_files_of_root(odd_files, tmp_path, name):
    "Every branch that uproot reads comes back bit for bit; others are named."
    remarks, compared = [], 0
    compress_files([odd_files / name], packed := tmp_path / "x.hepae", remark=remarks.append)
    decompress_file(packed, back := tmp_path / "back.root")
    left_out = [text for text in remarks if text.startswith("left out")]
    assert len(left_out) == bool(LEFT_OUT[name]) and all(LEFT_OUT[name] in text for text in left_out)
    with uproot.open(odd_files / name) as a, hepae.open(packed) as b, uproot.open(back) as c:
        for tree, opened in b.items():
            *folders, last = tree.split("/")
            original = a
            for folder in folders: original = original.key(folder).get()
            original = original.key(last).get()
            there = dict(original.iteritems()) if isinstance(original, uproot.TTree) else {
                f.name: f for f in original.fields}
            for branch in opened:
                before, after = there[branch].array(), opened[branch].array()
                assert ak.array_equal(before, after, equal_nan=True, check_parameters=False, dtype_exact=True), branch
                assert bits(before) == bits(after), branch
                compared += 1
            if opened.keys(): assert last in {key.rpartition("/")[2] for key in c.keys(cycle=False)}
    assert compared or name == "nothing"


# ---- coffea

def dijets(events, jets: str) -> np.ndarray:
    "The histogram of the mass of the first two jets."
    j = events[jets]
    j = j[ak.num(j) > 1]
    mass = ak.to_numpy((j[:, 0] + j[:, 1]).mass)
    assert len(mass) > 20 and np.ptp(mass) > 0
    return np.histogram(mass, 50, (mass.min(), mass.max()))[0]


def same_dijets(path, tree: str, schema: str, jets: str, packed, **asked):
    "NanoEvents of a ROOT file and of the .hepae file have the same dijets, and jets of the same fields."
    module = nanoevents()
    factory, schema = module.NanoEventsFactory, getattr(module, schema)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of coffea about fields that it does not know
        a = factory.from_root({str(path): tree}, schemaclass=schema).events()
        with hepae.open(packed) as file: source = file[tree].as_coffea(**asked)
        b = factory.from_preloaded(source, schemaclass=schema).events()
        assert sorted(a[jets].fields) == sorted(b[jets].fields) and len(a) == len(b)
        assert (dijets(a, jets) == dijets(b, jets)).all()


def test_nanoevents_of_a_nanoaod(tmp_path):
    path = nanoaod(tmp_path / "a.root")
    packed, back = there_and_back(path, tmp_path)
    same_dijets(path, "Events", "NanoAODSchema", "Jet", packed)
    same_dijets(back, "Events", "NanoAODSchema", "Jet", packed,
                filter_name=["run", "event", "luminosityBlock", "*Jet*"])


def test_nanoevents_of_delphes(tmp_path):
    nanoevents()
    path = delphes(tmp_path / "a.root")
    packed, _ = there_and_back(path, tmp_path)
    same_dijets(path, "Delphes", "DelphesSchema", "Jet", packed)


def test_branches_for_coffea_without_coffea(tmp_path):
    "The mapping has what coffea asks for: arrays by name, a key of the file, how many entries."
    packed, _ = there_and_back(nanoaod(tmp_path / "a.root", 20), tmp_path)
    with hepae.open(packed) as file: source = file["Events"].as_coffea(filter_name="Jet_*", entry_start=5)
    assert [*source] == JETS and all(len(x) == 15 for x in source.values())
    assert set(source.metadata) == {"uuid", "num_rows", "object_path"} and source.metadata["num_rows"] == 15


@pytest.mark.slow
def test_nanoevents_of_a_real_nanoaod(testdata, tmp_path):
    path = testdata("root/NanoAODv5_sample.root")
    nanoevents()
    compress_files([path], packed := tmp_path / "x.hepae")
    same_dijets(path, "Events", "NanoAODSchema", "Jet", packed)


def test_nanoevents_of_physlite(testdata, tmp_path):
    path = testdata("root/uproot-issue-951.root")
    nanoevents()
    compress_files([path], packed := tmp_path / "x.hepae", branches=["*AnalysisJets*"])
    same_dijets(path, "CollectionTree", "PHYSLITESchema", "Jets", packed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_rdataframe_reads_a_real_nanoaod(testdata, tmp_path, kind):
    path = testdata("root/NanoAODv5_sample.root")
    needs_root()
    _, back = there_and_back(path, tmp_path, tree_class=kind)
    assert frame("Events", path, JETS) == frame("Events", back, JETS)

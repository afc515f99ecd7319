"What analyses read: uproot, RDataFrame and NanoEvents see in files that came back what was in the original."

import warnings

import awkward as ak
import numpy as np
import pytest
import uproot

import hepae
from hepae.bench.compressors import root_package
from hepae.core import rng
from hepae.files.compression import compress_files
from hepae.files.decompression import decompress_file


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


DELPHES = r"""
#include "TClonesArray.h"
#include "TFile.h"
#include "TRandom3.h"
#include "TTree.h"
class Jet : public TObject { public: Float_t PT, Eta, Phi, Mass; UInt_t BTag; Float_t Tau[5]; ClassDef(Jet, 3) };
class MissingET : public TObject { public: Float_t MET, Eta, Phi; ClassDef(MissingET, 1) };
void hepae_delphes(const char *path, int n) {
   TFile file(path, "RECREATE");
   TTree tree("Delphes", "Analysis tree");
   TClonesArray jets("Jet"), missing("MissingET");
   Int_t njet, nmissing = 1;
   tree.Branch("Jet", &jets, 64000, 99);
   tree.Branch("Jet_size", &njet, "Jet_size/I");
   tree.Branch("MissingET", &missing, 64000, 99);
   tree.Branch("MissingET_size", &nmissing, "MissingET_size/I");
   TRandom3 r(3);
   for (int i = 0; i < n; i++) {
      jets.Clear();
      missing.Clear();
      njet = r.Poisson(2.5);
      for (int k = 0; k < njet; k++) {
         auto jet = static_cast<Jet *>(jets.ConstructedAt(k));
         jet->PT = 20 + r.Exp(50);
         jet->Eta = r.Gaus(0, 2);
         jet->Phi = r.Uniform(-3.14, 3.14);
         jet->Mass = jet->PT / 8;
         jet->BTag = r.Rndm() < 0.1;
         for (auto &x : jet->Tau) x = r.Rndm();
      }
      auto met = static_cast<MissingET *>(missing.ConstructedAt(0));
      met->MET = r.Exp(30);
      met->Eta = 0;
      met->Phi = r.Uniform(-3.14, 3.14);
      tree.Fill();
   }
   tree.Write();
}"""


def delphes(path, n: int = 300):
    "A file in Delphes' manner: split arrays of objects, written by ROOT."
    ROOT = needs_root()
    if not hasattr(ROOT, "hepae_delphes"): ROOT.gInterpreter.Declare(DELPHES)
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


def test_rdataframe_reads_objects_of_delphes(tmp_path):
    path = delphes(tmp_path / "a.root")
    _, back = there_and_back(path, tmp_path)
    names = ["Jet.PT", "Jet.Eta", "Jet.Phi", "Jet.Mass"]
    before, after = (frame("Delphes", p, names) for p in (path, back))
    assert before == after and before[1] > 100


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

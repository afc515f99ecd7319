"Whole ROOT files as .hepae files: every command takes them for what they were."

import json
import re

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from conftest import hepae, one_sentence

from hepae.files.compression import compress_files
from hepae.files.extraction import extract
from hepae.files.reading import read
from hepae.files.summary import summarise
from hepae.physics.binning import binning_from_dict
from hepae.schema import schema_of

# file: what is asked of it, a list of containers and variables
REAL = {
    "NanoAODv5_sample": [{"container": "Jet"},
                         {"container": "Muon", "dims": ["pt", "eta", "phi", "m", "dxy", "pdgId"]},
                         {"container": "Electron", "leading": True},
                         {"columns": {"met": "MET_pt", "phi": "MET_phi"}, "dims": ["met"]}],
    "uproot-physlite-rntuple_v1-0-0-0": [{"container": "AnalysisJets"}, {"container": "AnalysisElectrons"},
                                         {"container": "AnalysisMuons", "allow_missing": True, "dims": "E4D"}],
    "jets_10_events": [{"container": "AntiKt4TruthJets"},
                       {"container": "AntiKt4EMTopoJets", "dims": "27D", "allow_missing": True}],
    "jets_jz1": [{"container": "AntiKt4EMTopoJets", "dims": "4D"}],
    "uproot-HZZ": [{"container": "Jet"}, {"container": "Muon", "dims": "E4D", "leading": True}],
    "uproot-Zmumu": [{"columns": {"px": "px1", "py": "py1", "pz": "pz1", "E": "E1"}, "dims": ["pt", "m"]}],
}


def events_file(path, n: int = 500, seed: int = 1):
    "A tree of jets, muons and numbers of events, an RNTuple of nested objects, and odd names."
    rng = np.random.default_rng(seed)
    jets, muons = rng.integers(0, 5, n), rng.integers(0, 3, n)
    scales = {"pt": 30, "eta": 1, "phi": 1, "mass": 5}
    floats = lambda counts, scale: ak.unflatten(rng.exponential(scale, counts.sum()).astype("f4"), counts)
    jet, muon = ({v: floats(counts, scale) for v, scale in scales.items()} for counts in (jets, muons))
    data = {"Jet": ak.zip(jet), "Muon": ak.zip(muon), "met": rng.exponential(20, n), "run": np.arange(n, dtype="u4"),
            "odd.name:with blank µ": np.arange(n), "three": rng.normal(size=(n, 3)),
            "word": ak.Array(["a", "µ"] * (n // 2))}
    kind = lambda a: a.type.content if isinstance(a, ak.Array) else np.dtype((a.dtype, a.shape[1:]))
    with uproot.recreate(path) as file:
        tree = file.mktree("Events", {name: kind(a) for name, a in data.items()})
        tree.extend(data)
        file.mkrntuple("nt", ak.Array({"p": ak.zip(muon), "nested": ak.Array([[[1.0], []], [[2.0]]] * (n // 2))}))
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    "A ROOT file and the .hepae file that it became."
    folder = tmp_path_factory.mktemp("whole")
    root, packed = events_file(folder / "a.root"), folder / "a.hepae"
    compress_files([root], packed)
    return root, packed


@pytest.fixture(scope="module")
def packed(testdata, tmp_path_factory):
    "A function from a real file's name to it and what it becomes, made once."
    folder = tmp_path_factory.mktemp("real")

    def made(name: str) -> tuple:
        path, out = testdata(f"root/{name}.root"), folder / f"{name}.hepae"
        if not out.exists(): compress_files([path], out)
        return path, out

    return made


def same_table(a: pd.DataFrame, b: pd.DataFrame) -> None:
    "Rows, values, dtypes, index and what is known of columns are equal."
    pd.testing.assert_frame_equal(a, b)
    assert schema_of(a).columns == schema_of(b).columns
    assert schema_of(a).source.branches == schema_of(b).source.branches


@pytest.mark.parametrize("asked", [
    {"container": "Jet"}, {"container": "Jet", "dims": "E4D"}, {"container": "Muon", "tree": "Events", "leading": True},
    {"columns": {"m": "met", "n": "odd.name:with blank µ"}, "dims": ["m", "n"]},
    {"container": "p", "tree": "nt", "dims": ["pt", "eta"]},
    {"columns": {"pt": "p.pt", "m": "p.mass"}, "dims": ["pt", "m"], "unit": "GeV"},
    {"container": "Muon", "tree": "Events", "dims": "27D", "allow_missing": True}])
def test_a_table_is_that_of_the_root_file(pair, asked):
    same_table(*(read(path, **asked) for path in pair))


SLOW = pytest.mark.slow  # PHYSLITE has 3,752 branches
NAMES = [pytest.param(name, marks=SLOW if "physlite" in name else ()) for name in REAL]


@pytest.mark.parametrize("name", NAMES)
def test_tables_of_real_files(packed, name):
    for asked in REAL[name]:
        a, b = (read(p, **asked) for p in packed(name))
        assert len(a)
        same_table(a, b)


def test_extract_branches_of_events_and_of_a_collection(pair, tmp_path):
    for options in (("--branches", "Jet_*"), ("--branches", "met,run,odd*"),
                    ("--columns", "pt=p.pt,m=p.mass", "--dims", "m,pt"),
                    ("--branches", "Jet_pt", "--entries", "90:200"),
                    ("--container", "Muon", "--tree", "Events", "--events", "3:8")):
        for path, table in zip(pair, ("a.parquet", "b.parquet")):
            done = hepae("extract", path, "-o", tmp_path / table, "--force", *options)
            assert done.returncode == 0, done.stderr
        same_table(read(tmp_path / "a.parquet"), read(tmp_path / "b.parquet"))
    jets = uproot.open(pair[0])["Events"].arrays(["Jet_pt", "Jet_mass"])
    extract([pair[1]], tmp_path / "c.pkl", branches=["Jet_*"])
    found = read(tmp_path / "c.pkl")
    assert list(found) == ["Jet_pt", "Jet_eta", "Jet_phi", "Jet_mass"]
    assert found["Jet_mass"].tolist() == ak.flatten(jets.Jet_mass).to_list()
    assert np.array_equal(found.groupby(level=0).size(), (n := ak.num(jets.Jet_pt).to_numpy())[n > 0])


def test_summarise_is_the_same_and_knows_bounds(pair, tmp_path):
    root, packed = pair
    by = binning_from_dict({"dimension": [{"column": "Jet_pt", "bins": 9, "range": [5, 100]},
                                          {"column": "run", "edges": [0, 100, 500]}],
                            "weight": "met", "cuts": ["Jet_eta > 0.5"]})
    here, there = summarise([root], by), summarise([packed], by)
    pd.testing.assert_frame_equal(here.table, there.table)
    assert here.facts() == there.facts() and here.facts()["filled"] > 100
    in_nt = binning_from_dict({"tree": "nt", "dimension": [{"column": "p.pt", "bins": 5, "range": [0, 50]}]})
    assert summarise([root], in_nt).table.equals(summarise([packed], in_nt).table)
    compress_files([root], tmp_path / "rounded.hepae", "1e-2")
    rounded = summarise([tmp_path / "rounded.hepae"], by).table
    assert {"n_low", "n_high"} <= set(rounded) - set(here.table) or set(rounded) != set(here.table)


def test_summarise_a_real_file(packed):
    path, small = packed("NanoAODv5_sample")
    by = binning_from_dict({"dimension": [{"column": "Jet_pt", "bins": 20, "range": [20, 220]}], "weight": "genWeight"})
    assert summarise([path], by).table.equals(summarise([small], by).table)


def test_train_and_analyse_take_it(pair, tmp_path):
    pytest.importorskip("fastai")
    small = ("--epochs", "1", "--hidden", "8", "--latent", "2")
    for path, model in zip(pair, ("m", "n")):
        done = hepae("train", path, "-o", tmp_path / model, "--container", "Jet", "-q", "--json", *small)
        assert done.returncode == 0, done.stderr
    a, b = (json.loads((tmp_path / m / "config.json").read_text())["result"] for m in ("m", "n"))
    numbers = {name for name in a if "second" not in name and "time" not in name}
    assert len(numbers) > 3 and {n: a[n] for n in numbers} == {n: b[n] for n in numbers}
    done = hepae("analyse", pair[1], "--model", tmp_path / "n", "-o", tmp_path / "r.html", "--container", "Jet", "-q")
    assert done.returncode == 0 and (tmp_path / "r.html").exists(), done.stderr
    done = hepae("analyse", *pair, "-o", tmp_path / "two.html", "--container", "Jet", "-q", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["residuals"].values()
    assert len(found) == 4 and all(row["sigma"] == 0 for row in found.values())


def test_what_is_mistyped_is_one_sentence(pair, tmp_path):
    out = tmp_path / "x.pkl"
    for path in pair:
        for options, says in (
            (("--container", "Jets"), "did you mean Jet?"), (("--tree", "Event"), "no tree Event; there are"),
            (("--branches", "Je_pt"), "did you mean Jet_pt?"), (("--container", "Muonn"), "did you mean Muon?"),
            (("--branches", "Jet_pt,met"), "are of different objects"), (("--particles", "3"), "--particles"),
            (("--branches", "three"), "can be no columns"), (("--columns", "m=mett"), "did you mean met?"),
            (("--branches", "Jet_pt", "--dims", "4D"), "leave --container"),
        ):
            done = hepae("extract", path, "-o", out, *options)
            assert done.returncode in (1, 2) and not out.exists()
            one_sentence(done.stderr, says)
    done = hepae("extract", pair[1], "-o", out, "--container", "Jet", "--events", "3:5", "--entries", "3:5")
    one_sentence(done.stderr, "give one of them")


def test_a_cut_file_is_one_sentence(pair, tmp_path):
    data = pair[1].read_bytes()
    for n in (3, 40, 400, len(data) // 2, len(data) - 5):
        (tmp_path / "cut.hepae").write_bytes(data[:n])
        done = hepae("extract", tmp_path / "cut.hepae", "-o", tmp_path / "x.pkl", "--container", "Jet")
        assert done.returncode == 1 and not (tmp_path / "x.pkl").exists()
        one_sentence(done.stderr, "cut.hepae")


def parts(facts: dict) -> float:
    "All bytes of a file that somebody has, and what lies between."
    assert facts["counters"] < 0.02 * facts["bytes"]
    named = sum(t["bytes"] for t in facts["trees"]) + facts["counters"]
    return named + facts["sections"]["header"] + facts["sections"]["documents"] + facts["sections"]["frame"]


def test_inspect_says_what_takes_the_bytes(pair):
    facts = json.loads(hepae("inspect", pair[1], "--json").stdout)
    assert 0.97 * facts["bytes"] < parts(facts) <= facts["bytes"] + 1
    assert facts["original_bytes"] == pair[0].stat().st_size
    names = {(t, b) for t in ("Events", "nt") for b in uproot.open(pair[0])[t].keys(recursive=False)}
    assert {(b["tree"], b["branch"]) for b in facts["branches"]} == names
    rows = {c["collection"]: c["rows"] for c in facts["collections"]}
    (jet,) = (b for b in facts["branches"] if b["branch"] == "Jet_pt")
    jets = uproot.open(pair[0])["Events"]["Jet_pt"].array()
    assert rows[jet["collection"]] == jet["values"] == ak.count(jets) and facts["trees"][0]["entries"] == len(jets)
    text = hepae("inspect", pair[1]).stdout
    assert f"{facts['bytes'] / facts['original_bytes']:.1%} of the" in text
    for name in ("Jet_pt", "odd.name:with blank µ", "nested", "word"): assert f" {name} " in text
    assert max(map(len, text.splitlines())) < 200


@pytest.mark.parametrize("name", [n for n in NAMES if "Nano" in n.values[0] or "physlite" in n.values[0]])
def test_inspect_counts_what_it_does_not_show(packed, name):
    small = packed(name)[1]
    facts = json.loads(hepae("inspect", small, "--json").stdout)
    assert 0.97 * facts["bytes"] < parts(facts) <= facts["bytes"] + 1
    text, full = (hepae("inspect", small, *options).stdout for options in ((), ("--full",)))
    n, all_shown = (len(re.findall(" exact ", x)) for x in (text, full))
    numbers = lambda pattern: sum(int(n.replace(",", "")) for n in re.findall(pattern, text))
    assert n < 400 and all_shown == len(facts["branches"]) and "--full shows" not in full
    assert numbers(r"and ([\d,]+) more branches") + n == numbers(r" rows +([\d,]+) branches")
    collections = len(re.findall(r"[\d,]+ rows +", text))
    assert collections + numbers(r"and ([\d,]+) more collections") == len(facts["collections"])


def test_inspect_a_part_of_a_file(pair, tmp_path):
    "What was left out is no part of the ratio, and a tree without entries or branches does no harm."
    compress_files([pair[0]], tmp_path / "some.hepae", branches=["Jet_*"])
    assert json.loads(hepae("inspect", tmp_path / "some.hepae", "--json").stdout)["original_bytes"] is None
    with uproot.recreate(tmp_path / "e.root") as file:
        file.mktree("t", {"v": "var * float32", "x": "int32"})
    compress_files([tmp_path / "e.root"], tmp_path / "e.hepae")
    done = hepae("inspect", tmp_path / "e.hepae")
    assert done.returncode == 0 and "0 entries" in done.stdout and "0 rows" in done.stdout


def bounds_of(path) -> dict:
    "Bounds of the branches of a file, by tree."
    facts = json.loads(hepae("inspect", path, "--json").stdout)
    return {(b["tree"], b["branch"]): b["bound"] for b in facts["branches"]}


def test_bounds_printed_and_given_again_are_the_same(pair, tmp_path):
    root, out = pair[0], tmp_path / "x.hepae"
    bound = {"Jet_*": "bits:9", "three": "abs:0.1", "p.pt": "rel:1e-4", "met": "abs:0.5"}
    for given in ("1e-3", bound, "rel:1e-2,Muon_phi=exact", "exact"):
        compress_files([root], out, given, force=True)
        (tmp_path / "b.toml").write_text(hepae("inspect", out, "--bounds").stdout)
        done = hepae("compress", root, "-o", tmp_path / "y.hepae", "--force", "--bound", tmp_path / "b.toml")
        assert done.returncode == 0 and not done.stderr, done.stderr
        assert bounds_of(tmp_path / "y.hepae") == bounds_of(out)
        assert (tmp_path / "y.hepae").read_bytes() == out.read_bytes()
    assert set(bounds_of(out).values()) == {"exact"}


def test_bounds_of_one_tree_and_what_fits_nothing(tmp_path):
    path, file = tmp_path / "a.root", tmp_path / "b.toml"
    with uproot.recreate(path) as made:
        for tree in ("Events", "dir/Other"):
            columns = {name: np.linspace(0.1, 9, 9, dtype="f4") for name in ("pt", "x, =y")}
            made.mktree(tree, {n: "f4" for n in columns}).extend(columns)
    file.write_text('[bounds]\npt = "rel:1e-3"\nMuon_pt = "rel:1e-3"\n[trees.Runs]\nx = "bits:3"\n'
                    '[trees."dir/*"]\n"x, =y" = "abs:0.5"\npt = "exact"\n')
    done = hepae("compress", path, "-o", tmp_path / "x.hepae", "--bound", file)
    assert done.returncode == 0, done.stderr
    assert [line.split(": no branch")[0] for line in done.stderr.splitlines()] == [
        "--bound Muon_pt=rel:1e-3", "--bound x=bits:3"]
    name = "x, =y"
    assert bounds_of(tmp_path / "x.hepae") == {("Events", "pt"): "rel:1e-3", ("Events", name): "exact",
                                               ("dir/Other", "pt"): "exact", ("dir/Other", name): "abs:0.5"}
    (tmp_path / "c.toml").write_text(hepae("inspect", tmp_path / "x.hepae", "--bounds").stdout)
    done = hepae("compress", path, "-o", tmp_path / "y.hepae", "--bound", tmp_path / "c.toml")
    assert bounds_of(tmp_path / "y.hepae") == bounds_of(tmp_path / "x.hepae") and not done.stderr
    for text, says in (("[bounds", "is no TOML"), ("pt = 1e-3", "no key pt is known"),
                       ("[bounds]\npt = 'rel:9'", "bounds: pt")):
        file.write_text(text)
        done = hepae("compress", path, "-o", tmp_path / "z.hepae", "--bound", file)
        assert done.returncode == 2 and not (tmp_path / "z.hepae").exists()
        one_sentence(done.stderr, "b.toml", says)
    one_sentence(hepae("compress", path, "-o", tmp_path / "z.hepae", "--bound", tmp_path / "no.toml").stderr, "no.toml")
    one_sentence(hepae("inspect", path, "--bounds").stderr, "is no .hepae file")
    one_sentence(hepae("compress", path, "-o", tmp_path / "z.hepae", "--bound", "ptt=1e-3").stderr, "did you mean pt?")


def test_bounds_of_tables_and_events(sample, tmp_path):
    jets, file, out = tmp_path / "jets.pkl", tmp_path / "b.toml", tmp_path / "x.hepae"
    assert hepae("extract", sample, "-o", jets, "--dims", "4D", "-q").returncode == 0
    done = hepae("compress", jets, "-o", out, "--bound", "1e-3,eta=abs:1e-2")
    file.write_text(hepae("inspect", out, "--bounds").stdout)
    done = hepae("compress", jets, "-o", tmp_path / "y.hepae", "--bound", file)
    assert done.returncode == 0 and out.read_bytes() == (tmp_path / "y.hepae").read_bytes()
    file.write_text('[bounds]\npz = "rel:1e-3"\npt = "rel:1e-3"')
    done = hepae("compress", jets, "-o", tmp_path / "y.hepae", "--bound", file, "--force")
    assert "these bounds fit no column: pz=rel:1e-3" in done.stderr and done.returncode == 0
    events = sample.parent / "drell_yan.hepmc.gz"
    hepae("compress", events, "-o", out, "--bound", "1e-2", "--force")
    file.write_text(hepae("inspect", out, "--bounds").stdout)
    hepae("compress", events, "-o", tmp_path / "y.hepae", "--force", "--bound", file)
    assert out.read_bytes() == (tmp_path / "y.hepae").read_bytes()


MEASURED = {  # conventions: branches that a bare number rounds (rel, abs), and those that it leaves
    "NanoAOD": ("Jet_pt Jet_mass MET_pt MET_sumEt", "Jet_eta Jet_phi MET_phi",
                "Jet_btag genWeight Jet_area MET_significance"),
    "PHYSLITE": ("AnalysisJetsAuxDyn.pt AnalysisJetsAuxDyn.m METAuxDyn.mpx METAuxDyn.sumet",
                 "AnalysisJetsAuxDyn.eta AnalysisJetsAuxDyn.phi", "AnalysisJetsAuxDyn.Jvt EventInfoAuxDyn.weight"),
    "Delphes": ("Jet.PT Jet.Mass MissingET.MET ScalarHT.HT Particle.E Particle.Px", "Jet.Eta Jet.Phi MissingET.Phi",
                "Jet.BTagWeight Event.Weight Jet.DeltaEta Particle.T Particle.X"),
    "flat": ("pt_1 met_et lep_E jet_m px1 E2", "eta_1 lep_phi met_phi", "weight score time type dR met"),
}


@pytest.mark.parametrize("names", MEASURED)
def test_a_number_rounds_what_is_measured(tmp_path, names):
    "By name and type: floats alone; and the terminal says which."
    rel, absolute, others = (text.split() for text in MEASURED[names])
    floats, integers = [*rel, *absolute, *others], [f"int_{n}" for n in rel[:1]] + ["nJet_pt"]
    x = np.random.default_rng(1).exponential(3, 100)
    with uproot.recreate(tmp_path / "a.root") as file:
        tree = file.mktree("t", {n: "f4" for n in floats} | {n: "i4" for n in integers})
        tree.extend({n: x.astype("f4") for n in floats} | {n: np.arange(100, dtype="i4") for n in integers})
    done = hepae("compress", tmp_path / "a.root", "-o", tmp_path / "x.hepae", "--bound", "1e-3")
    expected = dict.fromkeys(rel, "rel:1e-3") | dict.fromkeys(absolute, "abs:1e-3")
    expected |= dict.fromkeys(others + integers, "exact")
    assert {n: b for (_, n), b in bounds_of(tmp_path / "x.hepae").items()} == expected
    for n, b in expected.items(): assert b == "exact" or f"{n} {b}" in done.stdout, n
    assert hepae("verify", tmp_path / "a.root", tmp_path / "x.hepae").returncode == 0


def test_real_files_round_what_is_measured(testdata, tmp_path):
    for name, rel, absolute, exact in (
        ("NanoAODv5_sample", "Jet_pt Muon_mass MET_sumEt", "Jet_eta MET_phi",
         "Jet_btagDeepB genWeight Jet_area GenPart_pt"),  # values of GenPart_pt lie further apart
        ("uproot-physlite-rntuple_v1-0-0-0", "AnalysisJetsAuxDyn:pt AnalysisJetsAuxDyn:m", "AnalysisMuonsAuxDyn:eta",
         "AnalysisJetsAuxDyn:Width AnalysisMuonsAuxDyn:ptvarcone30_Nonprompt_All_MaxWeightTTVA_pt500"),
    ):
        path = testdata(f"root/{name}.root")
        done = hepae("compress", path, "--dry-run", "--bound", "1e-3", "--json")
        bounds = dict(json.loads(done.stdout)["columns"])
        for names, bound in ((rel, "rel:1e-3"), (absolute, "abs:1e-3"), (exact, "exact")):
            for n in names.split(): assert bounds[n] == bound, n


def some_files(folder, n: int = 3) -> list:
    "Files of one schema and different lengths."
    return [events_file(folder / f"run{k}.root", 100 + 20 * k, seed=k) for k in range(n)]


def same_trees(before: list, after, keys: tuple = ("Events", "nt")) -> None:
    "The trees of some files, one after the other, are those of one."
    with uproot.open(after) as b:
        for tree in keys:
            parts = [uproot.open(path)[tree].arrays() for path in before]
            names = {n: n.replace(".", ":") if tree == "nt" else n for n in parts[0].fields}
            for old, new in names.items():
                x, y = ak.concatenate([p[old] for p in parts]), b[tree][new].array()
                assert ak.array_equal(x, y, dtype_exact=True, check_parameters=False), (tree, old)


def test_many_files_in_one_and_in_a_folder(tmp_path):
    paths = some_files(tmp_path)
    done = hepae("compress", f"{tmp_path}/run*.root", "-o", tmp_path / "all.hepae", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert hepae("verify", *paths, tmp_path / "all.hepae").returncode == 0
    assert hepae("decompress", tmp_path / "all.hepae", "-o", tmp_path / "all.root").returncode == 0
    same_trees(paths, tmp_path / "all.root")
    here = json.loads(hepae("compress", *paths, "-o", f"{tmp_path}/here/", "--json", "-q").stdout)
    there = json.loads(hepae("compress", *paths, "-o", f"{tmp_path}/there/", "--json", "-q", "--workers", "2").stdout)
    assert [d["rows"] for d in here] == [d["rows"] for d in there] == [100, 120, 140]
    for path, a, b in zip(paths, here, there):
        assert (tmp_path / "here" / f"{path.stem}.hepae").read_bytes() == (
            tmp_path / "there" / f"{path.stem}.hepae").read_bytes()
        assert hepae("verify", path, b["output"]).returncode == 0
    tables = [read(x, container="Jet") for x in (paths, tmp_path / "all.hepae", [d["output"] for d in here])]
    assert tables[0].equals(tables[1]) and tables[0].equals(tables[2])
    by = binning_from_dict({"dimension": [{"column": "met", "bins": 5, "range": [0, 50]}]})
    assert summarise(paths, by).table.equals(summarise([d["output"] for d in here], by).table)


def test_one_of_many_files_is_another_one(tmp_path):
    paths = some_files(tmp_path, 2)
    with uproot.recreate(tmp_path / "other.root") as file: file.mktree("Events", {"x": "i4"}).extend({"x": [1]})
    (tmp_path / "cut.root").write_bytes(paths[0].read_bytes()[:3000])
    done = hepae("compress", *paths, tmp_path / "other.root", "-o", tmp_path / "all.hepae")
    assert done.returncode == 1 and not (tmp_path / "all.hepae").exists()
    one_sentence(done.stderr, "other.root", "unlike the files before it")
    done = hepae("compress", *paths, tmp_path / "other.root", tmp_path / "cut.root", "-o", f"{tmp_path}/out/")
    assert done.returncode == 1 and "1 of 4 files failed" in done.stderr and "cut.root: truncated" in done.stderr
    assert sorted(p.name for p in (tmp_path / "out").glob("*")) == ["other.hepae", "run0.hepae", "run1.hepae"]
    one_sentence(hepae("compress", *paths, "-o", tmp_path / "x.hepae", "--entries", "3:9").stderr, "those of one file")


def test_some_trees_branches_and_entries_of_all_commands(pair, tmp_path):
    "The same entries, whether they are chosen on the way in, on the way out or for a table."
    root, packed = pair
    some, back = tmp_path / "some.hepae", tmp_path / "back.root"
    original = uproot.open(root)["Events"].arrays(["Jet_pt", "Jet_eta", "met"], entry_start=40, entry_stop=75)
    ask = ("--tree", "Events", "--branches", "Jet_*,met", "--entries")
    assert hepae("compress", root, "-o", some, *ask, "40:75").returncode == 0
    for source, entries in ((some, "0:35"), (packed, "40:75"), (some, "0:1000")):
        assert hepae("decompress", source, "-o", back, "--force", *ask, entries).returncode == 0
        with uproot.open(back) as file:
            assert list(file.keys(cycle=False)) == ["Events"] and "run" not in file["Events"].keys()
            assert ak.array_equal(file["Events"].arrays(original.fields), original)
    for source, entries in ((root, "40:75"), (packed, "40:75"), (some, "0:35"), (back, "0:35")):
        options = ("--tree", "Events", "--branches", "Jet_pt,Jet_eta", "--entries", entries)
        assert hepae("extract", source, "-o", tmp_path / "t.pkl", "--force", *options).returncode == 0
        assert read(tmp_path / "t.pkl")["Jet_eta"].tolist() == ak.flatten(original.Jet_eta).to_list()
    assert hepae("verify", root, some).returncode == 0
    for command in (("compress", root, "-o", tmp_path / "x.hepae"), ("decompress", packed, "-o", tmp_path / "x.root"),
                    ("extract", packed, "-o", tmp_path / "x.pkl")):
        for options, says in ((("--tree", "Event"), "Event"), (("--branches", "Jte_*"), "Jte_*"),
                              (("--branches", "met", "--entries", "9000:9001"), "")):
            done = hepae(*command, *options)
            assert done.returncode in (1, 2), (command, options)
            one_sentence(done.stderr, says)
            assert not list(tmp_path.glob("x.*"))


def test_a_table_of_a_whole_file_is_compressed_and_verified(pair, tmp_path):
    "What is compressed already is not compressed again, but a table of it is, and says what it leaves out."
    root, packed = pair
    done = hepae("compress", packed, "-o", tmp_path / "again.hepae")
    assert done.returncode == 2 and not (tmp_path / "again.hepae").exists()
    one_sentence(done.stderr, "is compressed already")
    for path, out in ((root, "a.hepae"), (packed, "b.hepae")):
        done = hepae("compress", path, "-o", tmp_path / out, "--container", "Jet", "--bound", "1e-3")
        assert done.returncode == 0 and "left out, as only" in done.stderr and "Muon_pt" in done.stderr
    assert (tmp_path / "a.hepae").read_bytes() == (tmp_path / "b.hepae").read_bytes()
    for path in pair:
        done = hepae("verify", path, tmp_path / "a.hepae")
        assert done.returncode == 0, done.stderr


def test_several_kinds_of_jets_are_no_riddle(packed, tmp_path):
    "A file with many containers is analysed by the one that is named."
    _, small = packed("NanoAODv5_sample")
    done = hepae("analyse", small, small, "-o", tmp_path / "r.html", "--container", "Jet", "-q")
    assert done.returncode == 0, done.stderr
    done = hepae("analyse", small, small, "-o", tmp_path / "s.html", "-q")
    assert done.returncode == 2 and not (tmp_path / "s.html").exists()
    one_sentence(done.stderr, "choose one with --container")


def test_whole_events_are_no_table(sample, tmp_path):
    events = tmp_path / "dy.hepae"
    compress_files([sample.parent / "drell_yan.hepmc.gz"], events)
    for command in (("extract", events, "-o", tmp_path / "x.pkl"), ("train", events, "-o", tmp_path / "m"),
                    ("analyse", events, "-o", tmp_path / "x.html")):
        done = hepae(*command)
        assert done.returncode in (1, 2)
        one_sentence(done.stderr, "dy.hepae", "holds whole events")


@pytest.mark.parametrize("part", [5, 60, 600, 0.3, 0.7, -40, -3])
def test_cut_files_are_one_sentence_for_every_command(pair, tmp_path, part):
    data = pair[1].read_bytes()
    cut = tmp_path / "cut.hepae"
    cut.write_bytes(data[:int(part * len(data)) if isinstance(part, float) else part])
    (tmp_path / "by.toml").write_text('[[dimension]]\ncolumn = "met"\nbins = 5\nrange = [0, 50]\n')
    for command in (("inspect", cut), ("inspect", cut, "--json"), ("decompress", cut, "-o", tmp_path / "x.root"),
                    ("verify", pair[0], cut), ("summarise", cut, "--by", tmp_path / "by.toml"),
                    ("train", cut, "-o", tmp_path / "m", "--container", "Jet"),
                    ("analyse", cut, cut, "-o", tmp_path / "x.html", "--container", "Jet"),
                    ("compress", cut, "-o", tmp_path / "x.hepae", "--container", "Jet")):
        done = hepae(*command)
        assert done.returncode == 1, (command, done.stdout, done.stderr)
        one_sentence(done.stderr, "cut.hepae")
        assert not list(tmp_path.glob("x.*")) and not (tmp_path / "m").exists()

"`hepae summarise`: equal to a direct fill of hist, in one pass of flat memory, before and after compression."

import json

import awkward as ak
import hist
import numpy as np
import pandas as pd
import pytest
import uproot
from conftest import ROOT, hepae, one_sentence
from hypothesis import given
from hypothesis import strategies as st
from peaks import Scales

from hepae.core import HepaeError
from hepae.files.compression import compress_files
from hepae.files.reading import read
from hepae.files.summary import summarise
from hepae.physics.binned import Binned
from hepae.physics.binning import binning_from_dict

JETS = ROOT / "data" / "jets.root"
EVENTS = ROOT / "data" / "drell_yan.hepmc.gz"
PARTICLES = ROOT / "data" / "drell_yan_50.hepae"


def asked(*dimensions: dict, **others):
    return binning_from_dict({"dimension": list(dimensions)} | others)


def events_file(path, events: int, seed: int = 1, times: int = 1):
    "A tree with jets, muons, numbers of events and a weight; so many times the same events."
    rng = np.random.default_rng(seed)
    n, m = rng.integers(0, 6, events), rng.integers(0, 3, events)
    jets = {"pt": rng.exponential(40, n.sum()).astype("f4"), "eta": rng.normal(0, 2, n.sum()).astype("f4")}
    columns = {"Jet": ak.zip({name: ak.unflatten(x, n) for name, x in jets.items()})}
    columns |= {"Muon": ak.zip({"pt": ak.unflatten(rng.exponential(20, m.sum()), m)})}
    columns |= {"run": m, "w": rng.normal(1, 0.5, events)}
    with uproot.recreate(path) as file:
        kinds = {name: a.type.content if isinstance(a, ak.Array) else a.dtype for name, a in columns.items()}
        tree = file.mktree("events", kinds)
        for _ in range(times):
            tree.extend(columns)
    return path


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return events_file(tmp_path_factory.mktemp("tree") / "events.root", 3000, times=3)


BY_PT = {"column": "Jet_pt", "bins": 7, "range": [10, 150]}
BY_RUN = {"column": "run", "values": [0, 2]}


def test_it_is_one_fill_of_hist(tree):
    "Objects by a column of theirs and one of their event, weighted by event, with cuts on both."
    made = summarise([tree], asked(BY_PT, BY_RUN, weight="w", cuts=["|Jet_eta| < 1.5", "w > 0"])).table
    t = uproot.open(tree)["events"].arrays()
    run, w = (ak.flatten(ak.broadcast_arrays(t[n], t.Jet_pt)[0]).to_numpy() for n in ("run", "w"))
    pt, eta = (ak.flatten(t[n]).to_numpy() for n in ("Jet_pt", "Jet_eta"))
    keep = (np.abs(eta) < 1.5) & (w > 0)
    for storage, columns in ((hist.storage.Weight(), ("sumw", "sumw2")), (hist.storage.Int64(), ("n",))):
        direct = hist.Hist(hist.axis.Regular(7, 10, 150), hist.axis.IntCategory([0, 2]), storage=storage)
        direct.fill(pt[keep].astype(float), run[keep], **({"weight": w[keep]} if len(columns) > 1 else {}))
        view = direct.view(flow=True)
        expected = [view.value, view.variance] if len(columns) > 1 else [view]
        for column, values in zip(columns, expected):
            assert np.array_equal(made[column], values.ravel()), column


def test_columns_of_events_count_each_event_once(tree):
    made = summarise([tree], asked(BY_RUN, weight="w")).table
    w, run = (uproot.open(tree)["events"][n].array().to_numpy() for n in ("w", "run"))
    assert made["n"].tolist() == [(run == 0).sum(), (run == 2).sum(), (run == 1).sum()]
    assert np.allclose(made["sumw"], [w[run == 0].sum(), w[run == 2].sum(), w[run == 1].sum()], rtol=1e-12)


def test_files_add_up_and_nobody_sees_who_binned_them(tree, tmp_path):
    by = asked(BY_PT, BY_RUN, weight="w")
    paths = [tree, events_file(tmp_path / "b.root", 500, seed=2), events_file(tmp_path / "c.root", 50, seed=3)]
    here = summarise(paths, by).table
    assert here.equals(summarise(paths, by, workers=2).table)
    alone = [summarise([p], by).table[["n", "sumw"]] for p in paths]
    assert np.allclose(here[["n", "sumw"]], sum(alone), rtol=1e-12)


@given(st.lists(st.integers(0, 60), max_size=6), st.integers(0, 2**32))
def test_a_table_does_not_depend_on_chunks(cuts, seed):
    rng = np.random.default_rng(seed)
    x = rng.choice([-np.inf, np.inf, np.nan, 0.0, 1.0, 1.5, 2.0, 7.0], 60)
    rows = pd.DataFrame({"x": x, "w": rng.normal(0, 1, 60)})
    by = asked({"column": "x", "edges": [0, 1, 2]}, weight="w")
    whole, parts = Binned.empty(by), Binned.empty(by)
    whole.fill(rows)
    for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), 60]):
        parts.fill(rows[a:b])
    assert parts.to_frame().equals(whole.to_frame())
    assert whole.undefined == rows["x"].isna().sum() and whole.undefined + whole.to_frame()["n"].sum() == 60


@given(st.sampled_from(["abs:0.1", "rel:0.05", "abs:2"]), st.integers(0, 2**32), st.booleans())
def test_no_sum_is_off_by_more_than_its_doubt(bound, seed, cut):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"x": rng.normal(0, 2, 200), "y": rng.normal(0, 2, 200), "w": rng.normal(0, 1, 200)})
    mode, _, size = bound.partition(":")
    back = rows + float(size) * rng.uniform(-1, 1, rows.shape) * (1 if mode == "abs" else rows.abs())
    by = asked({"column": "x", "bins": 5, "range": [-3, 3]}, {"column": "y", "edges": [-1, 0, 0.5, 4]}, weight="w",
               cuts=["|x| > 0.5", "not (y < 1 and x >= 1)"] if cut else [])
    a, b = Binned.empty(by), Binned.empty(by)
    a.fill(rows)
    b.fill(back, dict.fromkeys("xyw", bound))
    made = b.to_frame()
    assert ((made["sumw"] - a.to_frame()["sumw"]).abs() <= made["doubt"] + 1e-9).all()


def test_the_same_of_events_and_of_what_compresses_them(tmp_path):
    mass, charged = {"observable": "m_ll", "edges": [200, 300, 400]}, {"observable": "n_charged", "edges": [0, 900]}
    by = asked(mass, charged, weight="weight", cuts=["number >= 2"])
    original = summarise([EVENTS], by)
    compress_files([EVENTS], tmp_path / "whole.hepae")
    compress_files([EVENTS], tmp_path / "near.hepae", bound="1e-3")
    assert summarise([tmp_path / "whole.hepae"], by).table.equals(original.table)
    near = summarise([tmp_path / "near.hepae"], by)
    assert near.facts()["rounded"] == ["weight", "number", "m_ll", "n_charged"] and "doubt" not in near.table
    assert original.facts()["filled"] == 15 and original.facts()["cuts"] == [{"cut": "number >= 2", "removed": 2}]


def test_tables_that_know_how_they_were_rounded(tmp_path):
    "The particles of the committed table are within 1e-4; px is computed from them, and has no doubt that is known."
    pt = {"column": "pt", "edges": [1, 10, 100]}
    assert "doubt" in summarise([PARTICLES], asked(pt, cuts=["|eta| < 2.5"])).table
    computed = summarise([PARTICLES], asked(pt, {"column": "px", "edges": [-1, 1]}))
    assert "doubt" not in computed.table and computed.facts()["rounded"] == ["px"]
    pid = read(PARTICLES)["pid"]
    exact = summarise([PARTICLES], asked({"column": "pid", "values": [11, -11, 22]}))
    assert exact.table["n"].tolist()[:3] == [(pid == k).sum() for k in (11, -11, 22)]


def test_ten_times_the_events_in_the_same_memory(tmp_path):
    (tmp_path / "by.toml").write_text('weight = "w"\n[[dimension]]\ncolumn = "Jet_pt"\nbins = 50\nrange = [0, 200]\n')
    for name, times in (("one", 5), ("ten", 40)):
        events_file(tmp_path / f"{name}.root", 60_000, times=times)
    with Scales() as scales:
        arguments = [("--by", tmp_path / "by.toml", "-q", "-o", tmp_path / f"{n}.csv") for n in ("one", "ten")]
        one, ten = (scales("summarise", tmp_path / f"{a[-1].stem}.root", *a) for a in arguments)
    assert one.code == ten.code == 0, (one, ten)
    assert ten.peak < one.peak + 60, (one, ten)  # MB; the branches of the long file are 100 MB


def test_a_nanoaod_by_any_of_its_branches(testdata):
    path = testdata("root/NanoAODv5_sample.root")
    by = asked({"column": "Jet_pt", "bins": 10, "range": [20, 220]}, {"column": "nJet", "values": list(range(20))},
               {"column": "HLT_IsoMu24", "values": [False, True]}, weight="genWeight",
               cuts=["|Jet_eta| < 2.4", "MET_pt > 20"])
    made = summarise([path], by).table
    t = uproot.open(path)["Events"].arrays(["Jet_pt", "Jet_eta", "nJet", "HLT_IsoMu24", "genWeight", "MET_pt"])
    flat = {n: ak.flatten(ak.broadcast_arrays(t[n], t.Jet_pt)[0]).to_numpy() for n in t.fields}
    keep = (np.abs(flat["Jet_eta"]) < 2.4) & (flat["MET_pt"] > 20)
    direct = hist.Hist(hist.axis.Regular(10, 20, 220), hist.axis.IntCategory(range(20)), hist.axis.IntCategory([0, 1]),
                       storage=hist.storage.Weight())
    direct.fill(flat["Jet_pt"][keep].astype(float), flat["nJet"][keep], flat["HLT_IsoMu24"][keep].astype(int),
                weight=flat["genWeight"][keep].astype(float))
    view = direct.view(flow=True)
    assert np.array_equal(made["sumw"], view.value.ravel()) and np.array_equal(made["sumw2"], view.variance.ravel())
    assert made["n"].sum() == keep.sum() > 1000


TOML = 'weight = "w"\ncuts = ["Jet_pt > 20"]\n[[dimension]]\ncolumn = "Jet_pt"\nbins = 4\nrange = [0, 100]\n'


@pytest.mark.parametrize("old, new, code, says", [
    ("Jet_pt\"\nbins", "Jet_ptt\"\nbins", 1, "no branch Jet_ptt in tree events; did you mean Jet_pt"),
    ("> 20", "> 1e6", 1, "is left by the cuts ('Jet_pt > 1e6' removed"),
    ("bins = 4", "bins = four", 1, "is not TOML"),
    ("bins = 4", "bns = 4", 1, "dimension 1 does not know 'bns'; did you mean bins"),
    ("\"w\"", "\"Muon_pt\"", 1, "lists of different objects"),
    ("Jet_pt > 20", "Jet_pt > 20 GeV", 1, "the unit of Jet_pt is not known"),
    ("Jet_pt > 20", "__import__('os')", 1, "is not like"),
    ("column = \"Jet_pt\"", "column = \"w\"", 1, "Jet_pt has a value for each object"),
    ("[0, 100]", "[100, 0]", 1, "rising numbers"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(tree, tmp_path, old, new, code, says):
    assert old in TOML
    (tmp_path / "by.toml").write_text(TOML.replace(old, new))
    said = hepae("summarise", tree, "--by", tmp_path / "by.toml")
    assert said.returncode == code, said
    one_sentence(said.stderr, says, "by.toml" if "TOML" in says or "bns" in says else "")


def test_wrong_usage(tree, tmp_path):
    (tmp_path / "by.toml").write_text(TOML)
    assert hepae("summarise", tree).returncode == 2
    said = hepae("summarise", tree, "--by", tmp_path / "by.toml", "-o", tmp_path / "t.xls")
    assert said.returncode == 2
    one_sentence(said.stderr, "cannot write '.xls'")
    made = hepae("summarise", tree, "--by", tmp_path / "by.toml", "--json", "-q")
    facts = json.loads(made.stdout)
    assert facts["table"][0]["Jet_pt_low"] == "-inf" and facts["filled"] == sum(row["n"] for row in facts["table"])


def test_a_file_without_rows_is_named(tmp_path):
    events_file(tmp_path / "none.root", 0)
    with pytest.raises(HepaeError, match="none.root: there is not one entry"):
        summarise([tmp_path / "none.root"], asked(BY_RUN))

"Whole ROOT files through .hepae: every branch comes back, whatever is in it, or is named."

import datetime
import json
import os

import awkward as ak
import numpy as np
import pytest
import uproot
from conftest import hepae, one_sentence

from hepae.core import HepaeError, UsageError
from hepae.files.compression import compress_files, verify_file
from hepae.files.decompression import decompress_file
from hepae.files.open_file import open_file as hepae_open
from hepae.io.tree_files import TreeReader, Wanted

REAL = ("NanoAODv5_sample", "jets_10_events", "jets_jz1", "uproot-HZZ", "uproot-Zmumu", "uproot-issue-210",
        "uproot-issue-750", "uproot-issue-816", "uproot-issue-951", "uproot-physlite-rntuple_v1-0-0-0")


def round_trip(paths, folder, **options) -> list[str]:
    "Compressed, verified and decompressed to back.root; what was remarked."
    packed, remarks = folder / "x.hepae", []
    compress_files(paths, packed, force=True, remark=remarks.append, **options)
    assert verify_file(paths, packed)["violations"] == 0
    decompress_file(packed, folder / "back.root", force=True, remark=remarks.append)
    return remarks


def branches(tree) -> dict:
    "What reads each branch of a tree or RNTuple."
    return dict(tree.iteritems()) if isinstance(tree, uproot.TTree) else {f.name: f for f in tree.fields}


def same(a, b) -> bool:
    "Are values, types and lists equal, NaN to NaN?"
    return ak.array_equal(a, b, equal_nan=True, check_parameters=False, dtype_exact=True)


def in_file(name: str, there) -> str:
    "The name that a branch has in the file that came back."
    leaf = name.rpartition("/")[2]
    return leaf if leaf in there else leaf.replace(".", ":").replace("/", "_")


def compare(before, after, layout) -> int:
    "Compare all branches of two files under uproot; how many there are."
    n = 0
    with uproot.open(before) as a, uproot.open(after) as b:
        for tree in layout.trees:
            if not tree.branches: continue
            old, new = branches(a[tree.name]), branches(b[tree.name])
            for branch in tree.branches:
                x, y = old[branch.name].array(), new[in_file(branch.name, new)].array()
                assert same(x, y), (tree.name, branch.name)
                n += 1
    return n


def layout_of(path):
    "The layout that a file gets."
    return TreeReader([path]).start()


def jagged(values, dtype="float32"): return ak.values_astype(ak.Array(values), dtype)


def ttree(path, n: int = 40):
    "A TTree with each kind of branch that uproot writes."
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 4, n)
    lists = lambda dtype: ak.unflatten(rng.integers(0, 2, counts.sum()).astype(dtype), counts)
    scalars = {f"s_{d}": rng.integers(0, 2, n).astype(d) for d in "? i1 u1 i2 u2 i4 u4 i8 u8 f4 f8".split()}
    data = scalars | {f"Jet_{d}": lists(d) for d in "? i1 u2 i4 u8 f4 f8".split()}
    data |= {"x3": rng.normal(size=(n, 3)), "m": np.arange(6 * n, dtype="i2").reshape(n, 2, 3),
             "big": np.arange(100 * n, dtype="f4").reshape(n, 100), "odd.name:with blank µ": np.arange(n),
             "nan": np.where(np.arange(n) % 3, np.nan, -0.0)}
    kind = lambda v: v.type.content if isinstance(v, ak.Array) else np.dtype((v.dtype, v.shape[1:]))
    types = {k: kind(v) for k, v in data.items()}
    types = {"nJet": "int32"} | types | {"text": "string"}
    with uproot.recreate(path) as file:
        tree = file.mktree("a/b/Events", types, title="A title", counter_name=lambda name: "nJet")
        text = ak.Array(["", "µ", "x" * 300, "b"] * (n // 4))
        for _ in range(2): tree.extend(data | {"text": text})
        file["a/h"] = np.histogram(rng.normal(size=100))
        file["words"] = "some text"
    return path


def test_every_kind_of_branch_of_a_ttree(tmp_path):
    path = ttree(tmp_path / "a.root")
    assert not [r for r in round_trip([path], tmp_path) if "left out" in r]
    assert compare(path, tmp_path / "back.root", layout_of(path)) == 25
    with uproot.open(path) as a, uproot.open(tmp_path / "back.root") as b:
        x, y = a["a/b/Events"], b["a/b/Events"]
        assert x.typenames() == y.typenames() and x.title == y.title and isinstance(y, uproot.TTree)
        assert list(x.keys()) == list(y.keys())
        assert (a["a/h"].values() == b["a/h"].values()).all() and str(b["words"]) == "some text"


def test_every_kind_of_field_of_an_rntuple(tmp_path):
    path, n = tmp_path / "a.root", 30
    deep = ak.Array([[[1.5, 2], []], [], [[3]]] * 10)
    fields = {"x": np.arange(n), "deep": deep, "deeper": ak.Array([[[[1], []]], [], [[], [[2, 3]]]] * 10),
              "s": ak.Array(["a", "", "µ"] * 10), "words": ak.Array([["a", "bc"], [], [""]] * 10),
              "r": ak.Array([{"u": 1, "v": [1, 2]}, {"u": 2, "v": []}, {"u": 3, "v": [3]}] * 10),
              "p": ak.Array([[{"pt": 1.0, "n": [1]}], [], [{"pt": 2.0, "n": []}] * 2] * 10),
              "gap": ak.Array([1, None, 3] * 10), "gaps": ak.Array([[1, None], [], [None]] * 10),
              "flag": ak.Array([[True], [], [False, True]] * 10)}
    with uproot.recreate(path) as file: file.mkrntuple("nt", ak.Array(fields))
    round_trip([path], tmp_path)
    with uproot.open(path) as a, uproot.open(tmp_path / "back.root") as b:
        assert a["nt"].arrays().to_list() == b["nt"].arrays().to_list() and list(a["nt"].keys()) == list(b["nt"].keys())


def test_what_a_ttree_cannot_hold_is_said(tmp_path):
    "Lists in lists become an RNTuple; asked for a TTree, that is refused."
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file: file.mkrntuple("nt", ak.Array({"deep": ak.Array([[[1], []], [], [[2]]])}))
    compress_files([path], tmp_path / "a.hepae")
    with pytest.raises(UsageError, match="lists in lists"):
        decompress_file(tmp_path / "a.hepae", tmp_path / "b.root", tree_class="TTree")
    assert not (tmp_path / "b.root").exists()


def test_names_with_colons_and_blanks(tmp_path):
    "uproot takes what stands behind a colon for a branch: trees are found all the same, in folders too."
    path, trees = tmp_path / "a.root", ["a: b", "µ/with blank/c:d", "a"]
    with uproot.recreate(path) as file:
        for k, name in enumerate(trees): file.mktree(name, {"x.y: z": "int32"}).extend({"x.y: z": [k, k + 1]})
    round_trip([path], tmp_path)
    with hepae_open(tmp_path / "x.hepae") as file:
        assert [*file] == trees
        for k, name in enumerate(trees): assert file[name]["x.y: z"].array().to_list() == [k, k + 1]
    with uproot.open(tmp_path / "back.root") as back: assert back.keys(cycle=False, filter_classname="TTree") == trees
    assert hepae("inspect", path).returncode == 0


def test_of_two_cycles_the_last_one_is_kept(tmp_path):
    "Others are named, unless they are asked for by name."
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        for k in (1, 2): file.mktree("t", {"x": "int32"}).extend({"x": [k] * k})
    assert round_trip([path], tmp_path) == ["left out: older cycles t;1"]
    with hepae_open(tmp_path / "x.hepae") as file: assert file["t"]["x"].array().to_list() == [2, 2]


def two_trees(path, n: int, m: int):
    "A file with trees of different lengths."
    with uproot.recreate(path) as file:
        for name, k in (("Events", n), ("Other", m), ("Runs", 1)):
            tree = file.mktree(name, {"v": "var * int32", "i": "int64"}, title=name)
            for a in range(0, k, 5000):
                c = min(5000, k - a)
                tree.extend({"v": ak.unflatten(np.arange(c, dtype="i4"), np.ones(c, int)), "i": np.arange(a, a + c)})
    return path


def test_trees_of_different_lengths_stream(tmp_path, monkeypatch):
    "Each tree comes in pieces of its own."
    monkeypatch.setattr("hepae.io.tree_files.VALUES", 3000)
    monkeypatch.setattr("hepae.io.tree_files.FEW", 100)
    path = two_trees(tmp_path / "a.root", 12_000, 7_000)
    reader = TreeReader([path])
    reader.start()
    parts = list(reader.datasets())
    assert len(parts) > 15 and sum(len(d["events"]) for d in parts) == 12_000
    assert sum(len(d["Other"]) for d in parts) == 7_000 and sum(len(d["Runs"]) for d in parts) == 1
    round_trip([path], tmp_path)
    assert compare(path, tmp_path / "back.root", layout_of(path)) == 9


def test_several_files_are_one(tmp_path):
    paths = [two_trees(tmp_path / f"{k}.root", 10 + k, 3) for k in range(3)]
    round_trip(paths, tmp_path)
    with uproot.open(tmp_path / "back.root") as back:
        assert back["Events"].num_entries == 33 and back["Other"].num_entries == 9
        assert back["Events"]["i"].array().to_list() == [*range(10), *range(11), *range(12)]


def test_a_schema_that_changes_is_one_sentence(tmp_path):
    for name, field in (("a", "x"), ("b", "y")):
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file.mktree("t", {field: "int32"}).extend({field: [1, 2]})
    done = hepae("compress", tmp_path / "a.root", tmp_path / "b.root", "-o", tmp_path / "x.hepae")
    assert done.returncode == 1 and not (tmp_path / "x.hepae").exists()
    one_sentence(done.stderr, "b.root", "unlike the files before it")


def test_lists_that_part_later_are_kept(tmp_path, monkeypatch):
    "Counts are equal in the first piece only: another layout is made, and all comes back."
    monkeypatch.setattr("hepae.io.tree_files.VALUES", 200)
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        a = ak.Array([[1], [2, 3]] * 100)
        b = ak.Array([[1], [2, 3]] * 99 + [[1], [2]])
        file.mkrntuple("nt", ak.Array({"jet_a": a, "jet_b": b, "jet_c": b, "s": ak.Array(["a", "bb"] * 100)}))
    round_trip([path], tmp_path)
    assert compare(path, tmp_path / "back.root", layout_of(path)) == 4


@pytest.mark.parametrize("n", [0, 1])
def test_few_entries(tmp_path, n):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        tree = file.mktree("t", {"v": "var * float32", "x": "int32"})
        if n: tree.extend({"v": jagged([[1, 2]]), "x": [1]})
    round_trip([path], tmp_path)
    with uproot.open(tmp_path / "back.root") as back: assert back["t"].num_entries == n and "v" in back["t"].keys()


@pytest.mark.slow
def test_many_branches(tmp_path):
    "2,600 branches in one tree."
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        tree = file.mktree("t", {f"b{k}": "int16" for k in range(2600)})
        tree.extend({f"b{k}": np.arange(3, dtype="i2") for k in range(2600)})
    round_trip([path], tmp_path)
    assert compare(path, tmp_path / "back.root", layout_of(path)) == 2600


def test_only_some(tmp_path):
    "--branches, --tree and --entries, on the way in and on the way out."
    path, x, y = ttree(tmp_path / "a.root"), tmp_path / "x.hepae", tmp_path / "y.root"
    assert hepae("compress", path, "-o", x, "--branches", "Jet_*,x3", "--entries", "5:50").returncode == 0
    done = hepae("verify", path, x)
    assert done.returncode == 0, done.stderr
    assert hepae("decompress", x, "-o", y, "--branches", "Jet_f4", "--entries", "10:20").returncode == 0
    with uproot.open(path) as a, uproot.open(y) as b:
        assert b["a/b/Events"].keys() == ["nJet", "Jet_f4"]
        assert same(a["a/b/Events"]["Jet_f4"].array()[15:25], b["a/b/Events"]["Jet_f4"].array())
    for asked in (("--branches", "Muon_*"), ("--tree", "Muons"), ("--entries", "80:90")):
        done = hepae("compress", path, "-o", tmp_path / "z.hepae", *asked)
        assert done.returncode == 2 and not (tmp_path / "z.hepae").exists()
        one_sentence(done.stderr, "a.root")


def test_bounds_by_branch(tmp_path):
    "A bare number rounds what is measured, a pattern what fits; all else is exact, and verify sees what breaks."
    rng, path = np.random.default_rng(2), tmp_path / "a.root"
    x = {k: rng.exponential(50, 500).astype("f4") for k in ("MET_pt", "MET_phi", "weight", "other")}
    with uproot.recreate(path) as file: file.mktree("Events", {k: "float32" for k in x}).extend(x)
    done = hepae("compress", path, "-o", tmp_path / "x.hepae", "--bound", "1e-3,other=bits:10", "--json")
    assert done.returncode == 0, done.stderr
    bounds = dict(json.loads(done.stdout)["columns"])
    assert bounds == {"MET_pt": "rel:1e-3", "MET_phi": "abs:1e-3", "weight": "exact", "other": "bits:10"}
    assert hepae("verify", path, tmp_path / "x.hepae").returncode == 0
    decompress_file(tmp_path / "x.hepae", tmp_path / "y.root")
    with uproot.open(tmp_path / "y.root") as back: y = back["Events"].arrays(library="np")
    assert (np.abs(y["MET_pt"] - x["MET_pt"]) <= 1e-3 * x["MET_pt"]).all() and (y["weight"] == x["weight"]).all()
    assert (y["MET_pt"] != x["MET_pt"]).any() and (y["other"] != x["other"]).any()
    with uproot.recreate(tmp_path / "b.root") as file:
        file.mktree("Events", {k: "float32" for k in x}).extend(x | {"MET_pt": x["MET_pt"] * 1.01})
    done = hepae("verify", tmp_path / "b.root", tmp_path / "x.hepae")
    assert done.returncode == 3 and "MET_pt" in done.stderr


def test_damage_is_one_sentence(tmp_path):
    path = ttree(tmp_path / "a.root")
    data = path.read_bytes()
    (tmp_path / "b.root").write_bytes(data[:len(data) // 2])
    with pytest.raises(HepaeError, match="truncated"):
        compress_files([tmp_path / "b.root"], tmp_path / "b.hepae")
    assert not (tmp_path / "b.hepae").exists()


@pytest.mark.slow
def test_a_million_empty_lists(tmp_path):
    "Doubly jagged data of empty lists takes next to nothing."
    path, n = tmp_path / "a.root", 2000
    lists = ak.unflatten(ak.unflatten(np.zeros(0, "f4"), np.zeros(500 * n, int)), np.full(n, 500))
    with uproot.recreate(path) as file: file.mkrntuple("nt", ak.Array({"v": lists}))
    compress_files([path], tmp_path / "x.hepae")
    assert (tmp_path / "x.hepae").stat().st_size < 5000
    decompress_file(tmp_path / "x.hepae", tmp_path / "back.root")
    with uproot.open(tmp_path / "back.root") as back: assert ak.sum(ak.num(back["nt"]["v"].array())) == 500 * n


def test_some_entries_of_other_trees():
    "Trees that are not as long as the main one are taken whole."
    assert Wanted(entries=(2, 9)).spans({"a": 5, "b": 3}, "a") == {"a": (2, 5), "b": (0, 3)}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_files(testdata, name, tmp_path):
    "Value by value equal under uproot, for every branch that uproot reads."
    path = testdata(f"root/{name}.root")
    round_trip([path], tmp_path)
    assert compare(path, tmp_path / "back.root", layout_of(path)) > 0


def test_a_dry_run_says_what_would_be_kept(tmp_path):
    "Of whole files and tables, without writing anything; what it says is what a compression says."
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"Jet_pt": "f4", "n": "i4"}).extend({"Jet_pt": np.ones(9, "f4"), "n": np.arange(9)})
    for options in ([], ["--bound", "1e-3"], ["--columns", "pt=Jet_pt", "--dims", "pt", "--bound", "1e-3"]):
        dry = hepae("compress", path, "--dry-run", "--json", *options)
        assert dry.returncode == 0 and [p.name for p in tmp_path.iterdir()] == ["a.root"], dry.stderr
        done = hepae("compress", path, "-o", tmp_path / "a.hepae", "--json", *options)
        assert json.loads(dry.stdout)["columns"] == json.loads(done.stdout)["columns"]
        assert done.stderr.startswith(dry.stderr)
        (tmp_path / "a.hepae").unlink()
    assert "nothing is written" in hepae("compress", path, "--dry-run").stdout
    assert hepae("compress", path, "--dry-run", "--bound", "MET=rel:1e-3").returncode == 2
    for options in ([], ["--columns", "pt=Jet_pt", "--dims", "pt"]):
        assert hepae("compress", path, "--dry-run", "--keep", "mass(Tau)=rel:1e-3", *options).returncode == 2
    assert hepae("compress", path).returncode == 2


class Tomorrow(datetime.datetime):
    "A clock that goes a day ahead."
    @classmethod
    def now(cls, zone=None): return super().now(zone) + datetime.timedelta(1)


def test_one_file_has_one_checksum(tmp_path, monkeypatch):
    "Whatever the time, and in whatever order Python has sets; what comes back has the histograms."
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["t"] = {"x": np.arange(5.0)}
        file["h/pt"], file["eta"] = np.histogram([1, 2, 2]), np.histogram2d([1, 2], [2, 3])

    def with_seed(seed: int) -> bytes:
        packed = tmp_path / f"{seed}.hepae"
        done = hepae("compress", path, "-o", packed, env=os.environ | {"PYTHONHASHSEED": str(seed)})
        assert done.returncode == 0, done.stderr
        return packed.read_bytes()
    assert round_trip([path], tmp_path) == []
    found = (tmp_path / "x.hepae").read_bytes()
    with uproot.open(path) as a, uproot.open(tmp_path / "back.root") as b:
        for name in ("h/pt", "eta"): assert (a[name].values() == b[name].values()).all()
        assert set(a.keys()) == set(b.keys())
    with monkeypatch.context() as later:
        later.setattr(datetime, "datetime", Tomorrow)
        compress_files([path], tmp_path / "x.hepae", force=True)
    assert found == (tmp_path / "x.hepae").read_bytes() == with_seed(1) == with_seed(2)


def test_values_further_apart_than_the_bound_are_kept_exactly(tmp_path):
    "Floats cut to a few bits: a bound that is finer than they are costs nothing, and is said to round nothing."
    path, rng = tmp_path / "cut.root", np.random.default_rng(2)
    spread = rng.lognormal(3, 1, 20_000).astype("f4")
    cut = (spread.view("i4") & -(1 << 13)).view("f4")
    with uproot.recreate(path) as file: file.mktree("t", {"Jet_pt": "f4", "Muon_pt": "f4"}).extend(
        {"Jet_pt": cut, "Muon_pt": spread})
    sizes, remarks = {}, {}
    for bound in (None, "1e-2", "1e-4"):
        for some in (("Jet_pt",), ("Muon_pt",)):
            remarks[bound, some] = []
            facts = compress_files([path], tmp_path / "x.hepae", bound, force=True, branches=some,
                                   remark=remarks[bound, some].append)
            sizes[bound, some] = (tmp_path / "x.hepae").stat().st_size
            assert verify_file([path], tmp_path / "x.hepae")["violations"] == 0
            exact = [b for _, b in facts["columns"]] == ["exact"]
            assert exact == (bound is None or bound == "1e-4" and some == ("Jet_pt",))
    jet, muon = ("Jet_pt",), ("Muon_pt",)
    assert sizes["1e-2", jet] < sizes["1e-4", jet] == sizes[None, jet] and sizes["1e-4", muon] < sizes[None, muon]
    assert any("kept exactly" in r and "Jet_pt" in r for r in remarks["1e-4", jet]) and not remarks["1e-4", muon]

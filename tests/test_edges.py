"Files at the edge of what is usual: read, or refused in one sentence; what is written appears whole or not at all."
import numpy as np
import pytest
import uproot
from conftest import ROOT, one_sentence

from hepae.cli import main

FOUR = ("pt", "eta", "phi", "mass")


def run(capfd, *arguments) -> tuple[int, str, str]:
    "Exit code, standard output and standard error of a command, in this process."
    capfd.readouterr()
    with pytest.raises(SystemExit) as e: main([str(a) for a in arguments])
    return e.value.code or 0, *capfd.readouterr()


def works(capfd, *arguments) -> str:
    "Assert that a command succeeds; returns what it prints."
    code, out, err = run(capfd, *arguments)
    assert code == 0, err
    return out


def fails(capfd, *arguments, code: int = 1, parts=()) -> str:
    "Assert that a command fails with one sentence that contains the parts; returns the sentence."
    found, out, err = run(capfd, *arguments)
    one_sentence(err, "hepae: ", *parts)
    assert (found, out) == (code, "")
    return err


def collections(path, tree: str = "Events", **counts) -> None:
    "A TTree of collections with four-momenta: name=rows of each event."
    rng = np.random.default_rng(1)
    flat = {k: {f: rng.exponential(30, sum(n)).astype("f4") for f in FOUR} for k, n in counts.items()}
    with uproot.recreate(path) as file:
        t = file.mktree(tree, {k: "var * {" + ", ".join(f"{f}: float32" for f in FOUR) + "}" for k in counts})
        t.extend({k: nested(flat[k], n) for k, n in counts.items()})


def nested(flat: dict, counts):
    "Records of so many rows in each event."
    import awkward as ak
    return ak.unflatten(ak.zip(flat), np.asarray(counts, np.int64))


# ── verify knows what was compressed ────────────────────────────────────────


def test_verify_reads_what_was_compressed(capfd, tmp_path):
    "Of several containers, or of branches that somebody named, `verify` takes those that the file names."
    two, small = tmp_path / "two.root", tmp_path / "two.hepae"
    collections(two, Jet=[2, 0, 1], GenJet=[2, 0, 1])
    for choice in (["--container", "GenJet"], ["--columns", "pt=Jet_pt,eta=Jet_eta,phi=Jet_phi,m=Jet_mass", "--unit", "GeV"]):
        works(capfd, "compress", two, "-o", small, "--force", *choice)
        assert "violations" in works(capfd, "verify", two, small)
    assert run(capfd, "verify", two, small, "--container", "GenJet")[0] == 3


def test_verify_knows_renamed_columns_of_a_table(capfd, tmp_path):
    table, small = tmp_path / "t.csv", tmp_path / "t.hepae"
    table.write_text("a,b,c,d\n31,0.5,1.5,4\n62,-0.5,2.5,8\n")
    works(capfd, "compress", table, "-o", small, "--columns", "pt=a,eta=b,phi=c,m=d")
    works(capfd, "verify", table, small)


# ── trees of all kinds ──────────────────────────────────────────────────────

EDGES = ROOT / "tests" / "edges"
SPLIT = "pt=Jets/Jets.fCoordinates.fPt,eta=Jets/Jets.fCoordinates.fEta,phi=Jets/Jets.fCoordinates.fPhi,m=Jets/Jets.fCoordinates.fM"


def there_and_back(capfd, path, folder, *choice) -> uproot.TTree:
    "Compressed, verified and decompressed: the tree that comes back."
    small, back = folder / "small.hepae", folder / "back.root"
    works(capfd, "compress", path, "-o", small, "--force", "--bound", "exact", *choice)
    works(capfd, "verify", path, small)
    works(capfd, "decompress", small, "-o", back, "--force")
    with uproot.open(back) as file: return file[file.keys(recursive=True, filter_classname=["TTree", "*RNTuple"])[0]].arrays()


@pytest.mark.parametrize("dims", ["4D", "pt"])
def test_no_jet_in_any_event(capfd, tmp_path, dims):
    "An empty table is a table; extract says that there is nothing."
    path = tmp_path / "none.root"
    collections(path, Jet=[0] * 1000)
    back = there_and_back(capfd, path, tmp_path, "--dims", dims)
    assert len(back) == 1000 and not back["nJet"].to_numpy().any()
    fails(capfd, "extract", path, "-o", tmp_path / "none.pkl", parts=["not one jet"])


def test_a_tree_without_entries_or_branches(capfd, tmp_path):
    path = tmp_path / "empty.root"
    collections(path, Jet=[])
    assert len(there_and_back(capfd, path, tmp_path)) == 0
    with uproot.recreate(path) as file: file.mktree("bare", {"n": "i4"})
    assert "0 entries" in works(capfd, "inspect", path)
    fails(capfd, "compress", path, "-o", tmp_path / "o.hepae", parts=["no jets found"])


def test_versions_below_zero_are_versions(capfd, tmp_path):
    "ROOT's fVersion is signed, and some builds write it negative."
    path = tmp_path / "negative.root"
    collections(path, Jet=[2, 1])
    data = path.read_bytes()
    for version in (-int.from_bytes(data[4:8], "big"), -938_200):
        path.write_bytes(data[:4] + version.to_bytes(4, "big", signed=True) + data[8:])
        assert "Jet" in works(capfd, "inspect", path)
        assert len(there_and_back(capfd, path, tmp_path)) == 2


def test_the_branches_of_an_object_come_back(capfd, tmp_path):
    "Their names hold a slash, and their counter has the name of one of them."
    for tree_class in ([], ["--rntuple"]):
        path, small, back = EDGES / "split_vector.root", tmp_path / "s.hepae", tmp_path / "s.root"
        works(capfd, "compress", path, "-o", small, "--columns", SPLIT, "--force")
        works(capfd, "decompress", small, "-o", back, "--force", *tree_class)
        before, after = uproot.open(path)["T"], uproot.open(back)["T"]
        pt = next(k for k in after.keys() if k.endswith("fPt"))
        np.testing.assert_allclose(np.concatenate(after[pt].array()), np.concatenate(before["Jets/Jets.fCoordinates.fPt"].array()), rtol=1e-3)
        assert [len(x) for x in after[pt].array()] == [i % 4 for i in range(100)]


def test_names_that_collide_get_others_and_that_is_said(capfd, tmp_path):
    "Branches of two objects may have one name; each of them is written, and the user is told."
    table, small, back = tmp_path / "t.csv", tmp_path / "t.hepae", tmp_path / "t.root"
    table.write_text("x[0],x_0_,y/z,z\n1,2,3,4\n")
    works(capfd, "compress", table, "-o", small)
    code, _, err = run(capfd, "decompress", small, "-o", back)
    assert code == 0 and "cannot keep their names" in err
    assert sorted(a.item() for a in uproot.open(back)["Events"].arrays(library="np").values()) == [1, 2, 3, 4]


def test_a_leaf_list_is_as_many_columns(capfd, tmp_path):
    path = EDGES / "leaf_list.root"
    back = there_and_back(capfd, path, tmp_path, "--dims", "pt,eta,phi,m,n", "--container", "Jet")
    before = uproot.open(path)["T"]["Jet"].array()
    for leaf in before.fields: np.testing.assert_array_equal(back[f"Jet.{leaf}"], before[leaf])
    fails(capfd, "compress", path, "-o", tmp_path / "o.hepae", "--columns", "pt=Jet", "--dims", "pt", parts=["Jet.pt", "Jet.mass"])


def test_fixed_arrays_and_text_are_named(capfd, tmp_path):
    "What cannot become a column is named by inspect and by compress."
    path = tmp_path / "fixed.root"
    with uproot.recreate(path) as file: file.mktree("t", {f"Jet_{k}": np.dtype(("f4", (3,))) for k in FOUR}).extend({f"Jet_{k}": np.ones((5, 3), "f4") for k in FOUR})
    assert "Jet_pt (3 numbers each)" in works(capfd, "inspect", path)
    for choice in ([], ["--columns", "pt=Jet_pt", "--dims", "pt"]): fails(capfd, "compress", path, "-o", tmp_path / "o.hepae", *choice, parts=["Jet_pt", "3"])
    assert list(tmp_path.iterdir()) == [path]


def test_failures_of_uproot_are_not_called_damage(capfd, tmp_path, monkeypatch):
    path = tmp_path / "j.root"
    collections(path, Jet=[2, 1])
    for error, words in ((ModuleNotFoundError("install the 'xxhash' package"), "install it"), (NotImplementedError("memberwise serialization"), "--columns")):
        def refuse(*_, error=error, **__): raise error
        monkeypatch.setattr(uproot.TBranch, "array", refuse)
        assert "damaged" not in fails(capfd, "compress", path, "-o", tmp_path / "o.hepae", parts=[path, "uproot cannot read branch Jet_", words])


@pytest.mark.parametrize("dims", ["4D", "pt"])
def test_an_event_of_nan_still_has_a_leading_jet(capfd, tmp_path, dims):
    "NaN never wins over a number, and an event whose pts are all NaN keeps one jet."
    path, nan = tmp_path / "nan.root", np.nan
    pt = np.array([nan, 5, 7, nan, nan, nan, -np.inf, 3], "f4")
    with uproot.recreate(path) as file:
        file.mktree("t", {"Jet": "var * {" + ", ".join(f"{f}: float32" for f in FOUR) + "}"}).extend({"Jet": nested({f: pt if f == "pt" else np.arange(8, dtype="f4") for f in FOUR}, [3, 2, 0, 2, 1])})
    works(capfd, "extract", path, "-o", tmp_path / "lead.csv", "--leading", "--dims", dims)
    rows = [line.split(",")[:2] for line in (tmp_path / "lead.csv").read_text().splitlines()[1:]]
    assert rows == [["0", "2"], ["1", "0"], ["3", "1"], ["4", "0"]]

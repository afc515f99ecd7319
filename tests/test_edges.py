"Files at the edge of what is usual: read, or refused in one sentence; what is written appears whole or not at all."
import numpy as np
import pytest
import uproot
from conftest import one_sentence

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

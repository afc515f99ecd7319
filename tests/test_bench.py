"""hepae bench as a user runs it: every codec keeps its promise, and the outputs hold what was measured."""
import json

import pandas as pd
from conftest import ROOT, hepae

JETS = ROOT / "data" / "jets.root"
FEW = ["--rows", "1500", "--codecs", "density,density --unordered,xz", "--bounds", "1e-3,exact"]


def test_page_and_tables(tmp_path):
    "A page with its picture, a table, and the same facts as JSON."
    done = hepae("bench", JETS, "-o", tmp_path / "bench.html", *FEW, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert {f["codec"] for f in facts} == {"density", "density --unordered", "xz", "entropy estimate", "entropy estimate, unordered"}
    assert all(f["violations"] == 0 for f in facts if f["bytes"])
    assert all(f["lossless"] for f in facts if f["bound"] == "exact" and f["bytes"])
    page = (tmp_path / "bench.html").read_text()
    assert page.count("<img") == 1 and "density --unordered" in page and "http://" not in page
    assert hepae("bench", JETS, "-o", tmp_path / "bench.csv", *FEW, "-q").returncode == 0
    assert set(pd.read_csv(tmp_path / "bench.csv")["codec"]) == {f["codec"] for f in facts}
    assert hepae("bench", JETS, "-o", tmp_path / "bench.png", *FEW, "-q").returncode == 0
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_model_is_counted():
    "A trained autoencoder takes part; what its network takes is in its bits."
    done = hepae("bench", JETS, "--dims", "E4D", "--rows", "1500", "--codecs", "density", "--bounds", "1e-3", "--model", ROOT / "4D" / "AE_3D_200", "--json")
    assert done.returncode == 0, done.stderr
    found = {f["codec"]: f for f in json.loads(done.stdout)}
    network = found["model AE_3D_200"]
    assert network["violations"] == 0 and network["bits_per_row"] > network["bits_without_model"] + 100
    assert found["density"]["bits_per_row"] == found["density"]["bits_without_model"]


def test_wrong_usage(tmp_path):
    "One sentence, before anything is measured."
    (tmp_path / "there.html").write_text("")
    for code, word, arguments in [(2, "codec zip", ["--codecs", "zip"]), (2, ".doc", ["-o", tmp_path / "x.doc"]), (1, "--force", ["-o", tmp_path / "there.html"]), (2, "bound", ["--bounds", "often", "--rows", "600"])]:
        done = hepae("bench", JETS, *arguments)
        assert done.stderr.count("\n") == 1 and word in done.stderr, done.stderr
        assert done.returncode == code

"""hepae bench as a user runs it: every codec keeps its promise, and the outputs hold what was measured."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, hepae

from hepae.bench.race import bench
from hepae.bench.rivals import available
from hepae.codec.tables import compress
from hepae.schema import event_index, schema_of, with_schema

JETS = ROOT / "data" / "jets.root"
FEW = ["--rows", "1500", "--codecs", "density,density --unordered,xz", "--bounds", "1e-3,exact"]


def test_page_and_tables(tmp_path):
    "A page with its picture, a table, and the same facts as JSON."
    done = hepae("bench", JETS, "-o", tmp_path / "bench.html", *FEW, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert {f["codec"] for f in facts} == {
        "density", "density --unordered", "xz", "entropy estimate", "entropy estimate, unordered",
    }
    assert all(f["violations"] == 0 for f in facts if f["bytes"])
    assert all(f["lossless"] for f in facts if f["bound"] == "exact" and f["bytes"])
    assert all(f["version"] and f["overhead"] and f["max_error"] is not None for f in facts if f["bytes"])
    assert all("no lower bound" in f["note"] for f in facts if not f["bytes"])
    page = (tmp_path / "bench.html").read_text()
    assert page.count("<img") == 1 and "density --unordered" in page and "http://" not in page
    fewer = ["--rows", "600", "--codecs", "xz", "--bounds", "1e-3", "-q"]
    assert hepae("bench", JETS, "-o", tmp_path / "bench.csv", *fewer).returncode == 0
    assert set(pd.read_csv(tmp_path / "bench.csv")["codec"]) == {"xz", "entropy estimate"}
    assert hepae("bench", JETS, "-o", tmp_path / "bench.png", *fewer).returncode == 0
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_estimate_that_is_beaten(tmp_path):
    "Rows in an order that tells something: the terminal and the page say that the estimate is no lower bound."
    rows = pd.DataFrame({"time": np.arange(3000, dtype="f4"), "x": np.random.default_rng(1).integers(0, 4, 3000)})
    rows.to_parquet(tmp_path / "steps.parquet")
    done = hepae(
        "bench", tmp_path / "steps.parquet", "--codecs", "density", "--bounds", "exact", "-o", tmp_path / "page.html"
    )
    assert done.returncode == 0 and "less than the entropy estimate" in done.stderr, done.stderr
    page = (tmp_path / "page.html").read_text()
    assert (
        "less than the entropy estimate" in page
        and "floor" not in page.lower().replace("np.floor", "")
        and "floor" not in done.stdout
    )


def cut(x: np.ndarray, bits: int) -> np.ndarray:
    "Mantissas rounded to so many bits, as NanoAOD stores them."
    i, s = x.astype("f4").view("u4"), 23 - bits
    return (i + (1 << s - 1) >> s << s).view("f4")


def test_short_mantissas():
    """The entropy estimate of columns on a lattice is not above the codecs that find the lattice, and a free order
    costs nothing."""
    random = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "a": cut(15 + random.exponential(40, 3000), 9),
            "b": cut(random.normal(0, 2, 3000), 9),
            "c": np.round(random.normal(0, 2, 3000), 2).astype("f4"),
        }
    )
    found = bench(
        table,
        ["density", "density --unordered", "pcodec"] if "pcodec" in available() else ["density", "density --unordered"],
        ["exact"],
    ).set_index("codec")["bits_of_rows"]
    assert found["entropy estimate"] < found["density"] < 1.1 * found["entropy estimate"]
    assert found["density --unordered"] <= found["density"]


@pytest.mark.parametrize("rows", [1, 2, 10, 300])
@pytest.mark.parametrize("kind", ["constant", "integers", "short", "jets"])
def test_a_free_order_never_costs(kind, rows):
    "Not in tables of any size."
    random = np.random.default_rng(rows)
    columns = {
        "constant": lambda: np.ones(rows, "f4"),
        "integers": lambda: random.integers(0, 50, rows),
        "short": lambda: cut(random.exponential(40, rows), 6),
        "jets": lambda: random.normal(0, 2, rows),
    }
    table = pd.DataFrame({c: columns[kind]() for c in ("pt", "eta", "phi")})
    table = with_schema(table.set_axis(event_index(np.arange(0, rows + 1))), schema_of(table))
    sizes = [len(compress(table, "schema", unordered=way)) for way in ("", "events", "table")]
    assert max(sizes) == sizes[0], sizes


def test_what_is_fixed_is_shown_apart():
    "A file of ROOT without rows is what it takes besides them, and so are our names and bounds."
    names = [n for n in ("TTree ZSTD", "RNTuple ZSTD", "density") if n == "density" or n in available()]
    random = np.random.default_rng(2)
    table = pd.DataFrame({c: random.normal(size=1700).astype("f4") for c in ("m", "pt", "eta")})
    found = bench(table, names, ["exact"], estimate=False).set_index("codec")
    assert (found["bits_of_rows"] < 96).all() and (found["bits_of_rows"] > 75).all(), found["bits_of_rows"]
    np.testing.assert_allclose((found["bits_per_row"] - found["bits_of_rows"]) * 1700 / 8, found["overhead"])


def test_model_is_counted():
    "A trained autoencoder takes part; what its network takes is in its bits."
    done = hepae(
        "bench", JETS, "--dims", "E4D", "--rows", "250", "--codecs", "density", "--bounds", "1e-3",
        "--model", ROOT / "4D" / "AE_3D_200_standard", "--json",
    )
    assert done.returncode == 0, done.stderr
    found = {f["codec"]: f for f in json.loads(done.stdout)}
    network = found["model AE_3D_200_standard"]
    assert network["violations"] == 0 and network["bits_per_row"] > network["bits_without_model"] + 100
    assert found["density"]["bits_per_row"] == found["density"]["bits_without_model"]


def test_wrong_usage(tmp_path):
    "One sentence, before anything is measured."
    (tmp_path / "there.html").write_text("")
    for code, word, arguments in [
        (2, "codec zip", ["--codecs", "zip"]), (2, ".doc", ["-o", tmp_path / "x.doc"]),
        (1, "--force", ["-o", tmp_path / "there.html"]), (2, "bound", ["--bounds", "often", "--rows", "600"]),
    ]:
        done = hepae("bench", JETS, *arguments)
        assert done.stderr.count("\n") == 1 and word in done.stderr, done.stderr
        assert done.returncode == code

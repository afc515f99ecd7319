"""What `import hepae` offers: anything that has rows goes in, and comes back as it was or within its bound."""

import json
import subprocess
import sys

import awkward as ak
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import hepae
from hepae.core import HepaeError, UsageError

JETS = ROOT / "data" / "jets.root"

floats = st.floats(width=32)


def lists(of): return st.lists(of, max_size=3)


@st.composite
def arrays(draw) -> ak.Array:
    "An awkward array: records of leaves, lists of lists and gaps, or one of these alone; each of one type."
    n = draw(st.integers(0, 5))

    def column():
        leaf = draw(st.sampled_from([floats, st.integers(-9, 2**62), st.booleans(), st.text(max_size=3)]))
        wrap = draw(st.sampled_from([0, 1, 2, 3]))
        of = leaf if not wrap else lists(leaf) if wrap == 1 else lists(lists(leaf)) if wrap == 2 else st.none() | leaf
        return draw(st.lists(of, min_size=n, max_size=n))
    columns = {name: column() for name in draw(st.lists(st.sampled_from("ab.c é"), max_size=3, unique=True))}
    if not columns: return ak.Array(column())
    return ak.zip({name: ak.Array(x) for name, x in columns.items()}, depth_limit=1)


def same(a: ak.Array, b: ak.Array) -> bool:
    "Equal in type, and every value; a type that awkward does not know, as there is no value, became float64."
    a, b = (ak.to_packed(x) for x in (a, b))
    types = [str(ak.type(x)).replace("unknown", "float64") for x in (a, b)]
    return types[0] == types[1] and repr(a.tolist()) == repr(b.tolist())


@settings(max_examples=150, deadline=None)
@given(arrays())
def test_any_array_comes_back(array):
    data = hepae.compress(array)
    back = hepae.decompress(data)
    assert same(ak.without_parameters(back), ak.without_parameters(array))
    assert hepae.verify(array, data)["violations"] == 0


def test_text_that_is_none_comes_back():
    "Bytes that are no UTF-8, in one row far from the first."
    layout = ak.to_layout(ak.Array(["ab", "cd"] * 300_000))
    np.asarray(layout.content.data)[-1] = 0xFF
    array = ak.Array(layout)
    back = hepae.decompress(hepae.compress(array))
    assert np.array_equal(ak.to_packed(back).layout.content.data, layout.content.data)
    assert len(back) == len(array)


def test_bounds_of_arrays():
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 5, 4000)
    pt = ak.unflatten(rng.exponential(30, counts.sum()).astype("f4"), counts)
    btag = ak.unflatten(rng.normal(0, 1, counts.sum()).astype("f4"), counts)
    events = ak.zip({"Jet_pt": pt, "Jet_n": ak.num(pt), "Jet_btag": btag}, depth_limit=1)
    for bound in ("1e-3", {"Jet_pt": "rel:1e-3"}):
        data = hepae.compress(events, bound)
        back = hepae.decompress(data)
        relative = ak.max(abs(back.Jet_pt / events.Jet_pt - 1))
        assert 0 < relative <= 1e-3 and ak.all(back.Jet_btag == events.Jet_btag, axis=None)
        assert hepae.verify(events, data)["violations"] == 0
    assert len(data) < len(hepae.compress(events))
    with pytest.raises(UsageError, match="no branch fits"): hepae.compress(events, {"MET": "rel:1e-3"})


def test_tables_in_every_form(tmp_path):
    "A DataFrame, a dictionary, a structured array and a file of the same numbers give the same table."
    x, n = np.linspace(1, 9, 50).astype("f4"), np.arange(50, dtype="i2")
    structured = np.zeros(50, [("x", "<f4"), ("n", ">i2")])
    structured["x"], structured["n"] = x, n
    table = pd.DataFrame({"x": x, "n": n})
    table.to_parquet(tmp_path / "t.parquet")
    for what in (table, {"x": x, "n": n}, structured, tmp_path / "t.parquet", str(tmp_path / "t.parquet")):
        data = hepae.compress(what, "x=abs:1e-2")
        back = hepae.decompress(data)
        assert list(back.dtypes.astype(str)) == ["float32", "int16"] and np.abs(back.x - x).max() <= 1e-2
        assert not (back.x == x).all() and (back.n == n).all()
        assert hepae.verify(what, data)["violations"] == 0
        if what is not table: pd.testing.assert_frame_equal(hepae.read(data), back)
    with pytest.raises(HepaeError): hepae.verify(table.iloc[:-1], data)


def test_files_both_ways(tmp_path):
    facts = hepae.compress(JETS, 1e-3, output=tmp_path / "j.hepae")
    assert facts["bytes"] == (tmp_path / "j.hepae").stat().st_size == len(hepae.compress(JETS, 1e-3))
    hepae.decompress(tmp_path / "j.hepae", tmp_path / "j.root")
    assert hepae.verify(JETS, tmp_path / "j.hepae")["violations"] == 0
    assert hepae.verify(JETS, (tmp_path / "j.hepae").read_bytes())["rows"] == 70000
    assert len(hepae.read(tmp_path / "j.root")) == 79296
    with pytest.raises(HepaeError, match="force=True"): hepae.compress(JETS, output=tmp_path / "j.hepae")
    before = (tmp_path / "j.hepae").read_bytes()
    with pytest.raises(HepaeError): hepae.compress(ak.Array([1, "x"]), output=tmp_path / "j.hepae", force=True)
    assert (tmp_path / "j.hepae").read_bytes() == before and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("call, words", [
    (lambda: hepae.compress(3), "pass a path"),
    (lambda: hepae.compress(np.zeros(3)), "pass a path"),
    (lambda: hepae.compress({"x": [1], "y": [1, 2]}), "one length"),
    (lambda: hepae.compress({"x": [1.0]}, dims="4D"), "dims: not for a dict"),
    (lambda: hepae.compress({"x": [1.0]}, "huge"), "bound"),
    (lambda: hepae.decompress(3), "bytes that compress gave"),
    (lambda: hepae.decompress(b""), "no .hepae file|empty"),
    (lambda: hepae.read(pd.DataFrame()), "pass a path"),
    (lambda: hepae.verify({"x": [1.0]}, 3), "pass a path"),
    (lambda: hepae.inspect({"x": 1}), "pass a path"),
    (lambda: hepae.verify({"x": [1.0]}, hepae.compress({"x": [1.0]}), index=False), "index: only for files"),
    (lambda: hepae.nothing, "no attribute"),
])
def test_errors_say_what_to_pass(call, words):
    with pytest.raises((HepaeError, AttributeError), match=words): call()


def test_contents_show_themselves():
    data = hepae.compress({"pt": [1.0, 2.5], "<i>": [1, 2]}, 1e-3)
    seen = hepae.inspect(data)
    assert json.loads(json.dumps(seen)) == seen
    assert "rel:" in repr(seen) and f"{len(data):,} bytes" in repr(seen)
    assert "&lt;i&gt;" in seen._repr_html_() and "<i>" not in seen._repr_html_()


def test_what_import_loads():
    "Neither torch nor fastai, uproot nor pandas, until something is asked for."
    code = "import sys, hepae; print(sorted({'torch', 'fastai', 'uproot', 'pandas', 'numpy'} & {*sys.modules})); "
    code += "hepae.compress, hepae.read, hepae.verify, hepae.inspect, hepae.open, hepae.decompress; "
    code += "print(sorted({'torch', 'fastai', 'matplotlib'} & {*sys.modules}), 'read' in dir(hepae))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[] True"]


def test_what_is_computed_of_arrays_and_tables_is_kept():
    "Masses of pairs within a bound of their own, checked by `verify`; a seed gives the same bytes again."
    rng = np.random.default_rng(5)
    counts = rng.integers(0, 4, 800)
    part = lambda draw: ak.unflatten(draw(counts.sum()).astype("f4"), counts)
    draws = {"pt": lambda n: rng.exponential(30, n) + 3, "eta": lambda n: rng.normal(size=n),
             "phi": lambda n: rng.uniform(-3, 3, n), "mass": lambda n: np.full(n, 0.105)}
    muons = ak.zip({f"Muon_{name}": part(draw) for name, draw in draws.items()}, depth_limit=1)
    data = hepae.compress(muons, "1e-2", computed=["mass(Muon)=rel:1e-3"])
    seen = hepae.verify(muons, data)
    assert seen["violations"] == 0 and [c["bound"] for c in seen["columns"] if "mass(" in c["name"]] == ["rel:1e-3"]
    table = ak.to_dataframe(muons)
    one, again, other = (hepae.compress(table, "1e-2", dither=seed) for seed in (1, 1, 2))
    assert one == again != other and hepae.verify(table, one)["violations"] == 0
    assert not hepae.decompress(one).equals(hepae.decompress(other))

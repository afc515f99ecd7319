"""Columns that follow from others: what comes back is what came back without formulas, in fewer bytes."""

import io
import time
from dataclasses import replace

import awkward as ak
import numpy as np
import other_reader
import pandas as pd
import pytest
from codec_damage import momenta
from hypothesis import given, settings
from hypothesis import strategies as st

import hepae
from hepae.codec.container import Reader
from hepae.codec.header import FOLLOWS, Header
from hepae.codec.new_header import make_header
from hepae.codec.one_plan import given_plan, header_like
from hepae.codec.tables import compress, decompress
from hepae.core import HepaeError
from hepae.metrics import bound_violations
from hepae.physics.formulas import FORMULAS, Follows, formula_values
from hepae.codec.bound_text import with_bounds
from hepae.schema import infer_schema, schema_of, with_schema


def equal(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    "To the last bit."
    return all(a[c].to_numpy().tobytes() == b[c].to_numpy().tobytes() for c in a)


def jets(n: int = 3000, dtype: str = "f4", seed: int = 1) -> dict[str, np.ndarray]:
    "What a corrected NanoAOD has of its jets."
    r = np.random.default_rng(seed)
    pt, raw = (15 + r.exponential(40, n)).astype(dtype), r.normal(0.05, 0.03, n).astype(dtype)
    return {
        "Jet_pt": pt, "Jet_rawFactor": raw, "Jet_eta": r.normal(0, 1.5, n).astype(dtype), "Jet_pt_nom": pt.copy(),
        "Jet_pt_raw": (pt * (1 - raw)).astype(dtype), "Jet_pt_up": (pt * np.dtype(dtype).type(1.02)).astype(dtype),
    }


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("bound", [None, "1e-3", "bits:8", "*_pt*=abs:0.01"])
def test_copies_and_ratios_cost_next_to_nothing(dtype, bound):
    columns = jets(dtype=dtype)
    whole = hepae.compress(columns, bound=bound)
    for name in ("Jet_pt_nom", "Jet_pt_raw", "Jet_pt_up"):
        without = hepae.compress({k: v for k, v in columns.items() if k != name}, bound=bound)
        most = 0.1 if name == "Jet_pt_nom" else 3 if dtype == "f8" else 2.5
        assert 8 * (len(whole) - len(without)) / 3000 < most + 0.3, name
    back = hepae.decompress(whole)
    if bound is None:
        assert all(back[k].to_numpy().tobytes() == v.tobytes() for k, v in columns.items())


def test_whole_trees_have_formulas_too():
    n = np.random.default_rng(2).integers(0, 6, 1000)
    columns = jets(int(n.sum()))
    events = ak.zip({k: ak.unflatten(v, n) for k, v in columns.items()}, depth_limit=1)
    data = hepae.compress(events)
    few = hepae.compress(events[["Jet_pt", "Jet_rawFactor", "Jet_eta"]])
    assert 8 * (len(data) - len(few)) / n.sum() < 5
    for name in ak.fields(events): assert ak.array_equal(hepae.decompress(data)[name], events[name]), name


@pytest.mark.parametrize("bound", ["schema", "exact", "1e-3", "bits:4"])
def test_formulas_change_no_value(bound, monkeypatch):
    "Bins are the same with formulas and without, so all values are."
    table = momenta(3000)
    data = compress(table, bound)
    with_them, header = decompress(data), Header.from_dict(Reader(io.BytesIO(data)).facts)
    assert header.formulas and not any(header.plan[header.order.index(f.column)].period for f in header.formulas)
    monkeypatch.setattr("hepae.codec.new_header.formulas_of", lambda *_: ())
    without = decompress(compress(table, bound))
    assert bound_violations(table, with_them, schema_of(with_them)).sum() == 0
    exact = [c.name for c in schema_of(with_them).columns if c.bound == "exact"]
    assert equal(with_them[exact], table[exact])
    # a value may be exact in one file where a parent escapes, but not otherwise rounded
    for c in table:
        a, b = with_them[c].to_numpy(), without[c].to_numpy()
        assert ((a == b) | (a == table[c].to_numpy()) | np.isnan(a) & np.isnan(b)).all(), c
        assert (a == b).mean() > 0.98, c


@pytest.mark.parametrize("name, many", [(name, many) for name, f in FORMULAS.items() for many in f.many])
def test_every_formula_in_both_readers(name, many):
    "A column made with a formula is read by both readers, and costs less."
    r, n = np.random.default_rng(3), 300
    parents = [r.uniform(1, 3, n) for _ in range(many)]
    if name in ("mass", "rapidity"): parents[0] = parents[0] + 6
    if name.startswith("pair of"): parents[2], parents[2 + many // 2] = r.uniform(-3, 3, (2, n))
    columns = {f"p{k}": p for k, p in enumerate(parents)}
    columns["it"] = formula_values(name, 1.25, parents)
    table = pd.DataFrame(columns).astype("f4")
    header = replace(make_header(table), formulas=())
    at = header.schema.names.index("it")
    follows = Follows(at, name, tuple(k for k in range(len(columns)) if k != at), 1.25)
    import hepae.codec.new_header as new_header
    old = new_header.formulas_of
    for chosen in ((follows,), ()):
        new_header.formulas_of = lambda *_: chosen
        try: data = compress(table)
        finally: new_header.formulas_of = old
        assert equal(decompress(data), table)
        found = other_reader.read(data)["columns"]
        assert all(found[c].tobytes() == table[c].to_numpy().tobytes() for c in table)
        if chosen: with_it = len(data)
    assert len(data) - with_it > n


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=40),
       st.sampled_from(["exact", "rel:1e-2", "abs:0.1"]), st.sampled_from(["f4", "f8"]), st.integers(0, 9))
def test_values_of_all_kinds_come_back(rows, bound, dtype, seed):
    "Good rows, in which a formula holds, and others."
    r = np.random.default_rng(seed)
    x, y = 20 + r.exponential(40, (2, 200))
    table = pd.DataFrame({"a": x, "b": y, "product": x * y, "sum": x + y, "twice": 2 * x}).astype(dtype)
    wild = np.array(rows, dtype)
    for k, c in enumerate(("product", "a", "twice", "b")): table.loc[k * 7:k * 7 + len(wild) - 1, c] = wild[:, k % 2]
    data = compress(table, bound)
    back = decompress(data)
    assert bound_violations(table, back, schema_of(back)).sum() == 0
    if bound == "exact": assert equal(back, table)
    found = other_reader.read(data)["columns"]
    assert all(found[c].tobytes() == back[c].to_numpy().tobytes() for c in table)


def test_signalling_nans_raise_no_warning():
    table = pd.DataFrame(jets(300))
    bits = table["Jet_eta"].to_numpy().view("u4").copy()
    bits[::50] = 0x7FA00000
    table["Jet_eta"] = bits.view("f4")
    assert equal(decompress(compress(table)), table)


def test_bytes_are_the_same_every_time():
    table = momenta(2000)
    assert compress(table, "schema", rows=500) == compress(table, "schema", rows=500, threads=3)
    shuffled = momenta(2000)[[*momenta(10)][::-1]]
    assert equal(decompress(compress(shuffled, "exact")), shuffled)


def test_columns_in_units_of_one_that_follows():
    r = np.random.default_rng(1)
    table = pd.DataFrame({"px": r.normal(0, 30, 500), "py": r.normal(0, 30, 500)}).astype("f4")
    table["pt"], table["d"] = np.hypot(table["px"], table["py"]), r.normal(0, 5, 500)
    for bound in ("d=sigma:0.01*pt,*p*=rel:1e-2", "d=sigma:0.01*pt"):
        back = decompress(compress(table, bound))
        assert bound_violations(table, back, schema_of(back)).sum() == 0


FACTS = {  # what a header must not say: how it is changed
    "unknown": lambda f: f.__setitem__(1, "eval"),
    "parents": lambda f: f[2].clear(),
    "itself": lambda f: f[2].__setitem__(0, f[0]),
    "nowhere": lambda f: f[2].__setitem__(0, 99),
    "negative": lambda f: f[2].__setitem__(0, -1),
    "text": lambda f: f.__setitem__(3, "1"),
    "infinite": lambda f: f.__setitem__(3, float("inf")),
    "cut": lambda f: f.__setitem__(4, 64),
    "true": lambda f: f.__setitem__(4, True),
    "none": lambda f: f.__setitem__(0, 77),
}


@pytest.mark.parametrize("change", FACTS)
def test_headers_that_lie_are_refused(change):
    facts = Reader(io.BytesIO(compress(momenta(), "schema"))).facts
    assert facts["formulas"] and max(facts["variants"]) >= FOLLOWS
    Header.from_dict(facts)
    FACTS[change](facts["formulas"][0])
    with pytest.raises(HepaeError, match="damaged header"): Header.from_dict(facts)


def test_a_parent_that_escapes_takes_the_column_with_it():
    "A plan lets a few values near 0 escape: they come back exactly, so a formula gives something else for them."
    r = np.random.default_rng(6)
    a = r.uniform(50, 100, 4000) * r.choice([-1, 1], 4000)
    a[::800] = r.uniform(-1, 1, 5)
    table = pd.DataFrame({"a": a, "b": 3 * a, "c": r.normal(0, 1, 4000)}).astype("f4")
    header = make_header(with_schema(table, with_bounds(infer_schema(table), "a=rel:1e-2,b=rel:1e-4")))
    assert header.formulas and any(p.dead_zone for p in header.plan)
    back = decompress(compress(table, "a=rel:1e-2,b=rel:1e-4"))
    assert bound_violations(table, back, schema_of(back)).sum() == 0


def test_the_plan_of_another_file_comes_with_its_formulas(monkeypatch):
    monkeypatch.setattr("hepae.codec.one_plan.WORSE", 100)
    table = pd.DataFrame(jets(3000))
    table = with_schema(table, with_bounds(infer_schema(table), "exact"))
    given = given_plan(make_header(table), table)
    few = with_schema(table.iloc[:40], schema_of(table))
    assert not make_header(few).formulas
    assert header_like(few, given).formulas == given.header.formulas != ()


def test_a_chain_in_the_wrong_order_is_refused():
    facts = Reader(io.BytesIO(compress(pd.DataFrame(jets(300))))).facts
    facts["formulas"] = [[0, "times", [1], 2.0, 0], [1, "times", [2], 2.0, 0]]
    facts["variants"] = [4096, 4096, *[0] * (len(facts["variants"]) - 2)]
    with pytest.raises(HepaeError, match="damaged header"): Header.from_dict(facts)
    facts["formulas"] = facts["formulas"][::-1]
    assert len(Header.from_dict(facts).formulas) == 2


@pytest.mark.parametrize("how", ["twice", "circle", "variant", "no variant", "dither", "model"])
def test_formulas_that_do_not_fit_are_refused(how):
    facts = Reader(io.BytesIO(compress(momenta(), "schema"))).facts
    first, *_ = facts["formulas"]
    if how == "twice": facts["formulas"].append(first)
    if how == "circle": facts["formulas"].append([first[2][0], "times", [first[0]], 1.0, 0])
    if how == "variant": facts["variants"][first[0]] -= FOLLOWS
    if how == "no variant": facts["formulas"].pop(0)
    if how == "dither": facts["dither"] = 3
    if how == "model": facts["model"] = "0" * 16
    with pytest.raises(HepaeError, match="damaged header"): Header.from_dict(facts)


def test_a_column_without_a_formula_takes_no_more():
    "Noise is left alone."
    r = np.random.default_rng(5)
    table = pd.DataFrame(r.normal(0, 1, (500, 30)).astype("f4"), columns=[f"c{k}" for k in range(30)])
    assert make_header(table).formulas == ()


def test_a_tower_of_formulas_is_decoded_once(monkeypatch):
    "Each column needs the one below it eight times; asked for the top, a reader computes four formulas."
    from hepae.codec import dataset_chunk
    from hepae.codec.datasets import read_datasets, write_datasets
    from hepae.dataset import Dataset
    tower = tuple(Follows(k, "pair of angles", (k - 1,) * 8) for k in range(1, 5))
    monkeypatch.setattr("hepae.codec.new_header.formulas_of", lambda *_: tower)
    table = pd.DataFrame(np.random.default_rng(1).uniform(0.5, 1, (300, 5)), columns=list("abcde"))
    data = io.BytesIO()
    write_datasets([Dataset({"events": table})], data)
    calls, predicted = [], dataset_chunk.predicted_bins
    monkeypatch.setattr(dataset_chunk, "predicted_bins", lambda *args: calls.append(args) or predicted(*args))
    [back] = read_datasets(io.BytesIO(data.getvalue()))
    assert equal(back.tables["events"], table) and len(calls) <= 8


def test_headers_with_thousands_of_formulas_are_checked_at_once():
    n = 4000
    columns = pd.DataFrame(np.arange(8)[:, None] + np.full(n, 0.5), columns=[f"c{k}" for k in range(n)])
    facts = Reader(io.BytesIO(compress(columns))).facts
    facts["variants"] = [v + FOLLOWS * (k > 0) for k, v in enumerate(facts["variants"])]
    began = time.process_time()
    facts["formulas"] = [[k, "times", [0], 2.0, 0] for k in range(1, n)]
    assert len(Header.from_dict(facts).formulas) == n - 1
    facts["formulas"] = [[k, "times", [k - 1], 2.0, 0] for k in range(1, n)]
    with pytest.raises(HepaeError, match="damaged header"): Header.from_dict(facts)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("share", [0.3, 0.92])
def test_the_search_is_small_where_rows_are_filled_up(share):
    "Hundreds of columns with the same filler in most rows, as of a fourth jet that is not there."
    r = np.random.default_rng(2)
    x = np.where(r.random((2000, 150)) < share, -999, r.exponential(40, (2000, 150))).astype("f4")
    table = pd.DataFrame(x, columns=[f"c{k}" for k in range(150)])
    began = time.process_time()
    assert make_header(table).formulas == ()
    assert time.process_time() - began < 4


@pytest.mark.parametrize("filler", [np.nan, -999, 0])
def test_rows_without_a_value_leave_the_others_as_they_are(filler):
    "One energy in a hundred is missing; its bins are far away, and all others where the formula says."
    r, n = np.random.default_rng(1), 8000
    p = r.normal(0, 30, (3, n)).astype("f4").astype(float)
    table = pd.DataFrame(dict(zip(("px", "py", "pz"), p)) | {"E": np.sqrt((p**2).sum(0) + 0.1**2)}).astype("f4")
    table.loc[r.random(n) < 0.01, "E"] = np.float32(filler)
    data, without = compress(table), compress(table[["px", "py", "pz"]])
    assert 8 * (len(data) - len(without)) / n < 1.5
    assert equal(decompress(data), table)

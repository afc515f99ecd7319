"""Tables that are more than numbers: what is read, stored and written comes back, or is refused in one sentence."""
import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import hepae.io.tables
from hepae.codec.files import compress_files, decompress_file
from hepae.codec.plain import from_plain, is_plain, to_plain
from hepae.core import HepaeError
from hepae.cuts import filter_events, refuse_nonfinite
from hepae.io.files import describe, extract, read, write
from hepae.io.tables import joined, read_csv_chunks, read_parquet_chunks
from hepae.schema import infer_schema, schema_of, with_schema

INTEGERS = [f"{u}int{b}" for u in ("", "u") for b in (8, 16, 32, 64)]
SOME = settings(max_examples=40, deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))


def integers(dtype):
    "A strategy of the integers of a dtype, its ends often."
    ends = np.iinfo(dtype)
    return st.one_of(st.sampled_from([ends.min, ends.max, 0]), st.integers(ends.min, ends.max))


def lists(strategy, n, gaps=True):
    "n values, or None."
    return st.lists(st.one_of(st.none(), strategy) if gaps else strategy, min_size=n, max_size=n)


def number(draw, n):
    "Numbers of any width and byte order."
    dtype = np.dtype(draw(st.sampled_from(["?", "f2", "f4", "f8", ">f2", ">f4", ">f8", *INTEGERS, *(np.dtype(i).newbyteorder(">").str for i in INTEGERS)])))
    return np.frombuffer(draw(st.binary(min_size=8 * n, max_size=8 * n)), np.uint8)[:n * dtype.itemsize].copy().view(dtype) if dtype.kind != "b" else np.array(draw(lists(st.booleans(), n, False)), bool)


def nullable(draw, n):
    "pandas' numbers with gaps."
    dtype = draw(st.sampled_from(["boolean", "Float32", "Float64", *(i.replace("int", "Int").replace("uInt", "UInt") for i in INTEGERS)]))
    kinds = {"b": st.booleans(), "F": st.floats(width=32, allow_nan=False)}
    values = kinds[dtype[0]] if dtype[0] in kinds else integers(dtype.lower())
    return pd.array(draw(lists(values, n)), dtype=dtype)


def text(draw, n):
    "Text of pandas and of Python."
    dtype = draw(st.sampled_from([pd.StringDtype(s, v) for s in ("python", "pyarrow") for v in (pd.NA, np.nan)] + [object]))
    few = st.sampled_from(["", "EB", "EE", "NA", "nan", "η", "a,b\n", "1"])
    values = draw(lists(st.one_of(few, st.text(st.characters(exclude_categories=["Cs"])), ), n))
    return pd.array(values, dtype=dtype) if dtype is not object else pd.Series(values, dtype=object).array


def objects(draw, n):
    "Python's own values, mixed."
    some = st.one_of(st.integers(), st.floats(), st.booleans(), st.text(), st.binary(), st.dates(), st.sampled_from([None, pd.NA, pd.NaT, Decimal("1.10")]))
    values = pd.Series([None] * n, dtype=object)
    for k, v in enumerate(draw(lists(some, n, False))): values.iat[k] = v
    return values.array


def times(draw, n):
    "Dates and durations, of any unit and zone."
    unit, zone = draw(st.sampled_from(["s", "ms", "us", "ns"])), draw(st.sampled_from(["", ", UTC", ", Europe/Berlin", ", UTC+01:00"]))
    kind = draw(st.sampled_from(["datetime64", "timedelta64"]))
    numbers = np.array([np.iinfo("i8").min if v is None else v for v in draw(lists(st.integers(-10**9, 4 * 10**9), n))], "i8").view(f"{kind}[{unit}]")
    return pd.array(numbers, dtype=numbers.dtype) if kind == "timedelta64" or not zone else pd.DatetimeIndex(numbers).tz_localize("UTC").tz_convert(zone[2:]).array


def categories(draw, n):
    "Categories of text, numbers, times, …; some without a row."
    some = draw(st.sampled_from([["b", "a", "", "NA"], [3, 1, 2], [1.5, -0.0], [True, False], pd.to_datetime(["2024-01-01", "2020-01-01"]), pd.array([1, 2], "Int64")]))
    return pd.Categorical.from_codes(draw(lists(st.integers(-1, len(some) - 1), n, False)), categories=pd.Index(some), ordered=draw(st.booleans()))


def arrow(draw, n):
    "Columns of Arrow."
    kinds = [(pa.int8(), integers("int8")), (pa.uint64(), integers("uint64")), (pa.float32(), st.floats(width=32)), (pa.float64(), st.floats()), (pa.bool_(), st.booleans()),
             (pa.string(), st.text(st.characters(exclude_categories=["Cs"]))), (pa.large_string(), st.sampled_from(["a", ""])), (pa.binary(), st.binary()), (pa.date32(), st.dates()),
             (pa.timestamp("us"), st.datetimes()), (pa.timestamp("ms", "UTC"), st.datetimes().map(lambda t: t.replace(microsecond=0))), (pa.duration("us"), st.timedeltas(datetime.timedelta(-9), datetime.timedelta(9))),
             (pa.decimal128(7, 2), st.decimals(-999, 999, places=2)), (pa.time64("us"), st.times()), (pa.null(), st.none())]
    kind, values = draw(st.sampled_from(kinds))
    return pd.arrays.ArrowExtensionArray(pa.array(draw(lists(values, n)), kind))


COLUMNS = [number, nullable, text, objects, times, categories, arrow]


@st.composite
def indexes(draw, n):
    "An index of some levels, of any dtype and name."
    if draw(st.booleans()): return pd.RangeIndex(s := draw(st.integers(-5, 5)), s + (t := draw(st.sampled_from([1, -3, 7]))) * n, t)
    names = st.one_of(st.none(), st.text(max_size=3), st.integers(-2, 2), st.just(("run", 1)))
    if draw(st.booleans()): return pd.Index(np.arange(n, dtype=draw(st.sampled_from([">i4", ">u2", ">f8"]))), name=draw(names))
    level = lambda draw, n: np.array(draw(lists(st.integers(0, 9), n, False)), draw(st.sampled_from(INTEGERS[:1] * 9 + INTEGERS)))
    kinds = draw(st.lists(st.sampled_from([level, level, nullable, text, times, categories]), min_size=1, max_size=3))
    levels = [pd.Index(x := kind(draw, n), dtype=x.dtype, name=draw(names)) for kind in kinds * draw(st.sampled_from([1, 1, 1, 4]))]
    return levels[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)


@st.composite
def tables(draw):
    "A table of some columns of any kind."
    n = draw(st.integers(0, 6))
    kinds = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=4))
    index = draw(indexes(n))
    names = draw(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3), min_size=len(kinds), max_size=len(kinds), unique=True))
    return pd.DataFrame({name: pd.Series(x := kind(draw, n), dtype=x.dtype, index=index) for name, kind in zip(names, kinds)})


def alike(a, b):
    "assert_frame_equal, and the values of objects by their type."
    assert_frame_equal(a, b, check_exact=True, check_index_type=True)
    for name in a:
        if a[name].dtype == object: assert [type(x) for x in a[name]] == [type(x) for x in b[name]]
        if a[name].dtype.kind == "f" and isinstance(a[name].dtype, np.dtype): assert a[name].to_numpy().tobytes() == b[name].to_numpy().tobytes()


@SOME
@given(tables())
def test_any_table_is_plain_and_back(table):
    "Whatever a table holds, its plain form is numbers under an index of integers, and it comes back."
    plain, recipe, texts = to_plain(table)
    assert is_plain(plain) and len(plain) == len(table)
    recipe = json.loads(json.dumps(recipe))  # it travels as JSON
    alike(from_plain(plain, recipe, texts), table)
    assert schema_of(from_plain(plain, recipe, texts)) == schema_of(table)
    alike(from_plain(plain, recipe, texts).iloc[:0], table.iloc[:0])


@SOME
@given(tables(), st.integers(0, 6))
def test_recipe_knows_no_values(table, k):
    "Chunks of one table have one recipe."
    for part in (table.iloc[:k], table.iloc[k:]):
        assert to_plain(part)[1] == to_plain(table)[1]
        back = from_plain(*to_plain(part))
        if len(part): alike(back, part)  # pandas infers another type of index level where there are no rows
        assert list(back.dtypes) == list(part.dtypes) and back.index.names == part.index.names


@SOME
@given(tables(), st.data())
def test_damaged_texts_are_refused(table, data):
    "A byte changed in texts, or a part of the recipe replaced, gives a table or one sentence."
    plain, recipe, texts = to_plain(table)
    texts = [bytearray(t) for t in texts]
    if any(texts):
        victim = data.draw(st.sampled_from([t for t in texts if t]))
        victim[data.draw(st.integers(0, len(victim) - 1))] ^= data.draw(st.integers(1, 255))
    for spec in recipe.get("columns", {}).values():
        if data.draw(st.booleans()): spec[data.draw(st.sampled_from(["dtype", "gaps", "ordered"]))] = data.draw(st.sampled_from(["Int64", "str", "category", 3, None, "datetime64[ns, ../x]", "decimal128(99, 2)[pyarrow]"]))
    try: from_plain(plain, recipe, [bytes(t) for t in texts])
    except HepaeError as e: assert len(str(e)) < 300


# ── files of tables ─────────────────────────────────────────────────────────


def written(tmp_path, text):
    "A CSV file with this text."
    (tmp_path / "t.csv").write_bytes(text.encode())
    return tmp_path / "t.csv"


@pytest.mark.parametrize("texts, dtype, values", [
    (["1", "-2", "+3"], "int64", [1, -2, 3]), (["9007199254740993", ""], "Int64", [2**53 + 1, None]), (["18446744073709551615", "0"], "uint64", [2**64 - 1, 0]),
    (["18446744073709551615", "NA"], "UInt64", [2**64 - 1, None]), (["18446744073709551615", "-1"], "str", ["18446744073709551615", "-1"]), (["1", "2.5"], "float64", [1, 2.5]),
    (["0.1", "5e-324", "1e999", "nan", "-0.0"], "float64", [0.1, 5e-324, np.inf, np.nan, -0.0]), (["True", "false"], "bool", [True, False]), (["True", ""], "boolean", [True, None]),
    (["EB", "", "NA"], "str", ["EB", "", "NA"]), (['"a,b"', '"c\nd"'], "str", ["a,b", "c\nd"]), (["1", "x"], "str", ["1", "x"]), (["", ""], "float64", [np.nan, np.nan])])
def test_csv_column_has_one_type(tmp_path, texts, dtype, values):
    "The type that holds every row, and every row as it is written."
    table = read(written(tmp_path, "a,b\r\n" + "".join(f"{t},1\r\n" for t in texts)))
    expected = pd.Series(values, dtype=pd.StringDtype(na_value=np.nan) if dtype == "str" else dtype, name="a")
    pd.testing.assert_series_equal(table["a"], expected, check_exact=True)
    if dtype == "float64": assert table["a"].to_numpy().tobytes() == expected.to_numpy().tobytes()


def test_csv_type_over_all_blocks(tmp_path, monkeypatch):
    "A fraction, a gap or a letter at the end counts for the first row, too."
    monkeypatch.setattr(hepae.io.tables, "CSV_BLOCK", 2000)
    rows = [f"{i},{i},{i}" for i in range(3000)] + ["1.5,,x"]
    chunks = list(read_csv_chunks(written(tmp_path, "f,g,t\n" + "\n".join(rows) + "\n")))
    assert len(chunks) > 5 and {tuple(map(str, c.dtypes)) for c in chunks} == {("float64", "Int64", "str")}
    table = joined(chunks)
    assert table["f"].sum() == 3000 * 2999 / 2 + 1.5 and table["t"].iloc[7] == "7" and table.index.equals(pd.RangeIndex(3001))


@pytest.mark.parametrize("text, said", [("a,a\n1,2\n", "'a' occurs twice"), ("a,,b\n1,2,3\n", "column 2 has no name"), ("a,b\n1,2\n3\n", "row 3 has 1 fields"), ("a,b\n1,2\n3,4,5\n", "row 3 has 3 fields")])
def test_csv_that_is_no_table_is_named(tmp_path, text, said):
    with pytest.raises(HepaeError, match=said): read(written(tmp_path, text))


OWN = [pd.Index([30, 10, 20, 10], name="id"), pd.Index(["x", "y", "x", "z"], name="station"), pd.MultiIndex.from_arrays([[1, 1, 1, 2], [0, 0, 1, 0], [0, 1, 0, 0]], names=["run", "evt", "jet"]),
       pd.Index(np.arange(4.0)), pd.Index(np.arange(4, dtype="u1")), pd.RangeIndex(5, 13, 2, name="q"), pd.MultiIndex.from_arrays([[7, 7, 3, 7], [0, 1, 0, 2]], names=["run", "event"]), pd.MultiIndex.from_arrays([[-5, 2**40, 0, 0], [3, -9, 1, 1]], names=["entry", "subentry"])]


@pytest.mark.parametrize("index", OWN, ids=lambda i: "-".join(map(str, i.names)) + str(i.dtype))
@pytest.mark.parametrize("suffix", [".pkl", ".parquet"])
def test_an_own_index_travels(tmp_path, index, suffix):
    "Through reading, writing and joining: its order, names, levels and numbers."
    table = pd.DataFrame({"a": np.arange(4.0)}, index=index)
    (table.to_pickle if suffix == ".pkl" else table.to_parquet)(tmp_path / f"a{suffix}")
    assert_frame_equal(read(tmp_path / f"a{suffix}"), table)
    for other in (".pkl", ".parquet"):
        extract([tmp_path / f"a{suffix}"], tmp_path / f"b{other}", force=True, dims=["a"])
        assert_frame_equal(pd.read_pickle(tmp_path / "b.pkl") if other == ".pkl" else pd.read_parquet(tmp_path / "b.parquet"), table)
    if index.names != ["entry", "subentry"]: assert_frame_equal(read([tmp_path / f"a{suffix}"] * 2), pd.concat([table, table]))
    else:
        with pytest.raises(HepaeError, match="entries below 0"): read([tmp_path / f"a{suffix}"] * 2)


@pytest.mark.parametrize("labels", [[1.5, 2.5], ["x", "y"], np.array([2**63, 2**64 - 1], "u8")], ids=["floats", "text", "uint64"])
def test_indexes_of_other_kinds_are_not_joined(tmp_path, labels):
    "Integers beside floats would be rounded, beside text they would be no level of one dtype."
    whole = pd.DataFrame({"a": [1.0, 2.0]}, index=pd.Index([2**53 + 1, 3], name="id"))
    whole.to_pickle(tmp_path / "a.pkl")
    whole.set_axis(pd.Index(labels, name="id")).to_pickle(tmp_path / "b.pkl")
    with pytest.raises(HepaeError, match="b.pkl.*an index of .* follows one of int64"): read([tmp_path / "a.pkl", tmp_path / "b.pkl"])
    assert_frame_equal(read([tmp_path / "a.pkl", tmp_path / "a.pkl"]), pd.concat([whole, whole]))


def test_rows_without_order_keep_no_half_of_an_index(tmp_path):
    "Numbers of rows go with their order, labels of text do not: both in one index are refused, and --no-index helps."
    r = np.random.default_rng(1)
    index = pd.MultiIndex.from_arrays([r.choice(["EB", "EE"], 2000), r.integers(0, 9, 2000), r.integers(0, 9, 2000)])
    pd.DataFrame({"x": pd.array(r.normal(size=2000), "Float32"), "k": r.integers(0, 5, 2000)}, index=index).to_pickle(tmp_path / "a.pkl")
    with pytest.raises(HepaeError, match="--no-index"): compress_files([tmp_path / "a.pkl"], tmp_path / "a.hepae", unordered="table")
    assert not (tmp_path / "a.hepae").exists()
    assert compress_files([tmp_path / "a.pkl"], tmp_path / "a.hepae", unordered="table", index=False)["rows"] == 2000


def test_what_parquet_cannot_hold_is_said(tmp_path):
    "Objects of several types, integers beyond 64 bits: one sentence, and no file."
    for odd in ([1, "x"], [2**70, -1], [b"x", 1.5]):
        with pytest.raises(HepaeError, match="parquet cannot hold"): write(pd.DataFrame({"a": np.array(odd, object)}), tmp_path / "a.parquet")
        assert list(tmp_path.iterdir()) == []


def test_text_in_views_is_text(tmp_path):
    "Arrow's views hold the same texts as its strings."
    pq.write_table(pa.table({"s": pa.array(["EB", None, ""], pa.string_view()), "b": pa.array([b"x", None, b"\0"], pa.binary_view())}), tmp_path / "v.parquet")
    compress_files([tmp_path / "v.parquet"], tmp_path / "v.hepae")
    assert decompress_file(tmp_path / "v.hepae", tmp_path / "w.parquet")["rows"] == 3
    back = pq.read_table(tmp_path / "w.parquet")
    assert back["s"].to_pylist() == ["EB", None, ""] and back["b"].to_pylist() == [b"x", None, b"\0"]


@pytest.mark.parametrize("index, said", [(pd.Index([3, 1, 2], name="id"), ["the index (id)"]), (pd.RangeIndex(3), []), (pd.RangeIndex(4, 7), []), (pd.Index([0.0, 1, 2]), ["the index (None)"]),
                                         (pd.MultiIndex.from_tuples([(0, 0), (0, 1), (2, 0)], names=["entry", "subentry"]), []),
                                         (pd.MultiIndex.from_tuples([(0, 0), (0, 7), (2, 0)], names=["entry", "subentry"]), ["the index (entry, subentry)"])], ids=str)
def test_a_tree_has_no_place_for_an_own_index(tmp_path, index, said):
    "It is said when the table becomes a ROOT file, once."
    pd.DataFrame({"pt": [1.0, 2, 3]}, index=index).to_pickle(tmp_path / "a.pkl")
    compress_files([tmp_path / "a.pkl"], tmp_path / "a.hepae")
    remarks = []
    decompress_file(tmp_path / "a.hepae", tmp_path / "a.root", remark=remarks.append)
    assert [r.partition(": ")[2] for r in remarks] == said


def test_parquet_column_has_one_type(tmp_path):
    "A null in the second row group only, dictionaries that differ, dates and decimals."
    schema = pa.schema([("n", pa.int64()), ("b", pa.bool_()), ("c", pa.dictionary(pa.int8(), pa.string())), ("day", pa.date32()), ("x", pa.decimal128(5, 2)), ("u", pa.uint8()), ("h", pa.float16())])
    day = datetime.date(2024, 5, 1)
    groups = [{"n": [2**53 + 1, 2], "b": [True, False], "c": ["p", "q"], "day": [day, day], "x": [Decimal("1.10")] * 2, "u": [1, 255], "h": [np.float16(1.5)] * 2},
              {"n": [None, -2**63], "b": [None, True], "c": ["r", "p"], "day": [None, day], "x": [None, Decimal("-3.00")], "u": [0, 7], "h": [np.float16(2)] * 2}]
    with pq.ParquetWriter(tmp_path / "g.parquet", schema) as writer:
        for g in groups: writer.write_table(pa.table({f.name: pa.array(g[f.name], f.type) for f in schema}, schema=schema))
    chunks = list(read_parquet_chunks(tmp_path / "g.parquet"))
    assert len(chunks) == 2 and list(chunks[0].dtypes) == list(chunks[1].dtypes)
    table = read(tmp_path / "g.parquet")
    assert [str(d) for d in table.dtypes] == ["Int64", "boolean", "category", "date32[day][pyarrow]", "decimal128(5, 2)[pyarrow]", "uint8", "float16"]
    assert table["n"].tolist() == [2**53 + 1, 2, pd.NA, -2**63] and table["c"].tolist() == ["p", "q", "r", "p"]
    assert_frame_equal(from_plain(*to_plain(table)), table)


def test_columns_of_numbers_beside_text(tmp_path):
    "What is asked for is extracted, what is text is kept where it can be, and what computes names the column."
    path = written(tmp_path, "Run,pt,eta,phi,type\n" + "".join(f"1,{20 + i},{i * .1},{i * .05},{'EB' if i % 2 else 'EE'}\n" for i in range(30)))
    for suffix in (".pkl", ".parquet", ".csv"):
        extract([path], tmp_path / f"o{suffix}", dims=None)
        assert read(tmp_path / f"o{suffix}")["type"].tolist()[:2] == ["EE", "EB"]
    extract([path], tmp_path / "n.parquet", dims=["pt", "eta", "phi"])
    assert list(read(tmp_path / "n.parquet")) == ["pt", "eta", "phi"]
    assert describe(path)["columns"][4] == {"name": "type", "dtype": "str", "unit": "", "kind": "text", "bound": "exact", "min": None, "max": None, "nonfinite": 0, "values": 2}
    with pytest.raises(HepaeError, match="column type \\(str\\) holds no plain numbers"): refuse_nonfinite(read(path))
    with pytest.raises(HepaeError, match="column E has dtype str, from which m cannot be computed"): read(path, ["m"], columns={"pt": "pt", "eta": "eta", "phi": "phi", "E": "type"})
    with pytest.raises(HepaeError, match="cut on type"): filter_events(read(path), "type > 3")
    assert len(filter_events(read(path), "finite,pt >= 30")[0]) == 20


def test_files_that_differ_are_not_joined(tmp_path):
    "Units, formats, components, dtypes: the sentence names both files."
    t = pd.DataFrame({"pt": np.arange(1.0, 4), "m": np.ones(3)})
    for name, unit in (("mev", "MeV"), ("gev", "GeV"), ("none", "")): write(with_schema(t, infer_schema(t, unit)), tmp_path / f"{name}.parquet")
    write(t.astype("float32"), tmp_path / "f4.parquet")
    t.to_pickle(tmp_path / "a.pkl")
    t[["pt"]].to_parquet(tmp_path / "pt.parquet")
    paths = {n: tmp_path / n for n in ("mev.parquet", "gev.parquet", "none.parquet", "f4.parquet", "a.pkl", "pt.parquet")}
    for a, b, said in [("mev", "gev", "in MeV"), ("gev", "none", "none that is known"), ("none", "gev", "in GeV"), ("none", "f4", "float32"), ("none", "pt", "treat these")]:
        with pytest.raises(HepaeError, match=said) as e: read([paths[f"{a}.parquet"], paths[f"{b}.parquet"]])
        assert f"{a}.parquet" in str(e.value) and f"{b}.parquet" in str(e.value)
    with pytest.raises(HepaeError, match="format"): read([paths["none.parquet"], paths["a.pkl"]])
    assert len(read([paths["mev.parquet"]] * 2)) == 6


def test_a_cut_with_a_unit_needs_a_column_with_one():
    t = pd.DataFrame({"pt": np.float32([5e3, 2e4, 4e4, 9e4]), "n": [1, 2, 3, 4]})
    with pytest.raises(HepaeError, match="--unit"): filter_events(t, "pt > 25 GeV")
    with pytest.raises(HepaeError, match="unit of n is not known"): filter_events(with_schema(t, infer_schema(t, "MeV")), "n > 25 GeV")
    assert len(filter_events(t, "pt > 25000")[0]) == len(filter_events(with_schema(t, infer_schema(t, "MeV")), "pt > 25 GeV")[0]) == 2
    gaps = t.assign(n=pd.array([1, None, 3, 4], "Int64"))
    assert filter_events(gaps, "n > 2")[0]["pt"].tolist() == [4e4, 9e4]


@pytest.mark.parametrize("name", ["a.pkl", "a.parquet", "a.csv", "a.root", "a.hepae", "own.parquet"])
def test_tables_can_be_changed(tmp_path, name):
    "What pandas allows on a table of its own, it allows on ours."
    t = pd.DataFrame({"pt": np.arange(1, 6.0), "eta": np.zeros(5), "phi": np.ones(5), "m": np.ones(5)})
    if name == "own.parquet": t.to_parquet(tmp_path / name)
    elif name == "a.hepae":
        write(t, tmp_path / "a.parquet")
        compress_files([tmp_path / "a.parquet"], tmp_path / name)
    else: write(t, tmp_path / name)
    d = read(tmp_path / name)
    d.loc[d.index[2], "pt"] *= 2
    d.iloc[0, d.columns.get_loc("m")] = 5
    d.loc[:, "phi"] = 3.0
    d["new"] = 1
    d.to_numpy()[0] = 1
    assert d["pt"].iloc[2] == pytest.approx(6, rel=2e-3) and d["m"].iloc[0] == 5 and (d["phi"] == 3).all() and (d["new"] == 1).all()

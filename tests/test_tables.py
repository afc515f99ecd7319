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

import hepae.io.csv_files
from hepae.codec.plain import from_plain, is_plain, to_plain
from hepae.core import HepaeError
from hepae.files.compression import compress_files, verify_file
from hepae.files.decompression import decompress_file
from hepae.files.description import describe
from hepae.files.extraction import extract
from hepae.files.reading import read, write
from hepae.io.chunks import joined
from hepae.io.csv_files import read_csv_chunks
from hepae.io.parquet import read_parquet_chunks
from hepae.io.tables import write_chunks
from hepae.physics.cuts import filter_events, refuse_nonfinite
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
    dtype = np.dtype(
        draw(
            st.sampled_from(
                [
                    "?", "f2", "f4", "f8", ">f2", ">f4", ">f8", *INTEGERS,
                    *(np.dtype(i).newbyteorder(">").str for i in INTEGERS),
                ]
            )
        )
    )
    return (
        np.frombuffer(draw(st.binary(min_size=8 * n, max_size=8 * n)), np.uint8)[: n * dtype.itemsize]
        .copy()
        .view(dtype)
        if dtype.kind != "b"
        else np.array(draw(lists(st.booleans(), n, False)), bool)
    )


def nullable(draw, n):
    "pandas' numbers with gaps."
    dtype = draw(
        st.sampled_from(
            ["boolean", "Float32", "Float64", *(i.replace("int", "Int").replace("uInt", "UInt") for i in INTEGERS)]
        )
    )
    kinds = {"b": st.booleans(), "F": st.floats(width=32, allow_nan=False)}
    values = kinds[dtype[0]] if dtype[0] in kinds else integers(dtype.lower())
    return pd.array(draw(lists(values, n)), dtype=dtype)


def text(draw, n):
    "Text of pandas and of Python."
    dtype = draw(
        st.sampled_from([pd.StringDtype(s, v) for s in ("python", "pyarrow") for v in (pd.NA, np.nan)] + [object])
    )
    few = st.sampled_from(["", "EB", "EE", "NA", "nan", "η", "a,b\n", "1"])
    values = draw(
        lists(
            st.one_of(
                few,
                st.text(st.characters(exclude_categories=["Cs"])),
            ),
            n,
        )
    )
    return pd.array(values, dtype=dtype) if dtype is not object else pd.Series(values, dtype=object).array


def objects(draw, n):
    "Python's own values, mixed."
    some = st.one_of(
        st.integers(), st.floats(), st.booleans(), st.text(), st.binary(), st.dates(),
        st.sampled_from([None, pd.NA, pd.NaT, Decimal("1.10")]),
    )
    values = pd.Series([None] * n, dtype=object)
    for k, v in enumerate(draw(lists(some, n, False))):
        values.iat[k] = v
    return values.array


def times(draw, n):
    "Dates and durations, of any unit and zone."
    unit, zone = (
        draw(st.sampled_from(["s", "ms", "us", "ns"])),
        draw(st.sampled_from(["", ", UTC", ", Europe/Berlin", ", UTC+01:00"])),
    )
    kind = draw(st.sampled_from(["datetime64", "timedelta64"]))
    numbers = np.array(
        [np.iinfo("i8").min if v is None else v for v in draw(lists(st.integers(-(10**9), 4 * 10**9), n))], "i8"
    ).view(f"{kind}[{unit}]")
    return (
        pd.array(numbers, dtype=numbers.dtype)
        if kind == "timedelta64" or not zone
        else pd.DatetimeIndex(numbers).tz_localize("UTC").tz_convert(zone[2:]).array
    )


def categories(draw, n):
    "Categories of text, numbers, times, …; some without a row."
    some = draw(
        st.sampled_from(
            [
                ["b", "a", "", "NA"], [3, 1, 2], [1.5, -0.0], [True, False],
                pd.to_datetime(["2024-01-01", "2020-01-01"]), pd.array([1, 2], "Int64"),
            ]
        )
    )
    return pd.Categorical.from_codes(
        draw(lists(st.integers(-1, len(some) - 1), n, False)), categories=pd.Index(some), ordered=draw(st.booleans())
    )


def arrow(draw, n):
    "Columns of Arrow."
    kinds = [
        (pa.int8(), integers("int8")),
        (pa.uint64(), integers("uint64")),
        (pa.float32(), st.floats(width=32)),
        (pa.float64(), st.floats()),
        (pa.bool_(), st.booleans()),
        (pa.string(), st.text(st.characters(exclude_categories=["Cs"]))),
        (pa.large_string(), st.sampled_from(["a", ""])),
        (pa.binary(), st.binary()),
        (pa.date32(), st.dates()),
        (pa.timestamp("us"), st.datetimes()),
        (pa.timestamp("ms", "UTC"), st.datetimes().map(lambda t: t.replace(microsecond=0))),
        (pa.duration("us"), st.timedeltas(datetime.timedelta(-9), datetime.timedelta(9))),
        (pa.decimal128(7, 2), st.decimals(-999, 999, places=2)),
        (pa.time64("us"), st.times()),
        (pa.null(), st.none()),
    ]
    kind, values = draw(st.sampled_from(kinds))
    return pd.arrays.ArrowExtensionArray(pa.array(draw(lists(values, n)), kind))


COLUMNS = [number, nullable, text, objects, times, categories, arrow]


@st.composite
def indexes(draw, n):
    "An index of some levels, of any dtype and name."
    if draw(st.booleans()):
        return pd.RangeIndex(s := draw(st.integers(-5, 5)), s + (t := draw(st.sampled_from([1, -3, 7]))) * n, t)
    names = st.one_of(st.none(), st.text(max_size=3), st.integers(-2, 2), st.just(("run", 1)))
    if draw(st.booleans()):
        return pd.Index(np.arange(n, dtype=draw(st.sampled_from([">i4", ">u2", ">f8"]))), name=draw(names))
    level = lambda draw, n: np.array(
        draw(lists(st.integers(0, 9), n, False)), draw(st.sampled_from(INTEGERS[:1] * 9 + INTEGERS))
    )
    kinds = draw(st.lists(st.sampled_from([level, level, nullable, text, times, categories]), min_size=1, max_size=3))
    levels = [
        pd.Index(x := kind(draw, n), dtype=x.dtype, name=draw(names))
        for kind in kinds * draw(st.sampled_from([1, 1, 1, 4]))
    ]
    return levels[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)


@st.composite
def tables(draw):
    "A table of some columns of any kind."
    n = draw(st.integers(0, 6))
    kinds = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=4))
    index = draw(indexes(n))
    names = draw(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3),
            min_size=len(kinds),
            max_size=len(kinds),
            unique=True,
        )
    )
    return pd.DataFrame(
        {name: pd.Series(x := kind(draw, n), dtype=x.dtype, index=index) for name, kind in zip(names, kinds)}
    )


def alike(a, b):
    "assert_frame_equal, and the values of objects by their type."
    assert_frame_equal(a, b, check_exact=True, check_index_type=True)
    for name in a:
        if a[name].dtype == object:
            assert [type(x) for x in a[name]] == [type(x) for x in b[name]]
        if a[name].dtype.kind == "f" and isinstance(a[name].dtype, np.dtype):
            assert a[name].to_numpy().tobytes() == b[name].to_numpy().tobytes()


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
        if len(part):
            alike(back, part)  # pandas infers another type of index level where there are no rows
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
        if data.draw(st.booleans()):
            spec[data.draw(st.sampled_from(["dtype", "gaps", "ordered"]))] = data.draw(
                st.sampled_from(
                    ["Int64", "str", "category", 3, None, "datetime64[ns, ../x]", "decimal128(99, 2)[pyarrow]"]
                )
            )
    try:
        from_plain(plain, recipe, [bytes(t) for t in texts])
    except HepaeError as e:
        assert len(str(e)) < 300


# ── files of tables ─────────────────────────────────────────────────────────


def written(tmp_path, text):
    "A CSV file with this text."
    (tmp_path / "t.csv").write_bytes(text.encode())
    return tmp_path / "t.csv"


@pytest.mark.parametrize(
    "texts, dtype, values",
    [
        (["1", "-2", "+3"], "int64", [1, -2, 3]),
        (["9007199254740993", ""], "Int64", [2**53 + 1, None]),
        (["18446744073709551615", "0"], "uint64", [2**64 - 1, 0]),
        (["18446744073709551615", "NA"], "UInt64", [2**64 - 1, None]),
        (["18446744073709551615", "-1"], "str", ["18446744073709551615", "-1"]),
        (["1", "2.5"], "float64", [1, 2.5]),
        (["0.1", "5e-324", "1e999", "nan", "-0.0"], "float64", [0.1, 5e-324, np.inf, np.nan, -0.0]),
        (["True", "false"], "bool", [True, False]),
        (["True", ""], "boolean", [True, None]),
        (["EB", "", "NA"], "str", ["EB", "", "NA"]),
        (['"a,b"', '"c\nd"'], "str", ["a,b", "c\nd"]),
        (["1", "x"], "str", ["1", "x"]),
        (["", ""], "float64", [np.nan, np.nan]),
    ],
)
def test_csv_column_has_one_type(tmp_path, texts, dtype, values):
    "The type that holds every row, and every row as it is written."
    table = read(written(tmp_path, "a,b\r\n" + "".join(f"{t},1\r\n" for t in texts)))
    expected = pd.Series(values, dtype=pd.StringDtype(na_value=np.nan) if dtype == "str" else dtype, name="a")
    pd.testing.assert_series_equal(table["a"], expected, check_exact=True)
    if dtype == "float64":
        assert table["a"].to_numpy().tobytes() == expected.to_numpy().tobytes()


def test_csv_type_over_all_blocks(tmp_path, monkeypatch):
    "A fraction, a gap or a letter at the end counts for the first row, too."
    monkeypatch.setattr(hepae.io.csv_files, "CSV_BLOCK", 2000)
    rows = [f"{i},{i},{i}" for i in range(3000)] + ["1.5,,x"]
    chunks = list(read_csv_chunks(written(tmp_path, "f,g,t\n" + "\n".join(rows) + "\n")))
    assert len(chunks) > 5 and {tuple(map(str, c.dtypes)) for c in chunks} == {("float64", "Int64", "str")}
    table = joined(chunks)
    assert (
        table["f"].sum() == 3000 * 2999 / 2 + 1.5
        and table["t"].iloc[7] == "7"
        and table.index.equals(pd.RangeIndex(3001))
    )


@pytest.mark.parametrize(
    "text, said",
    [
        ("a,a\n1,2\n", "'a' occurs twice"), ("a,,b\n1,2,3\n", "column 2 has no name"),
        ("a,b\n1,2\n3\n", "row 3 has 1 fields"), ("a,b\n1,2\n3,4,5\n", "row 3 has 3 fields"),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_csv_that_is_no_table_is_named(tmp_path, text, said, threads):
    "With several threads, Arrow does not say which row it is."
    before = pa.cpu_count()
    pa.set_cpu_count(threads)
    try:
        with pytest.raises(HepaeError, match=said): read(written(tmp_path, text))
    finally: pa.set_cpu_count(before)


OWN = [
    pd.Index([30, 10, 20, 10], name="id"),
    pd.Index(["x", "y", "x", "z"], name="station"),
    pd.MultiIndex.from_arrays([[1, 1, 1, 2], [0, 0, 1, 0], [0, 1, 0, 0]], names=["run", "evt", "jet"]),
    pd.Index(np.arange(4.0)),
    pd.Index(np.arange(4, dtype="u1")),
    pd.RangeIndex(5, 13, 2, name="q"),
    pd.MultiIndex.from_arrays([[7, 7, 3, 7], [0, 1, 0, 2]], names=["run", "event"]),
    pd.MultiIndex.from_arrays([[-5, 2**40, 0, 0], [3, -9, 1, 1]], names=["entry", "subentry"]),
]


@pytest.mark.parametrize("index", OWN, ids=lambda i: "-".join(map(str, i.names)) + str(i.dtype))
@pytest.mark.parametrize("suffix", [".pkl", ".parquet"])
def test_an_own_index_travels(tmp_path, index, suffix):
    "Through reading, writing and joining: its order, names, levels and numbers."
    table = pd.DataFrame({"a": np.arange(4.0)}, index=index)
    (table.to_pickle if suffix == ".pkl" else table.to_parquet)(tmp_path / f"a{suffix}")
    assert_frame_equal(read(tmp_path / f"a{suffix}"), table)
    for other in (".pkl", ".parquet"):
        extract([tmp_path / f"a{suffix}"], tmp_path / f"b{other}", force=True, dims=["a"])
        assert_frame_equal(
            pd.read_pickle(tmp_path / "b.pkl") if other == ".pkl" else pd.read_parquet(tmp_path / "b.parquet"), table
        )
    if index.names != ["entry", "subentry"]:
        assert_frame_equal(read([tmp_path / f"a{suffix}"] * 2), pd.concat([table, table]))
    else:
        with pytest.raises(HepaeError, match="entries below 0"):
            read([tmp_path / f"a{suffix}"] * 2)


@pytest.mark.parametrize(
    "labels", [[1.5, 2.5], ["x", "y"], np.array([2**63, 2**64 - 1], "u8")], ids=["floats", "text", "uint64"]
)
def test_indexes_of_other_kinds_are_not_joined(tmp_path, labels):
    "Integers beside floats would be rounded, beside text they would be no level of one dtype."
    whole = pd.DataFrame({"a": [1.0, 2.0]}, index=pd.Index([2**53 + 1, 3], name="id"))
    whole.to_pickle(tmp_path / "a.pkl")
    whole.set_axis(pd.Index(labels, name="id")).to_pickle(tmp_path / "b.pkl")
    with pytest.raises(HepaeError, match="b.pkl.*an index of .* follows one of int64"):
        read([tmp_path / "a.pkl", tmp_path / "b.pkl"])
    assert_frame_equal(read([tmp_path / "a.pkl", tmp_path / "a.pkl"]), pd.concat([whole, whole]))


def test_rows_without_order_keep_no_half_of_an_index(tmp_path):
    "Numbers of rows go with their order, labels of text do not: both in one index are refused, and --no-index helps."
    r = np.random.default_rng(1)
    index = pd.MultiIndex.from_arrays([r.choice(["EB", "EE"], 2000), r.integers(0, 9, 2000), r.integers(0, 9, 2000)])
    pd.DataFrame({"x": pd.array(r.normal(size=2000), "Float32"), "k": r.integers(0, 5, 2000)}, index=index).to_pickle(
        tmp_path / "a.pkl"
    )
    with pytest.raises(HepaeError, match="--no-index"):
        compress_files([tmp_path / "a.pkl"], tmp_path / "a.hepae", unordered="table")
    assert not (tmp_path / "a.hepae").exists()
    assert compress_files([tmp_path / "a.pkl"], tmp_path / "a.hepae", unordered="table", index=False)["rows"] == 2000


def test_what_parquet_cannot_hold_is_said(tmp_path):
    "Objects of several types, integers beyond 64 bits: one sentence, and no file."
    for odd in ([1, "x"], [2**70, -1], [b"x", 1.5]):
        with pytest.raises(HepaeError, match="parquet cannot hold"):
            write(pd.DataFrame({"a": np.array(odd, object)}), tmp_path / "a.parquet")
        assert list(tmp_path.iterdir()) == []


def test_text_in_views_is_text(tmp_path):
    "Arrow's views hold the same texts as its strings."
    pq.write_table(
        pa.table(
            {"s": pa.array(["EB", None, ""], pa.string_view()), "b": pa.array([b"x", None, b"\0"], pa.binary_view())}
        ),
        tmp_path / "v.parquet",
    )
    compress_files([tmp_path / "v.parquet"], tmp_path / "v.hepae")
    assert decompress_file(tmp_path / "v.hepae", tmp_path / "w.parquet")["rows"] == 3
    back = pq.read_table(tmp_path / "w.parquet")
    assert back["s"].to_pylist() == ["EB", None, ""] and back["b"].to_pylist() == [b"x", None, b"\0"]


@pytest.mark.parametrize(
    "index, said",
    [
        (pd.Index([3, 1, 2], name="id"), ["the index (id)"]),
        (pd.RangeIndex(3), []),
        (pd.RangeIndex(4, 7), []),
        (pd.Index([0.0, 1, 2]), ["the index (None)"]),
        (pd.MultiIndex.from_tuples([(0, 0), (0, 1), (2, 0)], names=["entry", "subentry"]), []),
        (
            pd.MultiIndex.from_tuples([(0, 0), (0, 7), (2, 0)], names=["entry", "subentry"]),
            ["the index (entry, subentry)"],
        ),
    ],
    ids=str,
)
def test_a_tree_has_no_place_for_an_own_index(tmp_path, index, said):
    "It is said when the table becomes a ROOT file, once."
    pd.DataFrame({"pt": [1.0, 2, 3]}, index=index).to_pickle(tmp_path / "a.pkl")
    compress_files([tmp_path / "a.pkl"], tmp_path / "a.hepae")
    remarks = []
    decompress_file(tmp_path / "a.hepae", tmp_path / "a.root", remark=remarks.append)
    assert [r.partition(": ")[2] for r in remarks] == said


def test_parquet_column_has_one_type(tmp_path):
    "A null in the second row group only, dictionaries that differ, dates and decimals."
    schema = pa.schema(
        [
            ("n", pa.int64()), ("b", pa.bool_()), ("c", pa.dictionary(pa.int8(), pa.string())),
            ("day", pa.date32()), ("x", pa.decimal128(5, 2)), ("u", pa.uint8()), ("h", pa.float16()),
        ]
    )
    day = datetime.date(2024, 5, 1)
    groups = [
        {
            "n": [2**53 + 1, 2],
            "b": [True, False],
            "c": ["p", "q"],
            "day": [day, day],
            "x": [Decimal("1.10")] * 2,
            "u": [1, 255],
            "h": [np.float16(1.5)] * 2,
        },
        {
            "n": [None, -(2**63)],
            "b": [None, True],
            "c": ["r", "p"],
            "day": [None, day],
            "x": [None, Decimal("-3.00")],
            "u": [0, 7],
            "h": [np.float16(2)] * 2,
        },
    ]
    with pq.ParquetWriter(tmp_path / "g.parquet", schema) as writer:
        for g in groups:
            writer.write_table(pa.table({f.name: pa.array(g[f.name], f.type) for f in schema}, schema=schema))
    chunks = list(read_parquet_chunks(tmp_path / "g.parquet"))
    assert len(chunks) == 2 and list(chunks[0].dtypes) == list(chunks[1].dtypes)
    table = read(tmp_path / "g.parquet")
    assert [str(d) for d in table.dtypes] == [
        "Int64", "boolean", "category", "date32[day][pyarrow]", "decimal128(5, 2)[pyarrow]", "uint8", "float16",
    ]
    assert table["n"].tolist() == [2**53 + 1, 2, pd.NA, -(2**63)] and table["c"].tolist() == ["p", "q", "r", "p"]
    assert_frame_equal(from_plain(*to_plain(table)), table)


def test_columns_of_numbers_beside_text(tmp_path):
    "What is asked for is extracted, what is text is kept where it can be, and what computes names the column."
    path = written(
        tmp_path,
        "Run,pt,eta,phi,type\n"
        + "".join(f"1,{20 + i},{i * 0.1},{i * 0.05},{'EB' if i % 2 else 'EE'}\n" for i in range(30)),
    )
    for suffix in (".pkl", ".parquet", ".csv"):
        extract([path], tmp_path / f"o{suffix}", dims=None)
        assert read(tmp_path / f"o{suffix}")["type"].tolist()[:2] == ["EE", "EB"]
    extract([path], tmp_path / "n.parquet", dims=["pt", "eta", "phi"])
    assert list(read(tmp_path / "n.parquet")) == ["pt", "eta", "phi"]
    assert describe(path)["columns"][4] == {
        "name": "type",
        "dtype": "str",
        "unit": "",
        "kind": "text",
        "bound": "exact",
        "min": None,
        "max": None,
        "nonfinite": 0,
        "values": 2,
    }
    with pytest.raises(HepaeError, match="column type \\(str\\) holds no plain numbers"):
        refuse_nonfinite(read(path))
    with pytest.raises(HepaeError, match="column E has dtype str, from which m cannot be computed"):
        read(path, ["m"], columns={"pt": "pt", "eta": "eta", "phi": "phi", "E": "type"})
    with pytest.raises(HepaeError, match="cut on type"):
        filter_events(read(path), "type > 3")
    assert len(filter_events(read(path), "finite,pt >= 30")[0]) == 20


def test_files_that_differ_are_not_joined(tmp_path):
    "Units, formats, components, dtypes: the sentence names both files."
    t = pd.DataFrame({"pt": np.arange(1.0, 4), "m": np.ones(3)})
    for name, unit in (("mev", "MeV"), ("gev", "GeV"), ("none", "")):
        write(with_schema(t, infer_schema(t, unit)), tmp_path / f"{name}.parquet")
    write(t.astype("float32"), tmp_path / "f4.parquet")
    t.to_pickle(tmp_path / "a.pkl")
    t[["pt"]].to_parquet(tmp_path / "pt.parquet")
    paths = {
        n: tmp_path / n for n in ("mev.parquet", "gev.parquet", "none.parquet", "f4.parquet", "a.pkl", "pt.parquet")
    }
    for a, b, said in [
        ("mev", "gev", "in MeV"), ("gev", "none", "none that is known"), ("none", "gev", "in GeV"),
        ("none", "f4", "float32"), ("none", "pt", "treat these"),
    ]:
        with pytest.raises(HepaeError, match=said) as e:
            read([paths[f"{a}.parquet"], paths[f"{b}.parquet"]])
        assert f"{a}.parquet" in str(e.value) and f"{b}.parquet" in str(e.value)
    with pytest.raises(HepaeError, match="format"):
        read([paths["none.parquet"], paths["a.pkl"]])
    assert len(read([paths["mev.parquet"]] * 2)) == 6


def test_a_cut_with_a_unit_needs_a_column_with_one():
    t = pd.DataFrame({"pt": np.float32([5e3, 2e4, 4e4, 9e4]), "n": [1, 2, 3, 4]})
    with pytest.raises(HepaeError, match="--unit"):
        filter_events(t, "pt > 25 GeV")
    with pytest.raises(HepaeError, match="unit of n is not known"):
        filter_events(with_schema(t, infer_schema(t, "MeV")), "n > 25 GeV")
    assert (
        len(filter_events(t, "pt > 25000")[0])
        == len(filter_events(with_schema(t, infer_schema(t, "MeV")), "pt > 25 GeV")[0])
        == 2
    )
    gaps = t.assign(n=pd.array([1, None, 3, 4], "Int64"))
    assert filter_events(gaps, "n > 2")[0]["pt"].tolist() == [4e4, 9e4]


@pytest.mark.parametrize("name", ["a.pkl", "a.parquet", "a.csv", "a.root", "a.hepae", "own.parquet"])
def test_tables_can_be_changed(tmp_path, name):
    "What pandas allows on a table of its own, it allows on ours."
    t = pd.DataFrame({"pt": np.arange(1, 6.0), "eta": np.zeros(5), "phi": np.ones(5), "m": np.ones(5)})
    if name == "own.parquet":
        t.to_parquet(tmp_path / name)
    elif name == "a.hepae":
        write(t, tmp_path / "a.parquet")
        compress_files([tmp_path / "a.parquet"], tmp_path / name)
    else:
        write(t, tmp_path / name)
    d = read(tmp_path / name)
    d.loc[d.index[2], "pt"] *= 2
    d.iloc[0, d.columns.get_loc("m")] = 5
    d.loc[:, "phi"] = 3.0
    d["new"] = 1
    d.to_numpy()[0] = 1
    assert (
        d["pt"].iloc[2] == pytest.approx(6, rel=2e-3)
        and d["m"].iloc[0] == 5
        and (d["phi"] == 3).all()
        and (d["new"] == 1).all()
    )


# ── nothing is lost in silence ──────────────────────────────────────────────


def there_and_back(tmp_path, *names, **choice):
    "Files in tmp_path through compress, verify and decompress; the file that comes back, and what was remarked."
    paths, said, suffix = [tmp_path / n for n in names], [], (tmp_path / names[0]).suffix
    compress_files(paths, tmp_path / "s.hepae", remark=said.append, force=True, **choice)
    assert verify_file(paths, tmp_path / "s.hepae")["violations"] == 0
    decompress_file(tmp_path / "s.hepae", tmp_path / f"back{suffix}", force=True, remark=said.append)
    return tmp_path / f"back{suffix}", said


LEVELS = [np.array([0, 0, 1], "i4"), np.array([0, 1, 0], "i2")]
KEPT = {
    "labels that count up": pd.Index([0, 1, 2]),
    "labels with a step": pd.Index([2, 4, 6], name="id"),
    "a range": pd.RangeIndex(5, 11, 2, name="q"),
    "a range down": pd.RangeIndex(3, 0, -1),
    "events of narrow integers": pd.MultiIndex.from_arrays(LEVELS, names=["entry", "subentry"]),
    "whole numbers with gaps": pd.MultiIndex.from_arrays(
        [pd.array([7, None, 2**53 + 1], "Int64"), ["x", None, "y"]]
    ).set_levels(pd.Index([7, 2**53 + 1]), level=0),
    "flags with gaps": pd.MultiIndex.from_arrays([pd.array([True, None, False], "boolean"), [1, 2, 3]]).set_levels(
        pd.Index([False, True]), level=0
    ),
    "numbers beside text": pd.MultiIndex.from_product([[1, 2], ["x", "y"]], names=["p", "q"])[[0, 1, 3]],
    "two days": pd.date_range("2024-03-30", periods=3, freq="7D"),
    "of Arrow": pd.Index([1, 2, 3], dtype="int64[pyarrow]"),
}


@pytest.mark.parametrize("index", KEPT.values(), ids=KEPT)
@pytest.mark.parametrize("rows", [3, 2, 1, 0])
def test_an_index_comes_back_as_it_was_listed(tmp_path, index, rows):
    "Listed or counted, its dtypes, gaps and frequency, with few rows too."
    table = pd.DataFrame({"a": [1.5, 2.5, 3.5]}, index=index).iloc[:rows]
    table.to_pickle(tmp_path / "a.pkl")
    back = pd.read_pickle(there_and_back(tmp_path, "a.pkl")[0])
    assert_frame_equal(back, table, check_index_type="exact" if index.nlevels == 1 else "equiv", check_freq=True)
    if index.nlevels > 1 and rows:
        assert [level.dtype for level in back.index.levels] == [level.dtype for level in table.index.levels]


def test_a_range_is_one_over_all_chunks(tmp_path):
    "A pickle written in pieces has the range that its pieces make, or the labels that are in them."
    for pieces in (
        [pd.RangeIndex(5, 11, 3), pd.RangeIndex(11, 20, 3)], [pd.RangeIndex(4, 5), pd.RangeIndex(7, 13, 3)],
        [pd.RangeIndex(0, 2), pd.RangeIndex(5, 7)], [pd.RangeIndex(0, 3), pd.Index([3, 4])],
    ):
        write_chunks(
            (pd.DataFrame({"a": np.arange(len(i)) * 1.5}, index=i) for i in pieces), tmp_path / "a.pkl", force=True
        )
        index = pd.read_pickle(tmp_path / "a.pkl").index
        assert list(index) == [*pieces[0], *pieces[1]] and isinstance(index, pd.RangeIndex) == all(np.diff(index) == 3)


def test_floats_of_parquet_know_nan_from_null(tmp_path):
    "In columns of any width, with either of them or both, in some of the row groups."
    nan = float("nan")
    columns = {
        f"{kind}{k}": pa.array(np.array(v, object), kind, from_pandas=False)
        for kind in (pa.float32(), pa.float64())
        for k, v in enumerate([[1, nan, 2, 3], [1, None, 2, 3], [1, nan, 2, None], [1, 2, 3, 4]])
    }
    columns["half"] = pa.array(np.array([1, np.nan, 2, 3], "f2"))
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=2)
    back = pq.read_table(there_and_back(tmp_path, "a.parquet")[0])
    for name, x in columns.items():
        assert repr(back[name].to_pylist()) == repr(x.to_pylist()) and back[name].type == x.type, name
    assert_frame_equal(pd.read_parquet(tmp_path / "back.parquet"), pd.read_parquet(tmp_path / "a.parquet"))


PARQUET = {
    "Int32": pd.array([1, 2], "Int32"),
    "Int64 with a gap": pd.array([2**60, None], "Int64"),
    "boolean": pd.array([True, False], "boolean"),
    "Float32": pd.array([1.5, None], "Float32"),
    "string": pd.array(["x", None], "string"),
    "int64 of Arrow": pd.array([1, None], "int64[pyarrow]"),
    "text of Arrow": pd.array(["x", None], pd.ArrowDtype(pa.string())),
    "str": ["x", None],
    "dates": pd.to_datetime(["2024-01-01", None]),
    "category": pd.Categorical(["b", "a"], ["c", "b", "a"], ordered=True),
}


@pytest.mark.parametrize("name", PARQUET)
@pytest.mark.parametrize("rows", [2, 0])
def test_pandas_reads_the_same_dtypes_of_parquet(tmp_path, name, rows):
    "What pandas wrote of its own dtypes comes back; where it wrote nothing, it reads what it read before."
    table = pd.DataFrame({"a": PARQUET[name]}).iloc[:rows]
    table.to_parquet(tmp_path / "a.parquet")
    assert_frame_equal(
        pd.read_parquet(there_and_back(tmp_path, "a.parquet")[0]), pd.read_parquet(tmp_path / "a.parquet")
    )
    pq.write_table(pa.Table.from_pandas(table).replace_schema_metadata({}), tmp_path / "b.parquet")
    back = there_and_back(tmp_path, "b.parquet")[0]
    if "nt64" in name and rows:
        assert pd.read_parquet(back)["a"].dtype == "Int64"  # floats would round it
    else:
        assert_frame_equal(pd.read_parquet(back), pd.read_parquet(tmp_path / "b.parquet"))


def test_event_numbers_of_parquet_stay_columns(tmp_path):
    "With their dtypes and places; as an index they are one again."
    columns = pd.DataFrame({"entry": LEVELS[0], "subentry": LEVELS[1], "pt": [1.5, 2.5, 3.5]})
    pq.write_table(pa.Table.from_pandas(columns), tmp_path / "a.parquet")
    assert_frame_equal(pd.read_parquet(there_and_back(tmp_path, "a.parquet")[0]), columns)
    assert list(read(tmp_path / "a.parquet").index.names) == ["entry", "subentry"]
    columns.set_index(["entry", "subentry"]).to_parquet(tmp_path / "b.parquet")
    assert_frame_equal(
        pd.read_parquet(there_and_back(tmp_path, "b.parquet")[0]), pd.read_parquet(tmp_path / "b.parquet")
    )


@pytest.mark.parametrize(
    "text, said",
    [
        ("a,b\n1e400,1\n2,2\n", ["column a: numbers are read as the nearest float64, 1e400 as inf"]),
        ("a\n1e-400\n2\n", ["1e-400 as 0.0"]),
        ("a\n9007199254740993\n0.5\n", ["9007199254740993 as 9007199254740992.0"]),
        ("a\n123456789012345678901234567890\n0.5\n", ["as 1.2345678901234568e+29"]),
        ("a,b\nNA,x\n1,NA\nnull,y\n", ["column a: gaps written NA, null come back"]),
        ("a,b\nnan,1\n1.5,2\n", ["gaps written nan"]),
        ("a\n007\n12\n", ["column a: 007 is read as 7"]),
        (",entry,subentry,pt\n0,0,0,1\n1,0,1,2\n", ["left out: an index without a name"]),
        ("a,b\n,1\n1.5,2\n", []),
        ("a\n0.1\n1e5\n-0.0\ninf\n", []),
        ("a\n1.0000000000000000556e-01\n2.5\n", ["column a"]),
        ("a\n1.0000000000000000555e-01\n2.5e+00\n", []),
        ("a\n1.000000000000000056e-01\n2.500000000000000000e+00\n", []),
        ("a\n007\nx\n", []),
        ("a\n0.30000000000000004\n12345678901234567\n1.7976931348623157e308\n", ["12345678901234567 as"]),
        (",a\n0,1.5\n1,2.5\n", []),
        ("x,a\n0,1.5\n1,2.5\n", []),
    ],
)
def test_csv_says_what_does_not_come_back(tmp_path, text, said):
    "Numbers that float64 does not hold, words for gaps, zeros before a number; not what only looks otherwise."
    back, found = there_and_back(tmp_path, written(tmp_path, text).name)
    assert len(found) == len(said) and all(s in f for s, f in zip(said, found)), found
    if not said and "1e5" not in text and "e+00" not in text:
        assert back.read_text() == text


@pytest.mark.parametrize(
    "values",
    [
        pd.array([1, None, 3], "int64[pyarrow]"),
        pd.array([1.5, None, np.nan], "float[pyarrow]"),
        pd.array(["x", None, ""], pd.ArrowDtype(pa.string())),
        pd.array([True, None, False], "bool[pyarrow]"),
        pd.array(
            [datetime.datetime(2024, 1, 1), None, datetime.datetime(1, 1, 1)], pd.ArrowDtype(pa.timestamp("us", "UTC"))
        ),
        pd.array([Decimal("1.10"), None, Decimal("-3")], pd.ArrowDtype(pa.decimal128(5, 2))),
        pd.array([datetime.timedelta(1), None, datetime.timedelta(-1)], pd.ArrowDtype(pa.duration("us"))),
        pd.array([datetime.date(2024, 1, 1), None, datetime.date(1, 1, 1)], pd.ArrowDtype(pa.date32())),
        pd.Series([np.float32(1.5), np.uint64(2**64 - 1), np.bool_(True)], dtype=object),
        pd.Series([Decimal("1.10"), datetime.date(2024, 1, 1), 1], dtype=object),
        pd.Series([2.5, np.float64(2.5), np.int8(-1)], dtype=object),
    ],
    ids=lambda v: f"{v.dtype}-{type(v[0]).__name__}",
)
@pytest.mark.parametrize("part", [slice(None), slice(1, None), slice(0, 0)], ids=["all", "cut", "none"])
def test_pickles_of_arrow_and_of_objects(tmp_path, values, part):
    "Arrow's columns, and the values of Python and numpy, by their types."
    table = pd.DataFrame({"a": values}).iloc[part]
    table.to_pickle(tmp_path / "a.pkl")
    alike(pd.read_pickle(there_and_back(tmp_path, "a.pkl")[0]), table)


def test_arrow_in_a_damaged_pickle_ends_in_a_sentence(tmp_path):
    "Buffers, lengths, offsets and types may be anything."
    table = pd.DataFrame(
        {
            "n": pd.array([1, None, 3], "int64[pyarrow]"),
            "s": pd.array(["xy", None, "z"], pd.ArrowDtype(pa.string())),
            "t": pd.array([datetime.datetime(2024, 1, 1), None, None], pd.ArrowDtype(pa.timestamp("us", "UTC"))),
        }
    )
    table.to_pickle(tmp_path / "a.pkl")
    data, r = (tmp_path / "a.pkl").read_bytes(), np.random.default_rng(1)
    for _ in range(1500):
        broken = bytearray(data)
        for at in r.integers(0, len(data), r.integers(1, 3)):
            broken[at] = r.integers(256) if r.random() < 0.7 else broken[at] ^ 1
        (tmp_path / "b.pkl").write_bytes(broken)
        try:
            read(tmp_path / "b.pkl").to_string()
        except HepaeError as e:
            assert "\n" not in str(e)


def test_what_a_pickle_says_besides_is_named(tmp_path):
    "Names that are no text, attributes, flags, byte orders; the axis of columns keeps its name and its objects."
    odd = {
        "names of columns that are no text become text: 0, 1": pd.DataFrame([[1.0, 2]]),
        "left out: attributes of the table (run)": pd.DataFrame({"a": [1.0]}),
        "left out: the flag": pd.DataFrame({"a": [1.0]}).set_flags(allows_duplicate_labels=False),
        "numbers of dtype >f4": pd.DataFrame({"a": np.array([1], ">f4")}),
        "names of columns are kept as text, not as string": pd.DataFrame({"a": [1.0]}).set_axis(
            pd.Index(["a"], dtype="string"), axis=1
        ),
    }
    odd["left out: attributes of the table (run)"].attrs["run"] = 7
    for said, table in odd.items():
        table.to_pickle(tmp_path / "a.pkl")
        found = there_and_back(tmp_path, "a.pkl")[1]
        assert len(found) == 1 and found[0].startswith(said), found
    table = pd.DataFrame({"a": [1.0]}).set_axis(pd.Index(["a"], dtype=object, name="axis"), axis=1)
    table.to_pickle(tmp_path / "a.pkl")
    back, said = there_and_back(tmp_path, "a.pkl")
    assert_frame_equal(pd.read_pickle(back), table)
    assert said == []


@pytest.mark.parametrize("suffix", [".pkl", ".parquet", ".csv"])
def test_files_with_and_without_gaps_are_one_table(tmp_path, suffix):
    "Whichever comes first; of CSV files, the type that holds all of them."
    tables = (
        pd.DataFrame({"n": [1, 2**60], "b": [True, False], "x": [1.5, 2]}),
        pd.DataFrame({"n": pd.array([None, 3], "Int64"), "b": pd.array([True, None], "boolean"), "x": [0.25, 4]}),
    )
    for order in ((0, 1), (1, 0)):
        for name, k in zip("ab", order):
            path = tmp_path / f"{name}{suffix}"
            {
                ".pkl": tables[k].to_pickle,
                ".parquet": tables[k].to_parquet,
                ".csv": lambda p, k=k: tables[k].to_csv(p, index=False),
            }[suffix](path)
        read(there_and_back(tmp_path, f"a{suffix}", f"b{suffix}")[0])
        expected = pd.concat([tables[k].astype({"n": "Int64", "b": "boolean"}) for k in order], ignore_index=True)
        assert_frame_equal(read([tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"]), expected)
        assert_frame_equal(read(tmp_path / f"back{suffix}"), expected)
    if suffix != ".csv":
        return
    for text, name in (("a,b\n1,007\n", "a.csv"), ("a,b\n0.5,x\n", "b.csv")):
        (tmp_path / name).write_text(text)
    assert there_and_back(tmp_path, "a.csv", "b.csv")[0].read_text() == "a,b\n1.0,007\n0.5,x\n"


def test_some_rows_of_a_csv_file_have_no_index(tmp_path):
    "Rows that were only numbered have no column of numbers; labels of their own stay."
    for text, expected in (
        ("a,b\n1,2\n3,4\n5,6\n7,8\n", "a,b\n3,4\n5,6\n"),
        (",a\n0,1.5\n1,2.5\n2,3.5\n3,4.5\n", ",a\n1,2.5\n2,3.5\n"),
        ("entry,subentry,a\n0,0,1\n0,1,2\n2,0,3\n3,0,4\n", "entry,subentry,a\n0,1,2\n2,0,3\n"),
    ):
        compress_files([written(tmp_path, text)], tmp_path / "s.hepae", force=True)
        decompress_file(tmp_path / "s.hepae", tmp_path / "back.csv", rows=(1, 3), force=True)
        assert (tmp_path / "back.csv").read_text() == expected

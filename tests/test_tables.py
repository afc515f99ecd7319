"""Tables that are more than numbers: what is read, stored and written comes back, or is refused in one sentence."""
import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from hepae.codec.plain import from_plain, is_plain, to_plain
from hepae.core import HepaeError
from hepae.schema import schema_of

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
        alike(from_plain(*to_plain(part)), part)


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

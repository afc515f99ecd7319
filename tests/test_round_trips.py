"Any table, written and read: every bit of every value, dtypes, events (those without jets too) and schema come back."

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import hepae.io.root_writing
import hepae.io.parquet
from hepae.core import HepaeError
from hepae.files.reading import read, read_chunks, write
from hepae.io.root_writing import write_root
from hepae.io.tables import write_chunks
from hepae.schema import Schema, Source, event_index, event_offsets, infer_schema, schema_of, variable, with_schema

DTYPES = ["f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "b1"]
NAMES = ["pt", "eta", "phi", "m", "Timing", "N90Constituents", "x1"]
ODD = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-45, 3.4e38, -0.045]


def numbers(dtype: str, rows: int):
    "Arrays of a dtype, rich in values that get lost easily."
    if dtype[0] != "f":
        return arrays(dtype, rows)
    any_float = st.floats(width=8 * int(dtype[1]))
    odd = st.sampled_from(ODD).map(lambda x: float(np.dtype(dtype).type(x)))
    return arrays(dtype, rows, elements=st.one_of(odd, any_float))


@st.composite
def tables(draw, jagged=None, names=NAMES, source=True):
    "A table: some columns, some events, some of them empty (the last ones too)."
    jagged = draw(st.booleans()) if jagged is None else jagged
    counts = draw(st.lists(st.integers(0, 5), max_size=10)) if jagged else [1] * draw(st.integers(0, 12))
    rows = sum(counts)
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
    columns = {name: draw(numbers(draw(st.sampled_from(DTYPES)), rows)) for name in chosen}
    table = pd.DataFrame(columns, index=event_index(np.cumsum([0, *counts])) if jagged else pd.RangeIndex(rows))
    unit = draw(st.sampled_from(["MeV", "GeV", ""]))
    described = tuple(variable(n, str(table[n].dtype), unit) for n in chosen)
    branches = (
        {n: draw(st.sampled_from(["JetsAuxDyn.{}", "Jets_{}", "{}", "JetsAux./JetsAux.{}"])).format(n) for n in chosen}
        if source
        else {}
    )
    tree = draw(st.sampled_from(["CollectionTree", "t", "Events"]))
    origin = Source(
        "ROOT",
        tree,
        container="Jets",
        branches=branches,
        dtypes={n: str(table[n].dtype) for n in chosen},
        jagged=jagged,
        entries=len(counts),
    )
    return with_schema(
        table, Schema(described, source=origin if source else Source(entries=len(counts) if jagged else rows))
    )


def same(back: pd.DataFrame, table: pd.DataFrame) -> None:
    "Assert equality to the last bit."
    assert list(back) == list(table) and back.dtypes.to_list() == table.dtypes.to_list()
    assert len(back) == len(table)
    for name in table:
        assert same_bits(back[name].to_numpy(), table[name].to_numpy()), (name, back[name], table[name])


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    "Are they equal in every bit? Of a NaN only that it is one: its payload is not ours to keep."
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    return np.array_equal(np.isnan(a), np.isnan(b)) and a[~np.isnan(a)].tobytes() == b[~np.isnan(b)].tobytes()


def leaf(name: str, tree_class: str) -> str:
    name = name.rpartition("/")[2]
    return name.replace(".", ":") if tree_class == "RNTuple" else name


@pytest.mark.parametrize("tree_class", ["TTree", "RNTuple"])
@pytest.mark.parametrize("piece", [500_000, 3])
@given(table=tables())
def test_root(tmp_path_factory, table, tree_class, piece):
    path, source = tmp_path_factory.mktemp("r") / "t.root", schema_of(table).source
    before, hepae.io.root_writing.ROWS_A_WRITE = hepae.io.root_writing.ROWS_A_WRITE, piece
    try:
        write_root(table, path, tree_class)
    finally:
        hepae.io.root_writing.ROWS_A_WRITE = before
    offsets = event_offsets(table) if source.jagged else np.arange(len(table) + 1)
    with uproot.open(path) as file:  # uproot alone
        tree = file[source.tree]
        assert tree.num_entries == source.entries == len(offsets) - 1
        assert {leaf(b, tree_class) for b in source.branches.values()} <= set(tree.keys())
        for name, branch in source.branches.items():
            array = tree[leaf(branch, tree_class)].array()
            if source.jagged:
                assert ak.num(array).to_list() == np.diff(offsets).tolist()
            assert same_bits(
                ak.to_numpy(ak.flatten(array, axis=None) if len(table) else np.zeros(0, table[name].dtype)),
                table[name].to_numpy(),
            )
    if not len(offsets) - 1:
        return
    back = read(path, list(table), columns={n: leaf(b, tree_class) for n, b in source.branches.items()})  # and hepae
    same(back, table)
    if source.jagged:
        assert back.index.to_list() == table.index.to_list()
    assert schema_of(back).source.entries == len(offsets) - 1


@pytest.mark.parametrize("suffix", [".pkl", ".parquet"])
@given(table=tables(), cuts=st.lists(st.integers(0, 30), max_size=3))
def test_tables(tmp_path_factory, table, cuts, suffix):
    path = tmp_path_factory.mktemp("t") / f"t{suffix}"
    edges = [0, *sorted(min(c, len(table)) for c in cuts), len(table)]
    write_chunks([table.iloc[a:b] for a, b in zip(edges, edges[1:])], path)
    back = read(path)
    same(back, table)
    assert back.index.to_list() == table.index.to_list()
    assert schema_of(back) == schema_of(table)
    assert np.array_equal(event_offsets(back), event_offsets(table)) or not len(table)
    once = pd.read_pickle(path) if suffix == ".pkl" else pd.read_parquet(path)  # pandas alone
    same(once, table)


@given(table=tables(), rows=st.integers(1, 7))
def test_parquet_is_read_in_pieces(tmp_path_factory, table, rows):
    path = tmp_path_factory.mktemp("t") / "t.parquet"
    write(table, path)
    before, hepae.io.parquet.CHUNK_ROWS = hepae.io.parquet.CHUNK_ROWS, rows
    try:
        chunks = list(read_chunks([path], None))
    finally:
        hepae.io.parquet.CHUNK_ROWS = before
    assert len(chunks) == max(1, -(-len(table) // rows))
    same(pd.concat(chunks), table)
    assert pd.concat(chunks).index.to_list() == table.index.to_list()


@given(table=tables(source=False), cut=st.integers(0, 20))
def test_csv_keeps_values(tmp_path_factory, table, cut):
    "CSV has no dtypes; the values are those of the table all the same."
    path = tmp_path_factory.mktemp("t") / "t.csv"
    write_chunks([table.iloc[:cut], table.iloc[cut:]], path)
    back = read(path)
    assert list(back) == list(table) and len(back) == len(table)
    for name in table:
        assert same_bits(back[name].to_numpy().astype(table[name].dtype), table[name].to_numpy()), name
    if len(table):
        assert back.index.to_list() == table.index.to_list()


@given(table=tables(source=False))
def test_a_table_of_no_root_file_becomes_one(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("t") / "t.root"
    write(table, path)
    with uproot.open(path) as file:
        assert {f"Jet_{n}" for n in table} <= set(file["Events"].keys())
    if len(event_offsets(table)) > 1:
        same(read(path, list(table), columns={n: f"Jet_{n}" for n in table}), table)


@given(
    table=tables(jagged=True), kinds=st.lists(st.sampled_from([".root", ".pkl", ".parquet"]), min_size=1, max_size=4)
)
def test_through_several_formats(tmp_path_factory, table, kinds):
    "ROOT → pickle → parquet → ROOT …: nothing wears off."
    folder, now = tmp_path_factory.mktemp("t"), table
    if not schema_of(table).source.entries:
        return
    for i, kind in enumerate(kinds):
        path, source = folder / f"{i}{kind}", schema_of(now).source
        write(now, path)
        now = read(
            path,
            list(table),
            columns={n: leaf(b, source.tree_class) for n, b in source.branches.items()} if kind == ".root" else None,
        )
        same(now, table)
        assert now.index.to_list() == table.index.to_list()
        assert np.array_equal(event_offsets(now), event_offsets(table))


@given(table=tables(names=["pt", "x1"]), leading=st.booleans())
def test_several_files_are_numbered_through(tmp_path_factory, table, leading):
    folder = tmp_path_factory.mktemp("t")
    if "pt" not in table or not len(table):
        return
    for name in ("a.pkl", "b.parquet"):
        write(table, folder / name)
    both = read([folder / "a.pkl", folder / "b.parquet"], leading=leading)
    one, n = read(folder / "a.pkl", leading=leading), schema_of(table).source.entries
    assert both.index.to_list() == one.index.to_list() + [
        (i[0] + n, i[1]) if isinstance(i, tuple) else i + n for i in one.index
    ]
    assert schema_of(both).source.entries == 2 * n
    if leading and table.index.nlevels > 1:
        assert len(one) == np.count_nonzero(np.diff(event_offsets(table)))


def test_what_root_cannot_hold_is_said(tmp_path):
    "A half float has no place in a TTree: a sentence, and no file."
    table = pd.DataFrame({"pt": np.array([1, 2], "f2")})
    with pytest.raises(HepaeError, match="t.root"):
        write(table, tmp_path / "t.root", tree_class="TTree")
    assert list(tmp_path.iterdir()) == []


def test_names_of_branches_are_free(tmp_path):
    "Spaces, umlauts, digits, brackets: the names come back, or the table is refused."
    for name in ("a b", "µ", "0", "x[2]", "a/b", "a.b", "-", "pt ", "Ω_pt", "class"):
        table = pd.DataFrame({name: np.arange(3.0)}, index=event_index(np.array([0, 2, 3])))
        for tree_class in ("TTree", "RNTuple"):
            try:
                write(table, tmp_path / "t.root", tree_class=tree_class, force=True)
            except HepaeError as e:
                assert "t.root" in str(e)
                continue
            with uproot.open(tmp_path / "t.root") as file:
                found = [k for k in file["Events"].keys() if k != "nJet"]
                assert [file["Events"][k].array().tolist() for k in found] == [[[0, 1], [2]]]


def test_infinite_events_are_refused_not_written(tmp_path):
    "An entry number that no file can have is an error, not a crash or a terabyte."
    table = pd.DataFrame({"pt": [1.0]}, index=pd.MultiIndex.from_tuples([(2**40, 0)], names=["entry", "subentry"]))
    with pytest.raises(HepaeError):
        write(table, tmp_path / "t.root")
    assert infer_schema(table).source.entries > 0

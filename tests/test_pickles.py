"Pickles: written in pieces they are pandas' own, old ones are read, and no pickle runs, changes or allocates anything."

import builtins
import gzip
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import one_sentence
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hepae.core import HepaeError
from hepae.io.pickles import PickleWriter
from hepae.io.tables import write_chunks
from hepae.io.unpickle import read_pickle
from hepae.schema import Schema, Source, event_index, infer_schema, schema_of, with_schema

LEGACY = Path(__file__).parent / "legacy"
sys.path.insert(0, str(LEGACY))
from make import expected  # noqa: E402

DTYPES = ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "b1"]


@st.composite
def tables(draw):
    "A table of any numbers: flat, or with events of which some are empty."
    counts = draw(st.lists(st.integers(0, 4), max_size=8))
    rows = sum(counts)
    names = draw(
        st.lists(
            st.sampled_from(["pt", "eta", "phi", "m", "E", "µ", "a b", "x.y", "0"]), min_size=1, max_size=5, unique=True
        )
    )
    columns = {name: draw(arrays(draw(st.sampled_from(DTYPES)), rows)) for name in names}
    index = event_index(np.cumsum([0, *counts])) if draw(st.booleans()) else pd.RangeIndex(rows)
    table = pd.DataFrame(columns, index=index)
    inferred = infer_schema(table)
    return with_schema(
        table, Schema(inferred.columns, source=Source("test", entries=len(counts) if index.nlevels > 1 else rows))
    )


def same(back: pd.DataFrame, table: pd.DataFrame) -> None:
    "Assert equality to the last bit: dtypes, names, index, NaN and the sign of zero."
    assert list(back.columns) == list(table.columns)
    assert back.dtypes.to_list() == table.dtypes.to_list()
    assert back.index.to_list() == table.index.to_list() and list(back.index.names) == list(table.index.names)
    for name in table:
        assert back[name].to_numpy().tobytes() == table[name].to_numpy().tobytes(), name


@given(tables(), st.lists(st.integers(0, 30), max_size=4))
def test_pieces_make_a_pandas_pickle(tmp_path_factory, table, cuts):
    path = tmp_path_factory.mktemp("pickles") / "table.pkl"
    edges = [0, *sorted(min(c, len(table)) for c in cuts), len(table)]
    schema = write_chunks([table.iloc[a:b] for a, b in zip(edges, edges[1:])], path)
    for read in (pd.read_pickle, read_pickle):
        back = read(path)
        same(back, table)
        assert schema_of(back) == schema_of(table) == schema
    assert os.listdir(path.parent) == ["table.pkl"]


@given(tables(), st.integers(2, 5), st.booleans())
def test_pandas_pickles_are_read(tmp_path_factory, table, protocol, zipped):
    path = tmp_path_factory.mktemp("pickles") / f"table.pkl{'.gz' if zipped else ''}"
    path.write_bytes((gzip.compress if zipped else bytes)(pickle.dumps(table, protocol)))
    back = read_pickle(path)
    same(back, table)
    if len(table):
        back.iloc[0, 0] = back.iloc[-1, 0]  # it is the reader's own


def test_single_byte_arrays_do_not_share_memory(tmp_path):
    "bytes of length 1 are shared by all of Python: a table must not be built on them."
    table = pd.DataFrame({"n": np.zeros(1, "i1")})
    for protocol in range(2, 6):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(table, protocol))
        back = read_pickle(tmp_path / "a.pkl")
        back.loc[0, "n"] = 7
        assert bytes([0])[0] == 0 and read_pickle(tmp_path / "a.pkl")["n"].item() == 0


def test_numbers_of_the_other_byte_order_become_ours(tmp_path):
    big = pd.DataFrame({"pt": np.arange(3, dtype=">f4"), "n": np.arange(3, dtype=">i8")})
    big.to_pickle(tmp_path / "big.pkl")
    same(read_pickle(tmp_path / "big.pkl"), pd.DataFrame({"pt": np.arange(3, dtype="f4"), "n": np.arange(3)}))


def test_columns_that_are_no_numbers_come_back(tmp_path):
    mixed = pd.DataFrame(
        {
            "pt": [1.0, 2],
            "name": ["a", None],
            "when": pd.to_datetime(["2020-01-01", None]).tz_localize("Europe/Berlin"),
            "kind": pd.Categorical(["x", "y"], ordered=True),
            "n": pd.array([1, None], "Int64"),
        }
    )
    mixed.to_pickle(tmp_path / "a.pkl")
    pd.testing.assert_frame_equal(read_pickle(tmp_path / "a.pkl"), mixed)
    write_chunks([mixed[:1], mixed[1:]], tmp_path / "b.pkl")
    pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / "b.pkl"), mixed)


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([5, 3], name="id"),
        pd.Index(["a", "b"]),
        pd.Index([0.5, 1.5]),
        pd.RangeIndex(5, 9, 2),
        pd.Index([2**64 - 1, 0], dtype="u8"),
        pd.MultiIndex.from_tuples([(0, 0, 0), (0, 0, 1)]),
        pd.MultiIndex.from_tuples([("a", 0), ("b", 1)], names=["t", ("x", 0)]),
        pd.MultiIndex.from_tuples([(-5, 3), (2**40, -9)], names=["entry", "subentry"]),
        pd.date_range("2020-01-01", periods=2),
    ],
)
def test_any_index_comes_back(tmp_path, index):
    "As pandas has it, written in one piece or in two, whatever its numbers."
    table = pd.DataFrame({"pt": [1.0, 2.0]}, index=index)
    table.to_pickle(tmp_path / "a.pkl")
    pd.testing.assert_frame_equal(read_pickle(tmp_path / "a.pkl"), table, check_freq=False)
    for k, pieces in enumerate(([table], [table[:1], table[1:]])):
        write_chunks(pieces, tmp_path / f"{k}.pkl")
        for read in (pd.read_pickle, read_pickle):
            pd.testing.assert_frame_equal(read(tmp_path / f"{k}.pkl"), table, check_freq=False)


# ── pickles of old versions ─────────────────────────────────────────────────


@pytest.fixture(scope="module")
def old_pickles(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("legacy")
    with tarfile.open(LEGACY / "pickles.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return {p.name: p for p in sorted(folder.iterdir())}


def test_old_pickles_of_every_kind_are_there(old_pickles):
    found = {tuple(name.split("-")[:3:2]) for name in old_pickles}
    versions = {"0.23.4", "0.24.2", "0.25.3", "1.0.5", "1.3.5", "1.5.3", "2.2.3", "3.1.1"}
    assert found == {(table, f"pandas{v}") for table in expected() for v in versions}
    assert {pickletools.optimize(p.read_bytes())[1] for p in old_pickles.values() if p.suffix == ".pkl"} == {2, 4, 5}


def test_old_pickles_are_read_value_by_value(old_pickles):
    for name, path in old_pickles.items():
        table = expected()[name.split("-")[0]]
        try:
            same(read_pickle(path), table)
        except Exception as e:
            raise AssertionError(name) from e


# ── hostile pickles ─────────────────────────────────────────────────────────


def text(s: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(s.encode())) + s.encode()


def named(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def on_stack(module: str, name: str) -> bytes:
    return text(module) + text(name) + pickle.STACK_GLOBAL


def program(*steps: bytes, protocol: int = 4) -> bytes:
    return pickle.PROTO + bytes([protocol]) + b"".join(steps) + pickle.STOP


class Call:
    "Pickles as a call."

    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


TOUCH = "open('sprung', 'w').close()"
CALLS = {
    "os.system": Call(os.system, "touch sprung"),
    "eval": Call(eval, TOUCH),
    "exec": Call(exec, TOUCH),
    "open": Call(open, "sprung", "w"),
    "subprocess": Call(subprocess.run, ["touch", "sprung"]),
    "import": Call(__import__, "antigravity"),
    "getattr": Call(getattr, "", "join"),
    "setattr": Call(setattr, pd.DataFrame, "x", 1),
    "read_pickle": Call(pd.read_pickle, "inner.pkl"),
    "pickle.load": Call(pickle.load, 1),
    "pickle.loads": Call(pickle.loads, pickle.dumps(Call(os.system, "touch sprung"))),
    "numpy.load": Call(np.load, "inner.npy", None, True),
    "pandas.eval": Call(pd.eval, "1 + 1"),
    "Path": Call(Path, "sprung"),
    "mkdir": Call(os.mkdir, "sprung"),
    "compile": Call(compile, TOUCH, "x", "exec"),
    "partial": Call(__import__("functools").partial, os.system),
    "map": Call(map, os.system, ["touch sprung"]),
    "frompyfunc": Call(np.frompyfunc, eval, 1, 1),
    "fromfile": Call(np.fromfile, "/etc/hostname", "u1"),
    "memmap": Call(np.memmap, "sprung", "u1", "w+", 0, 8),
    "read_csv": Call(pd.read_csv, "/etc/passwd"),
    "operator": Call(__import__("operator").methodcaller, "system"),
    "copyreg": Call(__import__("copyreg")._reconstructor, object, object, None),
    "object": Call(object),
    "Timestamp": Call(pd.Timestamp, "now"),
    "breakpoint": Call(breakpoint),
    "exit": Call(sys.exit, 3),
}
DOTTED = [
    ("pandas", "DataFrame.to_pickle"), ("pandas", "DataFrame.eval"), ("pandas", "io.common.os.system"),
    ("pandas", "DataFrame.__init__.__globals__"), ("numpy", "dtype.__class__"), ("numpy", "ndarray.tofile"),
    ("pandas", "Index.__reduce__"), ("pandas.core.frame", "DataFrame.query"), ("builtins", "slice.__class__"),
    ("builtins", "bytearray.__subclasses__"), ("pandas", ""), ("", "DataFrame"), ("pandas", "DataFrame "),
    ("pandas ", "DataFrame"), ("pandas\0", "DataFrame"), ("PANDAS", "DATAFRAME"),
    ("numpy.core.multiarray", "_reconstruct.x"), ("hepae.io.pickle_arrays", "bytes_of"), ("builtins", "eval"),
    ("builtins", "type"), ("pandas.core.internals.managers", "BlockManager.__init__"), ("_codecs", "lookup"),
    ("pyarrow.lib", "read_tensor"),
]
BOMB = b"".join(
    [pickle.EMPTY_LIST, pickle.MEMOIZE]
    + [
        pickle.EMPTY_LIST + pickle.MEMOIZE + pickle.MARK + (pickle.BINGET + bytes([i])) * 10 + pickle.APPENDS
        for i in range(40)
    ]
)
MANY = pickle.LONG1 + bytes([5]) + (10**9).to_bytes(5, "little")  # a gigabyte: enough to be noticed
PROGRAMS = {
    # the instructions, one by one
    "inst": program(pickle.MARK, text("touch sprung"), pickle.INST, b"os\nsystem\n"),
    "inst of an allowed name": program(pickle.MARK, pickle.INST, b"pandas\nDataFrame\n"),
    "obj": program(pickle.MARK, named("os", "system"), text("touch sprung"), pickle.OBJ),
    "obj of an allowed name": program(pickle.MARK, named("pandas", "DataFrame"), pickle.OBJ),
    "newobj": program(named("os", "system"), text("touch sprung"), pickle.TUPLE1, pickle.NEWOBJ),
    "newobj_ex": program(named("pandas", "DataFrame"), pickle.EMPTY_TUPLE, pickle.EMPTY_DICT, pickle.NEWOBJ_EX),
    "ext": program(pickle.EXT1, b"\x01"),
    "persid": program(pickle.PERSID, b"1\n"),
    "binpersid": program(text("1"), pickle.BINPERSID),
    "next_buffer": program(pickle.NEXT_BUFFER, protocol=5),
    "reduce of what is no name": program(text("a"), pickle.EMPTY_TUPLE, pickle.REDUCE),
    # changing what is there: BUILD sets attributes of whatever is on the stack
    "build a class": program(
        named("pandas", "Index"), pickle.NONE, pickle.EMPTY_DICT, text("sprung"), pickle.NEWTRUE, pickle.SETITEM,
        pickle.TUPLE2, pickle.BUILD,
    ),
    "build a function": program(
        named("numpy.core.numeric", "_frombuffer"), pickle.EMPTY_DICT, text("__defaults__"), pickle.NONE,
        pickle.SETITEM, pickle.BUILD,
    ),
    "build dtype": program(
        named("numpy", "dtype"), pickle.EMPTY_DICT, text("sprung"), pickle.NEWTRUE, pickle.SETITEM, pickle.BUILD
    ),
    "new index of a function": program(
        named("pandas.core.indexes.base", "_new_Index"), named("builtins", "bytearray"), pickle.EMPTY_DICT,
        text("data"), MANY, pickle.SETITEM, pickle.TUPLE2, pickle.REDUCE,
    ),
    # memory that is asked for and never filled
    "bytearray": program(named("builtins", "bytearray"), MANY, pickle.TUPLE1, pickle.REDUCE),
    "bytearray8": program(pickle.BYTEARRAY8, struct.pack("<Q", 10**9), protocol=5),
    "binbytes8": program(pickle.BINBYTES8, struct.pack("<Q", 10**9)),
    "frame": program(pickle.FRAME, struct.pack("<Q", 10**9)),
    "ndarray": program(named("numpy", "ndarray"), MANY, pickle.TUPLE1, pickle.REDUCE),
    "reconstruct": program(
        named("numpy.core.multiarray", "_reconstruct"), named("numpy", "ndarray"), MANY, pickle.TUPLE1, text("f8"),
        pickle.TUPLE3, pickle.REDUCE,
    ),
    "an array of so many bytes": program(
        named("numpy.core.multiarray", "_reconstruct"), named("numpy", "ndarray"), pickle.TUPLE1, pickle.REDUCE,
        pickle.MARK, pickle.BININT1, b"\x01", MANY, pickle.TUPLE1, named("numpy", "dtype"), text("u1"),
        pickle.TUPLE1, pickle.REDUCE, pickle.NEWFALSE, MANY, pickle.TUPLE, pickle.BUILD,
    ),
    "DataFrame": program(
        named("pandas", "DataFrame"), pickle.BININT1, b"\x01", named("pandas", "RangeIndex"), MANY, pickle.TUPLE1,
        pickle.REDUCE, pickle.TUPLE2, pickle.REDUCE,
    ),
    "bomb": program(BOMB),
    "bomb as a dtype": program(named("numpy", "dtype"), BOMB, pickle.TUPLE1, pickle.REDUCE),
    "codec": program(named("_codecs", "encode"), text("a"), text("idna"), pickle.TUPLE2, pickle.REDUCE),
}


def refused(path: Path, data: bytes) -> str:
    "The message with which a pickle is refused."
    path.write_bytes(data)
    with pytest.raises(HepaeError) as e:
        read_pickle(path)
    one_sentence(str(e.value), path)
    return str(e.value)


@pytest.fixture
def trap(tmp_path, monkeypatch):
    "A folder to run in; afterwards nothing was called and nothing of pandas or numpy was changed."
    monkeypatch.chdir(tmp_path)
    before = {c: set(vars(c)) for c in (pd.DataFrame, pd.Index, pd.MultiIndex, np.dtype)}
    yield tmp_path
    assert not (tmp_path / "sprung").exists()
    assert before == {c: set(vars(c)) for c in before}
    assert np.dtype("f8") == np.dtype("=f8") and builtins.eval("1") == 1


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_calls_are_refused_by_name(trap, protocol):
    for name, call in CALLS.items():
        for wrapped in (call, [call], pd.DataFrame({"pt": [1.0]}).assign(x=[call]), {"a": call}):
            message = refused(trap / "bad.pkl", pickle.dumps(wrapped, protocol))
            assert "refused: the pickle names " in message and "which no table of numbers needs" in message, name


def test_calls_in_attributes_and_index_are_refused(trap):
    table = pd.DataFrame({"pt": [1.0]})
    table.attrs = {"hepae_schema": Call(os.system, "touch sprung")}
    assert "names posix.system" in refused(trap / "bad.pkl", pickle.dumps(table))
    table = pd.DataFrame({"pt": [1.0]}, index=pd.Index([Call(os.system, "touch sprung")], dtype=object))
    assert "names posix.system" in refused(trap / "bad.pkl", pickle.dumps(table))


@pytest.mark.parametrize("spell", [named, on_stack])
def test_names_are_taken_whole(trap, spell):
    for module, name in DOTTED:
        data = program(spell(module, name), pickle.EMPTY_TUPLE, pickle.REDUCE)
        message = refused(trap / "bad.pkl", data)
        assert "sprung" not in os.listdir(trap) and ("names" in message or "damaged" in message), (module, name)


def test_names_are_text(trap):
    for name in (pickle.EMPTY_LIST, pickle.NONE, pickle.EMPTY_DICT, BOMB):
        refused(trap / "bad.pkl", program(name, text("DataFrame"), pickle.STACK_GLOBAL))


@pytest.mark.parametrize("what", PROGRAMS)
def test_hostile_programs_are_refused(trap, what):
    refused(trap / "bad.pkl", PROGRAMS[what])


def test_hostile_programs_take_no_memory(trap):
    """All of them again, in a process whose memory is looked at: a gigabyte that is asked for and never filled
    would be seen."""
    for what, data in (PROGRAMS | {what: frame_program(*lie) for what, lie in LIES.items()}).items():
        (trap / f"{what.replace(' ', '_')}.pkl").write_bytes(data)
    code = """if True:
        import resource, sys, pathlib
        from hepae.core import HepaeError
        from hepae.io.unpickle import read_pickle
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for path in sorted(pathlib.Path('.').glob('*.pkl')):
            try: read_pickle(path); sys.exit(f'{path} was read')
            except HepaeError: pass
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start)"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 200_000  # kB


def frame_program(blocks: bytes, axes: bytes, attrs: bytes = pickle.EMPTY_DICT) -> bytes:
    "A DataFrame of hand-made blocks and axes."
    manager = (
        named("pandas.core.internals.managers", "BlockManager")
        + pickle.MARK
        + pickle.MARK
        + blocks
        + pickle.TUPLE
        + pickle.MARK
        + axes
        + pickle.LIST
        + pickle.TUPLE
        + pickle.REDUCE
    )
    state = pickle.EMPTY_DICT + pickle.MARK + text("_mgr") + manager + text("attrs") + attrs + pickle.SETITEMS
    return program(named("pandas", "DataFrame"), pickle.EMPTY_TUPLE, pickle.NEWOBJ, state, pickle.BUILD)


def number_array(data: bytes, dtype: str, *shape: int) -> bytes:
    numbers = b"".join(pickle.BININT + struct.pack("<i", n) for n in shape)
    kind = named("numpy", "dtype") + text(dtype) + pickle.TUPLE1 + pickle.REDUCE
    return (
        named("numpy.core.numeric", "_frombuffer")
        + pickle.MARK
        + pickle.BINBYTES
        + struct.pack("<I", len(data))
        + data
        + kind
        + pickle.MARK
        + numbers
        + pickle.TUPLE
        + text("C")
        + pickle.TUPLE
        + pickle.REDUCE
    )


def range_index(*limits: int) -> bytes:
    keys = b"".join(
        text(k) + pickle.LONG1 + b"\x08" + n.to_bytes(8, "little", signed=True)
        for k, n in zip(("start", "stop", "step"), limits)
    )
    return (
        named("pandas.core.indexes.base", "_new_Index")
        + named("pandas", "RangeIndex")
        + pickle.EMPTY_DICT
        + pickle.MARK
        + keys
        + pickle.SETITEMS
        + pickle.TUPLE2
        + pickle.REDUCE
    )


def block(values: bytes, *places: int) -> bytes:
    numbers = b"".join(pickle.BININT + struct.pack("<i", n) for n in places)
    return (
        named("pandas._libs.internals", "_unpickle_block")
        + values
        + named("builtins", "slice")
        + pickle.MARK
        + numbers
        + pickle.TUPLE
        + pickle.REDUCE
        + pickle.BININT1
        + b"\x02"
        + pickle.TUPLE3
        + pickle.REDUCE
    )


TWO_BY_THREE = number_array(np.arange(6.0).tobytes(), "f8", 2, 3)


def test_a_hand_made_table_is_read(tmp_path):
    "The programs below are not refused for a slip of the pen."
    (tmp_path / "a.pkl").write_bytes(
        frame_program(block(TWO_BY_THREE, 0, 2, 1), range_index(0, 2, 1) + range_index(0, 3, 1))
    )
    back = read_pickle(tmp_path / "a.pkl")
    same(back, pd.DataFrame(np.arange(6.0).reshape(2, 3).T, columns=["0", "1"]))
    back.iloc[0, 0] = 7.0  # it is the reader's own


LIES = {
    "more rows than values": (block(TWO_BY_THREE, 0, 2, 1), range_index(0, 2, 1) + range_index(0, 10**12, 1)),
    "more columns than values": (block(TWO_BY_THREE, 0, 2, 1), range_index(0, 10**12, 1) + range_index(0, 3, 1)),
    "a column in two places": (block(TWO_BY_THREE, 0, 2, 1) * 2, range_index(0, 4, 1) + range_index(0, 3, 1)),
    "a place outside": (block(TWO_BY_THREE, 5, 7, 1), range_index(0, 2, 1) + range_index(0, 3, 1)),
    "fewer places than columns": (block(TWO_BY_THREE, 0, 1, 1), range_index(0, 2, 1) + range_index(0, 3, 1)),
    "ten million columns without rows": (
        block(number_array(b"", "f8", 10**7, 0), 0, 10**7, 1),
        range_index(0, 10**7, 1) + range_index(0, 0, 1),
    ),
    "a shape that is not filled": (
        block(number_array(bytes(8), "f8", 2, 3), 0, 2, 1),
        range_index(0, 2, 1) + range_index(0, 3, 1),
    ),
    "negative lengths": (
        block(number_array(bytes(8), "f8", -1, -1), 0, 2, 1),
        range_index(0, 2, 1) + range_index(0, 3, 1),
    ),
    "no axes": (block(TWO_BY_THREE, 0, 2, 1), b""),
    "one axis": (block(TWO_BY_THREE, 0, 2, 1), range_index(0, 2, 1)),
    "axes that are text": (block(TWO_BY_THREE, 0, 2, 1), text("ab") + text("abc")),
    "a block that is a list": (pickle.EMPTY_LIST, range_index(0, 2, 1) + range_index(0, 3, 1)),
    "a bomb as names": (block(TWO_BY_THREE, 0, 2, 1), BOMB + pickle.POP * 39 + range_index(0, 3, 1)),
    "text as numbers": (block(text("abcdef"), 0, 2, 1), range_index(0, 2, 1) + range_index(0, 3, 1)),
}


@pytest.mark.parametrize("lie", LIES)
def test_inconsistent_tables_are_refused(tmp_path, lie):
    message = refused(tmp_path / "a.pkl", frame_program(*LIES[lie]))
    assert "overlap" in message or "two places" not in lie


def test_one_array_cannot_be_many_columns(tmp_path):
    "Memory stays that of the file: the same bytes, named a thousand times, are not a thousand columns."
    values = number_array(bytes(80_000), "<f8", 1, 10_000) + pickle.BINPUT + b"\x01" + pickle.POP
    shared = values + b"".join(block(pickle.BINGET + b"\x01", i, i + 1, 1) for i in range(1000))
    assert "more numbers than it holds" in refused(
        tmp_path / "a.pkl", frame_program(shared, range_index(0, 1000, 1) + range_index(0, 10_000, 1))
    )


def test_attributes_are_plain_or_dropped(tmp_path):
    good = block(TWO_BY_THREE, 0, 2, 1), range_index(0, 2, 1) + range_index(0, 3, 1)
    bomb = pickle.EMPTY_DICT + text("hepae_schema") + BOMB + pickle.SETITEM
    # the bomb leaves its 40 lists below the top of the stack: keep only the last
    keep_last = (
        pickle.EMPTY_DICT
        + pickle.MARK
        + BOMB[:-1]
        + pickle.APPENDS
        + pickle.PUT
        + b"99\n"
        + pickle.POP_MARK
        + text("hepae_schema")
        + pickle.GET
        + b"99\n"
        + pickle.SETITEM
    )
    (tmp_path / "a.pkl").write_bytes(frame_program(*good, keep_last))
    assert read_pickle(tmp_path / "a.pkl").attrs == {}
    refused(tmp_path / "a.pkl", frame_program(*good, bomb))
    (tmp_path / "a.pkl").write_bytes(
        frame_program(*good, pickle.EMPTY_DICT + text("a") + pickle.BININT1 + b"\x03" + pickle.SETITEM)
    )
    assert read_pickle(tmp_path / "a.pkl").attrs == {"a": 3}


def test_a_pickle_in_a_pickle_stays_bytes(trap):
    inner = pickle.dumps(Call(os.system, "touch sprung"))
    table = pd.DataFrame({"n": np.frombuffer(inner, "u1")})
    (trap / "a.pkl").write_bytes(pickle.dumps(table))
    assert read_pickle(trap / "a.pkl")["n"].to_numpy().tobytes() == inner


@given(st.binary(max_size=200))
def test_garbage_is_refused(tmp_path_factory, data):
    refused(tmp_path_factory.mktemp("p") / "a.pkl", b"\x80\x04" + data)


@given(st.data())
def test_damage_never_ends_in_anything_but_a_sentence(tmp_path_factory, data):
    "Bytes of a good pickle, changed: a table or a HepaeError."
    good = pickle.dumps(expected()["events"], data.draw(st.integers(2, 5)))
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("p") / "a.pkl"
    path.write_bytes(bad)
    try:
        assert isinstance(read_pickle(path), pd.DataFrame)
    except HepaeError as e:
        one_sentence(str(e), path)


@pytest.mark.parametrize("suffix", [".pkl", ".pkl.gz", ".pkl.bz2", ".pkl.xz"])
def test_cut_pickles_are_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    expected()["events"].to_pickle(path)
    good = path.read_bytes()
    for n in range(1, len(good), 11):
        refused(path, good[:n])


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    table = pd.DataFrame({"pt": [1.0]})

    def chunks():
        yield table
        raise HepaeError("enough")

    with pytest.raises(HepaeError, match="enough"):
        write_chunks(chunks(), tmp_path / "a.pkl")
    assert os.listdir(tmp_path) == []
    writer = PickleWriter(tmp_path / "b.pkl")
    writer.append(table)
    writer.close()
    assert os.listdir(tmp_path) == []

"""Honest `.hepae` files, what can happen to them, and what a reader may make of it.

Two kinds of harm. An accident changes the bytes of a file; its checksums are as they were, so a reader that returns
anything but an error returns wrong numbers.
An attack writes any header, index or chunk with checksums that fit; a reader may return a table then, but it may
not fail otherwise than with HepaeError, hang, or take memory without end."""

import io
import json
import random
import signal
import time
import tracemalloc
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from hepae.codec.chunk import _opened, put_texts, take_texts
from hepae.codec.container import MAGIC, VERSION, Reader, Writer
from hepae.codec.header import Header
from hepae.codec.sections import (
    DICTIONARY,
    put_json,
    put_numbers,
    put_sections,
    take_json,
    take_numbers,
    take_sections,
)
from hepae.codec.shared_model import model_from_bytes
from hepae.codec.tables import compress, decompress, read_rows
from hepae.codec.texts import pack_texts, unpack_texts
from hepae.core import HepaeError
from hepae.schema import (
    PRESETS,
    Column,
    Schema,
    Source,
    event_index,
    events_of,
    infer_schema,
    variable,
    with_events,
    with_schema,
)

SECONDS = 10  # of processor time; longer is a hang, however busy the machine is
SPARE = 192 << 20  # bytes that any file may cost, besides four times what the honest ones do


# honest files


def jets(rng: np.random.Generator, n: int, dims: str = "4D", dtype: str = "float32") -> pd.DataFrame:
    "n rows of a preset in events of 0 to 8, the last ones empty."
    pt = 20 + rng.exponential(40, n)
    made = {
        "pt": pt,
        "m": pt * rng.uniform(0.05, 0.2, n),
        "eta": rng.normal(0, 1.8, n),
        "phi": rng.uniform(-np.pi, np.pi, n),
        "E": pt * rng.uniform(1, 5, n),
        "N90Constituents": rng.poisson(12, n),
    }
    columns = {
        name: made.get(name, pt * rng.uniform(0, 0.1, n)).astype("int32" if name == "N90Constituents" else dtype)
        for name in PRESETS[dims]
    }
    offsets = np.unique(np.concatenate([[0], np.cumsum(rng.integers(1, 8, n)).clip(0, n)])) if n else np.zeros(1, int)
    offsets = np.concatenate([np.sort(np.concatenate([offsets, rng.choice(offsets, len(offsets) // 4)])), [n] * 3])
    table = pd.DataFrame(columns, index=event_index(offsets))
    schema = Schema(
        tuple(variable(c, str(d), "GeV") for c, d in table.dtypes.items()),
        dims,
        Source(
            "ROOT",
            "Events",
            container="Jet",
            branches={"pt": "Jet_pt"},
            dtypes={"pt": "float32"},
            entries=len(offsets) - 1,
        ),
    )
    return with_schema(table, schema)


def with_odd_values(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    "The table with values that no quantiser holds, here and there."
    odd, schema = table.copy(), table.attrs
    for name in odd.columns[odd.dtypes == "float32"]:
        there = rng.random(len(odd)) < 0.05
        odd.loc[there, name] = rng.choice(
            np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, -999.0, 3.4e38], "f4"), there.sum()
        )
    odd.attrs = schema
    return odd


def mixed(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "Every kind of dtype and bound, under an index of three levels."
    kinds = [
        ("h", "float16", "continuous", "rel:1e-2"), ("d", "float64", "continuous", "bits:20"),
        ("e", "float64", "continuous", "exact"), ("turn", "float64", "periodic", "abs:1e-4"),
        ("i", "int8", "integer", "exact"), ("u", "uint64", "integer", "exact"), ("f", "bool", "flag", "exact"),
    ]
    columns = {
        name: (rng.normal(size=n) if dtype[0] == "f" else rng.integers(0, 2 if dtype == "bool" else 100, n)).astype(
            dtype
        )
        for name, dtype, _, _ in kinds
    }
    table = pd.DataFrame(
        columns, index=pd.MultiIndex.from_arrays(rng.integers(0, 9, (3, n)), names=["run", "event", None])
    )
    return with_schema(table, Schema(tuple(Column(name, dtype, "", kind, bound) for name, dtype, kind, bound in kinds)))


def with_texts(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "Text, gaps, dates, categories and Python's own values, under an index with text."
    pick = lambda *values: [values[k] for k in rng.integers(0, len(values), n)]
    times = pd.date_range("2024-03-31", periods=n, freq="7min")
    table = pd.DataFrame(
        {
            "text": pd.Series(pick("a", "bä", None), dtype="str"),
            "count": pd.Series(pick(1, 2, None), dtype="Int64"),
            "time": times,
            "stream": pd.Series(pick("p", "c", None), dtype="category"),
            "any": pd.Series(pick("x", 3, None, 2.5, b"y"), dtype=object),
            "swapped": rng.integers(0, 9, n).astype(">i4"),
            "pt": rng.exponential(30, n).astype("f4"),
        }
    )
    return table.set_index(
        pd.MultiIndex.from_arrays(
            [np.arange(n) // 7, [f"file{k // 50}" for k in range(n)], times], names=["run", "file", None]
        )
    )


def with_labels(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "Values that come often, in every kind of bins: labels, two in one bin, a sentinel, a mass, angles, moved bins."
    often = lambda value, x: np.where(rng.random(n) < 0.2, value, x)
    columns = {
        "label": (rng.choice([0.1, 0.7], n), "continuous", "abs:0.4"),
        "pair": (rng.choice([5.001, 5.002], n), "continuous", "abs:0.1"),
        "score": (often(-999.25, rng.normal(0, 1, n)), "continuous", "abs:1e-2"),
        "mass": (often(0.105658, rng.lognormal(0, 1, n)), "continuous", "rel:1e-2"),
        "phi": (often(3.125, rng.uniform(-3, 3, n)), "periodic", "abs:1e-2"),
        "around": (often(6.2, rng.uniform(0, 6.28, n)), "periodic", "abs:1e-2"),
        "moved": (often(1.1, rng.exponential(0.3, n).clip(0, 3)), "periodic", "abs:0.3"),
        "bits": (often(91.1876, rng.lognormal(4, 1, n)), "continuous", "bits:6"),
    }
    table = pd.DataFrame({name: x for name, (x, _, _) in columns.items()})
    schema = Schema(tuple(Column(name, "float64", "", kind, bound) for name, (_, kind, bound) in columns.items()))
    return with_schema(table, schema)


def momenta(n: int = 500, seed: int = 4) -> pd.DataFrame:
    "Columns that follow from others, within bounds of all kinds and exactly, but for some rows."
    r = np.random.default_rng(seed)
    pt, eta, phi = 20 + r.exponential(40, n), r.normal(0, 1.5, n), r.uniform(-np.pi, np.pi, n)
    raw = r.normal(0, 0.05, n)
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    columns = {
        "px": (px, "f4", "exact"), "py": (py, "f4", "exact"), "pz": (pz, "f4", "exact"), "number": (0, "i8", "exact"),
        "E": (np.sqrt(px**2 + py**2 + pz**2 + 0.10566**2), "f4", "exact"), "pt": (pt, "f4", "rel:1e-3"),
        "eta": (eta, "f8", "abs:1e-3"), "phi": (phi, "f8", "abs:1e-3"), "raw": (raw, "f4", "bits:9"),
        "pt_raw": (0, "f4", "exact"), "pt_MeV": (np.round(1000 * pt, 1), "f8", "exact"), "copy": (0, "i8", "exact"),
        "short": (0, "f4", "exact"), "longer": (0, "f4", "exact"),
    }
    table = pd.DataFrame({name: np.zeros(n) + x for name, (x, _, _) in columns.items()})
    table["number"] = table["copy"] = r.integers(-(2**62), 2**62, n)
    table["short"] = (table["px"].to_numpy("f4").view("i4") + 2**11 >> 12 << 12).view("f4")
    table["longer"] = ((table["short"].to_numpy("f4") * 2).view("i4") + 2**11 >> 12 << 12).view("f4")
    table = table.astype({name: dtype for name, (_, dtype, _) in columns.items()})
    table["pt_raw"] = (table["pt"] * (1 - table["raw"])).astype("f4")
    table.loc[::61, "E"] = np.resize(np.float32([np.nan, -999, np.inf, -0.0]), len(table.loc[::61]))
    table.loc[::67, "pt"], table.loc[5::67, "copy"] = np.nan, -1
    table.loc[::71, ["px", "py"]] = 0
    return with_schema(table, Schema(tuple(
        Column(name, dtype, "", "periodic" if name == "phi" else "integer" if dtype == "i8" else "continuous", bound)
        for name, (_, dtype, bound) in columns.items())))


def units() -> pd.DataFrame:
    "Momenta in units of their errors, which are exact, rounded, or integers; of some rows there are none."
    r, n = np.random.default_rng(9), 600
    pt, error = r.lognormal(4, 1, n), r.lognormal(0, 0.5, n)
    error[::50] = [0, -1, np.nan, np.inf] * 3
    columns = {"pt": pt, "ptErr": error, "p": -pt, "coarse": error, "E": pt, "steps": r.integers(0, 4, n)}
    bounds = {"pt": "sigma:0.1*ptErr", "ptErr": "exact", "p": "sigma:0.3*coarse", "coarse": "rel:0.05",
              "E": "sigma:0.01*steps", "steps": "exact"}
    table = pd.DataFrame(columns).astype({c: "f4" for c in columns if c not in ("steps", "p")})
    return with_schema(table, Schema(tuple(
        Column(c, str(table[c].dtype), "", "integer" if c == "steps" else "continuous", bounds[c]) for c in columns)))


def with_facts(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    "The table, with a number and a weight for each event."
    n = int(table.index.get_level_values(0)[-1]) + 1
    return with_events(
        table, pd.DataFrame({"weight": rng.normal(1, 0.1, n), "number": np.arange(n) // 9}, index=np.arange(n))
    )


def honest_files(seed: int = 0) -> dict[str, bytes]:
    "Small `.hepae` files of every kind."
    rng = np.random.default_rng(seed)
    small = jets(rng, 300)
    flat = with_schema(jets(rng, 500).reset_index(drop=True), infer_schema(small))
    exact = with_schema(flat, infer_schema(flat).with_bounds({c: "exact" for c in flat}))
    files = {
        "momenta": compress(momenta(200, seed), "schema"),
        "ordered": compress(small, "schema"),
        "events": compress(jets(rng, 300), "schema", unordered="events"),
        "table": compress(flat, "schema", unordered="table"),
        "exact": compress(exact, "schema"),
        "flat": compress(flat, "schema"),
        "escapes": compress(with_odd_values(rng, small), "schema"),
        "odd table": compress(with_odd_values(rng, flat), "schema", unordered="table"),
        "chunks": compress(jets(rng, 700), "schema", rows=90),
        "more chunks": compress(small, "schema", rows=60),
        "wide": compress(jets(rng, 80, "27D"), "schema"),
        "double": compress(jets(rng, 200, "E4D", "float64"), "schema"),
        "mixed": compress(mixed(rng, 300), "schema"),
        "empty": compress(jets(rng, 0), "schema"),
        "one": compress(flat.iloc[:1], "schema"),
    }
    files |= {
        "texts": compress(with_texts(rng, 150), "pt=1e-3"),
        "texts in chunks": compress(with_texts(rng, 150), rows=60),
        "labels": compress(with_labels(rng, 600), "schema"),
        "facts": compress(with_facts(rng, small), "schema", rows=100),
        "units": compress(units(), "schema", rows=250, dither=9),
        "dithered": compress(with_labels(rng, 600), "schema", rows=250, dither=5),
    }
    return files | with_models(rng, flat)


def with_models(rng: np.random.Generator, table: pd.DataFrame) -> dict[str, bytes]:
    "Files with networks inside (random ones: what they say is never wrong, only useless)."
    from hepae.codec.bounds import quantiser_of
    from hepae.codec.network import from_layers
    from hepae.codec.latent_predictor import LatentPredictor
    from hepae.codec.predictor import Predictor, View

    schema = infer_schema(table)
    names = ["pt", "m", "phi", "eta"]
    quantisers = tuple((n, (g := quantiser_of(schema[n])).mode, float(g.size)) for n in names)
    turn = int(quantisers[2][2])
    net = lambda *sizes: from_layers(
        [rng.normal(0, 0.3, (b, a)) for a, b in zip(sizes, sizes[1:])],
        [rng.normal(0, 0.1, b) for b in sizes[1:]],
        ["tanh"] * (len(sizes) - 2) + ["linear"],
    )
    views = (View(750_000, 2000), View(740_000, 2000), View(0, turn // 6, turn), View(0, 1800))
    learned = Predictor(quantisers, views, {1: net(1, 6, 2), 2: net(2, 6, 2), 3: net(4, 6, 2)})
    latent = LatentPredictor(
        quantisers,
        ("float32",) * 4,
        ((750_000.0, 2000.0), (740_000.0, 2000.0), (0.0, turn / 6), (0.0, 1800.0)),
        ((0, 2**21), (0, 2**21), (0, turn), (-9000, 9000)),
        True,
        2**13,
        net(2, 6, 4),
        net(4, 6, 2),
    )
    return {
        "learned": compress(table, "schema", predictor=learned),
        "latents": compress(table, "schema", predictor=latent),
    }


# accidents


def blocks_of(data: bytes) -> list[bytes]:
    "The preamble, and each block as its bytes."
    found, at = [data[: len(MAGIC) + 1]], len(MAGIC) + 1
    while at < len(data):
        (n,), payload = take_numbers(data, 1, at + 1)
        found.append(data[at : payload + n + 8])
        at = payload + n + 8
    return found


def _truncated(r, data, files):
    return data[: r.choice([r.randrange(len(data)), max(0, len(data) - r.randint(1, 40))])]


def _flipped(r, data, files):
    out = bytearray(data)
    for _ in range(r.randint(1, 20)):
        out[r.randrange(len(out))] ^= 1 << r.randrange(8)
    return bytes(out)


def _end_flipped(r, data, files):
    out, size = bytearray(data), len(blocks_of(data)[-1])
    for _ in range(r.randint(1, 4)):
        out[-r.randint(1, size)] ^= 1 << r.randrange(8)
    return bytes(out)


def _inserted(r, data, files):
    at = r.randrange(len(data) + 1)
    return data[:at] + r.randbytes(r.choice([1, 1, 2, 8, 100])) + data[at:]


def _removed(r, data, files):
    at = r.randrange(len(data))
    return data[:at] + data[at + r.choice([1, 1, 2, 8, 100]) :]


def _lengthened(r, data, files):
    return data + r.choice([b"\0", r.randbytes(9), bytes(4096), data, blocks_of(data)[-1]])


def _zeroed(r, data, files):
    return (
        data[: (at := r.randrange(len(data)))]
        + bytes(n := min(r.choice([1, 16, 512]), len(data) - at))
        + data[at + n :]
    )


def _spliced(r, data, files):
    "A block, or all from some byte on, from another file."
    other = r.choice(files)
    if r.random() < 0.3:
        return data[: r.randrange(len(data))] + other[r.randrange(len(other)) :]
    mine, theirs = blocks_of(data), blocks_of(other)
    mine[r.randrange(len(mine))] = r.choice(theirs)
    return b"".join(mine)


def _blocks_moved(r, data, files):
    "Blocks swapped, repeated, left out."
    b = blocks_of(data)
    i, j = r.randrange(len(b)), r.randrange(len(b))
    what = r.randrange(3)
    if what == 0:
        b[i], b[j] = b[j], b[i]
    elif what == 1:
        b.insert(j, b[i])
    else:
        del b[i]
    return b"".join(b)


def _foreign(r, data, files):
    magics = [
        b"", b"\x93hepae", b"\x93hepae\r\n\x1a\x02", b"\x93hepae\n\x1a\x01", b"root", b"PAR1", b"\x80\x04",
        b"\x1f\x8b\x08", b"PK\x03\x04", b"pt,eta\n1,2\n",
    ]
    return r.choice(magics) + r.choice([data[len(MAGIC) + 1 :], b"", r.randbytes(50)])


def _garbage(r, data, files):
    return r.choice([b"", MAGIC + bytes([VERSION]), MAGIC + bytes([VERSION]) + b"H"]) + r.randbytes(
        r.choice([0, 1, 12, 100, 3000])
    )


def _huge_block(r, data, files):
    "A block that claims to be larger than the file."
    b = blocks_of(data)
    k = r.randrange(1, len(b))
    (n,), at = take_numbers(b[k], 1, 1)
    b[k] = b[k][:1] + put_numbers([r.choice([n + 1, n + 2**20, 2**31, 2**40, 2**48, 2**55])]) + b[k][at:]
    return b"".join(b)


ACCIDENTS = (
    _truncated, _flipped, _end_flipped, _inserted, _removed, _lengthened, _zeroed, _spliced, _blocks_moved,
    _foreign, _garbage, _huge_block,
)


# attacks

NUMBERS = [
    -1, 0, 1, 2, 7, 63, 64, 127, 2**14, 2**20 - 1, 2**20, 2**20 + 1, 2**24, 2**31, 2**32, 2**40, 2**50, 2**61,
    2**62, 2**63 - 1, 2**63, 2**64 - 1,
]
ANYTHING = [
    *NUMBERS, *(-n for n in NUMBERS[3:]), 2**64, 10**30, 10**400, 0.0, 1.0, 0.5, -1.5, 1e308, True, False, None, "",
    "x", "pt", "1", "nan", "float16", "float32", "float64", "float128", "int8", "int64", "uint64", "bool",
    "complex64", "O", "U3", "V8", "M8[s]", ">f4", ">i8", "i4,i4", "integer", "flag", "periodic", "continuous",
    "exact", "abs:1e-300", "abs:1e-13", "abs:1e300", "rel:1e-12", "rel:0.999", "bits:1", "bits:52", "rel:nan",
    "rel:-1", "table", "events", "ae", "density", "\0", "\ud7ff", [], {}, [0], [[]], [0, 1], [[0, 1], [0, 1]],
    {"a": 1}, [0] * 5000, list(range(5000)), ["pt"] * 3, [-1, 10_000, 20_000, 20_001],
]
PARENTS = [-4, -3, -2, -1, 0, 1, 3, 9999, 10_000, 10_001, 10_050, 20_000, 20_001, 20_002, 2**20]


def _anything(r: random.Random):
    return json.loads(json.dumps(r.choice(ANYTHING)))


def _places(x, at=()):
    "Every place in a tree of lists and objects."
    yield at
    for k, v in x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else ():
        yield from _places(v, (*at, k))


def _changed(r: random.Random, tree):
    "A copy of JSON-able data with one to three places changed."
    tree = json.loads(json.dumps(tree))
    for _ in range(r.choice([1, 1, 1, 2, 3])):
        place = r.choice([p for p in _places(tree) if p] or [()])
        if not place:
            return _anything(r)
        node = tree
        for k in place[:-1]:
            node = node[k]
        k, old, what = place[-1], node[place[-1]], r.random()
        if what < 0.08:
            del node[k]
        elif what < 0.14 and isinstance(node, list):
            node.insert(k, json.loads(json.dumps(old)))
        elif what < 0.2 and isinstance(node, list):
            r.shuffle(node)
        elif what < 0.5 and type(old) is int:
            node[k] = r.choice(
                [
                    old + 1, old - 1, -old, old * 2, old << 8, old + r.choice(NUMBERS), r.choice(NUMBERS),
                    r.choice(PARENTS),
                ]
            )
        elif what < 0.55:
            node[k] = [old]
        elif what < 0.6 and isinstance(old, list):
            node[k] = json.loads(json.dumps(old * r.choice([0, 2, 50])))
        else:
            node[k] = _anything(r)
    return tree


def _deflated(text: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=DICTIONARY)
    return deflate.compress(text) + deflate.flush()


def _odd_json(r: random.Random, facts: dict) -> bytes:
    "Text that is hardly a header."
    text = json.dumps(facts)
    number = '"low":'
    texts = [
        "[" * 100_000,
        '{"a":' * 50_000,
        "{}",
        "[]",
        "null",
        "1",
        "",
        text[: r.randrange(len(text))],
        text + text,
        text.replace(":", ": NaN,", 1),
        '{"codec":"density","columns":NaN}',
        "9" * 5000,
        '{"plan":' + "[" * 900 + "]" * 900 + "}",
        text[:-1] + ',"plan":' + "[" * 990 + "]" * 990 + "}",
        text[:-1] + ',"low":[Infinity]}',
        text[:-1] + f",{number}1e999}}",
        text[:-1] + ',"name":"' + "x" * 2**20 + '"}',
        text[:-1] + ',"source":{"entries":1e400}}',
        " " * (2**24 + 5),
    ]
    return _deflated(r.choice(texts).encode()) if r.random() < 0.9 else _deflated(b"\xff\xfe" + text.encode())


def _changed_bytes(r: random.Random, data: bytes) -> bytes:
    "Bytes flipped, cut, added, emptied."
    out, what = bytearray(data), r.randrange(6)
    if what < 3 and out:
        for _ in range(r.randint(1, 8)):
            out[r.randrange(len(out))] ^= 1 << r.randrange(8)
    elif what == 3:
        del out[r.randrange(len(out) + 1) :]
    elif what == 4:
        out += r.randbytes(r.choice([1, 4, 64]))
    else:
        out = bytearray(r.choice([b"", bytes(len(out)), b"\xff" * len(out), r.randbytes(len(out))]))
    return bytes(out)


def _changed_numbers(r: random.Random, data: bytes) -> bytes:
    "LEB128 numbers, some of them others."
    numbers, at = [], 0
    while at < len(data):
        (n,), at = take_numbers(data, 1, at)
        numbers.append(n)
    for _ in range(r.randint(1, 2)):
        k = r.randrange(len(numbers))
        numbers[k] = r.choice([abs(numbers[k] + r.choice([-1, 1, 1000])), r.choice([n for n in NUMBERS if n >= 0])])
    if r.random() < 0.1:
        numbers = numbers[:-1] if r.random() < 0.5 else numbers + [0]
    return put_numbers(numbers)


def deflated_raw(data: bytes) -> bytes:
    "Deflated without a dictionary, as sections are that hold no JSON."
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


def _changed_lists(r: random.Random, data: bytes) -> bytes:
    "Frequent values: other numbers, bins or values, deflated as they should be, or a flood of zeros."
    if not data or r.random() < 0.2:
        return _changed_bytes(r, data)
    raw = zlib.decompress(data, -15)
    if r.random() < 0.2:
        return deflated_raw(
            put_numbers(
                [r.choice([0, 1, 2, 1025]) for _ in range(r.randrange(5))]
                + [r.choice([n for n in NUMBERS if n >= 0] + [2**64, 2**70 - 1])] * 2
            )
            + bytes(r.choice([4, 8, 12, 16]))
        )
    if r.random() < 0.1:
        raw = bytes(r.choice([2**16, 2**24]))
    elif r.random() < 0.3:
        raw = (
            put_numbers([r.choice([n for n in NUMBERS if n >= 0]) for _ in range(r.randrange(1, 9))])
            + raw[r.randrange(len(raw)) :]
        )
    elif r.random() < 0.5:
        raw = raw[: (at := r.randrange(len(raw)))] + b"\xff" * 9 + r.choice([b"\x01", b"\x7f"]) + raw[at + 1 :]
    else:
        raw = _changed_bytes(r, raw)
    return deflated_raw(raw)


def _changed_texts(r: random.Random, data: bytes) -> bytes:
    "Texts with other bytes, other counts, or a flood of zeros, packed as they should be."
    if not data or r.random() < 0.1:
        return _changed_bytes(r, data)
    strings = take_texts(data)
    k, what = r.randrange(len(strings)), r.random()
    texts = unpack_texts(strings[k])
    if what < 0.2:
        strings[k] = _changed_bytes(r, strings[k])
    elif what < 0.3:
        strings[k] = (
            put_numbers([r.choice([0, 1, 2**20, 2**40]), r.choice([0, 4, 2**20, 2**26, 2**40])])
            + zlib.compress(bytes(2**22), 9)[2:-4]
        )
    elif what < 0.4:
        del strings[k]
    elif what < 0.5:
        strings.insert(k, r.choice(strings))
    elif what < 0.6:
        r.shuffle(strings)
    elif what < 0.8:
        strings[k] = pack_texts(texts[: r.randrange(len(texts) + 1)])
    elif texts:
        strings[k] = pack_texts([_changed_bytes(r, t) if r.random() < 0.5 else t for t in texts])
    return put_texts(strings)


def _changed_new(r: random.Random, payload: bytes, header: Header, others: list[bytes]) -> bytes:
    "A chunk whose frequent values, texts or events are others."
    sections = _opened(payload, header).sections
    (count,), at = take_numbers(payload, 1)
    first, names = take_sections(payload, count, at)[0], [n for n in ("frequent", "texts", "events") if sections[n]]
    if not names:
        return _changed_chunk(r, payload, others)
    name = r.choice(names)
    change = {"frequent": _changed_lists, "texts": _changed_texts, "events": lambda r, x: _changed_chunk(r, x, others)}[
        name
    ]
    sections[name] = [change(r, sections[name][0])]
    parts = [first, *(part for these in sections.values() for part in these)]
    return put_numbers([len(parts)]) + put_sections(parts)


def _changed_chunk(r: random.Random, payload: bytes, others: list[bytes]) -> bytes:
    "A chunk with another section, other numbers, or another chunk altogether."
    what = r.random()
    if what < 0.1:
        return _changed_bytes(r, payload)
    if what < 0.2:
        return r.choice(others)
    (count,), at = take_numbers(payload, 1)
    parts = take_sections(payload, count, at)
    k = r.randrange(count)
    if what < 0.5:
        parts[0] = _changed_numbers(r, parts[0])
    elif what < 0.85:
        parts[k] = _changed_json(r, parts[k]) if k and r.random() < 0.7 else _changed_bytes(r, parts[k])
    elif what < 0.95:
        parts[k] = r.choice(parts)
    else:
        parts = parts[:-1] if r.random() < 0.5 else parts + [b""]
    return put_numbers([len(parts)]) + put_sections(parts)


def _changed_json(r: random.Random, section: bytes) -> bytes:
    "A section of JSON with other values; any other section with other bytes."
    try:
        return put_json(_changed(r, take_json(section)))
    except HepaeError:
        return _changed_bytes(r, section)


def _changed_model(r: random.Random, data: bytes) -> bytes:
    "A file of networks with other sizes or numbers, and a checksum that fits."
    from hepae.codec.network import pack, unpack

    if r.random() < 0.15:
        return _changed_bytes(r, data)
    text, numbers = unpack(data)
    if r.random() < 0.75:
        text = _changed(r, text)
    else:
        numbers = _changed_bytes(r, bytes(numbers))
    return pack(text, bytes(numbers))


def _attacked(r: random.Random, data: bytes, files: list[bytes]) -> bytes:
    "The file with a lie in it, and checksums that fit."
    reader = Reader(io.BytesIO(data))
    facts, model, chunks = put_json(reader.facts), reader.model, list(reader.chunks())
    rows, events = [n for _, n in reader.end.chunks], reader.end.events
    what = r.random()
    if model is not None and what < 0.4:
        model = _changed_model(r, model)
        try:
            facts = put_json(reader.facts | {"model": model_from_bytes(model).id})
        except HepaeError:
            pass
    elif what < 0.5:
        changed = _changed(r, reader.facts)
        if r.random() < 0.05:
            facts = _odd_json(r, reader.facts)
        else:
            facts = put_json(changed)
    elif what < 0.93:
        k, other = r.randrange(len(chunks)), list(Reader(io.BytesIO(r.choice(files))).chunks())
        chunks[k] = (
            _changed_new(r, chunks[k], Header.from_dict(reader.facts), other)
            if model is None and r.random() < 0.4
            else _changed_chunk(r, chunks[k], other)
        )
    elif what < 0.96:
        rows[r.randrange(len(rows))] = abs(r.choice(NUMBERS))
    else:
        events = abs(r.choice(NUMBERS))
    writer = Writer(io.BytesIO())
    writer._put(MAGIC + bytes([VERSION]))
    writer._block(b"H", facts)
    if model is not None:
        writer._block(b"M", model)
    for payload, n in zip(chunks, rows):
        writer.chunk(payload, n)
    writer.end(events)
    return writer.file.getvalue()


# the judge


class Hang(BaseException):
    "Longer than SECONDS."


@contextmanager
def no_hang():
    "Raises Hang if the block takes too long."

    def late(*_):
        raise Hang

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def same_rows(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    "The same columns, and the same facts about events."
    facts = [events_of(t) for t in (one, other)]
    if len(one) == len(other) and one.reset_index(drop=True).equals(other.reset_index(drop=True)):
        return facts[0] is None or facts[1] is None or facts[0].equals(facts[1].loc[facts[0].index])
    return False


@dataclass
class Judge:
    "Reads damaged files, counts what happens, and keeps those that went wrong."

    files: dict[str, bytes]
    counts: Counter = field(default_factory=Counter)
    wrong: list[tuple[str, bytes]] = field(default_factory=list)  # what happened, and the file
    slowest: float = 0.0
    largest: int = 0  # most bytes taken by one file
    attack = staticmethod(_attacked)

    def __post_init__(self):
        self.tables = {data: decompress(data) for data in self.files.values()}
        self.honest = max(self._memory(lambda: decompress(data)) for data in self.files.values())

    def _memory(self, task) -> int:
        "Bytes taken at most during a task."
        tracemalloc.start()
        try:
            task()
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return peak

    def one(self, r: random.Random, attack: bool, weigh: bool) -> None:
        "Damage one file, and read it."
        honest = r.choice(list(self.files.values()))
        damage = self.attack if attack else r.choice(ACCIDENTS)
        data = damage(r, honest, list(self.files.values()))
        kind = damage.__name__.strip("_").replace("_", " ")
        if data in self.tables:
            self.counts[f"{kind}: unchanged"] += 1
            return
        began, outcome = time.process_time(), []
        if weigh:
            peak = self._memory(lambda: outcome.append(self._read(r, data, honest, attack)))
            self.largest = max(self.largest, peak)
            if peak > 4 * self.honest + SPARE:
                outcome = [f"WRONG: {peak >> 20} MB"]
        else:
            outcome.append(self._read(r, data, honest, attack))
        self.slowest = max(self.slowest, time.process_time() - began)
        self.counts[f"{kind}: {outcome[0].split(':')[0]}"] += 1
        if outcome[0].startswith("WRONG"):
            self.wrong.append((f"{kind}: {outcome[0]}", data))

    def _read(self, r: random.Random, data: bytes, honest: bytes, attack: bool) -> str:
        "What a reader makes of the bytes: all of them, and some rows."
        table, n = self.tables[honest], len(self.tables[honest])
        outcome = self._outcome(lambda: decompress(data), None if attack else "any table")
        if outcome.startswith("WRONG"):
            return outcome
        a = r.randrange(n + 1)
        b = min(n, a + 1 + r.randrange(100))
        some = self._outcome(lambda: read_rows(io.BytesIO(data), a, b), None if attack else table.iloc[a:b])
        return some if some.startswith("WRONG") else outcome

    def alike(self, one, right) -> bool:
        "Is this the only table that may come back?"
        return isinstance(right, pd.DataFrame) and same_rows(one, right)

    def _outcome(self, task, right) -> str:
        "'refused', 'read', or what is wrong. `right`: the only table that may come back; None: any may."
        try:
            with no_hang():
                back = task()
        except HepaeError as e:
            if len(str(e).splitlines()) != 1 or len(str(e)) > 2000:
                return f"WRONG: a message of {len(str(e))} characters: {str(e)[:200]}"
            return "refused"
        except Hang:
            return "WRONG: hangs"
        except Exception as e:
            return f"WRONG: {type(e).__name__}: {e}"[:300]
        if right is None or self.alike(back, right):
            return "read"
        return "WRONG: silent corruption"


def campaign(judge: Judge, files: int, seed: int, attacks: float = 0.5, weigh: int = 10) -> Judge:
    "Damage so many files. Every `weigh`-th is weighed, which takes longer."
    r = random.Random(seed)
    for k in range(files):
        judge.one(r, r.random() < attacks, k % weigh == 0)
    return judge

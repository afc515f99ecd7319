"""Rivals of a whole .hepae file that keep an event as a record: HepMC3's protobuf, RNTuple, ProMC.

Each function returns bytes of what it would write. Those of protobuf and ProMC are our writers of their layouts,
in numpy: the PyPI package of HepMC3 has no protobuf, and ProMC is on no registry. RNTuple is written by uproot, and
where it is truncated by ROOT 6.40 (PyPI `root`), which is left out where it is not installed.
"""

import io
import lzma
import zipfile

import numpy as np
import pandas as pd

from hepae.bench.compressors import real32_file, root_file, root_package
from hepae.dataset import Dataset
from hepae.hepmc.events import Events

MULTIPLIER, LENGTHS = 100_000, 1_000  # of ProMC: units of 0.01 MeV (its paper, arXiv:1311.1229) and 1 µm


# ---- the wire format of protocol buffers

def varint_table(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    "Varints of 64-bit integers: a row of ten bytes for each, and which of them count."
    x = np.asarray(x, "i8").view("u8")
    k = np.arange(10, dtype="u8")
    left = x[:, None] >> 7 * k
    used = (left > 0) | (k == 0)
    more = np.column_stack([used[:, 1:], np.zeros(len(x), bool)])
    return ((left & np.uint64(127)).astype("u1") | more.astype("u1") << 7), used


def varints(x: np.ndarray) -> bytes:
    "Varints one after another."
    table, used = varint_table(x)
    return table[used].tobytes()


def zigzag(x: np.ndarray) -> np.ndarray:
    "Signed integers as unsigned ones, small where they are."
    x = np.asarray(x, "i8")
    return x << 1 ^ x >> 63


def always(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    "Bytes of which all count."
    return table, np.ones(table.shape, bool)


def tag(byte: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    "The same byte before a field of each record."
    return always(np.full((n, 1), byte, "u1"))


def double(byte: int, x: pd.Series) -> list:
    "A double with its tag."
    return [tag(byte, len(x)), always(x.to_numpy("<f8").view("u1").reshape(-1, 8))]


def four_vector(byte: int, t: pd.DataFrame, names: list[str]) -> list:
    "A message of four doubles."
    of_four = [part for k, name in enumerate(names) for part in double(9 + 8 * k, t[name])]
    return [tag(byte, len(t)), tag(36, len(t)), *of_four]


def messages(byte: int, fields: list) -> bytes:
    "Records, each with its tag and its length."
    table, used = (np.column_stack(side) for side in zip(*fields))
    heads, heads_used = varint_table(used.sum(1))
    table = np.column_stack([np.full(len(table), byte, "u1"), heads, table])
    return table[np.column_stack([np.ones(len(used), bool), heads_used, used])].tobytes()


def repeated_integers(byte: int, x: np.ndarray) -> bytes:
    "A repeated field that is not packed."
    (tags, one), (table, used) = tag(byte, len(x)), varint_table(x)
    return np.column_stack([tags, table])[np.column_stack([one, used])].tobytes()


def repeated_texts(byte: int, texts: pd.Series) -> bytes:
    "A repeated field of texts."
    found = (text.encode() for text in texts)
    return b"".join(bytes([byte]) + varints(np.array([len(text)])) + text for text in found)


# ---- HepMC3's protobuf

def links(particles: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    "HepMC3's two lists of ends of lines, of particles that enter a vertex and that leave one."
    enters, leaves = particles[particles["end"] < 0], particles[particles["production"] < 0]
    one = np.concatenate([enters["id"], leaves["production"]])
    other = np.concatenate([enters["end"], leaves["id"]])
    order = np.argsort(-np.concatenate([enters["end"], leaves["production"]]), kind="stable")
    return one[order], other[order]


def event_message(events: Events, i: int) -> bytes:
    "One event as HepMC3's `GenEventData`."
    event = events.events.loc[i]
    p, v, a = (t.loc[i] if i in t.index else t.iloc[:0] for t in
               (events.particles, events.vertices, events.attributes.set_index("entry")))
    a = a.sort_values(["name", "id"], kind="stable")
    units = [int(event["momentum_unit"] == "MEV"), int(event["length_unit"] == "CM")]
    whole = varints(np.array([8, event["number"], 16, units[0], 24, units[1]]))
    kinds = [tag(8, len(p)), varint_table(p["pid"]), tag(16, len(p)), varint_table(p["status"]), tag(24, len(p)),
             tag(1, len(p)), *double(33, p["m"]), *four_vector(42, p, ["px", "py", "pz", "E"])]
    places = [tag(8, len(v)), varint_table(v["status"]), *four_vector(18, v, list("xyzt"))]
    weights = pd.Series(events.weights.loc[i].to_numpy("f8"))
    table, used = (np.column_stack(side) for side in zip(*double(49, weights)))
    whole += messages(34, kinds) + messages(42, places) + table[used].tobytes()
    table, used = (np.column_stack(side) for side in zip(*four_vector(58, event.to_frame().T, list("xyzt"))))
    whole += table[used].tobytes()
    for byte, ends in zip((64, 72), links(p)): whole += repeated_integers(byte, ends)
    return whole + repeated_integers(80, a["id"]) + repeated_texts(90, a["name"]) + repeated_texts(98, a["value"])


def protobuf_file(chunks: list[Events]) -> bytes:
    "Events as HepMC3's protobuf file has them, without its header."
    found = [event_message(events, i) for events in chunks for i in events.events.index]
    return b"".join(b"\r" + len(m).to_bytes(4, "little") + b"\x15" + (3).to_bytes(4, "little") + m for m in found)


# ---- RNTuple

def cut(x: np.ndarray, bits: int) -> np.ndarray:
    "float32 of which so many bits are kept, towards zero."
    return (x.astype("<f4").view("u4") & np.uint32(2**32 - 2**(32 - bits))).view("f4")


def kept_bits(bound: float) -> int:
    "Bits of a float32 that is cut within a relative bound: a sign, 8 of the exponent, and digits."
    return 9 + int(np.ceil(-np.log2(bound)))


def rounded_columns(d: Dataset, bits: int) -> dict[str, list[np.ndarray]]:
    "Columns of each table: momenta, masses and places with fewer bits; texts as numbers of theirs."
    found = {}
    for name, t in d.tables.items():
        columns = [x.to_numpy() if x.dtype.kind in "biuf" else pd.factorize(x)[0] for _, x in t.items()]
        if name == "events": columns += [c.rows for c in d.collections.values()]
        kept = name not in ("particles", "vertices")
        columns = [cut(x, bits) if x.dtype.kind == "f" and bits < 64 and not kept else x for x in columns]
        if len(t): found[name] = [x.astype("u1") if x.dtype == bool else x for x in columns]
    return found


def rntuple_size(d: Dataset, bits: int) -> int:
    "Bytes of RNTuples of double (64 bits) or float32 (32), an RNTuple a table, by uproot and LZMA."
    return sum(len(root_file("RNTuple", "LZMA", 9)(columns)) for columns in rounded_columns(d, bits).values())


def truncated_size(d: Dataset, bits: int) -> int | None:
    "Bytes of RNTuples with Real32Trunc, by ROOT and LZMA; None without ROOT 6.40."
    if root_package() is None: return None
    pack = real32_file(quantised=False)
    return sum(len(pack(columns, ["exact"] * len(columns))) for columns in rounded_columns(d, bits).values())


# ---- ProMC

def ends_of(particles: pd.DataFrame, through: str, beyond: str) -> np.ndarray:
    "First and last id of those that share the vertex: mothers are those whose `beyond` is my `through`."
    vertex = particles[particles[beyond] < 0].groupby(beyond)["id"].agg(["min", "max"])
    return vertex.reindex(particles[through]).fillna(0).to_numpy("i8")


def promc_event(p: pd.DataFrame, v: pd.DataFrame) -> bytes:
    "Packed varints of an event: momenta in units of 0.01 MeV, places in µm; E and ids follow."
    place = v.set_index("id")[list("xyzt")].reindex(p["production"]).fillna(0).to_numpy()
    columns = [zigzag(p["pid"]), p["status"], np.rint(p["m"] * MULTIPLIER)]
    columns += [zigzag(np.rint(p[n] * MULTIPLIER)) for n in ("px", "py", "pz")]
    columns += [*ends_of(p, "production", "end").T, *ends_of(p, "end", "production").T]
    columns += [zigzag(np.rint(x * LENGTHS)) for x in place.T]
    found = b""
    for k, x in enumerate(columns):
        packed = varints(x)
        found += varints(np.array([8 * (k + 1) + 2, len(packed)])) + packed
    return found


def promc_sizes(chunks: list[Events]) -> dict[str, int]:
    "Bytes of events in ProMC's layout: each in a zip archive, as ProMC has them, or all in one xz."
    found = [promc_event(e.particles.loc[i], e.vertices.loc[i]) for e in chunks for i in e.events.index]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, event in enumerate(found): archive.writestr(str(k), event)
    return {"zip": len(file.getvalue()), "xz": len(lzma.compress(b"".join(found), preset=6))}


# ---- what rounding does

def beyond_bound(p: pd.DataFrame, rounded: np.ndarray, bound: float) -> float:
    "Share of particles that are not along the beam whose pt, η or φ is further off than the bound."
    def pt_eta_phi(q: np.ndarray) -> np.ndarray:
        pt = np.hypot(q[:, 0], q[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"): eta = np.arcsinh(q[:, 2] / pt)
        return np.column_stack([pt, eta, np.arctan2(q[:, 1], q[:, 0])])
    q = p[["px", "py", "pz"]].to_numpy()
    across = np.hypot(q[:, 0], q[:, 1]) > 0
    a, b = pt_eta_phi(q[across]), pt_eta_phi(np.asarray(rounded, "f8")[across])
    turned = np.abs((b[:, 2] - a[:, 2] + np.pi) % (2 * np.pi) - np.pi)
    near = (np.abs(b[:, 0] / a[:, 0] - 1) <= bound) & (np.abs(b[:, 1] - a[:, 1]) <= bound) & (turned <= bound)
    return 1 - near.mean()

"""Peak memory of `hepae` on forged files below 1 MB: files that claim far more than they hold, and bombs of packed
zeros.

    python tests/benchmarks/forged_files.py [--only bomb.pkl.gz claim.npz ...]

Each file is given to `inspect`, then to `decompress` and `verify` or to `compress`, each in a process of its own
(`peaks.py`). Exit code 1 if a command takes more than 300 MB, leaves a traceback, or does not end within a minute
of
processor time. Honest tables of zeros are no forgeries, and are not among these.
"""

import argparse
import gzip
import io
import json
import lzma
import struct
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Callable
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from peaks import Scales  # noqa: E402

from hepae.codec.container import MAGIC, VERSION, Reader, Writer
from hepae.codec.sections import put_numbers, put_sections, take_numbers, take_sections
from hepae.codec.tables import compress
from hepae.schema import with_events

MOST = 300  # MB
BOMB = 400 << 20
FORGED: dict[str, Callable] = {}  # name of a file → what makes its bytes


def forged(name: str):
    "Marks a function that makes the bytes of a forgery."
    return lambda make: FORGED.setdefault(name, make)


EVENTS = pd.DataFrame(
    {"pt": np.arange(3.0)}, index=pd.MultiIndex.from_arrays([[0, 0, 1], [0, 1, 0]], names=["entry", "subentry"])
)


FACTS = pd.DataFrame({f"w{k}": [1.0, 2.0] for k in range(50)}, index=pd.Index([0, 1], name="entry"))


def rewritten_chunk(chunk: bytes, numbers=lambda n: n, sections=lambda s: s) -> bytes:
    "A chunk with other numbers, or other sections."
    (count,), at = take_numbers(chunk, 1)
    first, *rest = take_sections(chunk, count, at)
    claims = numbers(take_numbers(first, sum(b < 128 for b in first))[0])
    parts = [put_numbers(claims), *sections(rest)]
    return put_numbers([len(parts)]) + put_sections(parts)


def rewritten(table: pd.DataFrame, numbers=lambda n: n, sections=lambda s: s, facts=lambda f: f) -> bytes:
    "The table, compressed, with other numbers in its chunk, other sections, or another header."
    reader, out = Reader(io.BytesIO(compress(table))), io.BytesIO()
    chunk = rewritten_chunk(next(reader.chunks()), numbers, sections)
    (count,), at = take_numbers(chunk, 1)
    claims, _ = take_numbers(take_sections(chunk, count, at)[0], 2)
    writer = Writer(out)
    writer.header(facts(reader.facts))
    writer.chunk(chunk, claims[0])
    writer.end(claims[1])
    return out.getvalue()


def ended(sections: list[bytes]) -> list[bytes]:
    "Symbols that end before the first row: all that follow would be escapes."
    return [*sections[:-3], b"", *sections[-2:]]


for n in (24, 28, 40, 61):
    forged(f"events_{n}.hepae")(lambda n=n: rewritten(EVENTS, lambda x: [x[0], 2**n, x[2], x[3]]))
forged("empty_events.hepae")(lambda: rewritten(EVENTS, lambda x: [x[0], 2**24, x[2], 2**24]))
for n in (1, 16, 100):
    forged(f"rows_of_{n}.hepae")(
        lambda n=n: rewritten(pd.DataFrame({f"c{i}": np.zeros(4) for i in range(n)}), lambda x: [2**20, *x[1:]])
    )
for n in (1, 16, 100):
    forged(f"ended_{n}.hepae")(
        lambda n=n: rewritten(
            pd.DataFrame({f"c{i}": np.arange(4) * 1.1 for i in range(n)}), lambda x: [2**20, *x[1:]], ended
        )
    )
forged("ended_events.hepae")(lambda: rewritten(EVENTS, lambda x: [x[0], 2**22, 1, 2**22], lambda s: [b"", b"", *s[2:]]))
forged("ended_index.hepae")(
    lambda: rewritten(
        EVENTS.set_index(pd.MultiIndex.from_arrays([[5, 3, 9]] * 8)),
        lambda x: [2**20, *x[1:]],
        lambda s: [s[0], b"", b"", *s[3:]],
    )
)


def zeros(rows: int, columns: int, limit: int = 2**27) -> bytes:
    "Zeros in one chunk that is as a writer without the reader's limit would make it."
    from hepae.codec import chunk

    table = pd.DataFrame({f"x{k}": np.zeros(rows) for k in range(columns)})
    with mock.patch.object(chunk, "most_values", lambda size: limit):
        return compress(table, rows=rows)


forged("zeros.hepae")(lambda: zeros(2**20, 6))
forged("wide_zeros.hepae")(lambda: zeros(2**13, 520))
forged("facts.hepae")(
    lambda: rewritten(
        with_events(EVENTS, FACTS),
        sections=lambda s: [*s[:-4], rewritten_chunk(s[-4], lambda x: [2**20, *x[1:]], ended), *s[-3:]],
    )
)
forged("rows_of_text.hepae")(lambda: rewritten(pd.DataFrame({"a": ["x", "y"]}), lambda x: [2**20, *x[1:]]))


def deflated(data: bytes) -> bytes:
    "As the codec packs."
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


TEXTS = lambda s: [*s[:-4], put_numbers([1]) + put_sections([put_numbers([2, 2**27]) + deflated(bytes(BOMB))]), *s[-3:]]
forged("escapes.hepae")(
    lambda: rewritten(pd.DataFrame({"c": np.zeros(4)}), sections=lambda s: [*s[:-1], deflated(bytes(BOMB))])
)
forged("texts.hepae")(lambda: rewritten(pd.DataFrame({"a": ["x", "y"]}), sections=TEXTS))


def many_columns(facts: dict, n: int) -> dict:
    "The header of a table of one column, for n of them that list frequent values."
    column, plan = facts["columns"][0], facts["plan"][0]
    return facts | {
        "columns": [[f"c{k}", *column[1:4], "abs:0.3"] for k in range(n)],
        "order": list(range(n)),
        "variants": [0] * n,
        "plan": [plan] * n,
        "frequent": 1,
    }


def listed(sections: list[bytes], n: int) -> list[bytes]:
    "1,024 frequent values in each of n columns."
    bins = put_numbers(list(range(0, 2048, 2)))
    return [deflated(put_numbers([1024] * n) + bins * n + bytes(8 * 1024 * n)), b"", b"", deflated(bytes(8 * n))]


forged("frequent.hepae")(
    lambda: rewritten(
        pd.DataFrame({"c": [0.1]}), lambda x: [1, *x[1:]], lambda s: listed(s, 1024), lambda f: many_columns(f, 1024)
    )
)


def headed(text: bytes) -> bytes:
    "A file of one header."
    out = io.BytesIO(MAGIC + bytes([VERSION]))
    out.seek(0, 2)
    Writer(out)._block(b"H", deflated(text))
    return out.getvalue()


forged("deep.hepae")(lambda: headed(b'{"a":' + b"[" * 10**6 + b"]" * 10**6 + b"}"))
forged("wide.hepae")(lambda: headed(b'{"codec":"density","columns":[' + b",".join([b"{}"] * 5_000_000) + b"]}"))
forged("digits.hepae")(lambda: headed(b'{"codec":' + b"9" * 4_000_000 + b"}"))
forged("columns.hepae")(
    lambda: headed(b'{"codec":"density","columns":[' + b",".join([b'["c","float32"]'] * 500_000) + b"]}")
)
forged("dicts.hepae")(lambda: headed(b'{"codec":"density","plan":[' + b",".join([b'{"":0}'] * 1_100_000) + b"]}"))
forged("strings.hepae")(lambda: headed(b'{"codec":"density","plan":[' + b",".join([b'"ab"'] * 3_200_000) + b"]}"))
forged("block.hepae")(lambda: MAGIC + bytes([VERSION]) + b"H" + put_numbers([2**55]) + bytes(100))


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 6)


def filled(size: int) -> bytes:
    return b"\x80\x04\x8e" + struct.pack("<Q", size) + bytes(size) + b"."


forged("bomb.pkl.gz")(lambda: gzipped(filled(BOMB)))
forged("bomb.pkl.xz")(lambda: lzma.compress(filled(BOMB), preset=0))
forged("lines.pkl.gz")(lambda: gzipped(b"\x80\x04I" + b"0" * (BOMB) + b"\n."))
forged("bytes.pkl")(lambda: b"\x80\x05\x96" + struct.pack("<Q", 2**40) + bytes(100))
forged("binary.pkl")(lambda: b"\x80\x04\x8e" + struct.pack("<Q", 2**33) + bytes(100))
forged("memo.pkl")(lambda: b"\x80\x04Nr" + struct.pack("<I", 2**31 - 1) + b".")
forged("twice.pkl")(lambda: b"\x80\x04K\x01\x85\x94" + b"".join(b"h%ch%c\x86\x94" % (i, i) for i in range(40)) + b".")


def npz(shape: tuple, size: int) -> bytes:
    "One array that says `shape` and has so many bytes."
    head, out = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("data.npy", head.getvalue() + bytes(size))
    return out.getvalue()


def blocks(N: int, entry: int = 0) -> bytes:
    "An event of particles, all of them absent."
    out, names = io.BytesIO(), np.array([f"{v}_{k}" for k in range(N) for v in ("px", "py", "pz", "E")], "U16")
    places = {k: np.zeros((1, N), t) for k, t in (("pid", "i4"), ("m", "f8"), ("prompt", bool), ("mask", bool))}
    np.savez_compressed(
        out, data=np.zeros((1, 4 * N)), names=names, entry=np.array([entry]), unit=np.array("GeV", "U16"), **places
    )
    return out.getvalue()


def parquet(metadata: dict | None = None) -> bytes:
    "A column of zeros."
    out = io.BytesIO()
    table = pa.table({"pt": [0.0]})
    pq.write_table(table.replace_schema_metadata(metadata) if metadata else table, out)
    return out.getvalue()


def parquet_of(values: list) -> bytes:
    "A parquet file of one column, packed by zstd."
    pq.write_table(pa.table({"t": pa.array(values)}), out := io.BytesIO(), compression="zstd")
    return out.getvalue()


def basket(claim: int) -> bytes:
    "A tree of one packed basket for each branch; the last one claims to unpack to more."
    with tempfile.TemporaryDirectory() as d:
        path = Path(d) / "t.root"
        with uproot.recreate(path) as f:
            f.mktree("Events", dict.fromkeys(FOUR, "f4")).extend(dict.fromkeys(FOUR, np.arange(1000, dtype="f4")))
        with uproot.open(path) as f:
            seek = int(f["Events"][FOUR[-1]].member("fBasketSeek")[0])
        data = bytearray(path.read_bytes())
    data[seek + 6 : seek + 10] = claim.to_bytes(4, "big")  # fObjlen of its TKey
    return bytes(data)


def tree(find: bytes, put: bytes, times: int = -1) -> bytes:
    "A small tree, in whose bytes something is replaced, everywhere or the first times."
    with tempfile.TemporaryDirectory() as d:
        with uproot.recreate(Path(d) / "t.root") as f:
            f.mktree("Events", dict.fromkeys(FOUR, "f4")).extend(dict.fromkeys(FOUR, np.zeros(1000, "f4")))
        return (Path(d) / "t.root").read_bytes().replace(find, put, times)


FOUR = ("pt", "eta", "phi", "m")
PANDAS = {
    "index_columns": [{"kind": "range", "name": None, "start": 0, "stop": 2**40, "step": 1}],
    "column_indexes": [],
    "columns": [],
}
HEPMC = b"HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\nE 0 0 0\nU GEV MM\n"
forged("claim.npz")(lambda: npz((2**40, 4), 0))
forged("zeros.npz")(lambda: npz((1, 80 << 20), BOMB))
forged("wide.npz")(lambda: blocks(2**16))
forged("entry.npz")(lambda: blocks(1, 2**40))
forged("entry_28.npz")(lambda: blocks(1, 2**28))
forged("deep.parquet")(lambda: parquet({"hepae_schema": "[" * 100_000 + "]" * 100_000}))
forged("range.parquet")(lambda: parquet({"pandas": json.dumps(PANDAS)}))
forged("footer.parquet")(lambda: (p := parquet())[:-8] + struct.pack("<I", 2**31 - 1) + p[-4:])
forged("texts.parquet")(lambda: parquet_of(["x" * 10**6] * 300))
forged("lists.parquet")(lambda: parquet_of([["x" * 10**5] * 10] * 300))
forged("most.csv")(lambda: b",".join(b"c%d" % i for i in range(2**13)) + b"\n" + b"1.5," * (2**13 - 1) + b"1.5\n")
forged("wide.csv")(lambda: b",".join(b"c%d" % i for i in range(60_000)) + b"\n" + b"1," * 59_999 + b"1\n")
forged("entry.csv")(lambda: b"entry,subentry,pt\n%d,0,1.0\n" % 2**40)
forged("entry_28.csv")(lambda: b"entry,subentry,pt\n%d,0,1.0\n" % 2**28)
forged("bomb.csv.gz")(lambda: gzipped(b"a,b\n" + b"1," * (300 << 20)))
forged("length.root")(lambda: tree((4000).to_bytes(4, "big"), (2**31 - 1).to_bytes(4, "big")))
forged("tree.root")(lambda: tree((1000).to_bytes(8, "big"), (2**40).to_bytes(8, "big"), 1))
forged("entries.root")(lambda: tree((1000).to_bytes(8, "big"), (2**40).to_bytes(8, "big")))
for name, claim in (("basket", 600 << 20), ("block", 2**31 - 1)):
    forged(f"{name}.root")(lambda claim=claim: basket(claim))
forged("zeros.hepmc.gz")(lambda: gzipped(HEPMC + bytes(BOMB)))
forged("spaces.hepmc.xz")(lambda: lzma.compress(HEPMC + b" " * (BOMB), preset=0))
forged("counts.hepmc")(lambda: HEPMC.replace(b"E 0 0 0", b"E 0 999999999 999999999"))
forged("number.hepmc")(lambda: HEPMC.replace(b"E 0 0 0", b"E 0 1 1") + b"P 2000000000 0 22 0 0 1 1 0 1\n")


def commands(path: Path, out: Path) -> list[list]:
    "What is done with a file."
    every = ["--particles", "all"] if ".hepmc" in path.name else []
    if path.suffix != ".hepae":
        return [["inspect", path], ["compress", path, "-o", out / "o.hepae", "--force", "-q", *every]]
    return [
        ["inspect", path], ["decompress", path, "-o", out / "o.root", "--force"],
        ["decompress", path, "-o", out / "o.csv", "--force"], ["verify", out / "one.csv", path],
    ]


def weighed(scales: Scales, path: Path, out: Path) -> bool:
    "Print what each command takes; is it little?"
    (out / "one.csv").write_text("pt\n1\n")
    found = [(c[0], scales(*c)) for c in commands(path, out)]
    last = found[-1][1]
    said = f"{path.name:22} {path.stat().st_size:9,} bytes  " + ", ".join(
        f"{c} {w.peak} MB" + "!" * (not w.good) for c, w in found
    )
    print(f"{said}  {last.said.replace(str(path.parent), '')[:110]}", flush=True)
    return all(w.peak <= MOST and w.good for _, w in found)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument(
        "--only", nargs="*", default=list(FORGED), choices=list(FORGED), metavar="FILE", help="of " + ", ".join(FORGED)
    )
    given = p.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as d, Scales() as scales:
        for name in given.only:
            (path := Path(d) / name).write_bytes(FORGED[name]())
            good &= weighed(scales, path, Path(d))
            path.unlink()
    sys.exit(0 if good else 1)

"""What can happen to `.hepae` files of version 2, and what a reader may make of it: as `codec_damage` for version 1."""

import io
import json
import lzma
import random
from hashlib import blake2b

from codec_damage import NUMBERS, Judge, _changed, _changed_bytes, _changed_lists, _changed_texts, _odd_json
from dataset_samples import copies, corrected, in_units, matched, physics, same, whatever, wide, with_momenta, written

from hepae.codec.container import DATASETS, MAGIC, Reader, Writer
from hepae.codec.dataset_chunk import Events
from hepae.codec.dataset_header import tables_from_dict
from hepae.codec.datasets import read_datasets, read_events
from hepae.codec.sections import _LZMA, _SPREAD, put_document, put_json, put_numbers, put_sections, spread
from hepae.codec.sections import take_numbers, take_sections
from hepae.core import HepaeError, UsageError
from hepae.dataset import Dataset, joined_datasets


def honest_datasets(seed: int = 0) -> dict[str, bytes]:
    "Small files of version 2 of every kind."
    files = {
        "physics": written(physics(seed)),
        "chunks": written(physics(seed + 1), events=25),
        "small": written(physics(seed + 2, 8)),
        "dithered": written(physics(seed + 4, 30), events=12, dither=5),
        "copies": written(copies(seed + 5), events=200),
        "matched": written(matched(seed + 9, 150), events=80),
        "corrected": written(corrected(seed + 8, 40), events=20),
        "in units": written(in_units(seed + 6, 40), dither=2),
        "kept": written(with_momenta(seed + 7, 30), events=12, dither=3, computed=["mass(jets)=rel:1e-4"]),
        "empty": written(physics(seed + 3).between(0, 0)),
        "wide": written(wide(seed + 8, 30), events=12),
    }
    return files | {f"whatever {k}": written(whatever(seed + k)) for k in range(6)}


def parts_of(payload: bytes, roots: int) -> tuple[list[int], list[bytes]]:
    "Rows of tables without a parent, and the parts of a chunk."
    (*rows, many), at = take_numbers(payload, roots + 1)
    sizes, at = take_numbers(payload, many, at)
    at, parts = at + 4 * many, []
    for size in sizes:
        parts.append(payload[at : at + size])
        at += size
    return rows, parts


def chunk_of(rows: list[int], parts: list[bytes]) -> bytes:
    "The payload with these parts, and digests that fit."
    digests = [blake2b(part, digest_size=4).digest() for part in parts]
    return put_numbers([*rows, len(parts), *map(len, parts)]) + b"".join([*digests, *parts])


def _changed_part(r: random.Random, part: bytes) -> bytes:
    "A group of columns, a list of frequent values or texts with something else in them."
    what = r.random()
    if what < 0.2:
        return _changed_bytes(r, part)
    try:
        if what < 0.3:
            return _changed_lists(r, part)
        if what < 0.4:
            return _changed_texts(r, part)
        three = take_sections(part, 3)
    except Exception:  # a part of another kind
        return _changed_bytes(r, part)
    k = r.randrange(3)
    three[k] = _changed_bytes(r, three[k])
    return put_sections(three)


def _changed_events(r: random.Random, payload: bytes, roots: int, others: list[bytes]) -> bytes:
    "A chunk with other parts or numbers."
    what = r.random()
    if what < 0.1:
        return r.choice(others)
    rows, parts = parts_of(payload, roots)
    k = r.randrange(len(parts))
    if what < 0.75:
        parts[k] = _changed_part(r, parts[k])
    elif what < 0.85:
        parts[k] = r.choice(parts)
    elif what < 0.95:
        rows[r.randrange(len(rows))] = abs(r.choice(NUMBERS))
    else:
        parts = parts[:-1] if r.random() < 0.5 else parts + [b""]
    return chunk_of(rows, parts)


def _spread_header(r: random.Random, facts: dict) -> bytes:
    "A header in columns, with something else in them or in their text."
    what = r.random()
    facts = facts | {"documents": {"x.json": {"a": [1, 2], "b": [[1, "x"], [2, "y"]]}}}
    if what < 0.3:
        columns = spread([_changed(r, facts)])
    else:
        columns = spread([facts]) if what < 0.4 else _changed(r, spread([facts]))
    text = json.dumps(columns).encode()
    if what > 0.9:
        text = _changed_bytes(r, text)
    packed = _SPREAD + lzma.compress(text, lzma.FORMAT_RAW, filters=_LZMA)
    return packed if what < 0.95 else _changed_bytes(r, packed)


def _attacked(r: random.Random, data: bytes, files: list[bytes]) -> bytes:
    "The file with a lie in it, and checksums that fit."
    reader = Reader(io.BytesIO(data), DATASETS)
    chunks = list(reader.chunks())
    facts, rows = put_json(reader.facts), [n for _, n in reader.end.chunks]
    documents = [put_document(*d) for d in reader.documents.items()]
    tables = reader.facts["tables"]
    roots = sum(t["parent"] < 0 for t in tables) + any("dither" in t for t in tables)
    events, what = reader.end.events, r.random()
    if what < 0.25:
        facts = _spread_header(r, reader.facts)
    elif what < 0.5:
        facts = _odd_json(r, reader.facts) if r.random() < 0.05 else put_json(_changed(r, reader.facts))
    elif what < 0.93:
        k, other = r.randrange(len(chunks)), list(Reader(io.BytesIO(r.choice(files)), DATASETS).chunks())
        chunks[k] = _changed_events(r, chunks[k], roots, other)
    elif what < 0.96:
        rows[r.randrange(len(rows))] = abs(r.choice(NUMBERS))
    elif what < 0.98 and documents:
        documents[0] = _changed_bytes(r, documents[0])
    else:
        events = abs(r.choice(NUMBERS))
    writer = Writer(io.BytesIO())
    writer._put(MAGIC + bytes([DATASETS]))
    writer._block(b"H", facts)
    for document in documents:
        writer._block(b"D", document)
    for payload, n in zip(chunks, rows):
        writer.chunk(payload, n)
    writer.end(events)
    return writer.file.getvalue()


def whole(data: bytes) -> Dataset:
    "All of a file."
    return joined_datasets(list(read_datasets(io.BytesIO(data))))


def one_column(r: random.Random, data: bytes):
    "A column of a table, and nothing that it does not need."
    reader = Reader(io.BytesIO(data), DATASETS)
    tables = tables_from_dict(reader.facts)
    number = r.randrange(len(tables))
    name = r.choice(tables[number].header.schema.names or [""])
    return [Events(payload, tables).table(number, [name]) for payload in reader.chunks()]


class DatasetJudge(Judge):
    "As for version 1."

    attack = staticmethod(_attacked)

    def __post_init__(self):
        self.tables = {data: whole(data) for data in self.files.values()}
        self.honest = max(self._memory(lambda: whole(data)) for data in self.files.values())

    def alike(self, one, right) -> bool:
        "Is this the only dataset that may come back?"
        return isinstance(right, Dataset) and same(one, right)

    def _read(self, r: random.Random, data: bytes, honest: bytes, attack: bool) -> str:
        "What a reader makes of the bytes: all of them, some events, one column."
        n = len(self.tables[honest])
        outcome = self._outcome(lambda: whole(data), None if attack else "any dataset")
        if outcome.startswith("WRONG"):
            return outcome
        a = r.randrange(n + 1)
        b = min(n, a + 1 + r.randrange(100))
        right = self.tables[honest].between(a, b)
        some = self._outcome(lambda: _some(data, a, b), None if attack else right)
        if some.startswith("WRONG"):
            return some
        column = self._outcome(lambda: one_column(r, data), None)
        return column if column.startswith("WRONG") else outcome


def _some(data: bytes, a: int, b: int) -> Dataset:
    "Some events; HepaeError also where there are none."
    try:
        return read_events(io.BytesIO(data), a, b)
    except UsageError as e:
        raise HepaeError(str(e)) from e

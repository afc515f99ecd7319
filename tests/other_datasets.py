"""A second reader of `.hepae` files of version 2, written from section 8 of FORMAT.md, on top of `other_reader`."""

import json
import lzma
import zlib
from hashlib import blake2b
from itertools import accumulate

import numpy as np
from other_reader import (
    Bits, Rows, Words, blocks, check, check_end, columns_of, decode, described_in, inflate, leb128, restored,
    sections,
)


def gathered(x) -> list:
    "The values that stand in columns."
    if isinstance(x, list):
        return x
    if "shapes" in x:
        names = []
        for keys in x["keys"]:
            names += [key for key in keys if key not in names]
        columns = dict(zip(names, map(gathered, x["values"]), strict=True))
        found = [{key: columns[key].pop(0) for key in x["keys"][shape]} for shape in x["shapes"]]
        check(not any(columns.values()), "a key has more values than objects")
        return found
    columns = [gathered(place)[::-1] for place in x.get("places", [x.get("items")])]
    sizes = x["sizes"]
    if isinstance(sizes, int):
        sizes = [sizes] * (sum(map(len, columns)) // sizes)
    if "places" in x:
        found = [[column.pop() for column in columns[:n]] for n in sizes]
    else:
        found = [[columns[0].pop() for _ in range(n)] for n in sizes]
    check(not any(columns), "lists have more items than they say")
    return found


def header(found: list) -> tuple[dict, dict[str, bytes]]:
    "What block H says, and the documents, in it and beside it."
    from hepae.codec.sections import DICTIONARY

    data, documents = found[0][1], {}
    if data[:1] == b"\x07":
        unpack = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 23}])
        [facts] = gathered(json.loads(unpack.decompress(data[1:])))
        check(unpack.eof and not unpack.unused_data, "the header does not end where it should")
        for name, x in facts.pop("documents", {}).items():
            documents[name] = json.dumps(x, ensure_ascii=False, separators=(",", ":")).encode()
    else:
        facts = json.loads(inflate(data, zdict=DICTIONARY))
    for payload in (payload for kind, payload, *_ in found if kind == b"D"):
        name, document = sections(payload, 0, 2)
        check(name.decode() not in documents, "a document is there twice")
        documents[name.decode()] = inflate(document)
    return facts, documents


def described_facts(facts: dict) -> tuple[list[dict], list[int]]:
    "The headers of the tables, with what is as usual filled in; the order in which they are shown."
    tables = []
    for t in facts["tables"]:
        hidden = [k for k, v in enumerate(t["variants"]) if v >= 8192]
        t = t | {"variants": [v % 8192 for v in t["variants"]]}
        tables.append({"references": [], "before": [], "packed": []} | described_in(t) | {"hidden": hidden})
    for t in tables:
        t["order"] = t["order"] + [k for k in range(len(t["columns"])) if k not in t["order"]]
        t["before"] = t["before"] or [-1] * len(t["groups"])
        t["known"] = len(t["links"]) + sum(len(columns) for _, _, columns in t["references"])
    return tables, facts.get("order", list(range(len(tables))))


class Table:
    "A table of a chunk: rows, cells, and the values of its own columns."

    def __init__(self, head: dict, rows: Rows, first: list[int]):
        self.head, self.rows, self.first = head, rows, first  # first: first row of each row of the parent, and the end
        self.values = {}

    def own(self, k: int) -> list[int]:
        "Cells of an own column, in coding order."
        return self.rows.cells[self.head["known"] + k]


def rows_of(counts: list[int], columns: int) -> tuple[Rows, list[int]]:
    "Rows of which so many belong to each row of the parent."
    check(all(0 <= n <= 1 << 20 for n in counts), "no number of rows")
    place = [i for n in counts for i in range(n)]
    return Rows(place, [n for n in counts for _ in range(n)], columns), [0, *accumulate(counts)]


def meant(t: Table, index: int, there: Table, before: bool) -> list[int | None]:
    "Which row a column of places means, for each row."
    cells, escaped, found = t.own(index), t.rows.escaped[t.head["known"] + index], []
    for event, (a, b) in enumerate(zip(t.first, t.first[1:])):
        start, end = there.first[event], there.first[event + 1]
        for row in range(a, b):
            at = start + cells[row]
            found.append(at if not escaped[row] and start <= at < (row if before else end) else None)
    return found


def in_turns(rows: Rows, ago: list[int | None]) -> None:
    "The row before of each row, and whose turn it is."
    rows.ago, rows.turn = [], []
    for at in ago:
        turn = 0 if at is None else (rows.turn[at] + 1) % 64
        rows.turn.append(turn)
        rows.ago.append(at if turn else None)


def unpack(rows: Rows, columns: range, stream: bytes, mask: bytes) -> None:
    "Cells of a packed group, and which of them escape."
    widths, n = list(stream[:len(columns)]), len(rows.place)
    check(all(w in (1, 2, 4, 8) for w in widths), "no width")
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 23}]
    raw, at = lzma.decompress(stream[len(columns):], lzma.FORMAT_RAW, filters=filters), 0
    check(len(raw) == n * sum(widths), "bins do not fill the stream")
    bits = inflate(mask) if mask else b""
    for width in (8, 4, 2, 1):
        for k, (column, w) in enumerate(zip(columns, widths)):
            if w != width:
                continue
            numbers = (raw[i : i + w] for i in range(at, at + n * w, w))
            rows.cells[column] = [int.from_bytes(x, "little", signed=True) for x in numbers]
            at += n * w
            places = range(k * n, (k + 1) * n)
            rows.escaped[column] = [bool(mask) and bits[i // 8] >> i % 8 & 1 == 1 for i in places]


def decode_group(t: Table, number: int, g: int, tables: list[Table], part: bytes) -> bytes:
    "The cells of a group of columns; the section of escapes."
    head, rows = t.head, t.rows
    a = sum(head["groups"][:g])
    b, known = a + head["groups"][g], head["known"]
    column = len(head["links"])
    for index, other, columns in head["references"]:
        if index < a and columns:
            at = meant(t, index, tables[other], False)
            for j in columns:
                there = tables[other].own(j)
                rows.cells[column] = [0 if i is None else there[i] for i in at]
                column += 1
        else:
            column += len(columns)
    place = rows.ago, rows.turn
    if head["before"][g] >= 0:
        index, other, _ = head["references"][head["before"][g]]
        check(other == number and index < a, "no reference to a row before")
        in_turns(rows, meant(t, index, t, True))
    symbols, low_bits, escapes = sections(part, 0, 3)
    if g in head["packed"]:
        unpack(rows, range(known + a, known + b), symbols, low_bits)
    else:
        decode([None] * known + head["plan"], rows, range(known + a, known + b), Words(symbols), Bits(low_bits))
    rows.ago, rows.turn = place
    return inflate(escapes) if escapes else b""


def put_values(t: Table, lists: bytes, escapes: bytes) -> None:
    "Values of own columns, from cells, frequent values and escapes."
    known = t.head["known"]
    own = Rows(t.rows.place, t.rows.size, 0)
    own.cells, own.escaped = t.rows.cells[known:], t.rows.escaped[known:]
    found = columns_of(own, t.head, raw(escapes), lists)
    t.values = {name: found[k] for k, (name, *_) in enumerate(t.head["columns"])}


def raw(data: bytes) -> bytes:
    "Deflated, as `columns_of` takes them."
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush() if data else b""


def chunk(payload: bytes, heads: list[dict], streams: int = 0) -> tuple[list[Table], list[dict], list[bytes]]:
    "The tables of a chunk, the columns of each by name, and streams that stand beside them."
    roots, at, tables, shown, start = [], 0, [], [], 0
    if any(head["dither"] is not None for head in heads):
        start, at = leb128(payload, at)
    heads = [head | {"first": start} for head in heads]
    for head in heads:
        if head["parent"] < 0:
            n, at = leb128(payload, at)
            roots.append(n)
    many, at = leb128(payload, at)
    sizes = []
    for _ in range(many):
        n, at = leb128(payload, at)
        sizes.append(n)
    left = len(payload) - at - sum(sizes)
    check(left in (4 * many, 8 * many), "parts do not fill the chunk")
    ends, width = list(accumulate([at + left, *sizes])), left // many
    parts = [payload[a:b] for a, b in zip(ends, ends[1:])]
    for k, part in enumerate(parts):
        digest = payload[at + width * k : at + width * (k + 1)]
        check(blake2b(part, digest_size=width).digest() == digest, f"part {k} is damaged")
    left, beside = iter(parts[:len(parts) - streams]), parts[len(parts) - streams:]
    for number, head in enumerate(heads):
        columns = head["known"] + len(head["plan"])
        if head["parent"] < 0:
            n = roots.pop(0)
            t = Table(head, Rows([0] * n, [1] * n, columns), [])
        else:
            above = tables[head["parent"]]
            counts = above.values[above.head["columns"][head["counter"]][0]].tolist()
            rows, first = rows_of(counts, columns)
            t = Table(head, rows, first)
            for k, j in enumerate(head["links"]):
                rows.cells[k] = [above.own(j)[event] for event, n in enumerate(counts) for _ in range(n)]
        tables.append(t)
        lists = next(left) if head["frequent"] else b""
        texts = next(left) if head["plain"] else b""
        escapes = b"".join(decode_group(t, number, g, tables, next(left)) for g in range(len(head["groups"])))
        put_values(t, lists, escapes)
        t.values = {n: x for k, (n, x) in enumerate(t.values.items()) if k not in head["hidden"]}
        shown.append(restored(t.values, [], head["plain"], texts)[0] if head["plain"] else t.values)
    check(next(left, None) is None, "there are more parts than groups")
    return tables, shown, beside


def read(data: bytes) -> dict:
    "Tables (columns by name), rows of each row of the parent, documents."
    found = blocks(data, 2)
    events, _ = check_end(data, found)
    facts, documents = header(found)
    check("coding" not in facts, "whole events are read by other_events")
    heads, order = described_facts(facts)
    check(sorted(order) == list(range(len(heads))) and order[0] == 0, "no order of tables")
    nested = [t for t in heads if t["parent"] >= 0]
    counters = {(t["parent"], heads[t["parent"]]["columns"][t["counter"]][0]) for t in nested}
    made = [chunk(payload, heads) for kind, payload, *_ in found if kind == b"C"]
    check([tables[0].rows.n for tables, *_ in made] == events, "a chunk has another number of events")
    tables, rows = {}, {}
    for k in order:
        names = [n for n in made[0][1][k] if (k, n) not in counters]
        tables[heads[k]["table"]] = {n: [shown[k][n] for _, shown, _ in made] for n in names}
        if heads[k]["parent"] >= 0:
            rows[heads[k]["table"]] = [b - a for t, *_ in made for a, b in zip(t[k].first, t[k].first[1:])]
    joined = {name: {c: np.concatenate(x) for c, x in columns.items()} for name, columns in tables.items()}
    return {"tables": joined, "rows": rows, "documents": documents, "heads": heads, "order": order}

"""A second reader of `.hepae` files, written from FORMAT.md alone: plain, slow, without a model.

The sections named below are those of FORMAT.md. Cells are Python integers; tables of counts are numpy's int64.
"""

import json
import math
import re
import struct
import zlib
from bisect import bisect_right
from datetime import date
from decimal import ROUND_FLOOR, Decimal, localcontext
from hashlib import blake2b
from itertools import accumulate

import numpy as np
from other_functions import asinh, exp, sin_cos, turns

MAGIC = bytes.fromhex("93 68 65 70 61 65 0D 0A 1A")  # and the version
GAPS = [[], 0, [], 8, 0, 0, 0, 0]  # what follows the cells in the plans that no header holds


class NotHepae(ValueError):
    "The bytes are not what FORMAT.md describes, or need a model."


def check(right: bool, what: str) -> None:
    "Raise unless right."
    if not right:
        raise NotHepae(what)


def wrap(x: int) -> int:
    "As a 64-bit two's complement integer."
    return (x + (1 << 63)) % (1 << 64) - (1 << 63)


# ---- bytes (section 1) ----


def leb128(data: bytes, at: int) -> tuple[int, int]:
    "A number, and where the next byte is."
    value = shift = 0
    while True:
        check(at < len(data), "a number is cut off")
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def numbers(data: bytes) -> list[int]:
    "All the numbers in these bytes."
    found, at = [], 0
    while at < len(data):
        value, at = leb128(data, at)
        found.append(value)
    return found


def zigzag(n: int) -> int:
    "0, −1, 1, −2, … for 0, 1, 2, 3, …"
    return -(n + 1) // 2 if n % 2 else n // 2


def sections(payload: bytes, at: int, count: int) -> list[bytes]:
    "The lengths of `count` sections, then the sections, up to the end of the payload."
    sizes = []
    for _ in range(count):
        size, at = leb128(payload, at)
        sizes.append(size)
    check(at + sum(sizes) == len(payload), "sections do not fill their payload")
    found = []
    for size in sizes:
        found.append(payload[at : at + size])
        at += size
    return found


def inflate(data: bytes, **options) -> bytes:
    "Raw deflate."
    stream = zlib.decompressobj(-15, **options)
    value = stream.decompress(data) + stream.flush()
    check(stream.eof and not stream.unused_data, "a deflated section does not end where it should")
    return value


def blocks(data: bytes, version: int = 1) -> list[tuple[bytes, bytes, int, int]]:
    "Kind, payload, begin and end of each block, digests checked."
    check(data[: len(MAGIC) + 1] == MAGIC + bytes([version]), f"not a .hepae file of version {version}")
    found, at, key = [], len(MAGIC) + 1, b""
    while at < len(data):
        begin, kind = at, data[at : at + 1]
        size, at = leb128(data, at + 1)
        check(at + size + 8 <= len(data), f"block {len(found)} is cut off")
        payload, digest = data[at : at + size], data[at + size : at + size + 8]
        right = blake2b(kind + len(found).to_bytes(8, "little") + payload, digest_size=8, key=key).digest()
        check(digest == right, f"block {len(found)} is damaged")
        key, at = key or digest, at + size + 8
        found.append((kind, payload, begin, at))
    kinds = b"".join(kind for kind, *_ in found).decode()
    check(re.fullmatch("HM?C*E" if version == 1 else "HD*C*E", kinds) is not None, f"blocks are {kinds}")
    return found


def check_end(data: bytes, found: list) -> tuple[list[int], int]:
    "Check the end block; rows of each chunk, events."
    _, payload, begin, end = found[-1]
    count, at, facts = 1, 0, []
    while len(facts) < 3 + 2 * count:
        value, at = leb128(payload, at)
        facts.append(value)
        if len(facts) == 3:
            count = value
    chunks = [(a, b) for kind, _, a, b in found if kind == b"C"]
    check(count == len(chunks) and facts[3::2] == [b - a for a, b in chunks], "the end block knows of other chunks")
    digests = b"".join(data[b - 8 : b] for _, b in chunks)
    check(
        payload[at:] == digests + blake2b(data[:begin], digest_size=8).digest() + (end - begin).to_bytes(4, "little"),
        "the file or its end block is damaged",
    )
    check(sum(facts[4::2]) == facts[0], "the chunks do not have all rows")
    return facts[4::2], facts[1]


def described(data: bytes) -> dict:
    "What deflated JSON says, with what is as usual filled in."
    from hepae.codec.sections import DICTIONARY

    return described_in(json.loads(inflate(data, zdict=DICTIONARY)))


def described_in(facts: dict) -> dict:
    "A header with what is as usual filled in."
    usual = {
        "name": "",
        "source": {},
        "unordered": "",
        "keys": [],
        "model": "",
        "extra": 0,
        "shared": 0,
        "fine": [],
        "frequent": 0,
        "plain": {},
        "events": None,
        "dither": None,
        "formulas": [],
    }
    facts = usual | facts
    follows = [k for k, *_ in facts["formulas"]]
    check(len(set(follows)) == len(follows), "a column has two formulas")
    if "variants" not in facts:
        return facts
    check([k for k, v in enumerate(facts["variants"]) if v >= 4096] == sorted(follows), "formulas and variants differ")
    return facts | {"variants": [v % 4096 for v in facts["variants"]]}


# ---- cells to values (section 2) ----


def part_moved(variant: int) -> float:
    "By which part of their width bins are moved."
    return (variant - 16) % 1024 / 1024 if 16 <= variant < 2068 else 0.0


def decimals(variant: int) -> int | None:
    "Of decimal fractions."
    return variant - 2 if 2 <= variant <= 10 else variant - 2059 if variant >= 2068 else None


def rel_cells(x: float, eps: float, p: float) -> tuple[int, Decimal, float]:
    "Cells in an octave, the ratio of their edges, 40 digits, and the factor from edges to values."
    with localcontext() as c:
        c.prec = 40
        e = Decimal(x) - Decimal("1.01") * Decimal(eps) / 2
        n = int((Decimal(2).ln() / ((1 + e) / (1 - e)).ln()).to_integral_value(ROUND_FLOOR)) + 1

        def ratio() -> Decimal:
            return (Decimal(2).ln() / n).exp()

        def centre() -> Decimal:
            return ratio() * ratio().ln() / (ratio() - 1)

        while p and centre() - 1 > e:
            n += 1
        r = ratio()
        return n, r, float(centre() * r ** Decimal(p) if p else 2 * r / (r + 1))


def rel_values(cells: list[int], n: int, r: Decimal, factor: float) -> np.ndarray:
    "The grid `rel`: n cells in each octave."
    edges = [1.0]
    while len(edges) < n:
        edges.append(edges[-1] * float(r))

    def value(q: int) -> float:
        if not q:
            return 0.0
        o, i = divmod(abs(q) - 1, n)
        return math.copysign(math.ldexp(edges[i] * factor, o - 1080), q)

    return np.array([value(q) for q in cells], float)


def turn_cells(x: float, variant: int) -> int:
    "Cells of a circle; from variant 11 on an odd number, which ends at the cut."
    return math.ceil(2 * math.pi / (2 * x * (1 - 2**-11))) | (variant >= 11)


def turn_values(cells: list[int], x: float, variant: int) -> np.ndarray:
    "The grid `turn`."
    p, moved = turn_cells(x, variant), part_moved(variant)
    w, from_zero = 2 * math.pi / p, variant in (1, 12) or 1040 <= variant < 2068
    low = 0 if from_zero else -math.pi
    f, middle = (round(low / w), 0.0) if variant < 11 else (0, 0.5) if from_zero else (-(p // 2), 0.0)
    if not moved:
        return np.array([((q - f) % p + f + middle) * w for q in cells], float)
    f, middle = f - 1, middle + moved
    return np.array([min(max(((q - f) % (p + 1) + f + middle) * w, low), low + 2 * math.pi) for q in cells], float)


def values(cells: list[int], dtype: np.dtype, kind: str, bound: str, variant: int) -> np.ndarray:
    "The values of these cells of a column."
    if dtype.kind == "b":
        return np.array(cells, np.int64).astype(bool)
    if dtype.kind == "u":
        return np.array([q % (1 << 64) for q in cells], np.uint64).astype(dtype)
    if dtype.kind == "i":
        return np.array(cells, np.int64).astype(dtype)
    size, eps, mantissa = 8 * dtype.itemsize, float(np.finfo(dtype).eps), np.finfo(dtype).nmant
    bits = np.dtype(f"u{dtype.itemsize}")
    name, _, number = bound.partition(":")
    k, p = mantissa, part_moved(variant)
    if name == "abs":
        x = float(number)
        if kind == "periodic" and math.pi * 2**-37 < x < math.pi:
            return turn_values(cells, x, variant).astype(dtype)
        return np.array([(q + p) * (2 * x * (1 - 2**-11)) for q in cells], float).astype(dtype)
    if name == "rel" and (x := float(number)) > 2 * eps:
        n, r, factor = rel_cells(x, eps, p)
        if n <= 65536:
            return rel_values(cells, n, r, factor).astype(dtype)
        k = math.ceil(-math.log2(x)) - 1
    if name == "bits":
        k = int(number)
    moved = int(p * 2 ** (mantissa - k))
    if k < mantissa:
        return np.array(
            [(abs(q) << (mantissa - k)) + (moved if q else 0) + ((q < 0) << (size - 1)) for q in cells], bits
        ).view(dtype)
    if decimals(variant) is not None:
        return np.array([q / 10 ** decimals(variant) for q in cells], float).astype(dtype)
    return np.array([(q if q >= 0 else q ^ ((1 << (size - 1)) - 1)) % (1 << size) for q in cells], bits).view(dtype)


def draws(seed: int, first: int, table: str, column: str, n: int) -> list[int]:
    "Of each row the place of its bins, in 65536ths of their width."
    said = seed.to_bytes(8, "little") + first.to_bytes(8, "little") + f"{table}\0{column}".encode()
    start, found, all_bits = int.from_bytes(blake2b(said, digest_size=8).digest(), "little"), [], (1 << 64) - 1
    for i in range(1, n + 1):
        z = (start + i * 0x9E3779B97F4A7C15) & all_bits
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & all_bits
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & all_bits
        found.append((z ^ (z >> 31)) >> 48)
    return found


def dithered(cells: list[int], dtype: np.dtype, kind: str, bound: str, variant: int, own: list[int]) -> np.ndarray:
    "The values of cells that are moved by another part of their width in each row."
    name, _, number = bound.partition(":")
    eps, mantissa, from_zero = float(np.finfo(dtype).eps), np.finfo(dtype).nmant, variant % 2 == 1
    size = 2.0 ** -(int(number) + 1) if name == "bits" else float(number)
    parts = [(2 * k + 1) / 2**17 for k in own]
    if name == "abs" and kind == "periodic" and math.pi * 2**-37 < size < math.pi:
        p, low = turn_cells(size, 11), 0 if from_zero else -math.pi
        w, f, middle, high = 2 * math.pi / p, (-1 if from_zero else -(p // 2) - 1), 0.5 * from_zero, low + 2 * math.pi
        found = [((q - f) % (p + 1) + f + (middle + part)) * w for q, part in zip(cells, parts)]
        if variant > 2065:
            return np.array(found, float).astype(dtype)
        found = [2 * low - x if x < low else 2 * high - x if x > high else x for x in found]
        return np.array(found, float).astype(dtype)
    if name == "abs":
        found = [(q + part) * (2 * size * (1 - 2**-11)) for q, part in zip(cells, parts)]
        return np.array([abs(x) if from_zero else x for x in found], float).astype(dtype)
    n = 65537
    if size > 2 * eps:
        n, r, _ = rel_cells(size, eps, 0.5)
    if n <= 65536:
        with localcontext() as c:
            c.prec = 40
            fair = r.ln() * r / (r - 1)
            high = [float(fair * r ** (Decimal(k) / 256)) for k in range(256)]
            low = [float(r ** (Decimal(2 * k + 1) / 2**17)) for k in range(256)]
        each = [rel_values([q], n, r, high[k >> 8] * low[k & 255])[0] for q, k in zip(cells, own)]
        return np.array(each, float).astype(dtype)
    drop = mantissa - (int(number) if name == "bits" else math.ceil(-math.log2(size)) - 1)
    if drop <= 0 or name == "rel" and size <= 2 * eps:
        return values(cells, dtype, kind, bound, 16)
    sign = 8 * dtype.itemsize - 1
    found = [
        (abs(q) << drop) + (math.floor(part * 2**drop) if q else 0) + ((q < 0) << sign) for q, part in zip(cells, parts)
    ]
    return np.array(found, np.dtype(f"u{dtype.itemsize}")).view(dtype)


def in_units(cells: list[int], column: list, variant: int, unit: list, of: np.ndarray, own: list[int]) -> np.ndarray:
    "The values of cells that are as wide as another column's values say; `own`: places of dithered ones."
    (_, _, number), (mode, _, size) = column[4].partition(":"), unit[4].partition(":")
    x, dtype, off = float(number.partition("*")[0]), np.dtype(column[1]), 0.0
    if np.dtype(unit[1]).kind == "f" and mode in ("rel", "bits"):
        off = float(size) if mode == "rel" else 2.0 ** -(int(size) + 1)
    found = []
    for i, (q, u) in enumerate(zip(cells, of.astype(float).tolist())):
        width = (u if math.isfinite(u) and u > 0 else 1.0) * (2 * x * (1 - 2**-11) * (1 - off))
        value = (q + (2 * own[i] + 1) / 2**17 if own else q) * width
        found.append(abs(value) if variant == 2065 else value)
    return np.array(found, float).astype(dtype)


def root(square: float) -> float:
    return math.copysign(math.sqrt(abs(square)), square) if square < 0 else math.sqrt(square)


def length(c: float, *parts: float) -> float:
    total = c * c
    for p in parts:
        total = total + p * p
    return math.sqrt(total)


def sinh_cosh(eta: float) -> tuple[float, float]:
    e = exp(eta)
    return (e - 1 / e) / 2, (e + 1 / e) / 2


def mass(E: float, x: float, y: float, z: float) -> float:
    return root(E * E - x * x - y * y - z * z)


def pair(c: float, x: float, y: float, z: float, u: float, v: float, w: float) -> float:
    return mass(length(c, x, y, z) + length(c, u, v, w), x + u, y + v, z + w)


def box(pt: float, eta: float, phi: float, *m: float) -> tuple[float, float, float, float]:
    (sine, cosine), (sinh, cosh) = sin_cos(phi / (2 * math.pi)), sinh_cosh(eta)
    return length(0.0, pt * cosh, *m), pt * cosine, pt * sine, pt * sinh


def pair_of_angles(*p: float) -> float:
    check(len(p) in (6, 8), "a pair needs three or four numbers of each")
    return mass(*(a + b for a, b in zip(box(*p[: len(p) // 2]), box(*p[len(p) // 2 :]))))


def remainder(c: float, *parts: float) -> float:
    for p in parts:
        c = c - p
    return c


FORMULAS = {
    "times": lambda c, a: a * c,
    "product": lambda c, a, b: a * b,
    "quotient": lambda c, a, b: a / b,
    "sum": lambda c, a, b: a + b,
    "difference": lambda c, a, b: a - b,
    "reduced": lambda c, a, b: a * (1 - b),
    "increased": lambda c, a, b: a * (1 + b),
    "length": length,
    "remainder": remainder,
    "mass": lambda c, *p: mass(*p),
    "azimuth": lambda c, x, y: turns(y, x) * (2 * math.pi),
    "pseudorapidity": lambda c, x, y, z: asinh(z / length(0.0, x, y)),
    "rapidity": lambda c, E, z: asinh(z / root(E * E - z * z)),
    "x": lambda c, pt, phi: pt * sin_cos(phi / (2 * math.pi))[1],
    "y": lambda c, pt, phi: pt * sin_cos(phi / (2 * math.pi))[0],
    "z": lambda c, pt, eta: pt * sinh_cosh(eta)[0],
    "energy": lambda c, pt, eta, *m: length(c, pt * sinh_cosh(eta)[1], *m),
    "pair": pair,
    "pair of angles": lambda c, *p: pair_of_angles(*p),
    "larger": lambda c, a, b: max(a, b),
    "smaller": lambda c, a, b: min(a, b),
}


def formula_value(name: str, c: float, parents: list[float]) -> float:
    "What a formula gives, 0 if that is no number."
    try:
        y = FORMULAS[name](float(c), *parents)
    except (ArithmeticError, ValueError):  # IEEE 754 says inf or nan
        return 0.0
    return y if math.isfinite(y) else 0.0


def held(x: float) -> int:
    "The nearest whole number, of those up to 2**53."
    return round(min(max(x, -(2.0**53)), 2.0**53))


def cell_of(y: np.generic, kind: str, bound: str, variant: int) -> int:
    "The cell in which a number of the column's dtype lies."
    dtype, (name, _, number) = y.dtype, bound.partition(":")
    eps, mantissa = float(np.finfo(dtype).eps), np.finfo(dtype).nmant
    x, p, k, sign = float(y), part_moved(variant), mantissa, -1 if y < 0 else 1
    bits = int(abs(y).view(f"u{dtype.itemsize}"))
    grid = name == "abs" or name == "rel" and float(number) > 2 * eps or name == "bits" and int(number) < mantissa
    plain = abs(y) >= np.finfo(dtype).tiny or x == 0 and not np.signbit(y)
    if (grid or decimals(variant) is not None) and not plain:
        return 0
    if name == "abs":
        e = float(number)
        if kind != "periodic" or not math.pi * 2**-37 < e < math.pi:
            return held(x / (2 * e * (1 - 2**-11)) - p)
        cells = turn_cells(e, variant)
        w, from_zero = 2 * math.pi / cells, variant in (1, 12) or 1040 <= variant < 2068
        f, middle = (0, 0.5) if from_zero else (-(cells // 2), 0.0)
        if variant < 11:
            return round(x / w)
        f, middle, cells = (f - 1, middle + p, cells + 1) if p else (f, middle, cells)
        return min(max(round(x / w - middle), f), f + cells - 1)
    if name == "rel" and grid:
        n, r, _ = rel_cells(float(number), eps, p)
        if n <= 65536:
            with localcontext() as c:
                c.prec = 40
                moved = float(r ** Decimal(p))
            t, e = math.frexp(abs(x) / moved)
            edges = [1.0]
            while len(edges) < n:
                edges.append(edges[-1] * float(r))
            return sign * ((e - 1 + 1080) * n + bisect_right(edges, 2 * t)) if x else 0
        k = math.ceil(-math.log2(float(number))) - 1
    k = int(number) if name == "bits" else k
    if k < mantissa:
        drop = mantissa - k
        return sign * ((bits - int(p * 2**drop) + (1 << drop - 1)) >> drop) if x else 0
    if decimals(variant) is not None:
        return held(x * 10.0 ** decimals(variant))
    return ~bits if np.signbit(y) else bits


def counted_on(cells: list[int], formula: list, column: list, variant: int, found: dict) -> list[int]:
    "Cells that are counted from what a formula gives for other columns."
    (name, parents, c, cut), (_, dtype, _, kind, bound) = formula, column
    dtype, all_of_them = np.dtype(dtype), []
    check(all(p in found for p in parents) and 0 <= cut <= 52, "a formula needs what is not there")
    for row, s in enumerate(cells):
        values = [found[p][row] for p in parents]
        if dtype.kind != "f":
            y = formula_value(name, c, [float(v) for v in values])
            b = round(y) if abs(y) < 2**53 else 0
            if name == "times" and c == 1 and values[0].dtype.kind in "iu":
                b = int(values[0])
        else:
            with np.errstate(over="ignore"):
                y = np.float64(formula_value(name, c, [float(v) for v in values])).astype(dtype)
            b = cell_of(y if np.isfinite(y) else dtype.type(0), kind, bound, variant)
            if cut and bound_is_exact(bound, dtype) and decimals(variant) is None:
                t = (((~b if b < 0 else b) + (1 << cut - 1)) >> cut) << cut
                b = ~t if b < 0 else t
        all_of_them.append(wrap(s + b))
    return all_of_them


def bound_is_exact(bound: str, dtype: np.dtype) -> bool:
    "Does a bound leave all bits?"
    name, _, number = bound.partition(":")
    fine = 2 * float(np.finfo(dtype).eps)
    return name == "exact" or name == "rel" and float(number) <= fine or (
        name == "bits" and int(number) >= np.finfo(dtype).nmant)


def canonical(q: int, kind: str, bound: str, variant: int) -> int:
    "The one number of this cell: those of a circle have many."
    if 2064 <= variant < 2068:
        variant = 17 + 1024 * (variant % 2)
    name, _, number = bound.partition(":")
    if name != "abs" or kind != "periodic" or not math.pi * 2**-37 < float(number) < math.pi:
        return q
    p, low = turn_cells(float(number), variant), 0 if variant in (1, 12) or 1040 <= variant < 2068 else -math.pi
    if variant < 11:
        f = round(low / (2 * math.pi / p))
    else:
        f = -(p // 2) if low else 0
    moved = part_moved(variant) > 0
    return (q - f + moved) % (p + moved) + f - moved


# ---- frequencies (section 3) ----


def sums(leaves: np.ndarray) -> list[np.ndarray]:
    "Sums at the nodes of a binary tree over a power of two of leaves, from the root down."
    levels = [leaves]
    while len(levels[0]) > 1:
        levels.insert(0, levels[0][::2] + levels[0][1::2])
    return levels


def spread(mass: int, counts: np.ndarray, parent: np.ndarray | None, strength: int) -> np.ndarray:
    "Share a mass among cells."
    zeros = np.zeros((1 << (len(counts) - 1).bit_length()) - len(counts), np.int64)
    went = sums(np.append(counts, zeros))
    lean = sums(np.append(np.ones_like(counts) if parent is None else parent, zeros))
    p, w = np.array([mass]), strength
    for d in range(len(went) - 1):
        left, right = lean[d + 1][::2], lean[d + 1][1::2]
        e = np.where(lean[d] > 0, (left << 16) // np.maximum(lean[d], 1), 1 << 15)
        if parent is None:
            w = 2 << d
            even = (lean[d][1:-1] == lean[d][:-2]) & (lean[d][1:-1] == lean[d][2:])
            e[1:-1] += np.where(even, (((p[:-2] - p[2:]) << 12) // np.maximum(p[1:-1], 1)).clip(-22938, 22938), 0)
        share = (((went[d + 1][::2] << 16) + w * e) // (went[d] + w)).clip(1, 65535)
        lower = np.where(right == 0, p, (p * share) >> 16)
        p = np.stack([lower, p - lower], 1).ravel()
        if parent is not None:
            w = 3 * w // 2 + 1
    return p[: len(counts)]


class Tables:
    "Frequencies of the symbols in each context, from counts as they are now."

    def __init__(self, counts: np.ndarray, specials: int, strength: int):
        self.counts, self.specials, self.strength, self.found = counts.copy(), specials, strength, {}

    def masses(self, k: int, g: int) -> np.ndarray:
        "Masses of group g of k groups of contexts."
        if (k, g) not in self.found:
            n = self.counts.reshape(k, -1, self.counts.shape[1])[g].sum(0)
            total, special, cells = int(n.sum()), n[: self.specials], n[self.specials :]
            if k == 1:
                first = (((1024 * special + 1) << 24) // (1024 * (total + 1) + self.specials)) << 20
                rest = spread((1 << 44) - int(first.sum()), cells, None, self.strength)
            else:
                m = self.masses(k // 2, g // 2)
                first = (
                    ((special << 32) + self.strength * (m[: self.specials] >> 12)) // (total + self.strength)
                ) << 12
                rest = spread((1 << 44) - int(first.sum()), cells, m[self.specials :], self.strength)
            self.found[k, g] = np.append(first, rest)
        return self.found[k, g]

    def frequencies(self, context: int) -> list[int]:
        "Frequencies of 24 bits."
        mass = self.masses(len(self.counts), context)
        f = 1 + (((mass >> 14) * ((1 << 24) - len(mass))) >> 30)
        f[f.argmax()] += (1 << 24) - f.sum()
        return f.tolist()


class Words:
    "The range coder's words."

    def __init__(self, data: bytes):
        check(len(data) % 4 == 0, "a word is cut off")
        self.words = iter(np.frombuffer(data, "<u4").tolist())
        self.low, self.width, self.point = 0, (1 << 64) - 1, 0
        for _ in range(2):
            self.point = self.point << 32 | next(self.words, 0)

    def symbols(self, frequencies: list[int], count: int) -> list[int]:
        "So many symbols of these frequencies."
        begins = [0, *np.cumsum(frequencies).tolist()]
        return [self.symbol(begins) for _ in range(count)]

    def symbol(self, begins: list[int]) -> int:
        "One symbol; `begins` are cumulative frequencies."
        mask, scale = (1 << 64) - 1, self.width >> 24
        s = bisect_right(begins, ((self.point - self.low) & mask) // scale) - 1
        check(s < len(begins) - 1, "the range coder's words are damaged")
        self.low, self.width = (self.low + scale * begins[s]) & mask, scale * (begins[s + 1] - begins[s])
        while self.width < 1 << 32:
            self.low, self.width = (self.low << 32) & mask, self.width << 32
            self.point = (self.point << 32 | next(self.words, 0)) & mask
        return s


class Bits:
    "The string of low bits."

    def __init__(self, data: bytes):
        self.value, self.at, self.size = int.from_bytes(data, "little"), 0, 8 * len(data)

    def take(self, count: int) -> int:
        "The next bits as a number."
        check(self.at + count <= self.size, "low bits are missing")
        self.at += count
        return self.value >> (self.at - count) & ((1 << count) - 1)


# ---- the plan (section 4) ----


class Rows:
    "What the plan may ask about the rows: their place in the event, the rows of the event, the cells known so far."

    def __init__(self, place: list[int], size: list[int], columns: int):
        self.place, self.size, self.n = place, size, len(place)
        self.ago = [row - 1 if 0 < p < 64 else None for row, p in enumerate(place)]  # the row before
        self.turn = [min(p, 64) for p in place]
        self.cells = [[0] * self.n for _ in range(columns)]
        self.escaped = [[False] * self.n for _ in range(columns)]

    def parent(self, k: int, row: int, shift: int) -> int:
        "The number a spline or a range looks at."
        if k == -1:
            return self.place[row]
        if k == -2:
            return self.size[row]
        if k == -3:
            return shift
        check(k < 20000, "this plan needs a model")
        if k >= 10000:
            return 0 if self.ago[row] is None else self.cells[k - 10000][self.ago[row]]
        return self.cells[k][row]


def part(x: int, low: int, high: int, parts: int) -> int:
    "Which of so many equal parts of low…high x lies in, or the part next to it; beyond 64 bits it wraps."
    return wrap((min(max(x, low), high) - low) * parts) // (high - low + 1)


def spline(x: int, low: int, high: int, differences: list[int]) -> int:
    "A cubic B-spline at x."
    c = np.cumsum(differences).tolist()
    u = part(x, low, high, (len(c) - 3) << 10)
    i, t = u >> 10, u & 1023
    s = 1024 - t
    four = [s**3, 3 * t**3 - 6144 * t**2 + (4 << 30), 3 * s**3 - 6144 * s**2 + (4 << 30), t**3]
    return sum(a * b for a, b in zip(four, (c[i], c[i + 1], c[i + 2], c[i + 3]))) // (6 << 30)


class Coded:
    "One column of a plan: its counts, and how its symbols become cells."

    def __init__(self, plan: list):
        (
            cells, self.splines, self.scale, self.ranges, self.strength, self.period, self.zeros, self.taken,
            self.hole, *more,
        ) = plan
        self.lookup, self.same = (*more, None, None)[:2]
        self.low, self.shift, self.count, self.atoms = cells
        check(self.taken in (0, 2), "this plan needs a model")
        self.tails = 65 - self.shift
        self.first_tail = 1 + len(self.atoms) + (self.same is not None)
        self.specials = self.first_tail + 2 * self.tails
        self.counts = np.zeros((1 << sum(bits for *_, bits in self.ranges), self.specials + self.count), np.int64)

    def uses_row_before(self) -> bool:
        "Whether it looks at the row before in the event."
        parents = [k for k, *_ in self.splines + self.ranges] + ([] if self.same is None else [self.same])
        return any(10000 <= k < 20000 for k in parents)

    def shift_of(self, rows: Rows, row: int) -> int:
        "What splines or the lookup say of a row."
        if self.lookup:
            return dict(zip(*self.lookup[1:])).get(rows.parent(self.lookup[0], row, 0), 0)
        if not self.splines:
            return 0
        t = sum(spline(rows.parent(k, row, 0), *rest) for k, *rest in self.splines)
        return t << (self.scale - 4) if self.scale >= 4 else (t + (1 << (3 - self.scale))) >> (4 - self.scale)

    def context(self, rows: Rows, row: int, shift: int) -> int:
        "The context of a row."
        context = 0
        for k, low, high, bits in self.ranges:
            context = (context << bits) + part(rows.parent(k, row, shift), low, high, 1 << bits)
        return context

    def low_bits(self, symbol: int) -> int:
        "How many low bits follow."
        if symbol >= self.specials:
            return self.shift
        tail = symbol - self.first_tail
        return 0 if tail < 0 else self.shift + tail % self.tails

    def value(self, symbol: int, rest: int, same: int) -> int:
        "The value of a symbol and its low bits; `same`: what the parent holds that has a symbol."
        tail, core = symbol - self.first_tail, symbol - self.specials
        if symbol == 0:
            return 0
        if tail < 0:
            return self.atoms[symbol - 1] if symbol <= len(self.atoms) else same
        if core >= 0:
            return self.low + (core << self.shift) + rest
        before = ((1 << tail % self.tails) - 1) << self.shift
        if tail < self.tails:
            return self.low - 1 - before - rest
        return self.low + (self.count << self.shift) + before + rest

    def cell(self, symbol: int, rest: int, shift: int, same: int) -> int:
        "The cell of a symbol, its low bits and the shift."
        v = self.value(symbol, rest, same)
        if symbol >= self.first_tail:
            v = wrap(v + shift)
            if self.period and self.splines:
                v %= self.period
            v += self.hole if v > 0 else -self.hole if v < 0 else 0
        return wrap((v << self.zeros) + ((1 << self.zeros) - 1 if v < 0 else 0))


def block_ends(n: int) -> list[int]:
    "Where the blocks of n rows end."
    ends, made = [], 0
    while not ends or ends[-1] < n:
        made = max(64, 3 * made // 2)
        ends.append(min(made, n))
    return ends


def decode_block(
    coded: Coded, column: int, rows: Rows, block: list[int], tables: Tables, words: Words, bits: Bits
) -> None:
    "Symbols context by context, then low bits; cells to rows."
    shift = {row: coded.shift_of(rows, row) for row in block}
    contexts = {}
    for row in block:
        contexts.setdefault(coded.context(rows, row, shift[row]), []).append(row)
    symbol = {}
    for context in sorted(contexts):
        symbol |= zip(contexts[context], words.symbols(tables.frequencies(context), len(contexts[context])))
    for row in block:
        coded.counts[coded.context(rows, row, shift[row]), symbol[row]] += 1
    core = [row for row in block if symbol[row] >= coded.specials]
    others = sorted((row for row in block if symbol[row] < coded.specials), key=lambda row: coded.low_bits(symbol[row]))
    rest = {row: bits.take(coded.low_bits(symbol[row])) for row in core + others}
    for row in block:
        before = (
            (rows.cells[column][row - 1] >> coded.zeros) - coded.shift_of(rows, row - 1)
            if coded.taken == 2 and row
            else 0
        )
        same = 0 if coded.same is None else rows.parent(coded.same, row, 0) >> coded.zeros
        rows.cells[column][row] = coded.cell(symbol[row], rest[row], wrap(shift[row] + before), same)
        rows.escaped[column][row] = symbol[row] == 0


def decode(plan: list, rows: Rows, columns: range, words: Words, bits: Bits) -> None:
    "The cells of these columns of the plan, in all rows."
    coded = {column: Coded(plan[column]) for column in columns}
    groups = [list(range(rows.n))]
    if any(c.uses_row_before() for c in coded.values()):
        groups = [[] for _ in range(max(rows.turn, default=0) + 1)]
        for row, turn in enumerate(rows.turn):
            groups[turn].append(row)
    for group in groups:
        for column, c in coded.items():
            begin = 0
            for end in block_ends(len(group)):
                decode_block(c, column, rows, group[begin:end], Tables(c.counts, c.specials, c.strength), words, bits)
                begin = end


def decode_one(plan: list, n: int, symbols: bytes, low_bits: bytes) -> list[int]:
    "The cells of a single column."
    rows = Rows([0] * n, [1] * n, 1)
    decode([plan], rows, range(1), Words(symbols), Bits(low_bits))
    return rows.cells[0]


# ---- chunks and rows without an order (sections 5 and 6) ----


def refined(edges: list[int]) -> tuple[list[int], list[int]]:
    "First cells and widths of the ranges."
    firsts = [e + -(-(f - e) * k // min(f - e, 128)) for e, f in zip(edges, edges[1:]) for k in range(min(f - e, 128))]
    return firsts, [b - a for a, b in zip(firsts, [*firsts[1:], edges[-1]])]


def places(widths: list[int], words: Words) -> list[int]:
    "Places within ranges of these widths."
    found = [0] * len(widths)
    for w in sorted(set(widths) - {1}):
        chosen = [i for i, width in enumerate(widths) if width == w]
        for j in range(-(-(w - 1).bit_length() // 10)):
            z = min(1024, ((w - 1) >> 10 * j) + 1)
            digits = words.symbols([(1 << 24) // z + (1 << 24) % z] + [(1 << 24) // z] * (z - 1), len(chosen))
            for i, digit in zip(chosen, digits):
                found[i] += digit << 10 * j
    return found


def keyed(rows: Rows, loose: int, keys: list, plan: list, parts: list[bytes]) -> None:
    "The first two columns of rows whose order was free."
    n = rows.n - loose
    (firsts_a, widths_a), (firsts_b, widths_b) = map(refined, keys)
    s = max(0, (8 * len(firsts_a) * len(firsts_b) // max(n, 1)).bit_length() - 8)
    key = np.cumsum(decode_one([[0, s, 256, []], *GAPS], n, *parts[:2])).tolist()
    words = Words(parts[2])
    for column, firsts, widths, which in (
        (0, firsts_a, widths_a, [k // len(firsts_b) for k in key]),
        (1, firsts_b, widths_b, [k % len(firsts_b) for k in key]),
    ):
        place = places([widths[i] for i in which], words)
        rows.cells[column][:n] = [firsts[i] + p for i, p in zip(which, place)]
    last = Rows([0] * loose, [1] * loose, 2)
    decode(plan, last, range(2), Words(parts[3]), Bits(parts[4]))
    for column in (0, 1):
        rows.cells[column][n:], rows.escaped[column][n:] = last.cells[column], last.escaped[column]


def indexed(kind: int, own: list[int], entries: int, n: int, parts: list[bytes]) -> tuple[list, list[int], list[int]]:
    "The levels of the index, place in the event and rows of the event of each row."
    alone = [0] * n, [1] * n
    if kind == 0:
        start, step = map(zigzag, own)
        return [[start + step * i for i in range(n)]], *alone
    if kind == 1:
        sizes = decode_one([[0, 0, 64, []], *GAPS], own[0], *parts)
        check(sum(sizes) == n, "events have another number of rows")
        entry = [entries - len(sizes) + i for i, size in enumerate(sizes) for _ in range(size)]
        place = [i for size in sizes for i in range(size)]
        return [entry, place], place, [size for size in sizes for _ in range(size)]
    check(kind == 2, "an index of an unknown kind")
    plan = described(parts[0])["plan"]
    rows = Rows(*alone, len(plan))
    decode(plan, rows, range(len(plan)), Words(parts[1]), Bits(parts[2]))
    return [np.cumsum(level).tolist() for level in rows.cells], *alone


def refine(columns: dict[int, np.ndarray], head: dict, symbols: bytes, low_bits: bytes) -> None:
    "Parts of cells on top of the values of some rows, in place."
    parts, fine, where = head["fine"]
    chosen = [row for row in range(len(columns[0])) if all(columns[k][row] in values for k, values in where)]
    rows, words, bits = Rows([0] * len(chosen), [1] * len(chosen), len(fine)), Words(symbols), Bits(low_bits)
    decode([[[-parts // 2, 0, parts + 1, []], *GAPS]] * len(fine), rows, range(len(fine)), words, bits)
    for k, steps in zip(fine, rows.cells):
        _, _, _, kind, bound = head["columns"][k]
        name, _, number = bound.partition(":")
        x = float(number)
        turn = name == "abs" and kind == "periodic" and math.pi * 2**-37 < x < math.pi
        width = 2 * math.pi / turn_cells(x, head["variants"][k]) if turn else 2 * x * (1 - 2**-11)
        for row, s in zip(chosen, steps):
            if not s:
                continue
            v = float(columns[k][row])
            columns[k][row] = v * (1 + s * (2 * x / parts)) if name == "rel" else v + s * (width / parts)


def frequent(data: bytes, dtypes: list[np.dtype]) -> list[dict]:
    "Of each column the bins that have a value of their own, and these."
    if not data:
        return [{} for _ in dtypes]
    raw, at, counts, bins = inflate(data), 0, [], []
    for _ in dtypes:
        count, at = leb128(raw, at)
        counts.append(count)
    check(
        all(count <= (1024 if dtype.kind == "f" else 0) for count, dtype in zip(counts, dtypes)),
        "there are too many frequent values",
    )
    for _ in range(sum(counts)):
        n, at = leb128(raw, at)
        bins.append(zigzag(n))
    found = []
    for count, dtype in zip(counts, dtypes):
        mine, bins = bins[:count], bins[count:]
        check(mine == sorted(set(mine)), "bins of frequent values do not ascend")
        found.append(dict(zip(mine, np.frombuffer(raw[at : at + count * dtype.itemsize], dtype))))
        at += count * dtype.itemsize
    check(at == len(raw) and not bins, "frequent values do not end where they should")
    return found


SECTIONS = ("index", "keys", "fine", "frequent", "texts", "events", "symbols", "low bits", "escapes")


def told_apart(parts: list[bytes], kind: int, head: dict) -> dict[str, list[bytes]]:
    "The sections after the numbers, by name."
    check(kind in (0, 1, 2), "an index of an unknown kind")
    sizes = (
        (0, 2, 3)[kind], 5 * (head["unordered"] == "table"), 2 * bool(head["fine"]), bool(head["frequent"]),
        bool(head["plain"]), head["events"] is not None, 1, 1, 1,
    )
    check(len(parts) == sum(sizes), "a chunk has another number of sections")
    ends = [0, *accumulate(map(int, sizes))]
    return {name: parts[a:b] for name, a, b in zip(SECTIONS, ends, ends[1:])}


def chunk(payload: bytes, head: dict, entries_before: int = 0) -> dict:
    "Columns by name, the levels of the index, rows, entries so far, and the chunk of events, if there is one."
    first, *parts = sections(payload, *leb128(payload, 0)[::-1])
    n, entries, kind, *own = numbers(first)
    check(n * len(head["plan"]) <= (1 << 22) + 64 * max(0, len(payload) - (1 << 20)), "more values than bytes can hold")
    parts = told_apart(parts, kind, head)
    head = head | {"first": own.pop() if head["dither"] is not None else 0, "table": ""}
    loose = own.pop() if head["unordered"] == "table" else 0
    check(kind != 1 or entries - own[0] == entries_before, "events do not follow each other")
    index, place, size = indexed(kind, own, entries, n, parts["index"])
    rows, known = Rows(place, size, len(head["plan"])), 0
    if head["unordered"] == "table":
        keyed(rows, loose, head["keys"], head["plan"], parts["keys"])
        known = 2
    decode(head["plan"], rows, range(known, len(head["plan"])), Words(*parts["symbols"]), Bits(*parts["low bits"]))
    columns = columns_of(rows, head, *parts["escapes"], *parts["frequent"])
    if head["fine"]:
        refine(columns, head, *parts["fine"])
    index = [np.array(level, np.int64).astype(dtype) for level, (_, dtype) in zip(index, head["index"])]
    named = {name: columns[k] for k, (name, *_) in enumerate(head["columns"])}
    if head["plain"]:
        named, index = restored(named, index, head["plain"], *parts["texts"])
    first_entry = entries - own[0] if kind == 1 else entries_before
    of_events = chunk_of_events(*parts["events"], head["events"], first_entry, entries) if head["events"] else None
    return {"columns": named, "index": index, "rows": n, "entries": entries, "events": of_events}


def chunk_of_events(payload: bytes, facts: dict, first_entry: int, entries: int) -> dict:
    "The facts about the events of a chunk, whose numbers ascend and are those of the chunk."
    head = described_in(facts)
    odd = [name for name in ("unordered", "fine", "plain", "model", "events") if head[name]]
    check(not odd and len(head["index"]) == 1, "the header of events asks for more than facts about events")
    found = chunk(payload, head)
    numbers = found["index"][0].tolist()
    check(numbers == sorted(set(numbers)), "the numbers of events do not ascend")
    check(all(first_entry <= n < entries for n in numbers), "facts about events of another chunk")
    return found


def columns_of(rows: Rows, head: dict, escapes: bytes, lists: bytes = b"") -> dict[int, np.ndarray]:
    """Columns by their position: grids, frequent values over them, escapes over both.

    Those that follow from others come after these, those in units of others last.
    """
    escapes, found, kept = inflate(escapes) if escapes else b"", {}, {}
    dtypes = [np.dtype(head["columns"][k][1]).newbyteorder("<") for k in head["order"]]
    for k, dtype, escaped in zip(head["order"], dtypes, rows.escaped):
        size = sum(escaped) * dtype.itemsize
        kept[k], escapes = np.frombuffer(escapes[:size], dtype), escapes[size:]
    check(not escapes, "there are more escapes than escaped values")
    parts = list(zip(head["order"], dtypes, rows.cells, rows.escaped, frequent(lists, dtypes)))
    follows = {k: (place, *formula) for place, (k, *formula) in enumerate(head["formulas"])}
    last = [k for k, column in enumerate(head["columns"]) if "*" in column[4]]
    rank = {k: follows[k][0] if k in follows else len(follows) if k in last else -1 for k, *_ in parts}
    for k, dtype, cells, escaped, own in sorted(parts, key=lambda part: rank[part[0]]):
        if k in follows:
            cells = counted_on(cells, follows[k][1:], head["columns"][k], head["variants"][k], found)
        grid, moved = (*head["columns"][k][3:5], head["variants"][k]), []
        if 2064 <= grid[-1] < 2068:
            moved = draws(head["dither"], head["first"], head["table"], head["columns"][k][0], len(cells))
        if "*" in grid[1] and dtype.kind == "f":
            unit = [name for name, *_ in head["columns"]].index(grid[1].partition("*")[2])
            column = in_units(cells, head["columns"][k], grid[-1], head["columns"][unit], found[unit], moved)
        elif not moved or dtype.kind != "f" or grid[1] == "exact":
            column = values(cells, dtype, *grid)
        else:
            column = dithered(cells, dtype, *grid, moved)
        for row, q in enumerate(cells if own else []):
            column[row] = own.get(canonical(q, *grid), column[row])
        column[np.array(escaped, bool)] = kept[k]
        found[k] = column
    return found


# ---- columns that are no plain numbers (section 7) ----


class Texts:
    "The byte strings of a chunk, one after the other."

    def __init__(self, data: bytes):
        self.left = sections(data, *leb128(data, 0)[::-1])

    def take(self) -> list[bytes]:
        "The texts in the next of them."
        check(bool(self.left), "texts are missing")
        data = self.left.pop(0)
        count, at = leb128(data, 0)
        size, at = leb128(data, at)
        check(
            size <= 1 << 27 and size <= 4096 + 64 * (len(data) - at) and count <= 4096 + len(data) - at,
            "texts claim too much",
        )
        raw = inflate(data[at:])
        ends = [4 * count, *accumulate(struct.unpack(f"<{count}I", raw[: 4 * count]), initial=4 * count)][1:]
        check(len(raw) == size == ends[-1], "texts do not end where they should")
        return [raw[a:b] for a, b in zip(ends, ends[1:])]


LETTERS = {
    b"s": lambda b: b.decode("utf-8", "surrogatepass"),
    b"i": lambda b: int(b, 16),
    b"f": lambda b: struct.unpack("<d", b)[0],
    b"b": lambda b: b == b"1",
    b"y": bytes,
    b"d": lambda b: date.fromisoformat(b.decode()),
    b"D": lambda b: Decimal(b.decode()),
    b"n": lambda b: None,
    b"a": lambda b: None,
    b"t": lambda b: None,
    b"g": lambda b: np.frombuffer(b.split(b" ", 1)[1], "<" * (b[:1] != b"?") + b.split(b" ", 1)[0].decode())[0],
}


def objects(found: list) -> np.ndarray:
    "Any values as an array of objects."
    made = np.empty(len(found), object)
    made[:] = found
    return made


def column_of(number: np.ndarray, gaps: np.ndarray | None, spec: dict, texts: Texts) -> np.ndarray:
    """The values of a column; None where there is none, NaT for times. Times with a zone are in UTC; Arrow's are
    their integers."""
    name = spec["dtype"]
    if name[0] in "<>":
        return number.astype(name)
    if time := re.fullmatch(r"(datetime64|timedelta64)\[(s|ms|us|ns)(, .+)?\]", name):
        return np.where(gaps, np.iinfo(np.int64).min, number).view(f"{time[1]}[{time[2]}]")
    if gaps is not None:
        return objects([None if gap else v for v, gap in zip(number.tolist(), gaps)])
    if name == "category":
        inner = spec["categories"]
        (raw,), dtype = texts.take(), np.dtype(inner["numbers"]).newbyteorder("<")
        codes = np.frombuffer(raw, dtype)
        if dtype.kind in "iu":
            codes = np.cumsum(codes, dtype=dtype)
        known = (
            column_of(codes, np.zeros(len(codes), bool), inner, texts).tolist()
            if "[" in inner["dtype"]
            else column_of(codes, None, inner, texts).tolist()
            if inner["dtype"] != inner["numbers"]
            else codes.tolist()
        )
    elif name == "object":
        known = [LETTERS[v[:1]](v[1:]) for v in texts.take()]
    else:
        known = [
            v if "binary" in name else Decimal(v.decode()) if "decimal" in name else v.decode() for v in texts.take()
        ]
    check(all(-1 <= q < len(known) for q in number.tolist()), "a text that is not there")
    return objects([known[q] if q >= 0 else None for q in number.tolist()])


def restored(plain: dict[str, np.ndarray], levels: list[np.ndarray], recipe: dict, data: bytes) -> tuple[dict, list]:
    "Columns and levels of the index, from the plain ones."
    texts, specs, said = Texts(data), recipe["columns"], recipe.get("index", [])
    own = [spec for spec in said if spec and "column" in spec]
    beside = {spec["gaps"] for spec in [*specs.values(), *own] if "gaps" in spec} | {spec["column"] for spec in own}

    def made(name: str, spec: dict | None) -> np.ndarray:
        if spec is None or spec["dtype"] == str(plain[name].dtype):
            return plain[name]
        return column_of(plain[name], plain.get(spec.get("gaps")), spec, texts)

    columns, left, index = {name: made(name, specs.get(name)) for name in plain if name not in beside}, iter(levels), []
    for spec in said:
        index.append(made(spec["column"], spec) if spec in own else next(left))
        if spec in own and re.match("(datetime|timedelta)64", spec["dtype"]):
            texts.take()
    check(not texts.left, "there are more texts than columns of them")
    return columns, index if said else levels


# ---- all of it ----


def in_one(chunks: list[dict], dtypes: dict[str, str], levels: list[str]) -> dict:
    "Columns and index of chunks that follow each other."

    def joined(parts: list, dtype: str | None):
        return (
            np.concatenate(parts, dtype=None if parts[0].dtype.kind in "OU" else parts[0].dtype)
            if parts
            else np.empty(0, dtype)
        )

    names = chunks[0]["columns"] if chunks else dtypes
    depth = len(chunks[0]["index"]) if chunks else len(levels)
    return {
        "columns": {name: joined([c["columns"][name] for c in chunks], dtypes.get(name)) for name in names},
        "index": [joined([c["index"][k] for c in chunks], "int64") for k in range(depth)],
    }


def read(data: bytes) -> dict:
    "Columns, index and events of a `.hepae` file without a model; `facts`: the same of its table of events, or None."
    found = blocks(data)
    rows, events = check_end(data, found)
    head = described(found[0][1])
    check(not head["model"] and not head["shared"] and head["codec"] == "density", "this file needs a model")
    chunks, entries = [], 0
    for payload in (payload for kind, payload, *_ in found if kind == b"C"):
        chunks.append(chunk(payload, head, entries))
        entries = chunks[-1]["entries"]
    check([c["rows"] for c in chunks] == rows, "a chunk has another number of rows")
    if head["unordered"] == "table":
        for end, c in zip(accumulate(rows), chunks):
            c["index"] = [np.arange(end - c["rows"], end)]

    def whole(chunks: list[dict], head: dict) -> dict:
        return in_one(
            chunks, {name: dtype for name, dtype, *_ in head["columns"]}, [dtype for _, dtype in head["index"]]
        )

    facts = whole([c["events"] for c in chunks], described_in(head["events"])) if head["events"] else None
    return whole(chunks, head) | {"events": events, "facts": facts}

"""A second reader of whole events in `.hepae` files, written from section 9 of FORMAT.md, on `other_datasets`."""

import math
import struct

import numpy as np
import other_datasets
from other_functions import asinh, exp, ln, ln1p, sin_cos, turns
from other_reader import blocks, check, check_end, wrap

WORD = 1 << 64
ABSENT = -(1 << 63)
T = [1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785, 3902,
     3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095]


# ---- bits, mixing, numbers ----


def s_of(x: int) -> int:
    "S."
    if abs(x) >= 2047:
        return 4095 if x > 0 else 1
    i, r = divmod(x + 2048, 128)
    return (T[i] * (128 - r) + T[i + 1] * r + 64) >> 7


INVERSE = {p: next(x for x in range(-2047, 2048) if s_of(x) >= p) for p in range(4096)}


def m_of(x: int) -> int:
    "M."
    y = (x ^ x >> 32) * 0x9E3779B97F4A7C15 % WORD
    return y ^ y >> 29


def pack(*numbers: int) -> int:
    "[a, b] and [a, b, c]."
    a = numbers[0]
    for b in numbers[1:]:
        a = (a * 0x100000001B3 + b + 1) % WORD
    return a


def z(x: int, m: int) -> int:
    "A number held in ±m, as a context."
    y = max(-m, min(m, x))
    return 2 * y if y >= 0 else -2 * y - 1


def signed(n: int) -> int:
    "0, −1, 1, −2, … for 0, 1, 2, 3, …"
    return n // 2 if n % 2 == 0 else -(n + 1) // 2


class Stream:
    "Numbers of a stream."

    def __init__(self, data: bytes):
        self.data, self.low, self.high, self.at, self.end = data, 0, 2**32 - 1, 0, len(data)
        self.rest, self.resting, self.slots, self.weights, self.window, self.lasts = 0, 0, {}, {}, 0, {}
        for _ in range(4):
            self.window = self.window << 8 | self.byte()

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= self.end else 0

    def plain(self, n: int) -> int:
        "A number of n plain bits."
        while self.resting < n:
            self.end -= 1
            self.rest = self.rest << 8 | (self.data[self.end] if self.end >= 0 else 0)
            self.resting += 8
        self.resting -= n
        value, self.rest = self.rest >> self.resting, self.rest & (1 << self.resting) - 1
        return value

    def bit(self, kind: int, hashes: list[int], group: int, place: int) -> int:
        "A bit with contexts."
        at = [(m_of((h + group) % WORD) >> 46) * 16 + place for h in hashes]
        seen = [self.slots.get(k, (1 << 21, 0)) for k in at]
        x = [INVERSE[q >> 10] for q, _ in seen]
        classes = tuple(0 if n == 0 else 1 if n < 4 else 2 if n < 32 else 3 for _, n in seen)
        w = self.weights.setdefault((kind, classes), [26214] * 3)
        p = s_of(sum(a * b for a, b in zip(w, x)) >> 16)
        middle = self.low + ((self.high - self.low) * p >> 12)
        bit = int(self.window <= middle)
        self.low, self.high = (self.low, middle) if bit else (middle + 1, self.high)
        while self.low >> 24 == self.high >> 24:
            self.low, self.high = self.low * 256 % 2**32, self.high * 256 % 2**32 + 255
            self.window = (self.window * 256 + self.byte()) % 2**32
        e = (4096 * bit - p) * 10
        for i in range(3):
            w[i] += (x[i] * e + 2**14) >> 15
            q, n = self.slots.get(at[i], (1 << 21, 0))
            far = (2**22 - 1 if bit else 0) - q
            step = abs(far) * 2 // (2 * n + 3)
            self.slots[at[i]] = q + (step if far > 0 else -step), min(n + 1, 250)
        return bit

    def hashes(self, k: int, c: tuple) -> list[int]:
        return [m_of((128 * c[i] + 3 * k + i) % WORD) for i in range(3)]

    def tree(self, k: int, h: list[int], n: int, group: int) -> int:
        value, m, a = 0, 1, 1
        for i in range(n):
            if i and i % 4 == 0:
                m, a = m << 4 | a - 16, 1
            bit = self.bit(k, h, group + m, a)
            value, a = value << 1 | bit, a << 1 | bit
        return value

    def of_hashes(self, k: int, h: list[int]) -> int:
        "A number."
        for v in range(3):
            if not self.bit(k, h, 0, v):
                return v
        length = 0
        while self.bit(k, h, *((0, 3 + length) if length < 8 else divmod(length + 8, 16))):
            length += 1
            check(length < 40, "a number is too long")
        if length == 1:
            return 2 + (2 | self.bit(k, h, 0, 11))
        if length == 2:
            first = self.bit(k, h, 0, 12)
            return 2 + (4 | first << 1 | self.bit(k, h, 0, 13 + first))
        own = min(length, 12)
        upper = 1 << own | self.tree(k, h, own, length << 16)
        return 2 + (upper << length - own | self.plain(length - own))

    def number(self, k: int, *c: int) -> int:
        return self.of_hashes(k, self.hashes(k, c))

    def mostly(self, n: int, k: int, *c: int) -> int:
        "A number mostly below 2ⁿ − 1."
        h = self.hashes(k, c)
        value = self.tree(k, h, n, 2**32)
        return value if value < 2**n - 1 else value + self.of_hashes(k, h)

    def again(self, k: int, *c: int) -> int:
        h = self.hashes(k, c)
        last = self.lasts.get(h[1] >> 48)
        if last is not None and last < 65535 and self.bit(k, h, 2 * 2**32 + last + 1, 0):
            return last
        self.lasts[h[1] >> 48] = value = self.mostly(8, k, *c)
        return value

    def integer(self, k: int, *c: int) -> int:
        return signed(self.number(k, *c))

    def length(self, n: int, k: int, h: list[int]) -> int:
        if not self.bit(k, h, 2**32 + 1, 0):
            return 0
        value = self.tree(k, h, n, 2**32) + 1
        if n == 4 and value == 16:
            value += self.of_hashes(k, h)
        check(value <= 64, "a number is too wide")
        return value

    def wide(self, k: int, *c: int) -> int:
        bits = self.length(4, k, self.hashes(k, c))
        if not bits:
            return 0
        t = min(2, bits - 1)
        h = self.hashes(k + 1, tuple((65 * x + bits) % WORD for x in c))
        top = self.tree(k + 1, h, t + 1, 2**32)
        size = (1 << t | top % 2**t) << bits - 1 - t | self.plain(bits - 1 - t)
        return wrap(-size if top >> t else size)

    def rough(self, k: int, *c: int) -> int:
        bits = self.length(6, k, self.hashes(k, c))
        if not bits:
            return 0
        negative = self.plain(1)
        size = 1 << bits - 1 | self.plain(bits - 1)
        return wrap(-size if negative else size)

    def finish(self) -> None:
        check(self.at == self.end, "a stream does not end where it should")


# ---- graph and kinds ----


class Graph:
    "Graphs of the events of a chunk, from a stream."

    def __init__(self, data: bytes, particles: list[int], vertices: list[int], codes: int, tags: int, plain: list):
        self.s, self.codes, self.tags = Stream(data), codes, tags
        self.statuses, self.pids, self.late = [], [], 0
        self.particles, self.vertices, self.events, first = particles, vertices, [], 0
        for n, v in zip(particles, vertices):
            self.events.append(self.event(n, v, plain[first:first + v]))
            first += v
        self.s.finish()

    def name(self, kind: int, names: list[int], *contexts: int) -> int:
        k = self.s.again(kind, *contexts) if kind == 5 else self.s.mostly(5, kind, *contexts)
        check(k <= len(names) < 65536 + (k < len(names)), "no name")
        if k == len(names):
            names.append(self.s.integer(6, kind, 0, 0))
        return k

    def kind(self, i: int) -> int:
        return 0 if i < 0 else pack(self.pid[i], self.status[i])

    def event(self, n: int, v: int, plain: list[bool]) -> dict:
        s = self.s
        self.status, self.pid = [], []
        self.code, self.tag = ([[] for _ in range(k)] for k in (self.codes, self.tags))
        self.open, self.ends, self.entered = [], [0] * n, []  # entered: for each vertex in sequence (particles, ranks)
        self.remembered, self.b_before = [], 0
        made, at, came, run, run_pids = [], 0, 0, 0, 0
        for i in range(n):
            mother = self.entered[at - 1][0][0] if at and self.entered[at - 1][0] else -1
            last, m = self.kind(i - 1), self.kind(mother)
            came = s.number(0, pack(m, run, 0), pack(last, came, m), pack(m, run_pids, 1))
            if came == 1:
                check(len(self.entered) < v, "too many vertices")
                self.appear()
                at = len(self.entered)
            elif came:
                at = 0 if came == 2 else len(self.entered) - (came - 3)
                check(came == 2 or at > 0, "no vertex")
            if came:
                run = run_pids = 0
            sister = -1 if came else i - 1
            own = self.entered[at - 1][0] if at else []
            mother, second = (own[k] if len(own) > k else -1 for k in range(2))
            a, b, e = self.kind(mother), self.kind(sister), len(own)
            status = self.name(4, self.statuses, pack(a, run, e), pack(a, b, e > 1), pack(last, a, came))
            above = 1 + self.pid[mother] if mother >= 0 else 0
            pid = self.name(5, self.pids, pack(a, status, 0), pack(a, status, run_pids), pack(above, status, b))
            self.status.append(status)
            self.pid.append(pid)
            k = self.kind(i)
            for j, code in enumerate(self.code):
                x = 1 + code[mother] if mother >= 0 else 0
                code.append(s.number(16 + j, pack(k, x, 0), pack(k, a, x), pack(k, b, x)))
            self.add_tags(mother, sister, second, k, a)
            goes = s.number(7, status, k, pack(k, a))
            if goes == 1:
                self.open.append(i)
            elif goes:
                self.ends[i] = len(self.entered) - (goes - 2)
                check(self.ends[i] > 0, "no vertex")
            made.append(at)
            run, run_pids = run + 1, pack(run_pids, pid)
        while len(self.entered) < v:
            self.appear()
        numbers = [0, *self.numbers(made, v, plain)]
        return {"made": [numbers[x] for x in made], "ends": [numbers[x] for x in self.ends], "sequence": numbers[1:],
                "status": [self.statuses[k] for k in self.status], "pid": [self.pids[k] for k in self.pid],
                "codes": self.code, "tags": self.tag}

    def add_tags(self, mother: int, sister: int, second: int, k: int, a: int) -> None:
        b, before = 0, self.b_before
        for t in range(self.tags):
            f = self.codes + t
            own = [[self.tag[(t + j) % self.tags][r] if r >= 0 else ABSENT for j in range(self.tags)]
                   for r in (mother, sister, second)]
            likely = [ABSENT, own[0][0], None, 0, *own[0][1:], *own[1], *own[2]]
            way = self.s.number(10, pack(k, f, b), pack(k, a, pack(f, b)), pack(k, pack(a, before), pack(f, b)))
            check(way < len(likely), "no way of a tag")
            if way != 2:
                x = likely[way]
            else:
                c = self.s.number(11, k, a, min(40, len(self.remembered)))
                check(c <= len(self.remembered), "no tag")
                if c:
                    x = self.remembered[-c]
                else:
                    most = self.most if self.remembered else 0
                    x = wrap(most + self.s.wide(12, k, int(bool(self.remembered)), 0))
            self.tag[t].append(x)
            if x not in (0, ABSENT):
                self.most = max(self.most, x) if self.remembered else x
                if x in self.remembered:
                    self.remembered.remove(x)
                self.remembered = [*self.remembered, x][-4096:]
            b = pack(b, way)
        self.b_before = b

    def appear(self) -> None:
        s, kinds = self.s, self.kind
        oldest, newest = (kinds(self.open[k]) if self.open else 0 for k in (0, -1))
        particles, ranks = self.entered[-1] if self.entered else ([], [])
        w = pack(z(ranks[0] if ranks else 0, 3), int(len(particles) > 1))
        many = s.number(1, pack(oldest, newest), pack(w, newest), pack(w, oldest, newest))
        check(many <= len(self.open), "more enter than are open")
        particles, ranks, r = [], [], 0
        self.entered.append((particles, ranks))
        for i in range(many):
            several = int(many > 1)
            if not i:
                c = 2, pack(w, several, 0), pack(newest, oldest, several), pack(w, newest, oldest)
            else:
                now, first = kinds(self.open[-1]), kinds(particles[0])
                c = 3, pack(z(r, 3), int(i > 1), now), pack(first, now, z(r, 9)), pack(z(ranks[0], 3), first, many)
            r = s.integer(*c)
            place = r - 1 if r > 0 else len(self.open) + r
            check(r and 0 <= place < len(self.open), "no open particle")
            particles.append(self.open.pop(place))
            ranks.append(r)
            self.ends[particles[-1]] = len(self.entered)

    def numbers(self, made: list[int], v: int, plain: list[bool]) -> list[int]:
        enter, leave = ([x.count(k + 1) for k in range(v)] for x in (self.ends, made))
        rule = self.s.number(9, 0, 0, 0)
        free = [rule and plain[k] and enter[k] == 1 and leave[k] > 0 for k in range(v)]
        found = [0] * v
        for k in range(v):
            if free[k]:
                continue
            own, ranks = self.entered[k]
            f, r = made[own[0]] if own else 0, ranks[0] if ranks else 0
            o = 2 * (enter[k] == 1) + (leave[k] == 0)
            c = pack(o, z(k - f, 500), int(r < 0)), pack(o, self.late, z(r, 9)), pack(o, z(r, 9), 7)
            late = self.s.integer(8, *c)
            self.late, found[k] = z(late, 40), k + 1 - late
        given = [x for k, x in enumerate(found) if not free[k]]
        check(len({*given}) == len(given) and all(1 <= x <= v for x in given), "numbers of vertices")
        rest = iter(x for x in range(1, v + 1) if x not in {*given})
        return [next(rest) if free[k] else found[k] for k in range(v)]

    def all(self, name: str) -> list[int]:
        "Of all particles of the chunk."
        return [x for e in self.events for x in e[name]]

    def slots(self, name: str) -> list[int]:
        "Vertices of particles, counted over all events; −1: none."
        found, first = [], 0
        for e, v in zip(self.events, self.vertices):
            found += [first + x - 1 if x else -1 for x in e[name]]
            first += v
        return found


# ---- functions ----


def near(x: float) -> int:
    "R."
    return 0 if x != x else int(max(-1e9, min(1e9, float(np.rint(x)))))


# ---- momenta ----


class Momenta:
    "What is predicted, and in which order."

    def __init__(self, graph: Graph):
        self.made, self.ends, n = graph.slots("made"), graph.slots("ends"), sum(graph.vertices)
        self.leave, self.enter = [[] for _ in range(n)], [[] for _ in range(n)]
        for i, (a, b) in enumerate(zip(self.made, self.ends)):
            if a >= 0:
                self.leave[a].append(i)
            if b >= 0:
                self.enter[b].append(i)
        own = {v: self.enter[v][-1] for v in range(n) if self.enter[v] and self.leave[v]}
        waiting = [sum(1 for i in self.leave[v] if self.ends[i] in own and own[self.ends[i]] == i) for v in range(n)]
        self.queue = [v for v in own if not waiting[v]]
        for v in self.queue:
            above = self.made[own[v]]
            if above >= 0:
                waiting[above] -= 1
                if not waiting[above] and above in own:
                    self.queue.append(above)
        self.own = own
        pairs = list(zip(graph.all("pid"), [x % 2**32 for x in graph.all("status")]))
        different = sorted({*pairs})
        self.kind = [different.index(x) for x in pairs]

    def step(self, v: int) -> tuple[int, int]:
        leave = self.leave[v]
        step = pack(self.kind[self.own[v]], self.kind[leave[0]], 2 * min(3, len(leave)) + (len(self.enter[v]) > 1))
        return step, pack(step, self.kind[leave[1]] + 1 if len(leave) > 1 else 0)

    def others(self, v: int) -> list[tuple[int, int]]:
        "Signs and particles from which the momentum follows."
        i = self.own[v]
        return [(1, j) for j in self.leave[v] if j != i] + [(-1, j) for j in self.enter[v] if j != i]


def float_of(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<q", wrap(bits)))[0]


def ordered(x: float) -> int:
    b = struct.unpack("<q", struct.pack("<d", 0.0 if x != x else x))[0]
    return b if b >= 0 else b ^ 2**63 - 1


def unordered(number: int) -> float:
    number = wrap(number)
    return float_of(number if number >= 0 else number ^ 2**63 - 1)


def energy(p: list[float], m: float) -> float:
    square = p[0] * p[0] + p[1] * p[1] + p[2] * p[2] + (-(m * m) if m < 0 else m * m)
    return math.sqrt(square) if square > 0 else 0.0


def exact_momenta(data: bytes, graph: Graph, m: list[float]) -> list[list[float]]:
    s, g = Stream(data), Momenta(graph)
    p, last, before = [[0.0] * 4 for _ in m], [0, 0, 0], 0
    late = {g.own[v] for v in g.queue}
    for i, kind in enumerate(g.kind):
        if i in late:
            continue
        u = 0
        for j in range(3):
            h = s.hashes(j, (pack(kind, u), pack(kind, before, u), pack(last[j], u, 77)))
            b = wrap(s.tree(j, h, 12, 2**32) << 52 | s.plain(52))
            p[i][j] = float_of(b)
            last[j] = (b if b >= 0 else b ^ 2**63 - 1) % WORD >> 52
            u = pack(u, last[j])
        before = kind
    for v in g.queue:
        i, (step, _), bits = g.own[v], g.step(v), 0
        for j in range(3):
            total = 0.0
            for sign, k in g.others(v):
                total = total + sign * p[k][j]
            r = s.rough(3 + j, pack(step, j), pack(step, bits, 1), pack(bits, j, 2))
            p[i][j] = unordered(ordered(total) + r)
            bits = pack(bits, abs(r).bit_length())
    for i, kind in enumerate(g.kind):
        r = s.rough(6, kind, 1, pack(kind, before))
        p[i][3] = unordered(ordered(energy(p[i], m[i])) + r)
        before = abs(r).bit_length()
    s.finish()
    return p


def scale(error: float, x: float) -> int:
    ratio = error / max(x, 1e-30)
    if not ratio > 1:
        return 0
    return 17 if ratio > 65536 else next(n for n in range(1, 18) if ratio < 2**n)


def bounded_momenta(data: bytes, graph: Graph, way: list[int], levels: list[int], e: float, apart: dict) -> list:
    "px, py, pz of particles; `apart`: of those of way 4."
    s, g, p = Stream(data), Momenta(graph), [[0.0] * 3 for _ in way]
    for i, own in apart.items():
        p[i] = own[:3]
    fine = [(1 / 20 if abs(x) in (11, 13, 15) else 1.0) / 2**k for x, k in zip(graph.all("pid"), levels)]
    errors = [e * f * (1 - 1e-9) for f in fine]
    widths = [(2 * ln1p(x), 2 * x, math.ceil(math.pi / x)) for x in errors]
    late = {g.own[v] for v in g.queue}

    def put(i: int, bins: list[int]) -> None:
        u, h, t = widths[i]
        size = exp(bins[0] * u)
        if way[i]:
            p[i] = [0.0, 0.0, size if way[i] == 1 else -size]
            return
        (sin, cos), x = sin_cos(bins[2] / t), exp(bins[1] * h)
        p[i] = [size * cos, size * sin, size * ((x - 1 / x) / 2)]

    unit, y, vertex, kind = (0.26, 0.52, 0.08), [0.0] * 3, None, 0
    for i, k in enumerate(g.kind):
        if i in late or way[i] > 2:
            continue
        known = int(vertex == g.made[i] and vertex >= 0)
        b, t, bins = kind * known, [0, 0, 0], [0, 0, 0]
        for j in range(1 if way[i] else 3):
            w = (widths[i][0], widths[i][1], 1 / widths[i][2])[j]
            n, x = 0, w
            while n < 30 and x * 2 <= unit[j]:
                n, x = n + 1, x * 2
            q = pack(k, 32 * way[i] + n, known)
            close, wide = (near(y[j] / unit[j] / part) if known else 0 for part in (1, 4))
            c = [(pack(q, 0), pack(q, close, b), pack(q, 0, wide)),
                 (pack(q, t[0]), pack(q, close, b), pack(q, t[0], wide)),
                 (pack(q, 0), pack(q, close), pack(q, close, t[0]))][j]
            upper = signed(s.mostly(7 - j, 13 if way[i] else 10 + j, *c))
            bins[j] = wrap(upper << n | s.plain(n))
            check(abs(bins[j]) <= 2**40, "no bin")
            y[j] = bins[j] * w
            t[j] = near(y[j] / unit[j] / 2)
        if way[i]:
            y[1] = y[2] = 0.0
        vertex, kind = g.made[i], k
        put(i, bins)
    for v in g.queue:
        i, (step, both), total, across, length = g.own[v], g.step(v), [0.0] * 3, 0.0, 0.0
        if way[i] > 2:
            continue
        for sign, j in g.others(v):
            total = [a + sign * x for a, x in zip(total, p[j])]
            tt = p[j][0] * p[j][0] + p[j][1] * p[j][1]
            across, length = across + math.sqrt(tt) * fine[j], length + math.sqrt(tt + p[j][2] * p[j][2]) * fine[j]
        pt = math.sqrt(total[0] * total[0] + total[1] * total[1])
        alpha, f = scale(across, pt * fine[i]), fine[i]
        beta = max(alpha, scale(length, math.sqrt(pt * pt + total[2] * total[2]) * f))
        u, h, turn = widths[i]
        if way[i]:
            guess = [near(ln(max(abs(total[2]), 1e-30)) / u)]
        else:
            pt = max(pt, 1e-30)
            guess = [near(ln(pt) / u), near(asinh(total[2] / pt) / h), near(turns(total[1], total[0]) * turn)]
        bins, bits, first = [0, 0, 0], 0, 0
        for j in range(len(guess)):
            sc = 2 * (4 * (alpha, beta, alpha)[j] + j) + (way[i] > 0)
            r = s.wide(2 * j, pack(step, sc), pack(both, sc, bits), pack(g.kind[i], sc, 65 * bits + first))
            check(abs(r) <= 2**40, "no bin")
            bits = abs(r).bit_length()
            first = first if j else bits
            bins[j] = r + guess[j]
            if j == 2:
                bins[j] -= turn * int(np.rint(bins[j] / turn))
        put(i, bins)
    s.finish()
    return p


def conserved(graph: Graph, marks: list[int], way: list[int], p: list[list[float]]) -> list[list[float]]:
    "Momenta where vertices conserve."
    made, ends, v = graph.slots("made"), graph.slots("ends"), sum(graph.vertices)
    keep = {made[i] for i, mark in enumerate(marks) if mark} - {-1}
    made, ends = ([x if x in keep else v for x in own] for own in (made, ends))
    fine = [1 / 20 if abs(x) in (11, 13, 15) else 1.0 for x in graph.all("pid")]
    t = [q[0] * q[0] + q[1] * q[1] for q in p]
    across = [math.sqrt(a) * f if w == 0 else 0.0 for a, f, w in zip(t, fine, way)]
    along = [math.sqrt(a + q[2] * q[2]) * f if w < 3 else 0.0 for a, q, f, w in zip(t, p, fine, way)]
    new = [list(q) for q in p]
    near_of = [[i for i in range(len(p)) if x in (made[i], ends[i])] for x in range(v + 1)]
    for weight, components in ((across, (0, 1)), (along, (2,))):
        group, edges = list(range(v + 1)), []
        for i in sorted((i for i, w in enumerate(weight) if w > 0), key=lambda i: (-weight[i], i)):
            a, b = group[made[i]], group[ends[i]]
            if a != b:
                group, edges = [b if x == a else x for x in group], [*edges, i]
        chosen, reached, over = {*edges}, [], {}
        for start in (v, *range(v)):
            if start in over:
                continue
            over[start], turn = None, [start]
            for x in turn:
                for i in near_of[x]:
                    y = ends[i] if made[i] == x else made[i]
                    if i in chosen and y not in over:
                        over[y] = i
                        turn.append(y)
            reached += turn
        for x in reversed(reached):
            if (i := over[x]) is None:
                continue
            for c in components:
                total = 0.0
                for j in near_of[x]:
                    if j != i and made[j] != ends[j]:
                        total = total + new[j][c] if ends[j] == x else total - new[j][c]
                new[i][c] = total if made[i] == x else -total
    return new


# ---- tables ----


class GrowingBins:
    def __init__(self, least: float, share: float):
        self.w, self.c = 2 * least * (1 - 1e-9), int(1 / (2 * share))
        self.length = ln(1 + share) * (1 - 1e-9)

    def value(self, b: int) -> float:
        n = abs(b)
        size = n if n <= self.c else self.c * exp(min((n - self.c) * 2 * self.length, 600))
        return (self.w if b > 0 else -self.w if b else 0.0) * size

    def bin(self, x: float) -> int:
        if not abs(x) < 1e15:
            return 0
        size = abs(x) / self.w
        whole = int(np.rint(size)) if size <= self.c else self.c + int(np.rint(ln(size / self.c) / (2 * self.length)))
        return -whole if x < 0 else whole


def masses(codes: list[int], graph: Graph, new: list[float]) -> list[float]:
    "From the codes of masses, and the rows of `masses`."
    found, last, first, left = [], {}, {}, iter(new)
    made, ends, pid = graph.slots("made"), graph.slots("ends"), graph.all("pid")
    for i, x in enumerate(ends):
        first.setdefault(x, i)
    for i, code in enumerate(codes):
        if code == 0:
            found.append(0.0)
            continue
        if code == 1:
            m = found[last[pid[i]]]
        elif code == 2:
            mother = first.get(made[i], i) if made[i] >= 0 else i
            check(mother < i, "no mother")
            m = found[mother]
        else:
            check(code == 3, "no code of a mass")
            m = next(left)
        found.append(m)
        last[pid[i]] = i
    check(next(left, None) is None, "more masses than particles")
    return found


def places(graph: Graph, placed: list[bool], steps: list, p: list, e: float, least: float, apart: list) -> list:
    "x, y, z, t of vertices, by number over all events; `placed` and `steps` in sequence."
    made, ends, n = graph.slots("made"), graph.slots("ends"), sum(graph.vertices)
    bins, first = GrowingBins(least, e) if e else None, {}
    for i, x in enumerate(ends):
        first.setdefault(x, i)
    sequence, start = [], 0
    for event, v in zip(graph.events, graph.vertices):
        sequence += [start + x - 1 for x in event["sequence"]]
        start += v
    rank = {x: k for k, x in enumerate(sequence)}
    own = {x: flag for x, flag in zip(sequence, placed)}
    found, known = [[0.0] * 4 for _ in range(n)], {}
    left, far = iter(steps), iter(apart)
    for x in sequence:  # what is reckoned from has appeared before
        if not own[x]:
            continue
        step = next(left)
        if e and step[3] == 2**62:
            known[x] = found[x] = next(far)
            continue
        i, at, t = first.get(x, -1), x, None
        while True:
            j = first.get(at, -1)
            above = made[j] if j >= 0 else -1
            if above < 0 or rank[above] >= rank[at]:
                at = -1
            else:
                at = above
            if at < 0 or own[at]:
                break
        o = known[at] if at >= 0 else [0.0] * 4
        q = p[i] if i >= 0 else [0.0] * 4
        t = bins.value(step[3]) if e else unordered(step[3])
        with np.errstate(all="ignore"):
            k = np.float64(t - o[3]) / np.float64(q[3])
            guess = [float(o[c] + k * np.float64(q[c])) for c in range(3)]
        guess = [g if math.isfinite(g) else o[c] for c, g in enumerate(guess)]
        if e:
            place = [bins.value(step[c] + bins.bin(guess[c])) for c in range(3)]
        else:
            place = [unordered(step[c] + ordered_bits(guess[c])) for c in range(3)]
        known[x] = [*place, t]
        found[x] = known[x] if any(known[x]) else [0.0, 0.0, 0.0, least * 2**-20 if e else -0.0]
    return found


def ordered_bits(x: float) -> int:
    b = struct.unpack("<q", struct.pack("<d", x))[0]
    return b if b >= 0 else b ^ 2**63 - 1


def rows(table: dict, *names: str) -> list[list]:
    return [list(x) for x in zip(*(table[n].tolist() for n in names))]


def chunk(payload: bytes, heads: list[dict], order: list[int], coding: dict) -> dict:
    "Particles and vertices of a chunk, and its other tables."
    tables, shown, streams = other_datasets.chunk(payload, heads, coding["streams"])
    table = {heads[k]["table"]: shown[k] for k in order}
    counts = {heads[k]["table"]: [b - a for a, b in zip(tables[k].first, tables[k].first[1:])] for k in order
              if heads[k]["parent"] >= 0}
    e, mass, place = coding["bound"]
    events, vertices = table["events"], table["vertices"]
    if len(events["momentum_unit"]) and all(events["momentum_unit"]):
        mass *= 1000
    if any(events["length_unit"]):
        place *= 0.1
    tags = [n.removeprefix("attribute:") for n in coding["columns"] if n.startswith("attribute:flow")]
    tags = [n for n in tags if n[4:].isdigit() and f"value1:{n}" in coding["columns"]
            and f"value2:{n}" not in coding["columns"]][:4]
    plain = [not a and s == 0 for a, s in zip(vertices["placed"].tolist(), vertices["status"].tolist())]
    codes = (4 if coding.get("conserve") else 2) if e else 1
    graph = Graph(streams[0], counts["particles"], counts["vertices"], codes, len(tags), plain)
    code = [[x for event in graph.events for x in event["codes"][k]] for k in range(codes)]
    new = table["masses"]["m"].tolist()
    if e:
        new = [m if m else GrowingBins(mass, e).value(b) for m, b in zip(new, table["masses"]["bin"].tolist())]
    m = masses(code[0], graph, new)
    if not e:
        p = exact_momenta(streams[1], graph, m)
    else:
        levels = code[2] if codes == 4 else [0] * len(m)
        own = dict(zip([i for i, w in enumerate(code[1]) if w == 4], rows(table["apart"], "px", "py", "pz", "E")))
        p = bounded_momenta(streams[1], graph, code[1], levels, e, own)
        if codes == 4:
            p = conserved(graph, code[3], code[1], p)
        p = [own[i] if i in own else [*q, energy(q, m[i])] for i, q in enumerate(p)]
    far = rows(table["places_apart"], "x", "y", "z", "t") if e else []
    steps = rows(table["places"], "dx", "dy", "dz", "t")
    x = places(graph, vertices["placed"].tolist(), steps, p, e, place, far)
    found = {"production": [-k for k in graph.all("made")], "end": [-k for k in graph.all("ends")],
             "status": graph.all("status"), "pid": graph.all("pid"), "m": m}
    found |= {n: [q[k] for q in p] for k, n in enumerate(("px", "py", "pz", "E"))}
    found |= {n: [q[k] for q in x] for k, n in enumerate("xyzt")}
    found |= {n: [t for event in graph.events for t in event["tags"][k]] for k, n in enumerate(tags)}
    return found | {"number": events["number"].tolist(), "weights": table["weights"]["value"].tolist(),
                    "attributes": list(table["attributes"]["value"])}


def read(data: bytes) -> dict:
    "Particles, vertices and some more of all events, and the documents."
    found = blocks(data, 2)
    check_end(data, found)
    facts, documents = other_datasets.header(found)
    coding = facts.pop("coding")
    check(coding["name"] == "events" and coding["version"] == 2, "another coding")
    heads, order = other_datasets.described_facts(facts)
    made = [chunk(payload, heads, order, coding) for kind, payload, *_ in found if kind == b"C"]
    return {name: [x for c in made for x in c[name]] for name in made[0]} | {"documents": documents}

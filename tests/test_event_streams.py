"""Graphs, kinds and momenta of events as streams: the same bytes from C and from Python, there and back; and nothing
but a HepaeError, or other numbers, from damaged ones."""

import functools
from contextlib import nullcontext
from dataclasses import fields
from unittest.mock import patch

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_hepmc import REAL

from hepae.codec import event_streams, particle_kinds
from hepae.codec.context_coder import LONGEST, MODELLED
from hepae.codec.event_bounds import EventBound, binned
from hepae.codec.event_streams import (
    ABSENT, APART, NORMAL, REST, BinnedMomenta, EventGraph, binned_momenta, binned_momenta_stream, exact_momenta,
    exact_momenta_stream, graph_from_stream, graph_stream,
)
from hepae.codec.particle_kinds import MOST_CODES, MOST_NAMES, MOST_REMEMBERED, MOST_TAGS
from hepae.codec.probabilities import loops
from hepae.core import HepaeError
from hepae.hepmc.files import read_events

INT64 = st.integers(-(2**63), 2**63 - 1)
MOST = 2**LONGEST + 1  # of a number from 0 on
ODD = [0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 5e-324, 1e308, -1e-300]
compiled = pytest.mark.skipif(loops() is None, reason="nothing is compiled")


def in_python():
    "As where nothing is compiled."
    return patch.object(event_streams, "loops", lambda: None)


def both(function, *given):
    "What a function gives in C and in Python: a value, or HepaeError, and the same; the values of both."
    found = []
    for way in (nullcontext(), in_python()):
        with way:
            try:
                found.append(function(*given))
            except HepaeError:
                found.append(HepaeError)
    return found


def same_graph(a: EventGraph, b: EventGraph) -> bool:
    "Is all of two graphs equal?"
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(EventGraph))


# ---- graphs ----


def in_sequence(graph: EventGraph, plain: np.ndarray) -> np.ndarray:
    "What is known of vertices by number, in sequence."
    first = np.repeat(np.cumsum(graph.vertices) - graph.vertices, graph.vertices)
    return plain[first + graph.sequence - 1]


def arrays_of(events: list[tuple], codes: int, tags: int) -> EventGraph:
    "A graph of (vertices, particles), each particle (made, ends, status, pid, codes, tags)."
    rows = [p for _, particles in events for p in particles]
    column = lambda k: np.array([r[k] for r in rows], np.int64)
    several = lambda k, n: np.array([r[k] for r in rows], np.int64).reshape(len(rows), n).T
    counts = np.array([[len(p), v] for v, p in events], np.int64).reshape(-1, 2)
    return EventGraph(counts[:, 0], counts[:, 1], *map(column, range(4)), several(4, codes), several(5, tags), None)


@st.composite
def graphs(draw) -> tuple[EventGraph, np.ndarray]:
    "Any graph: several roots, circles, self-loops, vertices that nothing enters or leaves, any numbers."
    codes, tags = draw(st.integers(0, 2)), draw(st.integers(0, MOST_TAGS))
    near = st.integers(0, 3)
    tag = st.sampled_from([ABSENT, 0, 101, 102, 103]) | INT64
    code = near | st.integers(0, MOST)
    kind = st.sampled_from([1, 2, 21, -11]) | st.integers(-(2**31), 2**31 - 1)
    events = []
    for vertices in draw(st.lists(st.integers(0, 6), max_size=3)):
        place, group = st.integers(0, vertices), lambda x, n: st.lists(x, min_size=n, max_size=n)
        particle = st.tuples(place, place, near | kind, kind, group(code, codes), group(tag, tags))
        particles = draw(st.lists(particle, max_size=12))
        if draw(st.booleans()):
            particles.sort(key=lambda p: p[0])
        events.append((vertices, particles))
    graph = arrays_of(events, codes, tags)
    v = int(graph.vertices.sum())
    return graph, np.array(draw(st.lists(st.booleans(), min_size=v, max_size=v)), bool)


def there_and_back(graph: EventGraph, plain: np.ndarray) -> bytes:
    "The stream of a graph, which is the same from C and Python, and gives it back in both."
    a, b = both(graph_stream, graph, plain)
    assert a == b
    if a is HepaeError:
        return a
    known = (graph.particles, graph.vertices, len(graph.codes), len(graph.tags), in_sequence(graph, plain))
    for back in both(graph_from_stream, a, *known):
        assert same_graph(back, graph)
    return a


@compiled
@settings(max_examples=80)
@given(graphs())
def test_generated_graphs(drawn):
    "A graph comes back, and its bytes are those of the definition."
    assert there_and_back(*drawn) is not HepaeError


def one_event(n: int, codes=(), tags=(), status=None, pid=None) -> tuple[EventGraph, np.ndarray]:
    "Particles that come from nowhere and go nowhere."
    own = [np.ones(n, np.int64) if x is None else np.array(x, np.int64) for x in (status, pid)]
    other = [np.array(x, np.int64).reshape(-1, n) for x in (codes, tags)]
    count = np.array([n]), np.array([0])
    return EventGraph(*count, np.zeros(n, np.int64), np.zeros(n, np.int64), *own, *other, None), np.zeros(0, bool)


@compiled
def test_longest_numbers():
    "Codes of up to 40 bits, on both sides of those bits that have contexts; none that is larger, or negative."
    for k in (1, 3, 8, MODELLED - 1, MODELLED, MODELLED + 1, MODELLED + 3, 32, LONGEST - 1):
        numbers = [2**k + 1, 2**k + 2, 2**k + 3, *(2 ** (k + 1) + 1 - 2 ** (k // 2) * j for j in (0, 1))]
        assert there_and_back(*one_event(5, codes=[numbers])) is not HepaeError
    for wrong in (-1, MOST + 1, 2**62, 2**63 - 1, -(2**63)):
        assert there_and_back(*one_event(2, codes=[[0, wrong]])) is HepaeError
    assert there_and_back(*one_event(2, codes=[[0, MOST]])) is not HepaeError


@compiled
@pytest.mark.parametrize("what", ["status", "pid"])
def test_longest_names(what):
    "Statuses and pids of up to 39 bits and a sign; others are refused, and do not come back as something else."
    right = [2**39, -(2**39) - 1, 2**31, -1, 0]
    assert there_and_back(*one_event(5, **{what: right})) is not HepaeError
    for wrong in (2**39 + 1, -(2**39) - 2, 2**62, -(2**62), 2**63 - 1, -(2**63)):
        assert there_and_back(*one_event(2, **{what: [1, wrong]})) is HepaeError


@compiled
def test_most_codes_and_tags():
    "Sixteen kinds of code, and four of tag; not one more."
    rng = np.random.default_rng(0)
    for codes, tags in ((MOST_CODES, MOST_TAGS), (MOST_CODES + 1, 0), (0, MOST_TAGS + 1)):
        given = one_event(6, rng.integers(0, 9, (codes, 6)), rng.integers(0, 5, (tags, 6)))
        assert (there_and_back(*given) is HepaeError) == (codes > MOST_CODES or tags > MOST_TAGS)


@compiled
@pytest.mark.parametrize("names", [MOST_NAMES - 1, MOST_NAMES, MOST_NAMES + 1])
def test_most_names(names):
    "As many pids as there may be in C; in Python with another constant, because it takes a minute."
    graph, plain = one_event(names, pid=np.arange(names) - 77)
    if names > MOST_NAMES:
        with pytest.raises(HepaeError):
            graph_stream(graph, plain)
    else:
        stream = graph_stream(graph, plain)
        assert same_graph(graph_from_stream(stream, graph.particles, graph.vertices, 0, 0, plain), graph)
    few, plain = one_event(20 + names - MOST_NAMES, pid=np.arange(20 + names - MOST_NAMES))
    with in_python(), patch.object(particle_kinds, "MOST_NAMES", 20):
        if names > MOST_NAMES:
            with pytest.raises(HepaeError):
                graph_stream(few, plain)
        else:
            graph_stream(few, plain)


@compiled
@pytest.mark.parametrize("tags", [39, 40, 41, MOST_REMEMBERED, MOST_REMEMBERED + 1])
def test_most_remembered(tags):
    "Tags of which the first comes again when it is the last that is remembered, or just forgotten."
    numbers = np.random.default_rng(1).permutation(tags) * 7 + 1000
    numbers = [*numbers, numbers[0], numbers[5], numbers[0], 1]
    assert there_and_back(*one_event(len(numbers), tags=[numbers])) is not HepaeError


# ---- momenta ----


@st.composite
def places(draw) -> EventGraph:
    "A graph whose numbers mean nothing."
    graph, _ = draw(graphs())
    assume(len(graph.made))
    graph.status, graph.pid = graph.status % 3, graph.pid % 4
    return graph


def floats_like(rng: np.random.Generator, shape: tuple) -> np.ndarray:
    "Numbers of all sizes, and what is no number."
    x = rng.normal(size=shape) * 10.0 ** rng.integers(-6, 7, shape)
    odd = rng.random(shape) < 0.1
    x[odd] = rng.choice(ODD, odd.sum())
    x.view(np.int64)[rng.random(shape) < 0.02] = 0x7FF0000000000001  # a NaN that signals
    return x


def sums_of(graph: EventGraph, p: np.ndarray) -> None:
    "Make what enters a vertex first nearly the sum of what leaves it."
    made, ends = graph.slots(graph.made), graph.slots(graph.ends)
    for i in np.flatnonzero(ends >= 0)[::-1]:
        if (made == ends[i]).any():
            with np.errstate(all="ignore"):
                p[i, :3] = p[made == ends[i], :3].sum(0) * (1 + 1e-15)


@compiled
@settings(max_examples=50)
@given(places(), st.integers(0, 2**32), st.booleans())
def test_generated_exact_momenta(graph, seed, conserved):
    "Any bits come back, and the bytes are those of the definition."
    rng = np.random.default_rng(seed)
    p, m = floats_like(rng, (len(graph.made), 4)), floats_like(rng, (len(graph.made),))
    if conserved:
        sums_of(graph, p)
    a, b = both(exact_momenta_stream, graph, m, p)
    assert a == b
    for back in both(exact_momenta, a, graph, m):
        assert back.tobytes() == p.tobytes()


def in_bins(graph: EventGraph, seed: int) -> BinnedMomenta:
    "Momenta in bins, some of them far away."
    rng, n = np.random.default_rng(seed), len(graph.made)
    p, m = np.nan_to_num(floats_like(rng, (n, 4)), posinf=1e9, neginf=-1e9).clip(-1e14, 1e14), np.zeros(n)
    sums_of(graph, p)
    p[rng.random(n) < 0.1, :2] = 0
    p[rng.random(n) < 0.1, :3] = 0
    with np.errstate(all="ignore"):
        p[:, 3] = np.sqrt((p[:, :3] ** 2).sum(1)) * (1 + (rng.random(n) < 0.1))
    b = binned(graph.pid * 11, m, p, EventBound(rng.choice([1e-1, 1e-3, 1e-6])))
    far = (rng.random(n) < 0.05) & (b.way < REST)
    b.bins[far, 0] = rng.choice([2**37, -(2**37), 10**7, -(10**7)], far.sum())
    b.p = np.where((b.way == APART)[:, None], floats_like(rng, (n, 3)), 0)
    return b


def same_bins(a: BinnedMomenta, b: BinnedMomenta) -> bool:
    "The same bins, those of φ but for whole turns, and the same momenta to the last bit."
    turn = np.where(b.way == NORMAL, b.widths[:, 2], 1)
    same = (a.bins[:, :2] == b.bins[:, :2]).all() and ((a.bins[:, 2] - b.bins[:, 2]) % turn == 0).all()
    return same and a.p.tobytes() == b.p.tobytes()


def copy_of(b: BinnedMomenta) -> BinnedMomenta:
    "As a reader has it: without bins, and momenta only of those apart."
    return BinnedMomenta(b.way, b.widths, b.fine, np.zeros_like(b.bins), np.where((b.way == APART)[:, None], b.p, 0))


def check_bins(graph: EventGraph, stored: BinnedMomenta) -> None:
    "C and its definition write the same bytes of bins, and read the same bins from them."
    a, b = both(binned_momenta_stream, graph, stored)
    assert a == b
    for way in (nullcontext(), in_python()):
        with way:
            binned_momenta(a, graph, back := copy_of(stored))
        assert same_bins(back, stored)


@compiled
@settings(max_examples=50)
@given(places(), st.integers(0, 2**32))
def test_generated_bins(graph, seed):
    "Bins of all ways come back, with the momenta that were predicted from; the bytes are those of the definition."
    stored = in_bins(graph, seed)
    check_bins(graph, stored)
    written = stored.p.tobytes()
    binned_momenta_stream(graph, stored)
    assert stored.p.tobytes() == written


@compiled
def test_farthest_bins():
    "Bins up to 2**40 from 0 where they have lower bits; others are refused."
    graph, _ = one_event(1)
    for bins in (2**40, -(2**40), 2**40 + 1, -(2**40) - 1, 2**62, -(2**63) + 1):
        b = BinnedMomenta(np.array([NORMAL]), np.array([[1e-3, 1e-3, 6284.0]]), np.ones(1), None, np.zeros((1, 3)))
        b.bins = np.array([[bins, 1, 2]])
        found = both(binned_momenta_stream, graph, b)
        assert found[0] == found[1]
        assert (found[0] is HepaeError) == (abs(bins) > 2**40)


# ---- real files ----


@functools.cache
def of_file(path, events: int = 3) -> tuple:
    "The first events of a HepMC file: graph, what is plain, momenta, masses."
    chunk = next(iter(read_events(path)))
    counts = [np.diff(chunk.offsets(t))[:events] for t in (chunk.particles, chunk.vertices)]
    p, v = (t.iloc[:n.sum()] for t, n in zip((chunk.particles, chunk.vertices), counts))
    made, ends = (-p[name].to_numpy().astype(np.int64) for name in ("production", "end"))
    kinds = [p[name].to_numpy().astype(np.int64) for name in ("status", "pid")]
    tags = np.stack([kinds[1] % 7 + 500, np.where(np.abs(kinds[1]) < 22, ABSENT, kinds[0])])  # as good as any
    graph = EventGraph(*counts, made, ends, *kinds, kinds[0][None] % 5, tags, None)
    plain = (v[["x", "y", "z", "t", "status"]].to_numpy() == 0).all(1)
    return graph, plain, p[["px", "py", "pz", "E"]].to_numpy(np.float64), p["m"].to_numpy(np.float64)


def check_file(path, events: int = 3) -> None:
    "All streams of some events."
    graph, plain, p, m = of_file(path, events)
    assert there_and_back(graph, plain) is not HepaeError
    a, b = both(exact_momenta_stream, graph, m, p)
    assert a == b
    for back in both(exact_momenta, a, graph, m):
        assert back.tobytes() == p.tobytes()
    check_bins(graph, binned(graph.pid, m, p, EventBound(1e-3)))


@compiled
def test_committed_events():
    "A Drell-Yan event."
    check_file(ROOT / "data" / "drell_yan.hepmc.gz", 1)


@compiled
@pytest.mark.parametrize("name", REAL)
def test_real_events(testdata, name):
    "Files that other people wrote."
    check_file(testdata(f"hepmc/{name}"))


# ---- damage ----


def outcome(stream: bytes, graph: EventGraph, plain: np.ndarray, m: np.ndarray, stored: BinnedMomenta) -> list:
    "What C and Python make of a stream, as each of the three kinds."

    def as_graph():
        back = graph_from_stream(stream, graph.particles, graph.vertices, len(graph.codes), len(graph.tags), plain)
        return b"".join(getattr(back, f.name).tobytes() for f in fields(EventGraph))

    def as_bins():
        binned_momenta(stream, graph, back := copy_of(stored))
        return back.bins.tobytes() + back.p.tobytes()

    return [both(as_graph), both(lambda: exact_momenta(stream, graph, m).tobytes()), both(as_bins)]


def streams_of(graph: EventGraph, plain: np.ndarray, p: np.ndarray, m: np.ndarray) -> tuple[list[bytes], BinnedMomenta]:
    "The three streams of some events."
    stored = binned(graph.pid, m, p, EventBound(1e-3))
    return [graph_stream(graph, plain), exact_momenta_stream(graph, m, p), binned_momenta_stream(graph, stored)], stored


@st.composite
def damaged(draw, stream: bytes) -> bytes:
    "A stream with some bytes changed, moved or missing."
    data = bytearray(stream)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        data[at:at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


@compiled
@settings(max_examples=80)
@given(graphs(), st.integers(0, 2**32), st.data())
def test_damaged_streams(drawn, seed, data):
    "C and Python agree on what a damaged stream means, or that it means nothing."
    graph, plain = drawn
    n = len(graph.made)
    rng = np.random.default_rng(seed)
    p, m = np.nan_to_num(floats_like(rng, (n, 4)), posinf=1, neginf=0), np.zeros(n)
    streams, stored = streams_of(graph, plain, p, m)
    stream = data.draw(damaged(data.draw(st.sampled_from(streams))) | st.binary(max_size=40))
    for a, b in outcome(stream, graph, in_sequence(graph, plain), m, stored):
        assert a == b


@compiled
def test_truncated_and_flipped(seed=3):
    "No stream that ends early is read, nor one with bytes after it; a flipped bit is another number, or an error."
    graph, plain, p, m = of_file(ROOT / "data" / "drell_yan.hepmc.gz", 1)
    streams, stored = streams_of(graph, plain, p, m)
    known, rng = in_sequence(graph, plain), np.random.default_rng(seed)
    reads = [
        lambda s: graph_from_stream(s, graph.particles, graph.vertices, len(graph.codes), len(graph.tags), known),
        lambda s: exact_momenta(s, graph, m),
        lambda s: binned_momenta(s, graph, copy_of(stored)),
    ]
    for stream, read in zip(streams, reads):
        cut = [*range(8), *rng.integers(0, len(stream), 60)]
        for wrong in (*(stream[:k] for k in cut), stream + b"\0", b"\0" + stream, stream + stream):
            with pytest.raises(HepaeError):
                read(wrong)
        for k in rng.integers(0, 8 * len(stream), 60):
            flipped = bytearray(stream)
            flipped[k // 8] ^= 1 << k % 8
            try:
                read(bytes(flipped))
            except HepaeError:
                pass

"Momenta that follow from others, so that vertices conserve them: within every bound, from C and from Python alike."

from dataclasses import replace

import numpy as np
import pyhepmc
import pytest
from conftest import hepae, one_sentence
from hypothesis import given, settings
from hypothesis import strategies as st
from test_event_streams import both, compiled, in_bins, of_file, places
from test_hepmc import REAL
from test_whole_events import DY, FOOT, HEAD, beyond, odd_events, through

from hepae.codec.event_bounds import CONSERVED, EventBound, energies, widths_of
from hepae.codec.event_conservation import conserved_momenta, conserving, conserving_bins, imbalances, momenta_of
from hepae.codec.event_streams import binned_momenta_stream, conserve, conserving_forest, needed
from hepae.codec.event_verdict import beyond_momenta
from hepae.core import UsageError
from hepae.files.compression import compress_files, verify_file
from hepae.files.decompression import decompress_file
from hepae.hepmc.event_differences import events_between
from hepae.hepmc.files import read_events

pyhepmc.Setup.print_warnings = False


@st.composite
def vertices(draw) -> tuple[np.ndarray, np.ndarray, int]:
    "Where particles begin and end: any graph."
    v = draw(st.integers(0, 6))
    place = st.integers(-1, v - 1)
    pairs = draw(st.lists(st.tuples(place, place), max_size=14))
    return *np.array(pairs, np.int64).reshape(-1, 2).T, v


@compiled
@settings(max_examples=200)
@given(vertices(), st.integers(0, 2**32))
def test_both_sides(graph, seed):
    "C and its definition choose the same forest, and put the same bits."
    rng, (made, ends, v) = np.random.default_rng(seed), graph
    n = len(made)
    turn = rng.permutation(n)[: rng.integers(0, n + 1)]
    a, b = both(conserving_forest, made, ends, v, turn)
    assert np.array_equal(a, b) and set(a[1]) <= set(turn) and len({*a[1]}) == len(a[1]) == len({*a[0]})
    p = rng.normal(size=(n, 2)) * 10.0 ** rng.integers(-3, 4, (n, 2))
    x, y = both(conserve, made, ends, v, *a, p)
    assert x.tobytes() == y.tobytes()
    free = np.setdiff1d(np.arange(n), a[1])
    assert x[free].tobytes() == p[free].tobytes()
    for vertex in a[0]:
        assert np.abs(x[made == vertex].sum(0) - x[ends == vertex].sum(0)).max() <= 1e-13 * np.abs(x).sum()
    need = rng.random(n)
    x, y = both(needed, made, ends, v, *a, need)
    assert x.tobytes() == y.tobytes() and (x <= need).all()


@settings(max_examples=100)
@given(vertices(), st.integers(0, 2**32))
def test_every_vertex_has_one(graph, seed):
    "All vertices that are connected with the outside have a particle that follows."
    made, ends, v = graph
    order, _ = conserving_forest(made, ends, v, np.random.default_rng(seed).permutation(len(made)))
    reached = {-1}
    for _ in range(v):
        pairs = [*zip(made.tolist(), ends.tolist())]
        reached |= {y for a, b in pairs for x, y in ((a, b), (b, a)) if x in reached}
    assert reached - {-1} <= set(order.tolist())


@settings(max_examples=50)
@given(places(), st.integers(0, 2**32))
def test_momenta_of_bins(graph, seed):
    "numpy finds the momenta that a reader finds, to the last bit."
    b = in_bins(graph, seed)
    ours = momenta_of(b)
    binned_momenta_stream(graph, b)
    assert ours.tobytes() == b.p.tobytes()


@settings(max_examples=60)
@given(places(), st.integers(0, 2**32), st.sampled_from([1e-1, 1e-3, 1e-6]))
def test_any_graph(graph, seed, size):
    "Whatever the graph: bounds hold, and vertices that conserved do so as well as before."
    rng, n = np.random.default_rng(seed), len(graph.made)
    slots = [graph.slots(x) for x in (graph.made, graph.ends)]
    v = int(graph.vertices.sum())
    p = rng.normal(size=(n, 4)) * 10.0 ** rng.integers(-2, 3, (n, 1))
    p[rng.random(n) < 0.2, :2] = 0
    p[rng.random(n) < 0.1, :3] = 0
    weights = np.where(rng.random(n) < 0.8, rng.random(n), 0)
    p[:, :3] = conserve(*slots, v, *conserving_forest(*slots, v, np.argsort(-weights)[: (weights > 0).sum()]), p[:, :3])
    m = np.zeros(n)
    p[:, 3], bound = energies(p, m), EventBound(size, conserve=True)
    b, _, keep = conserving_bins(graph, m, p, bound)
    q = np.column_stack([conserved_momenta(graph, keep, b, bound), p[:, 3]])
    for name, far in beyond_momenta(p, q, m, graph.pid, bound).items():
        assert not far.any(), name
    (was, energy), (now, _) = imbalances(*slots, p, v), imbalances(*slots, q, v)
    worse = np.abs(now[:, :3]) > np.abs(was[:, :3]) + 1e-12 * energy[:, None]
    assert np.array_equal(keep, conserving(*slots, p, v)) and not worse[keep].any()


def test_an_event_in_numbers():
    "Most vertices of decays conserve, and few particles need narrower bins."
    graph, _, p, m = of_file(DY, 3)
    bound = EventBound(1e-3, conserve=True)
    b, levels, keep = conserving_bins(graph, m, p, bound)
    assert keep.mean() > 0.3 and (levels > 0).mean() < 0.2
    assert (b.fine == widths_of(graph.pid, bound, levels)[1]).all()


def momentum_of(particles) -> np.ndarray:
    return np.array([[p.momentum.px, p.momentum.py, p.momentum.pz] for p in particles]).reshape(-1, 3).sum(0)


def kept_and_lost(before, after) -> tuple[int, int]:
    "How many vertices of two files conserve in both, and how many only in the first, by pyhepmc."
    kept = lost = 0
    with pyhepmc.open(before) as a, pyhepmc.open(after) as b:
        for x, y in zip(a, b, strict=True):
            for v, w in zip(x.vertices, y.vertices, strict=True):
                if not v.particles_in or not v.particles_out:
                    continue
                energy = sum(abs(p.momentum.e) for p in [*v.particles_in, *v.particles_out])
                off = [np.abs(momentum_of(u.particles_in) - momentum_of(u.particles_out)).max() for u in (v, w)]
                kept += off[0] <= 1e-9 * energy and off[1] <= 1e-9 * energy
                lost += off[0] <= 1e-9 * energy < off[1]
    return kept, lost


@pytest.mark.parametrize("level", ["all", "decays", "final"])
def test_file(tmp_path, level):
    "By pyhepmc: daughters add up to their mother where they did; without --conserve most do not; verify sees both."
    exact, packed, back, remarks = (tmp_path / n for n in ("e.hepmc", "x.hepae", "back.hepmc", ""))
    compress_files([DY], packed, level=level)
    decompress_file(packed, exact)
    lost = []
    for conserving_ in (True, False):
        remarks = []
        compress_files([DY], packed, 1e-3, level=level, conserve=conserving_, force=True, remark=remarks.append)
        assert any("conserve" in text for text in remarks) == conserving_
        decompress_file(packed, back, force=True)
        verdict = verify_file([DY], packed)
        assert verdict["violations"] == 0
        assert any(c["name"] == f"vertices.{CONSERVED}" for c in verdict["columns"]) == conserving_
        kept, gone = kept_and_lost(exact, back)
        lost.append(gone)
    assert lost[0] == 0 and lost[1] > 10


@pytest.mark.parametrize("name", REAL)
def test_real_files(testdata, tmp_path, name):
    "Files that other people wrote."
    path = testdata(f"hepmc/{name}")
    compress_files([path], tmp_path / "x.hepae", 1e-3, conserve=True)
    assert verify_file([path], tmp_path / "x.hepae")["violations"] == 0


def test_what_is_broken_is_seen():
    "A momentum within its bound that takes conservation away is counted, once for each vertex."
    events = next(read_events(DY))
    bound = EventBound(1e-3, conserve=True)
    moved = next(through(DY, 1 << 30, bound))
    events = events_between(events, 0, len(moved))
    assert beyond([events], [moved], bound) == {}
    at = moved.slots(moved.particles["production"].to_numpy().astype(np.int64))
    ends = moved.slots(moved.particles["end"].to_numpy().astype(np.int64))
    p = events.particles[["px", "py", "pz", "E"]].to_numpy()
    good = conserving(at, ends, p, len(events.vertices))
    final = np.flatnonzero((moved.particles.status == 1) & np.append(good, False)[at])[0]
    table = moved.particles.copy()
    table.iloc[final, table.columns.get_loc("px")] += 1e-6
    found = beyond([events], [replace(moved, particles=table)], bound)
    assert found[f"vertices.{CONSERVED}"] == 1


def test_fixed_momenta(tmp_path):
    "What flies along the beam, lies at rest or is no number may be at vertices that conserve."
    beams = "P 1 0 2212 0 0 6500 6500 0 4\nP 2 0 2212 0 0 -6500 6500 0 4\n"
    text = HEAD + "".join([
        f"E 0 1 4\nU GEV MM\n{beams}V -1 0 [1,2]\nP 3 -1 11 0 0 1 1 0 1\nP 4 -1 11 0 0 -1 1 0 1\n",
        f"E 1 1 4\nU GEV MM\n{beams}V -1 0 [1,2]\nP 3 -1 11 1e-9 0 1 1 0 1\nP 4 -1 11 -1e-9 0 -1 1 0 1\n",
        f"E 2 1 4\nU GEV MM\n{beams}V -1 0 [1,2]\nP 3 -1 11 nan 0 1 1 0 1\nP 4 -1 11 inf 0 -1 1 0 1\n",
        "E 3 2 4\nU MEV CM\nP 1 0 23 0 0 0 91 91 2\nV -1 0 [1]\nP 2 -1 11 1 2 45.5 45.6 0 2\n"
        "P 3 -1 -11 -1 -2 -45.5 45.6 0 1\nV -2 0 [2]\nP 4 -2 11 1 2 45.5 45.6 0 1\n",
    ]) + FOOT
    (path := tmp_path / "x.hepmc").write_text(text)
    compress_files([path], tmp_path / "x.hepae", 1e-2, conserve=True)
    assert verify_file([path], tmp_path / "x.hepae")["violations"] == 0
    decompress_file(tmp_path / "x.hepae", tmp_path / "back.hepmc")
    (events,) = read_events(tmp_path / "back.hepmc")
    assert events.particles.pz.xs(0).tolist()[:2] == [6500, -6500]


def test_where_it_means_nothing(tmp_path):
    "Without a bound, and for tables, --conserve is an error in one sentence, and nothing is written."
    for options, said in (({}, "--bound 1e-3"), ({"bound": 1e-3, "particles": "all"}, "whole HepMC events")):
        with pytest.raises(UsageError, match=said):
            compress_files([DY], tmp_path / "x.hepae", conserve=True, **options)
    done = hepae("compress", DY, "--conserve", "-o", tmp_path / "x.hepae")
    assert done.returncode == 2 and not (tmp_path / "x.hepae").exists()
    one_sentence(done.stderr, "--conserve")


def test_odd_events(tmp_path):
    "Odd events, in one file and in chunks of two."
    (path := tmp_path / "x.hepmc").write_text(HEAD + "".join(odd_events().values()) + FOOT)
    bound = EventBound(1e-2, conserve=True)
    for size in (1, 1 << 20):
        assert beyond(read_events(path), through(path, size, bound), bound) == {}

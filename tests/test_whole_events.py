"Whole HepMC files through .hepae: everything comes back, whatever is in them."

import gzip
import io
import json
from dataclasses import replace
from itertools import chain

import numpy as np
import pyhepmc
import pytest
from conftest import ROOT, hepae, one_sentence
from hypothesis import given, settings
from hypothesis import strategies as st
from test_hepmc import REAL, graphs, same_tables, text_of

from hepae.codec.datasets import read_datasets, write_datasets
from hepae.codec.event_bounds import EventBound, event_bound
from hepae.codec.event_chunks import CODINGS, coding_for
from hepae.codec.event_verdict import beyond_bound
from hepae.core import HepaeError, UsageError
from hepae.files.compression import compress_files, verify_file
from hepae.files.decompression import decompress_file
from hepae.hepmc.event_differences import differing, in_step
from hepae.hepmc.event_layout import layout_from_json, layout_of, layout_to_json
from hepae.hepmc.files import read_events, write_events
from hepae.hepmc.whole_files import read_whole, whole_events

pyhepmc.Setup.print_warnings = False
DY = ROOT / "data" / "drell_yan.hepmc.gz"
HEAD = "HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n"
HEAD2 = "HepMC::Version 2.06.09\nHepMC::IO_GenEvent-START_EVENT_LISTING\n"
LOOSE = EventBound(1e-3)
FOOT = "HepMC::Asciiv3-END_EVENT_LISTING\n\n"


def round_trip(path, folder, **options) -> tuple[bytes, list[str], dict]:
    "Compressed, verified and decompressed: the text, what was remarked, the verdict."
    packed, back, remarks = folder / "x.hepae", folder / "back.hepmc", []
    compress_files([path], packed, force=True, remark=remarks.append, **options)
    decompress_file(packed, back, force=True)
    verdict = verify_file([path], packed)
    assert verdict["violations"] == 0
    return back.read_bytes(), remarks, verdict


def through(path, size: int = 1 << 23, bound: EventBound = EventBound()):
    "The events of a file after the codec, in small chunks."
    file, parts = io.BytesIO(), read_whole([path], size=size)
    first = next(parts)
    write_datasets(chain([first], parts), file, events=2, coding=coding_for(first, bound))
    file.seek(0)
    return whole_events(read_datasets(file, codings=CODINGS))


def beyond(a, b, bound: EventBound) -> dict[str, int]:
    "How many values of two streams of events differ, or moved too far where they may move."
    found = {}
    for x, y in in_step(a, b):
        for name, n in beyond_bound(x, y, bound).items(): found[name] = found.get(name, 0) + int(n.sum())
    return {name: n for name, n in found.items() if n}


def differences(a, b) -> dict[str, int]:
    "How many values of two streams of events differ, by column."
    found = {}
    for x, y in in_step(a, b):
        for name, n in differing(x, y).items():
            found[name] = found.get(name, 0) + int(n.sum())
    return {name: n for name, n in found.items() if n}


@pytest.mark.parametrize("name", REAL)
def test_real_files(testdata, tmp_path, name):
    "Files that other people wrote are equal in every object to pyhepmc, and where the text differs, that is said."
    path = testdata(f"hepmc/{name}")
    text = text_of(path)
    back, remarks, _ = round_trip(path, tmp_path)
    assert same_tables(path, back) == same_tables(tmp_path / "back.hepmc", text) > 0
    assert (back == text) == (not remarks)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("version", [2, 3])
def test_written_by_hepmc(testdata, tmp_path, name, version):
    "What HepMC's own writer wrote comes back byte for byte."
    path = tmp_path / "x.hepmc"
    with pyhepmc.open(io.BytesIO(text_of(testdata(f"hepmc/{name}")))) as source:
        with pyhepmc.open(path, "w", format=f"hepmc{version}") as target:
            for event in source:
                target.write(event)
    back, remarks, _ = round_trip(path, tmp_path)
    assert back == path.read_bytes() and remarks == []


@settings(max_examples=15)
@given(st.lists(graphs(), min_size=1, max_size=4), st.sampled_from([3, 2]), st.integers(2, 20))
def test_random_graphs(tmp_path_factory, events, version, digits):
    "Events of any shape and any number of digits, in chunks of two events, are the same to pyhepmc."
    folder = tmp_path_factory.mktemp("graphs")
    path = folder / "x.hepmc"
    with pyhepmc.open(path, "w", format=f"hepmc{version}", precision=digits) as file:
        for event in events:
            file.write(event)
    back = folder / "back.hepmc"
    write_events(through(path), back)
    assert same_tables(back, path.read_bytes()) == len(events)
    assert version == 2 or back.read_bytes() == path.read_bytes()


def odd_events() -> dict[str, str]:
    "Events that are odd, by what is odd about them."
    beams = "P 1 0 2212 0 0 6500 6500 0.938 4\nP 2 0 2212 0 0 -6500 6500 0.938 4\n"
    event = lambda lines, v, p, more="": f"E 7 {v} {p}\nU GEV MM\n{more}{lines}"  # noqa: E731
    return {
        "no particles": event("", 0, 0),
        "no vertices": event(beams, 0, 2),
        "tilted": event("P 1 0 11 3e-01 1e-3 50 50.1 0 4\nV -1 0 [1]\nP 2 -1 11 1 2 3 4 0 1\n", 1, 2),
        "several roots": event(beams + "P 3 0 0 1 1 1 2 0 77\nV -1 5 [1,2,3]\nP 4 -1 22 1 1 1 2 0 1\n", 1, 4),
        "detached": event(beams + "P 3 0 22 1 1 1 2 0 1\nV -1 0 [1,2]\nP 4 -1 22 1 1 1 2 0 -1\n", 1, 4),
        "two ends of beams": event(beams + "V -1 0 [1]\nP 3 -1 21 1 1 1 2 0 61\nV -2 0 [2]\nP 4 -2 21 1 1 1 2 0 61\n"
                                   "V -3 0 [3,4]\nP 5 -3 22 1 1 1 2 0 1\n", 3, 5),
        "self-decay": event("V -1 0 [1]\nP 1 -1 21 1 1 1 2 0 2\nP 2 -1 21 1 1 1 2 0 1\n", 1, 2),
        "cycle": event("V -1 0 [2]\nP 1 -1 21 1 1 1 2 0 2\nV -2 0 [1]\nP 2 -2 21 1 1 1 2 0 2\n", 2, 2),
        "pid 0": event("P 1 0 0 nan -nan inf -inf -0.0 2147483647\n", 0, 1),
        "far pid": event("P 1 0 -2147483648 1e-320 5e-324 1.7976931348623157e308 1 0 -2147483648\n", 0, 1),
        "attributes": event(
            beams, 0, 2, "A 2 flow1 5\nA 1 note x\nA 0 b 1\nA 0 a 2\nA 0 a 3\nA 99 a 1\nA -4 a \nA 1 flow1 01\n"
        ),
        "spaces": event(beams, 0, 2, "A 0 a  two  spaces \nA 0 b \\|\\\\\nA 1 flow1 1\nA 2 flow1 x y\n"),
        "MeV": event(beams, 0, 2).replace("GEV MM", "MEV CM"),
        "placed": event(beams + "V -1 0 [1,2] @ 1 nan 3 4\n", 1, 2).replace("E 7 1 2", "E 7 1 2 @ 1 2 3 -4"),
        "weights": event(beams, 0, 2, "W 1 nan -0.0 inf 1e-300\n"),
        "one weight": event(beams, 0, 2, "W 3\n"),
        "vertices without lines": event(
            beams + "P 3 1 21 1 1 1 2 0 2\nP 4 3 22 1 1 1 2 0 1\nP 5 3 22 0 0 0 0 0 1\n", 2, 5),
        "other beams": event("P 1 0 11 0 0 27.5 27.5 0 4\nP 2 0 2212 0 0 -920 920 0.938 4\n", 0, 2),
        "number": event(beams, 0, 2).replace("E 7", "E -999999999999999999"),
    }


@pytest.mark.parametrize("first", odd_events())
def test_odd_events(tmp_path, first):
    "Odd events, whichever of them comes first and decides on the columns."
    path, odd = tmp_path / "x.hepmc", odd_events()
    path.write_text(HEAD + odd.pop(first) + "".join(odd.values()) + FOOT)
    for size in (1, 1 << 20):
        assert differences(read_events(path), through(path, size)) == {}
        assert beyond(read_events(path), through(path, size, LOOSE), LOOSE) == {}
    back, _, _ = round_trip(path, tmp_path)
    assert differences(read_events(path), read_events(tmp_path / "back.hepmc")) == {}


@pytest.mark.parametrize("kind", odd_events())
@pytest.mark.parametrize("bound", [None, 1e-3])
def test_a_file_of_odd_events(tmp_path, kind, bound):
    "A file of one kind of odd event, twice: without loss text and values are the same, within a bound verify agrees."
    (path := tmp_path / "x.hepmc").write_text(HEAD + 2 * odd_events()[kind] + FOOT)
    back, remarks, verdict = round_trip(path, tmp_path, bound=bound)
    assert verdict["events"] == 2
    again = round_trip(tmp_path / "back.hepmc", tmp_path, bound=bound)
    if bound is None:
        assert again[:2] == (back, []) and (back == path.read_bytes()) == (not remarks)


def test_thousands_of_weights(tmp_path):
    "Weights of any number and name; events with others than the first have."
    rng, names = np.random.default_rng(1), [f'w "{k}" \\ å' for k in range(3000)]
    line = lambda n: "W" + "".join(f" {x!r}" for x in rng.normal(size=n).tolist()) + "\n"  # noqa: E731
    for many in (3, 3000):
        head = HEAD + "W " + "\\|".join(n.replace("\\", "\\\\") for n in names[:many]) + "\n"
        text = "".join(f"E {k} 0 0\nU GEV MM\n{line(many) if k != 2 else ''}" for k in range(5))
        (path := tmp_path / f"{many}.hepmc").write_text(head + text + FOOT)
        assert differences(read_events(path), through(path, 1)) == {}
        assert beyond(read_events(path), through(path, 1, LOOSE), LOOSE) == {}
        (events,) = read_events(path)
        assert events.run.weight_names == tuple(names[:many])


def runs_text() -> str:
    "Two files one after the other: other weights, tools and attributes in the second, then the first again."
    event = "E {} 0 1\nU GEV MM\nW{}\nP 1 0 11 0 0 1 1 0 1\n"
    first = HEAD + "W a\nT one\\|1\\|\n" + "".join(event.format(k, " 1.0") for k in range(3)) + FOOT
    second = HEAD + "W a\\|b\nA x y z\n" + "".join(event.format(k, " 1.0 2.0") for k in range(4)) + FOOT
    return first + second + first


def test_runs_and_some_events(tmp_path):
    "Files one after the other; some events need the run that began in an earlier chunk."
    (path := tmp_path / "x.hepmc").write_text(runs_text())
    assert differences(read_events(path), through(path)) == {}
    assert beyond(read_events(path), through(path, bound=LOOSE), LOOSE) == {}
    packed, some = tmp_path / "x.hepae", tmp_path / "some.hepmc"
    with open(packed, "wb") as file:
        write_datasets(read_whole([path]), file, events=2)
    decompress_file(packed, some, events=(5, 9))
    chunks = list(read_events(some))
    assert [(len(c), c.run.weight_names) for c in chunks] == [(2, ("a", "b")), (2, ("a",))]
    assert chunks[0].run.attributes == {"x": "y z"} and chunks[1].run.tools == (("one", "1", ""),)


def test_two_files_and_versions(tmp_path):
    "Files follow one another; those of another version are refused, and so is what belongs to tables."
    compress_files([DY, DY], tmp_path / "x.hepae")
    assert verify_file([DY, DY], tmp_path / "x.hepae")["events"] == 34
    with pytest.raises(HepaeError, match="more events"):
        verify_file([DY], tmp_path / "x.hepae")
    decompress_file(tmp_path / "x.hepae", tmp_path / "two.hepmc", text="hepmc2", events=(0, 3))
    assert text_of(tmp_path / "two.hepmc").startswith(b"HepMC::Version 3.02.05\nHepMC::IO_GenEvent")
    with pytest.raises(HepaeError, match="is HepMC2"):
        compress_files([DY, tmp_path / "two.hepmc"], tmp_path / "y.hepae")
    for options, said in (({"rows": (0, 3)}, "--events"), ({"output": "x.parquet"}, "hepae extract")):
        with pytest.raises(UsageError, match=said):
            decompress_file(tmp_path / "x.hepae", **({"output": tmp_path / "z.hepmc"} | options))
    for bound in ("1e-3,q=abs:1", "much", "-1", "0.5"):
        with pytest.raises(UsageError, match="bound"):
            compress_files([DY], tmp_path / "y.hepae", bound)
    assert not (tmp_path / "y.hepae").exists()


@pytest.mark.parametrize("bound", ["1e-2", "1e-3", "1e-5,m=abs:1e-2,x=abs:1"])
def test_bound(tmp_path, bound):
    "Within a bound everything but momenta, masses and places is equal; a pair of leptons keeps a tenth of it."
    packed = tmp_path / "x.hepae"
    compress_files([DY], packed, bound)
    verdict = verify_file([DY], packed)
    assert verdict["violations"] == 0 and verdict["events"] == 17
    assert dict(event_bound(bound).described()) == {
        c["name"].split(".")[-1]: c["bound"] for c in verdict["columns"] if c["bound"] != "exact"}
    decompress_file(packed, tmp_path / "back.hepmc")
    before, after = (pair_masses(p) for p in (DY, tmp_path / "back.hepmc"))
    e = event_bound(bound).momenta
    assert 0 < np.abs(after / before - 1).max() <= e / 10


def pair_masses(path) -> np.ndarray:
    "The mass of the hardest two final electrons of each event."
    found = []
    for events in read_events(path):
        p = events.particles[(events.particles.status == 1) & (events.particles.pid.abs() == 11)]
        for _, e in p.groupby(level=0):
            e = e.assign(pt=np.hypot(e.px, e.py)).nlargest(2, "pt")
            t = e[["px", "py", "pz", "E"]].sum()
            found.append(np.sqrt(t.E**2 - t.px**2 - t.py**2 - t.pz**2))
    return np.array(found)


def test_broken_bound_is_seen():
    "A momentum that moves by a little more than the bound is counted, and so is a mass, an energy, a place."
    events = next(read_events(DY))
    bound = EventBound(1e-3)
    assert beyond([events], [events], bound) == {}
    final = events.particles.index[events.particles.status == 1][3]
    for column, by in (("px", 1.01), ("pz", 1.01), ("E", 1.0001), ("m", 1.5), ("pid", -1), ("end", 0.5)):
        table = events.particles.copy()
        table[column] = table[column].astype(float)
        table.loc[final, column] = table.loc[final, column] * by + (column in ("m", "end"))
        assert beyond([events], [replace(events, particles=table)], bound), column
    massless = events.particles.index[events.particles.m == 0][0]
    table = events.particles.copy()
    table.loc[massless, "m"] = 5e-4  # less than the least error of masses
    assert "particles.m" in beyond([events], [replace(events, particles=table)], bound)
    often = events.particles.index[events.particles.pid == 211][0]
    table = events.particles.copy()
    table.loc[often, "m"] += 5e-4  # the same
    assert "particles.m" in beyond([events], [replace(events, particles=table)], bound)
    for x in (np.nan, 1.0):
        table = events.vertices.assign(placed=True)
        table.iloc[5, table.columns.get_loc("x")] = x
        moved = table.copy()
        moved.iloc[5, moved.columns.get_loc("x")] = 0.0
        first = replace(events, vertices=table)
        assert beyond([first], [replace(first, vertices=moved)], bound)["vertices.place"] == 1
    table = events.vertices.copy()
    table.iloc[5, table.columns.get_loc("x")] += 0.01
    assert "vertices.place" in beyond([events], [replace(events, vertices=table.assign(placed=True))], bound)


def test_command_line(tmp_path):
    "Packed text to .hepae and back through pipes, byte for byte; inspect and verify say what they found."
    packed = tmp_path / "x.hepae"
    done = hepae("compress", DY, "-o", packed)
    assert done.returncode == 0 and "17 events of" in done.stdout and "without loss" in done.stdout, done.stderr
    assert done.stderr == ""
    assert "17 events of HepMC3" in hepae("inspect", packed).stdout
    done = hepae("verify", DY, packed)
    assert done.returncode == 0 and "every object is equal" in done.stderr
    done = hepae("compress", "-", "-o", "-", stdin=None, input=DY.read_bytes(), text=False)
    assert done.stdout == packed.read_bytes()
    done = hepae("decompress", "-", "-o", "-", stdin=None, input=done.stdout, text=False)
    assert done.stdout == gzip.decompress(DY.read_bytes())
    (tmp_path / "other.hepmc").write_bytes(done.stdout.replace(b" 111 ", b" 221 ", 1))
    done = hepae("verify", tmp_path / "other.hepmc", packed)
    assert done.returncode == 3 and "in column attributes.of" in done.stderr
    done = hepae("compress", DY, "--bound", "all", "-o", tmp_path / "y.hepae")
    assert done.returncode == 2
    one_sentence(done.stderr, "--bound all")
    done = hepae("compress", DY, "--bound", "1e-3", "-o", tmp_path / "y.hepae")
    assert done.returncode == 0 and "rounded: pt rel:0.001" in done.stdout
    done = hepae("verify", DY, tmp_path / "y.hepae")
    assert done.returncode == 0 and "every value within its bound" in done.stderr
    assert "rounded: pt rel:0.001" in hepae("inspect", tmp_path / "y.hepae").stdout


def test_other_text_is_said(tmp_path):
    "Spaces, digits and line ends that HepMC would not write are named, and the values come back."
    text = gzip.decompress(DY.read_bytes())
    changed = {
        "spaces": text.replace(b"U GEV", b"U  GEV"),
        "windows": text.replace(b"\n", b"\r\n"),
        "end": text[: text.rindex(b"HepMC::")],
    }
    for name, other in changed.items():
        (path := tmp_path / f"{name}.hepmc").write_bytes(other)
        back, remarks, _ = round_trip(path, tmp_path)
        assert back == text and len(remarks) == 1, name
        one_sentence(f"hepae: {remarks[0]}", name)


def test_joined_files_are_said(tmp_path):
    "Files that were joined come back as one listing where they are of one run, and as several where they are not."
    one = HEAD + "W a\n" + "".join(f"E {k} 0 0\nU GEV MM\nW {1:.22e}\n" for k in range(3)) + FOOT
    for text, said in ((one + one, 1), (one + one.replace("W a", "W b"), 0)):
        (path := tmp_path / "x.hepmc").write_text(text)
        remarks = []
        decoded = list(whole_events(read_whole([path], remarks.append)))
        write_events(decoded, tmp_path / "back.hepmc", force=True)
        assert len(remarks) == said == ((tmp_path / "back.hepmc").read_text() != text)


def origins(event) -> list[tuple]:
    "Momentum of each final particle, and whether it comes from no decay of a hadron or a lepton, by pyhepmc."
    decayed = lambda p: any(  # noqa: E731
        a.status == 2 and a.production_vertex and abs(a.pid) > 100 for a in pyhepmc_ancestors(p)
    )
    return [(p.momentum.px, decayed(p)) for p in event.particles if p.status == 1]


def pyhepmc_ancestors(p) -> list:
    "All that a particle comes from."
    seen, todo = {}, [p]
    while todo:
        vertex = todo.pop().production_vertex
        for q in vertex.particles_in if vertex else []:
            if q.id not in seen:
                seen[q.id] = q
                todo.append(q)
    return list(seen.values())


@pytest.mark.parametrize("level", ["final", "decays"])
def test_levels(tmp_path, level):
    "Less of the graph: beams, final particles, weights and origins are those of the whole events, and it is said."
    packed, back, remarks = tmp_path / "x.hepae", tmp_path / "back.hepmc", []
    compress_files([DY], packed, level=level, drop_attributes=["flow1", "flow2"], remark=remarks.append)
    assert len(remarks) == 2 and all(text.startswith("left out: ") for text in remarks)
    verdict = verify_file([DY], packed)
    assert verdict["violations"] == 0 and len(verdict["remarks"]) == 2
    assert "left out: attributes flow1, flow2" in hepae("inspect", packed).stdout
    decompress_file(packed, back)
    text = gzip.decompress(DY.read_bytes())
    with pyhepmc.open(io.BytesIO(text)) as whole, pyhepmc.open(back) as small:
        pairs = list(zip(whole, small, strict=True))
    for before, after in pairs:
        assert origins(before) == origins(after)
        assert [p.momentum.pz for p in before.beams] == [p.momentum.pz for p in after.beams]
        assert list(before.weights) == list(after.weights) and before.event_number == after.event_number
        assert sum(not p.production_vertex or not p.production_vertex.id for p in after.particles) == 2
        assert len(after.particles) < len(before.particles) * 0.6
        assert str(after.attributes["mpi"]) == str(before.attributes["mpi"]) and not after.particles[5].attributes


@settings(max_examples=15)
@given(st.lists(graphs(), min_size=1, max_size=3), st.sampled_from([3, 2]), st.sampled_from(["final", "decays"]))
def test_levels_of_random_graphs(tmp_path_factory, events, version, level):
    "Any graph has a small one that pyhepmc reads, with the same final particles in the same order."
    folder = tmp_path_factory.mktemp("levels")
    with pyhepmc.open(folder / "x.hepmc", "w", format=f"hepmc{version}") as file:
        for event in events:
            file.write(event)
    compress_files([folder / "x.hepmc"], folder / "x.hepae", level=level)
    assert verify_file([folder / "x.hepmc"], folder / "x.hepae")["violations"] == 0
    decompress_file(folder / "x.hepae", folder / "back.hepmc")
    with pyhepmc.open(folder / "x.hepmc") as whole, pyhepmc.open(folder / "back.hepmc") as small:
        for before, after in zip(whole, small, strict=True):
            momenta = [[p.momentum.px for p in e.particles if p.status == 1] for e in (before, after)]
            assert momenta[0] == momenta[1]


def compressed(path, folder, level: str):
    "The `.hepae` file of a level."
    compress_files([path], folder / "level.hepae", level=level, force=True)
    return folder / "level.hepae"


@pytest.mark.parametrize("level", ["final", "decays"])
def test_levels_of_odd_events(tmp_path, level):
    "Odd events are reduced without an error."
    (path := tmp_path / "x.hepmc").write_text(HEAD + "".join(odd_events().values()) + FOOT)
    compress_files([path], tmp_path / "x.hepae", level=level)
    decompress_file(tmp_path / "x.hepae", tmp_path / "back.hepmc")
    final = [[int((c.particles.status == 1).sum()) for c in read_events(p)] for p in (path, tmp_path / "back.hepmc")]
    assert final[0] == final[1]
    (path := tmp_path / "two.hepmc").write_text(HEAD + odd_events()["two ends of beams"] + FOOT)
    decompress_file(compressed(path, tmp_path, level), tmp_path / "two_back.hepmc")
    (events,) = read_events(tmp_path / "two_back.hepmc")
    assert events.particles[["production", "end"]].to_numpy().tolist() == [[0, -1], [0, -1], [-1, 0]]
    with pytest.raises(UsageError, match="--keep"):
        compress_files([ROOT / "data" / "jets.root"], tmp_path / "y.hepae", level=level)


def test_open(tmp_path):
    "Tables chunk by chunk and pyhepmc's events one by one, from a file of several chunks."
    import hepae as package

    with open(tmp_path / "x.hepae", "wb") as file:
        write_datasets(read_whole([DY]), file, events=4)
    file, (events,) = package.open(tmp_path / "x.hepae"), read_events(DY, 1 << 30)
    chunks = list(file.chunks())
    assert len(file) == 17 == sum(map(len, chunks)) and len(chunks) > 2
    for name in ("particles", "vertices"):
        ours, theirs = np.concatenate([getattr(c, name)[["id"]].to_numpy() for c in chunks]), getattr(events, name)
        assert len(ours) == len(theirs)
    with pyhepmc.open(DY) as whole:
        for before, after in zip(whole, file.to_pyhepmc(), strict=True):
            assert before.particles[7].momentum == after.particles[7].momentum
            assert before.vertices[9].position == after.vertices[9].position
    assert [e.event_number for e in file.to_pyhepmc(5, 8)] == [5, 6, 7]


@pytest.mark.parametrize("how", ["%999999999d", "%s", "%.100f", "%.2f%.2f", "%(x)d", "", "=" + 1001 * "a", "=a b"])
def test_ways_of_writing_are_checked(how):
    "What a file says of how its numbers are written is no format that takes memory or other values."
    layout = layout_of(next(read_events(DY)))
    good = layout_to_json(layout)
    assert layout_from_json(good) == layout
    said = json.loads(good)
    said["attributes"][0][2][0] = how
    with pytest.raises(HepaeError, match="events.json"):
        layout_from_json(json.dumps(said).encode())


def test_long_words_stay_text(tmp_path):
    "A word that is always the same is kept once, if it is not longer than a reader takes."
    for n in (999, 1000, 1001):
        event = f"E {n} 0 1\nU GEV MM\nA 0 said {n * 'a'} 3\nP 1 0 11 0 0 1 1 0 1\n"
        (path := tmp_path / f"{n}.hepmc").write_text(HEAD + 3 * event + FOOT)
        assert differences(read_events(path), through(path)) == {}


def of_vertices(path) -> list:
    "By pyhepmc, what final particles each vertex has, in any order, with their attributes; and all other particles."
    found = []
    with pyhepmc.open(path) as file:
        for event in file:
            own = [(p.status != 1 or bool(p.end_vertex), p.production_vertex.id if p.production_vertex else 0, p.pid,
                    repr(p.momentum), p.generated_mass, sorted((n, str(x)) for n, x in p.attributes.items()))
                   for p in event.particles]
            others = [(p.id, p.pid) for p in event.particles if p.status != 1]
            found.append([sorted(own), others, [v.id for v in event.vertices], list(event.weights)])
    return found


@pytest.mark.parametrize("level", ["all", "final", "decays"])
def test_free_order(tmp_path, level):
    "Final particles of a vertex come in another order, and all is there; it is said, verified, and smaller."
    packed, exact, back, sizes = tmp_path / "x.hepae", tmp_path / "exact.hepmc", tmp_path / "back.hepmc", []
    for unordered, out in (("", exact), ("events", back)):
        remarks = []
        compress_files([DY], packed, level=level, unordered=unordered, remark=remarks.append, force=True)
        assert any("the order of final particles" in text for text in remarks) == bool(unordered)
        assert verify_file([DY], packed)["violations"] == 0
        decompress_file(packed, out)
        sizes.append(packed.stat().st_size)
    assert level != "final" or sizes[1] < sizes[0]
    assert of_vertices(exact) == of_vertices(back) and exact.read_bytes() != back.read_bytes()
    compress_files([back], packed, 1e-3, unordered="events", force=True)
    assert verify_file([back], packed)["violations"] == 0
    assert "the order of final particles" in hepae("inspect", packed).stdout


def test_attributes_go_along(tmp_path):
    "Attributes of particles that change places stay theirs."
    final = "P 3 -1 22 3 0 4 5 0 1\nP 4 -1 11 0 1 0 1 0 1\nP 5 -1 22 0 3 -4 5 0 1\n"
    said = "A 3 a of 3\nA 4 a of 4\nA 5 a of 5\nA 4 b 4\nA -1 b of vertex\nA 9 c of none\n"
    event = f"E 7 1 5\nU GEV MM\n{said}P 1 0 11 0 0 5 5 0 4\nP 2 0 11 0 0 -5 5 0 4\nV -1 0 [1,2]\n{final}"
    (path := tmp_path / "x.hepmc").write_text(HEAD + event + event.replace("E 7", "E 8") + FOOT)
    compress_files([path], tmp_path / "x.hepae", unordered="events")
    assert verify_file([path], tmp_path / "x.hepae")["violations"] == 0
    decompress_file(tmp_path / "x.hepae", tmp_path / "back.hepmc")
    assert of_vertices(path) == of_vertices(tmp_path / "back.hepmc")
    (events,) = read_events(tmp_path / "back.hepmc")
    assert events.particles.pid.tolist() == 2 * [11, 11, 11, 22, 22]


@settings(max_examples=15)
@given(st.lists(graphs(), min_size=1, max_size=3), st.sampled_from([3, 2]))
def test_free_order_of_random_graphs(tmp_path_factory, events, version):
    "Any graph in any version."
    folder = tmp_path_factory.mktemp("free")
    with pyhepmc.open(folder / "x.hepmc", "w", format=f"hepmc{version}") as file:
        for event in events:
            file.write(event)
    compress_files([folder / "x.hepmc"], folder / "x.hepae", unordered="events")
    assert verify_file([folder / "x.hepmc"], folder / "x.hepae")["violations"] == 0
    decompress_file(folder / "x.hepae", folder / "back.hepmc")
    assert of_vertices(folder / "x.hepmc") == of_vertices(folder / "back.hepmc")


@pytest.mark.parametrize("where", ["here", "workers", "dask"])
def test_many_files(tmp_path, where):
    "One damaged file of three is reported, and the others are there, wherever they were compressed."
    from dask.distributed import LocalCluster

    text = gzip.decompress(DY.read_bytes())[:3_000_000]
    good = text[: text.rindex(b"\nE ") + 1]
    for name, data in (("a", good), ("b", good.replace(b"\nP 7 ", b"\nP x ", 1)), ("c", good)):
        (tmp_path / f"{name}.hepmc").write_bytes(data)
    asked = ["compress", f"{tmp_path}/*.hepmc", "-o", f"{tmp_path}/out/", "--bound", "1e-3"]
    if where == "dask":
        with LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster:
            done = hepae(*asked, "--dask", cluster.scheduler_address)
    else:
        done = hepae(*asked, "--workers", 2 * (where == "workers"))
    assert done.returncode == 1 and "1 of 3 files failed" in done.stderr and "b.hepmc: line" in done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.hepae", "c.hepae"]
    assert "a.hepae" in done.stdout and "bytes an event" in done.stdout
    assert (tmp_path / "out" / "a.hepae").read_bytes() == (tmp_path / "out" / "c.hepae").read_bytes()
    assert verify_file([tmp_path / "a.hepmc"], tmp_path / "out" / "a.hepae")["violations"] == 0
    done = hepae("compress", tmp_path / "b.hepmc", "-o", f"{tmp_path}/out/")
    assert done.returncode == 1
    one_sentence(done.stderr, "b.hepmc: line")


def test_whether_text_is_the_same(tmp_path):
    "In any part of a file, however long: what comes back in other digits or spaces is known when it is written."
    text = gzip.decompress(DY.read_bytes())
    at = text.index(b"\nE 16 ")
    same = lambda path: decompress_file(path, tmp_path / "back.hepmc", force=True, remark=remarks.append)["same_text"]
    for name, other in {
        "same": text,
        "late": text[:at] + text[at:].replace(b"\nU GEV", b"\nU  GEV"),
        "windows": text.replace(b"\n", b"\r\n"),
        "end": text[: text.rindex(b"HepMC::")],
        "header": text.replace(b"\nHepMC::Asciiv3-START", b"\n\nHepMC::Asciiv3-START"),
    }.items():
        remarks = []
        (path := tmp_path / f"{name}.hepmc").write_bytes(other)
        with open(tmp_path / "x.hepae", "wb") as file:
            write_datasets(read_whole([path], size=1 << 20, digests=True), file, events=5)
        assert same(tmp_path / "x.hepae") == (name == "same") == (not remarks), name
        assert (tmp_path / "back.hepmc").read_bytes() == text
        if name == "late":
            assert int(remarks[0].partition("from event ")[2].split()[0]) > 10
    compress_files([DY], tmp_path / "y.hepae", 1e-3)
    assert same(tmp_path / "y.hepae") is None
    compress_files([DY], tmp_path / "y.hepae", force=True)
    done = hepae("decompress", tmp_path / "y.hepae", "-o", tmp_path / "z.hepmc")
    assert "byte for byte as it was" in done.stdout
    assert decompress_file(tmp_path / "y.hepae", tmp_path / "z.hepmc", events=(0, 3), force=True)["same_text"] is None

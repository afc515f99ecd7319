"HepMC files, ours against pyhepmc's: tables value by value, text byte by byte, and damage that ends in one sentence."

import bz2
import gzip
import io
import lzma
import subprocess
import sys

import numpy as np
import pyhepmc
import pytest
import zstandard
from conftest import ROOT, hepae, one_sentence
from hypothesis import given, settings
from hypothesis import strategies as st

from hepae.core import HepaeError, UsageError
from hepae.files.description import describe
from hepae.files.kinds import kind_of
from hepae.files.reading import read, read_chunks
from hepae.hepmc.files import read_events, read_particles, write_events
from hepae.hepmc.unpacking import pieces

pyhepmc.Setup.print_warnings = False

REAL = [
    "eposlhc_large.dat", "events.eeH.hepmc3.zst", "gohep_test.hepmc", "inputConvert1.hepmc", "inputIO6.hepmc",
    "inputReaderFactory5.hepmc", "inputSingleVertexHepMC2.hepmc", "last_event_issue.hepmc",
    "sk_example_HS.hepmc.zst",
]
SAMPLE = ROOT / "data" / "drell_yan.hepmc.gz"
PACKS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.compress}


def text_of(path) -> bytes:
    "The unpacked text of a file."
    return b"".join(pieces(path))


def version_of(text: bytes) -> int:
    "3 or 2."
    return 3 if b"Asciiv3" in text[:200] else 2


def their_events(text: bytes) -> list:
    "What pyhepmc reads."
    with pyhepmc.open(io.BytesIO(text)) as file:
        return list(file)


def their_text(text: bytes, version: int) -> bytes:
    "What pyhepmc makes of some text in a format."
    out = io.BytesIO()
    with pyhepmc.open(io.BytesIO(text)) as source, pyhepmc.open(out, "w", format=f"hepmc{version}") as target:
        for event in source:
            target.write(event)
    return out.getvalue()


def vertex_id(v) -> int:
    "Its number, 0 for none."
    return v.id if v is not None else 0


def plain(value: str) -> str:
    "pyhepmc shows lists with brackets and commas."
    return value.strip("[]").replace(",", "")


def same_tables(path, text: bytes, size: int = 1 << 23) -> int:
    "Assert that our tables of a file are pyhepmc's; how many events."
    ours, n = ((chunk, entry) for chunk in read_events(path, size) for entry in chunk.events.index), 0
    for event in their_events(text):
        chunk, entry = next(ours)
        row, p, v = chunk.events.loc[entry], event.numpy.particles, event.numpy.vertices
        assert (entry, row.number, row.momentum_unit, row.length_unit) == (
            n, event.event_number, event.momentum_unit.name, event.length_unit.name,
        )
        particles, vertices = (
            chunk.particles.loc[entry] if len(event.particles) else chunk.particles.iloc[:0],
            chunk.vertices.loc[entry] if len(event.vertices) else chunk.vertices.iloc[:0],
        )
        for name, x in {
            "id": p.id,
            "pid": p.pid,
            "status": p.status,
            "px": p.px,
            "py": p.py,
            "pz": p.pz,
            "E": p.e,
            "m": p.generated_mass,
        }.items():
            np.testing.assert_array_equal(particles[name].to_numpy(), x, err_msg=name)
        for name, x in {"id": v.id, "status": v.status, "x": v.x, "y": v.y, "z": v.z, "t": v.t}.items():
            np.testing.assert_array_equal(vertices[name].to_numpy(), x, err_msg=name)
        assert particles.production.tolist() == [vertex_id(q.production_vertex) for q in event.particles]
        assert particles.end.tolist() == [vertex_id(q.end_vertex) for q in event.particles]
        assert chunk.weights.loc[entry].dropna().tolist() == list(event.weights)
        if chunk.version == 3 and chunk.run.weight_names:
            assert list(chunk.run.weight_names) == event.weight_names
        # pyhepmc's events of HepMC2 share the last names
        elif (
            event.weights
            and event.run_info.weight_names
            and len(event.run_info.weight_names) == len(chunk.run.weight_names)
        ):
            assert list(chunk.run.weight_names) == event.weight_names
        assert [tuple(t) for t in chunk.run.tools] == [(t.name, t.version, t.description) for t in event.run_info.tools]
        same_attributes(chunk, entry, event)
        n += 1
    assert next(ours, None) is None
    return n


def same_attributes(chunk, entry: int, event) -> None:
    """Assert that the attributes of an event and of all in it are pyhepmc's. `cycles` is what HepMC3 itself finds
    when it reads HepMC2; of the three structures, the text of HepMC2 has more digits."""
    rows = chunk.attributes[chunk.attributes.entry == entry]
    ours = {(int(i), name): value for i, name, value in zip(rows.id, rows.name, rows.value)}
    theirs = {
        (number, name): str(a)
        for number, of in [(0, event), *[(x.id, x) for x in [*event.particles, *event.vertices]]]
        for name, a in of.attributes.items()
    }
    if chunk.version == 3:
        assert ours == theirs
        return
    theirs.pop((0, "cycles"), None)
    assert ours.keys() == theirs.keys()
    for key in ours:
        if not key[1].startswith("Gen"):
            assert [float(x) for x in ours[key].split()] == [float(x) for x in plain(theirs[key]).split()], key
    if event.cross_section:
        assert [float(x) for x in ours[0, "GenCrossSection"].split()[:2]] == [
            event.cross_section.xsec(),
            event.cross_section.xsec_err(),
        ]
    if pdf := event.pdf_info:
        assert [float(x) for x in ours[0, "GenPdfInfo"].split()] == [
            pdf.parton_id1, pdf.parton_id2, pdf.x1, pdf.x2, pdf.scale, pdf.xf1, pdf.xf2, pdf.pdf_id1, pdf.pdf_id2,
        ]
    if (0, "GenHeavyIon") in ours:
        assert float(ours[0, "GenHeavyIon"].split()[10]) == event.heavy_ion.impact_parameter


@pytest.mark.parametrize("name", REAL)
def test_real_tables(testdata, name):
    "Every table of files that other people wrote, in large and in small chunks."
    path = testdata(f"hepmc/{name}")
    text = text_of(path)
    for size in (1 << 23, 1 << 16):
        assert same_tables(path, text, size) > 0


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("version", [3, 2])
def test_identity(testdata, tmp_path, name, version):
    "What pyhepmc wrote, in both formats, comes back byte for byte, and its tables are pyhepmc's."
    text = their_text(text_of(testdata(f"hepmc/{name}")), version)
    (path := tmp_path / "x.hepmc").write_bytes(text)
    write_events(read_events(path), tmp_path / "back.hepmc")
    assert (tmp_path / "back.hepmc").read_bytes() == text
    # pyhepmc cannot read the name with spaces that it wrote
    if (name, version) != ("inputConvert1.hepmc", 3):
        same_tables(path, text)


@pytest.mark.parametrize("name", REAL)
def test_written_is_equal(testdata, tmp_path, name):
    """Read and written again, a real file is the same to pyhepmc, and to ourselves; byte for byte where its text
    has all digits."""
    path, back = testdata(f"hepmc/{name}"), tmp_path / "back.hepmc"
    write_events(read_events(path), back)
    text, written = text_of(path), back.read_bytes()
    same_tables(back, text)
    same_tables(path, written)
    if version_of(text) == 3:
        assert written.startswith(text.rstrip())


def test_sample_identity(tmp_path):
    "The committed sample, in chunks of an event, packed in every way."
    text = text_of(SAMPLE)
    for suffix in PACKS:
        write_events(read_events(SAMPLE, 1 << 18), tmp_path / f"x.hepmc{suffix}")
        assert text_of(tmp_path / f"x.hepmc{suffix}") == text
    assert same_tables(SAMPLE, text) == 17


@pytest.mark.parametrize("version", [3, 2])
def test_smearing(testdata, tmp_path, version):
    "Momenta changed in bulk: graph, weights, attributes and the rest are as before."
    path = testdata("hepmc/inputIO6.hepmc")
    chunks = list(read_events(path))
    for events in chunks:
        events.particles[["px", "py", "pz", "E"]] *= 1.05
    write_events(chunks, tmp_path / "x.hepmc", version)
    for before, after in zip(their_events(text_of(path)), their_events((tmp_path / "x.hepmc").read_bytes())):
        a, b = before.numpy.particles, after.numpy.particles
        np.testing.assert_array_equal(b.px, a.px * 1.05)
        np.testing.assert_array_equal(b.generated_mass, a.generated_mass)
        assert (a.pid.tolist(), list(before.weights), before.weight_names) == (
            b.pid.tolist(),
            list(after.weights),
            after.weight_names,
        )
        assert [[vertex_id(p.end_vertex), vertex_id(p.production_vertex)] for p in before.particles] == [
            [vertex_id(p.end_vertex), vertex_id(p.production_vertex)] for p in after.particles
        ]
        assert before.cross_section.xsec() == after.cross_section.xsec()
        assert before.pdf_info == after.pdf_info


@st.composite
def graphs(draw):
    "An event: beams that meet, and decays and mergings after that, with attributes and weights."
    number = st.floats(-1e6, 1e6, allow_subnormal=True)
    event = pyhepmc.GenEvent(
        draw(st.sampled_from([pyhepmc.Units.GEV, pyhepmc.Units.MEV])),
        draw(st.sampled_from([pyhepmc.Units.MM, pyhepmc.Units.CM])),
    )
    event.event_number = draw(st.integers(0, 2**31 - 1))
    make = lambda status: pyhepmc.GenParticle(
        tuple(draw(number) for _ in range(4)), draw(st.integers(-(10**9), 10**9)), status
    )
    beams = [make(4), make(4)]
    loose = list(beams)
    vertices = []
    for _ in range(draw(st.integers(1, 6))):
        v = pyhepmc.GenVertex(tuple(draw(number) for _ in range(4)) if draw(st.booleans()) else (0, 0, 0, 0))
        v.status = draw(st.integers(0, 3))
        mothers = (
            beams
            if not vertices
            else [
                loose.pop(draw(st.integers(0, len(loose) - 1))) for _ in range(min(len(loose), draw(st.integers(1, 3))))
            ]
        )
        loose = [p for p in loose if p not in beams]
        for p in mothers:
            v.add_particle_in(p)
        for _ in range(draw(st.integers(1, 3))):
            p = make(draw(st.integers(1, 60)))
            p.generated_mass = draw(number)
            v.add_particle_out(p)
            loose.append(p)
        vertices.append(v)
    event.add_tree(beams)
    event.weights = [draw(number) for _ in range(draw(st.integers(0, 3)))]
    for p in event.particles:
        if draw(st.booleans()):
            p.attributes["flow1"] = draw(st.integers(0, 999))
    event.attributes["mpi"], event.attributes["event_scale"] = draw(st.integers(0, 99)), 0.5
    if draw(st.booleans()):
        event.attributes["note"] = draw(st.text("ab \\|\n", min_size=1, max_size=8))
    return event


@settings(max_examples=25)
@given(st.lists(graphs(), min_size=1, max_size=3), st.sampled_from([3, 2]), st.sampled_from(list(PACKS)))
def test_random_graphs(tmp_path_factory, events, version, suffix):
    "Events of any shape, written by pyhepmc in both formats: the same tables, and the same text again."
    out, path = io.BytesIO(), tmp_path_factory.mktemp("graphs") / f"x.hepmc{suffix}"
    with pyhepmc.open(out, "w", format=f"hepmc{version}") as file:
        for event in events:
            file.write(event)
    path.write_bytes(PACKS[suffix](out.getvalue()))
    assert same_tables(path, out.getvalue()) == len(events)
    write_events(read_events(path), path.parent / "back.hepmc")
    assert same_tables(path.parent / "back.hepmc", out.getvalue()) == len(events)
    if version == 3:
        assert (path.parent / "back.hepmc").read_bytes() == out.getvalue()


def slow_particles(text: bytes, particles: int | None = None) -> list[tuple]:
    "The final-state particles in order, by loops over pyhepmc's objects and the particle package's idea of a hadron."
    from particle import PDGID

    rows = []
    for entry, event in enumerate(their_events(text)):
        beams, mothers = (
            {p.id for p in event.beams},
            {p.id: list(p.production_vertex.particles_in) if p.production_vertex else [] for p in event.particles},
        )

        def ancestors(p, through=lambda q: True):
            seen, todo = {}, list(mothers[p.id])
            while todo:
                q = todo.pop()
                if q.id in seen:
                    continue
                seen[q.id] = q
                if through(q):
                    todo += mothers[q.id]
            return seen.values()

        found, has_z = [], any(p.pid == 23 for p in event.particles)
        for p in event.particles:
            if p.status != 1:
                continue
            decayed = [a for a in ancestors(p) if a.status == 2 and a.id not in beams]
            prompt = not any(
                PDGID(a.pid).is_hadron or abs(a.pid) in (13, 15) and abs(a.pid) != abs(p.pid) for a in decayed
            )
            of_z = any(a.pid == 23 for a in ancestors(p, lambda q: abs(q.pid) == 11)) if has_z else prompt
            group = 2 if abs(p.pid) != 11 else 0 if of_z else 1
            m = p.momentum
            found.append(
                (
                    (group, -(m.px**2 + m.py**2 + m.pz**2), p.id),
                    (entry, p.pid, prompt, m.px, m.py, m.pz, m.e, p.generated_mass),
                )
            )
        rows += [row for _, row in sorted(found)[:particles]]
    return rows


@pytest.mark.parametrize(
    "name", ["events.eeH.hepmc3.zst", "inputIO6.hepmc", "inputConvert1.hepmc", "inputReaderFactory5.hepmc"]
)
@pytest.mark.parametrize("particles", [None, 20])
def test_final_particles(testdata, name, particles):
    "The order, and what is prompt, against loops over objects."
    path = testdata(f"hepmc/{name}")
    ours = [
        (int(e), *row[1:])
        for table in read_particles(path, particles)
        for e, row in zip(table.index.get_level_values(0), table.itertuples())
    ]
    assert ours == slow_particles(text_of(path), particles)


def test_particles_of_files(testdata):
    "The door of all files: entries are numbered through, dims and units are known, presets of jets are refused."
    path = testdata("hepmc/inputIO6.hepmc")
    table = read([path, path], "on-shell", particles=5)
    assert (table.index.get_level_values(0).max(), len(table), list(table)) == (
        17,
        90,
        "pid prompt pt eta phi m".split(),
    )
    assert kind_of(path) == "HepMC" and list(read(path)) == "pid prompt px py pz E m".split()
    progress = []
    list(read_chunks([path], "cylindrical", progress=progress.append))
    assert sum(progress) == path.stat().st_size
    with pytest.raises(UsageError, match="particles, not jets"):
        read(path, "27D")


def test_short_events(tmp_path):
    """Events without particles, without vertices, with fewer particles than asked for: they count, and nothing is
    invented."""
    lines = "E 1 0 0\nU GEV MM\nE 2 0 2\nU GEV MM\nP 1 0 11 0 0 5 5 0 1\nP 2 0 -11 0 0 -5 5 0 2\nE 3 0 0\nU GEV MM\n"
    (path := tmp_path / "x.hepmc").write_text(
        f"HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n{lines}HepMC::Asciiv3-END_EVENT_LISTING\n\n"
    )
    (events,) = read_events(path)
    assert (len(events), len(events.particles), len(events.vertices)) == (3, 2, 0)
    table = read(path, "on-shell", particles=50)
    assert (table.index.tolist(), table.attrs["hepae_schema"]["source"]["entries"], table.eta.tolist()) == (
        [(1, 0)],
        3,
        [np.inf],
    )
    for version in (3, 2):
        write_events(events, tmp_path / f"back{version}.hepmc", version)
        assert [len(c.particles) for c in read_events(tmp_path / f"back{version}.hepmc")] == [2]
    assert sum(len(c) for c in read_events(tmp_path / "back2.hepmc")) == 3


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_cut_packed(tmp_path, suffix):
    "A packed file that ends too early says so, under any name."
    packed = PACKS[suffix](text_of(SAMPLE))
    for name in (f"x.hepmc{suffix}", "x.dat"):
        (path := tmp_path / name).write_bytes(packed[: -len(packed) // 3])
        with pytest.raises(HepaeError, match="cut short") as e:
            list(read_events(path))
        one_sentence(str(e.value), name)


def test_broken_line(testdata):
    "The file of HepMC3's own tests with a broken line: its number, its event, and how many events are good."
    path = testdata("hepmc/inputIO30.hepmc")
    with pytest.raises(HepaeError) as e:
        list(read_events(path))
    one_sentence(str(e.value), "inputIO30.hepmc: line 39, event 2 (counted from 0)", "the 2 events before it are good")
    done = hepae("inspect", path)
    assert done.returncode == 1
    one_sentence(done.stderr, "line 39")


@pytest.mark.parametrize(
    "data, part",
    [
        (b"", "empty"),
        (b"\n\n", "which format"),
        (b"HepMC::Version 3\nHepMC::Asciiv3-START_EVENT_LISTING\nHepMC::Asciiv3-END_EVENT_LISTING\n", "no event"),
        (b"E 1 0 0\n", "which format"),
        (b"HepMC::IO_Ascii-START_EVENT_LISTING\nE 1 0 0\n", "IO_Ascii"),
        (
            b"HepMC::Asciiv3-START_EVENT_LISTING\nE 1 0 0\nHepMC::IO_GenEvent-START_EVENT_LISTING\n",
            "HepMC2 begins in a file of HepMC3",
        ),
        (
            b"HepMC::Asciiv3-START_EVENT_LISTING\nE 1 2000000000 2000000000\nU GEV MM\n",
            "announces 2000000000 particles",
        ),
        (b"HepMC::Asciiv3-START_EVENT_LISTING\nW a\\|b\nE 1 0 0\nU GEV MM\nW 1\n", "1 weights, and 2 names"),
        (
            b"HepMC::IO_GenEvent-START_EVENT_LISTING\nE 1 0 0 0 0 0 0 2000000000 0 0 0 0\n",
            "announces 2000000000 vertices",
        ),
        (b"HepMC::IO_GenEvent-START_EVENT_LISTING\nE 1 0 0 0 0 0 0 0 0 0 2000000000 0\n", "no event of HepMC2"),
        (b"HepMC::Asciiv3-START_EVENT_LISTING\nE 1 0 1\nU GEV MM\nP 1 0 11 0 0 1 1 0 \xff\xfe\n", "no text"),
        (b"HepMC::Asciiv3-START_EVENT_LISTING\nW a\\|a\nE 1 0 0\n", "there twice"),
    ],
)
def test_bad_files(tmp_path, data, part):
    "One sentence each, with the name of the file."
    (path := tmp_path / "x.hepmc").write_bytes(data)
    with pytest.raises(HepaeError) as e:
        list(read_events(path))
    one_sentence(str(e.value), "x.hepmc", part)


def test_nan_and_infinite(tmp_path):
    "Momenta that are no numbers come and go as they are, without a warning."
    line = "P 1 0 11 nan inf -inf 1e999 0.0 1\n"
    (path := tmp_path / "x.hepmc").write_text(
        f"HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\nE 1 0 1\nU GEV MM\n{line}"
    )
    (events,) = read_events(path)
    assert [str(x) for x in events.particles.loc[(0, 0), ["px", "py", "pz", "E"]]] == ["nan", "inf", "-inf", "inf"]
    for dims in ("cartesian", "cylindrical", "on-shell"):
        assert len(read(path, dims)) == 1
    write_events(events, tmp_path / "back.hepmc")
    assert "P 1 0 11 nan inf -inf inf 0.0" in (tmp_path / "back.hepmc").read_text()


@settings(max_examples=100)
@given(
    st.sampled_from(["inputIO6.hepmc", "inputReaderFactory5.hepmc", "inputSingleVertexHepMC2.hepmc"]),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(list(range(256)))), min_size=1, max_size=4),
    st.integers(0, 3),
    st.data(),
)
def test_fuzz(testdata, tmp_path_factory, name, changes, kind, data):
    "Whatever bytes are changed, lost or doubled: events, or one sentence, and what was read can be written."
    text = bytearray(text_of(testdata(f"hepmc/{name}"))[:60_000])
    for at, byte in changes:
        at %= len(text)
        if kind == 0:
            text[at] = byte
        elif kind == 1:
            del text[at : at + byte]
        elif kind == 2:
            text[at:at] = text[at // 2 : at // 2 + byte]
        else:
            text[at : at + 1] = data.draw(
                st.sampled_from(
                    [
                        b"\n",
                        b" ",
                        b"-",
                        b"E 1",
                        b"\nE ",
                        b"\nP ",
                        b"\nV ",
                        b"9" * 20,
                        b"\nHepMC::",
                        b"[",
                        b"\n\n",
                        b"\\",
                    ]
                )
            )
    (path := tmp_path_factory.mktemp("fuzz") / "x.hepmc").write_bytes(text)
    try:
        chunks = list(read_events(path))
        list(read_particles(path, 20, "on-shell"))
        for version in (2, 3):
            write_events(chunks, path.parent / f"back{version}.hepmc", version)
    except HepaeError as e:
        one_sentence(str(e), "x.hepmc") if "back" not in str(e) else None


def test_not_a_dead_process(tmp_path):
    "What ends a process that reads with HepMC3 itself is an error here."
    bad = (
        b"HepMC::Version 3\nHepMC::Asciiv3-START_EVENT_LISTING\nE 1 1 1\nU GEV MM\nV -5 0 [7]\nP 1 -9 11 0 0 1 1 0 1\n"
    )
    (path := tmp_path / "x.hepmc").write_bytes(bad)
    done = subprocess.run(
        [sys.executable, "-c", f"from hepae.hepmc.files import read_events; list(read_events({str(path)!r}))"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "HepaeError" in done.stderr.splitlines()[-1]


def test_describe_and_inspect(testdata):
    "Facts for programs and for people."
    facts = describe(testdata("hepmc/inputConvert1.hepmc"))
    assert (
        facts["version"], facts["events"], facts["particles"], facts["vertices"], len(facts["weights"]),
        facts["end_line"],
    ) == (2, 6, 4654, 1640, 146, True)
    done = hepae("inspect", testdata("hepmc/sk_example_HS.hepmc.zst"))
    assert done.returncode == 0 and "25 events, 29265 particles" in done.stdout and "no END line" in done.stdout


def test_flat_memory(tmp_path):
    "Reading does not keep what it has read: ten times the events take no more memory."
    text = text_of(SAMPLE)
    head, events = text[: text.index(b"\nE ") + 1], text[text.index(b"\nE ") + 1 : text.index(b"HepMC::Asciiv3-END")]
    code = """
import sys
from hepae.hepmc.files import read_particles
for _ in read_particles(sys.argv[1], 50, size=1 << 21): pass
print(next(x.split()[1] for x in open("/proc/self/status") if x.startswith("VmHWM")))
"""
    peaks = []
    for n in (2, 20):
        with (
            open(path := tmp_path / f"{n}.hepmc.zst", "wb") as file,
            zstandard.ZstdCompressor(1).stream_writer(file) as packed,
        ):
            packed.write(head)
            for _ in range(n):
                packed.write(events)
        peaks.append(
            int(
                subprocess.run(
                    [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
                ).stdout
            )
        )
    assert peaks[1] < peaks[0] + 40_000, peaks  # kB; the longer text has 90 MB

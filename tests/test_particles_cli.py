"""Particles on the command line: extract, compress, verify, decompress, and input that is odd."""

import gzip
import io
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pyhepmc
import pytest
from conftest import ROOT, first_jets, hepae, one_sentence

from hepae.codec.chunk_rows import regrouped
from hepae.core import HepaeError, UsageError
from hepae.files.compression import compress_files, verify_file
from hepae.files.decompression import decompress_file
from hepae.files.extraction import _some_events, extract
from hepae.files.reading import read, write
from hepae.files.table_files import shifted
from hepae.hepmc.particles import write_hepmc
from hepae.io.blocks import read_npz
from hepae.io.chunks import joined
from hepae.io.chunks import event_chunks
from hepae.report.event_report import analyse_events
from hepae.schema import event_index, events_of, infer_schema, schema_of, with_events, with_schema

DY = ROOT / "data" / "drell_yan.hepmc.gz"
HEAD = "HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n"


def event(number: int, *particles: tuple, unit: str = "GEV") -> str:
    "An event of two beams and final particles (pid, px, py, pz, E, m)."
    lines = [
        f"E {number} 1 {len(particles) + 2}", f"U {unit} MM", "P 1 0 2212 0 0 6500 6500 0.938 4",
        "P 2 0 2212 0 0 -6500 6500 0.938 4", "V -1 0 [1,2]",
    ]
    return "\n".join(lines + [f"P {k} -1 {' '.join(map(str, p))} 1" for k, p in enumerate(particles, 3)]) + "\n"


ODD = (
    HEAD
    + "".join(
        [
            event(0, (211, 0, 0, 50, 50.1, 0.13957), (22, 1, 2, 2, 3, 0)),  # no lepton; a particle along the beam
            event(1, (11, 3, 4, 0, 5, 0.000511)),  # one lepton
            # a negative mass
            event(2, (11, 30, 0, 1, 30.02, 0.000511), (-11, -30, 0, 2, 30.07, 0.000511), (2212, 1, 1, 1, 1.7, -0.3)),
            event(3)[: event(3).index("V -1")].replace("E 3 1 2", "E 3 0 2"),  # nothing but beams
        ]
    )
    + "HepMC::Asciiv3-END_EVENT_LISTING\n\n"
)


def finals(event) -> int:
    "Final-state particles of an event that pyhepmc has read."
    return sum(p.status == 1 for p in event.particles)


@pytest.fixture
def odd(tmp_path):
    "Four events that are hardly any."
    (tmp_path / "odd.hepmc").write_text(ODD)
    return tmp_path / "odd.hepmc"


def test_from_hepmc_and_back(tmp_path):
    "The whole way in processes of their own: every bound holds, and pyhepmc reads as many events as there were."
    packed, back = tmp_path / "x.hepae", tmp_path / "back.hepmc.gz"
    done = hepae("compress", DY, "--particles", 50, "--bound", "1e-3", "-o", packed)
    assert done.returncode == 0 and "850 rows of 8 columns" in done.stdout, done.stderr
    done = hepae("verify", DY, packed)
    assert done.returncode == 0 and "every value within its bound" in done.stderr, done.stderr
    done = hepae("decompress", packed, "-o", back)
    assert done.returncode == 0 and "17 events of 850 particles" in done.stdout, done.stderr
    with pyhepmc.open(back) as f:
        events = list(f)
    assert [e.event_number for e in events] == list(range(17)) and {finals(e) for e in events} == {50}
    assert {(b.pid, b.status) for e in events for b in e.beams} == {(2212, 4)} and len(
        {(b.momentum.pz, b.momentum.e) for e in events for b in e.beams}
    ) == 2
    piped = hepae("decompress", packed, "-o", "-", "--as", "hepmc", text=False)
    assert piped.stdout == gzip.decompress(back.read_bytes())


def test_verify_says_when_a_bound_is_broken(tmp_path):
    "Exit code 3, and the column."
    text = gzip.decompress(DY.read_bytes()).decode().split("\n")
    at = next(
        i for i, line in enumerate(text) if line.startswith("P ") and line.split()[3] == "11" and line.endswith(" 1")
    )
    cells = text[at].split()
    cells[4] = repr(float(cells[4]) * 1.01)
    text[at] = " ".join(cells)
    (tmp_path / "other.hepmc").write_text("\n".join(text))
    assert hepae("compress", DY, "--particles", 20, "-o", tmp_path / "x.hepae").returncode == 0
    done = hepae("verify", tmp_path / "other.hepmc", tmp_path / "x.hepae")
    assert done.returncode == 3
    assert "break their bound" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("particles, dims", [(20, "cartesian"), (100, "cylindrical"), ("all", "on-shell")])
def test_each_spelling_keeps_its_bounds(tmp_path, particles, dims):
    "Any number of particles, any columns; masses to the last bit, and on shell no particle is faster than light."
    compress_files([DY], tmp_path / "x.hepae", "1e-3", particles=particles, dims=dims)
    assert verify_file([DY], tmp_path / "x.hepae")["violations"] == 0
    original, back = read(DY, dims, particles=None if particles == "all" else particles), read(tmp_path / "x.hepae")
    assert (original["m"].to_numpy() == back["m"].to_numpy()).all() and (
        original["pid"].to_numpy() == back["pid"].to_numpy()
    ).all()
    assert schema_of(back)["m"].unit == "GeV" and schema_of(back).source.entries == 17
    if dims != "on-shell":
        return
    p = read(tmp_path / "x.hepae", ["px", "py", "pz", "E"])
    assert (np.sqrt(p.px**2 + p.py**2 + p.pz**2) <= p.E * (1 + 1e-12)).all()


def test_several_files_and_blocks(tmp_path):
    "Events are numbered through; blocks of a table are those of the file."
    extract([DY, DY], tmp_path / "two.parquet", particles=20, dims="on-shell")
    facts = extract([tmp_path / "two.parquet"], tmp_path / "two.npz", particles=10, dims="on-shell")
    assert (facts["entries"], facts["short"], facts["rows"]) == (34, 0, 340)
    blocks = read_npz(tmp_path / "two.npz")
    assert blocks.momenta.shape == (34, 10, 4) and (blocks.momenta[:17] == blocks.momenta[17:]).all()
    compress_files([tmp_path / "two.parquet"], tmp_path / "two.hepae")
    assert verify_file([DY, DY], tmp_path / "two.hepae")["violations"] == 0


def test_through_pipes(tmp_path):
    "HepMC from standard input, .hepae to standard output, HepMC again to standard output; some rows are no events."
    packed = hepae("compress", "-", "--particles", 20, "-o", "-", stdin=None, input=DY.read_bytes(), text=False)
    assert packed.returncode == 0 and packed.stdout.startswith(b"\x93hepae"), packed.stderr
    back = hepae("decompress", "-", "-o", "-", "--as", "hepmc", stdin=None, input=packed.stdout, text=False)
    (tmp_path / "back.hepmc").write_bytes(back.stdout)
    with pyhepmc.open(tmp_path / "back.hepmc") as f:
        assert [finals(e) for e in f] == [20] * 17
    (tmp_path / "x.hepae").write_bytes(packed.stdout)
    with pytest.raises(UsageError, match="no whole events"):
        decompress_file(tmp_path / "x.hepae", tmp_path / "x.hepmc", (0, 20))


def test_unit_is_kept(tmp_path):
    "MeV stays MeV, through .hepae and back to HepMC."
    (tmp_path / "mev.hepmc").write_text(
        HEAD + event(0, (11, 3000, 4000, 0, 5000, 0.511), (22, 1, 1, 1, 1.7, 0), unit="MEV")
    )
    compress_files([tmp_path / "mev.hepmc"], tmp_path / "x.hepae", "1e-3", particles="all")
    assert schema_of(read(tmp_path / "x.hepae"))["pt"].unit == "MeV"
    decompress_file(tmp_path / "x.hepae", tmp_path / "back.hepmc")
    with pyhepmc.open(tmp_path / "back.hepmc") as f:
        back = list(f)
    assert back[0].momentum_unit == pyhepmc.Units.MEV and abs(back[0].particles[2].momentum.px / 3000 - 1) < 2e-3


def test_odd_events(odd, tmp_path):
    "Events without leptons or particles stay events; infinite eta and negative masses come back exactly."
    compress_files([odd], tmp_path / "x.hepae", particles=50, dims="on-shell")
    back = read(tmp_path / "x.hepae")
    assert schema_of(back).source.entries == 4 and back.groupby(level=0).size().to_dict() == {0: 2, 1: 1, 2: 3}
    assert np.isinf(back["eta"]).sum() == 1 and -0.3 in back["m"].to_list()
    assert verify_file([odd], tmp_path / "x.hepae")["violations"] == 0
    facts = extract([odd], tmp_path / "x.npz", particles=50)
    assert (facts["entries"], facts["short"]) == (4, 4) and read_npz(tmp_path / "x.npz").mask.sum(1).tolist() == [
        2, 1, 3, 0,
    ]


def test_what_cannot_be_written_is_said(odd, tmp_path):
    "On-shell columns have lost pz of a particle along the beam; cartesian ones have it."
    assert (
        hepae("compress", odd, "--particles", "all", "--dims", "on-shell", "-o", tmp_path / "x.hepae").returncode == 0
    )
    done = hepae("decompress", tmp_path / "x.hepae", "-o", tmp_path / "back.hepmc")
    assert (
        done.returncode == 0
        and "1 particles along the beam" in done.stderr
        and "4 events of 5 particles" in done.stdout
    )
    with pyhepmc.open(tmp_path / "back.hepmc") as f:
        assert [finals(e) for e in f] == [1, 1, 3, 0]
    compress_files([odd], tmp_path / "c.hepae", particles="all", dims="cartesian")
    assert decompress_file(tmp_path / "c.hepae", tmp_path / "c.hepmc")["left_out"] == 0


@pytest.mark.parametrize(
    "arguments, code, part",
    [
        (["extract", DY, "-o", "x.parquet"], 2, "--particles 50"),
        (["compress", DY, "--dims", "on-shell", "-o", "x.hepae"], 2, "--particles 50"),
        (["extract", DY, "--particles", "9", "--dims", "4D", "-o", "x.parquet"], 2, "made for jets"),
        (["extract", ROOT / "data" / "jets.root", "--particles", "9", "-o", "x.parquet"], 2, "is for HepMC files"),
        (["compress", ROOT / "data" / "jets.root", "--particles", "all", "-o", "x.hepae"], 2, "is for HepMC files"),
        (["extract", DY, "--particles", "9", "-o", "x.txt"], 2, ".parquet"),
        (["extract", "empty.hepmc", "--particles", "9", "-o", "x.parquet"], 1, "empty"),
        (["extract", "no_events.hepmc", "--particles", "9", "-o", "x.parquet"], 1, "no event"),
        (["compress", "cut.hepmc.gz", "--particles", "9", "-o", "x.hepae"], 1, "cut.hepmc.gz"),
        (["decompress", "jets.hepae", "-o", "x.hepmc"], 2, "need particles"),
    ],
)
def test_bad_input(tmp_path, arguments, code, part):
    "One sentence, and nothing is left behind."
    (tmp_path / "empty.hepmc").write_bytes(b"")
    (tmp_path / "no_events.hepmc").write_text(HEAD)
    (tmp_path / "cut.hepmc.gz").write_bytes(DY.read_bytes()[:200_000])
    if "jets.hepae" in arguments:
        write(first_jets(), tmp_path / "jets.root")
        compress_files([tmp_path / "jets.root"], tmp_path / "jets.hepae", dims="4D")
    before = sorted(tmp_path.iterdir())
    done = hepae(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    one_sentence(done.stderr, part)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("text", ["0", "-5", "abc", "1e9", "99999999999"])
def test_numbers_of_particles(tmp_path, text):
    "Whatever is no number of particles is wrong usage."
    done = hepae("extract", DY, "--particles", text, "-o", tmp_path / "x.parquet")
    assert done.returncode == 2 and "Traceback" not in done.stderr


def npz(path, change) -> None:
    "A good file of blocks, changed."
    extract([DY], path.with_name("good.npz"), particles=20, force=True)
    with np.load(path.with_name("good.npz")) as f:
        arrays = dict(f)
    change(arrays)
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    "change, part",
    [
        (lambda a: a.pop("mask"), "mask"),
        (lambda a: a.update(pid=a["pid"].astype(object)), "object"),
        (lambda a: a.update(data=a["data"][:-1]), "shape"),
        (lambda a: a.update(m=a["m"].astype(complex)), "dtype"),
        (lambda a: a.update(names=a["names"][::-1]), "columns"),
        (lambda a: a.update(names=np.array(["x" * 100] * 80)), "dtype"),
    ],
)
def test_hostile_npz(tmp_path, change, part):
    "Objects, missing arrays, shapes that do not fit: a sentence, and no pickle is opened."
    npz(tmp_path / "bad.npz", change)
    with pytest.raises(HepaeError, match=part):
        read_npz(tmp_path / "bad.npz")
    done = hepae("inspect", tmp_path / "bad.npz")
    assert done.returncode == 1
    one_sentence(done.stderr, "bad.npz")


@pytest.mark.parametrize("lying", [False, True])
def test_npz_that_claims_memory(tmp_path, lying):
    """A header that asks for 80 TB in a file of a megabyte is refused before memory is taken, even if the archive
    agrees with it."""
    extract([DY], tmp_path / "good.npz", particles=20)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**6)})
    with (
        zipfile.ZipFile(tmp_path / "good.npz") as good,
        zipfile.ZipFile(tmp_path / "huge.npz", "w", zipfile.ZIP_DEFLATED) as huge,
    ):
        for name in good.namelist():
            huge.writestr(name, header.getvalue() + bytes(10**6) if name == "data.npy" else good.read(name))
        if lying:
            huge.getinfo("data.npy").file_size = len(header.getvalue()) + 8 * 10**13
    with pytest.raises(HepaeError, match="not as large"):
        read_npz(tmp_path / "huge.npz")


def test_particles_of_a_jet_table(tmp_path):
    "A table of jets has no particles."
    pd.DataFrame({"pt": [1.0], "eta": [0.0]}).to_csv(tmp_path / "jets.csv")
    with pytest.raises(UsageError, match="tables made of them"):
        extract([tmp_path / "jets.csv"], tmp_path / "x.parquet", particles=5)


def a_table_of_events(first: int, counts: list[int]) -> pd.DataFrame:
    "Particles of some events, each of which knows its number."
    index = event_index(np.concatenate([[0], np.cumsum(counts)]), first)
    table = pd.DataFrame({"pid": np.arange(sum(counts)), "E": np.arange(sum(counts)) + 1.0}, index=index)
    schema = infer_schema(table, "GeV")
    events = pd.DataFrame({"number": np.arange(len(counts)) + 1000 + first}, index=range(first, first + len(counts)))
    return with_events(
        with_schema(table, replace(schema, source=replace(schema.source, entries=first + len(counts)))), events
    )


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 100])
def test_events_go_with_their_particles(rows):
    """Each event, those without particles included, is in the chunk of its rows, once, whichever way tables are
    joined and cut."""
    parts = [a_table_of_events(0, [2, 0, 3, 0]), a_table_of_events(4, [0, 4, 1]), a_table_of_events(7, [0, 0])]
    for again in (
        regrouped(iter(parts), rows),
        regrouped(iter([t.iloc[k : k + 1] for t in parts[:2] for k in range(len(t))] + parts[2:]), rows),
    ):
        found = list(again)
        assert np.concatenate([events_of(t)["number"] for t in found]).tolist() == list(range(1000, 1009))
        assert all(set(t.index.get_level_values(0)) <= set(events_of(t).index) for t in found)
        assert [schema_of(t).source.entries for t in found] == [int(events_of(t).index[-1]) + 1 for t in found]
    for size in (1, 2, 5, 100):
        chunks = list(event_chunks(parts, size))
        assert [events_of(t)["number"].tolist() for t in chunks] == [
            list(range(1000, 1009))[k : k + size] for k in range(0, 9, size)
        ]
        assert all(events_of(t).index[0] == 0 for t in chunks)
    assert events_of(joined(parts)).index.tolist() == list(range(9)) and events_of(
        shifted(parts[1], 10)
    ).index.tolist() == [14, 15, 16]
    some = list(_some_events(iter(parts), 2, 6))
    assert np.concatenate([events_of(t)["number"] for t in some]).tolist() == [1002, 1003, 1004, 1005] and events_of(
        some[0]
    ).index.tolist() == [0, 1]


MANY = (
    HEAD.replace("EVENT_LISTING\n", "EVENT_LISTING\nW nominal\\|MUR=0.5 [x y]\n")
    + """E 7 2 9
U MEV MM
W 0.25 -3e-300
A 0 GenCrossSection 1 2 3 4
P 1 0 2212 100 0 6500000 6500000.1 938.272 4
P 2 0 2212 -100 0 -6499000 6499000.1 938.272 4
P 3 0 22 0 0 5 5 0 4
V -1 0 [1,2,3]
P 4 -1 111 3000 0 4000 5001.82 134.98 2
P 5 -1 22 0 0 -50000 50000 0 1
P 6 -1 2212 300 400 0 1063.16 0 1
V -2 0 [4] @ 0 0 0 1
P 7 -2 11 1000 0 1500 1802.7757 0.511 1
P 8 -2 -11 1500 0 2000 2500.00005 0.511 1
P 9 -2 22 500 0 500 707.106781 0 1
E 7 0 1
U MEV MM
W 1 nan
P 1 0 14 0.5 0 11000 11000.00001 0 4
E -3 0 2
U MEV MM
W 5 6
P 1 0 13 1000 2000 3000 3743.148 105.66 1
P 2 0 1000020040 0 0 0 0 3727.4 1
E 12 1 2
U MEV MM
W 0 1
P 1 0 511 0 0 0 5279.7 5279.7 2
V -1 0 [1]
P 2 -1 22 1 0 1e-3 1.0000005 0 1
HepMC::Asciiv3-END_EVENT_LISTING

"""
)


@pytest.mark.parametrize("bound", [None, "1e-3", "1e-6"])
def test_what_is_said_of_each_event_comes_back(tmp_path, bound):
    """Numbers, weights, beams of each event, prompt, pz along the beam, E that contradicts the mass: through
    .hepae to HepMC, and verify sees all."""
    (tmp_path / "a.hepmc").write_text(MANY)
    said = []
    compress_files([tmp_path / "a.hepmc"], tmp_path / "a.hepae", bound, particles="all", remark=said.append)
    assert (
        len(said) == 1
        and all(part in said[0] for part in ("1 intermediate", "places", "GenCrossSection"))
        and "units" not in said[0]
    )
    assert verify_file([tmp_path / "a.hepmc"], tmp_path / "a.hepae")["violations"] == 0
    assert decompress_file(tmp_path / "a.hepae", tmp_path / "b.hepmc")["left_out"] == 0
    a, b = (read(tmp_path / f"{n}.hepmc", "cartesian") for n in "ab")
    assert (
        events_of(a).equals(events_of(b))
        and len(events_of(a)) == 4
        and list(events_of(a))[2:4] == ["weight:nominal", "weight:MUR=0.5 [x y]"]
    )
    assert schema_of(b)["E"].unit == "MeV" and "W nominal\\|MUR=0.5 [x y]\n" in (tmp_path / "b.hepmc").read_text()
    a, b = (t.sort_values(["entry", "pid", "E"]) for t in (a, b))
    size = 0 if bound is None else float(bound)
    for name in ("pid", "prompt", "m"):
        assert a[name].tolist() == b[name].tolist()
    np.testing.assert_allclose(b["E"], a["E"], rtol=size)
    np.testing.assert_allclose(
        b["pz"], a["pz"], rtol=0, atol=1.001 * size * np.sqrt(a["px"] ** 2 + a["py"] ** 2 + a["pz"] ** 2).max()
    )
    for name in ("px", "py"):
        assert (np.abs(b[name] - a[name]) <= 1.6 * size * np.hypot(a["px"], a["py"])).all()
    assert b["pz"][b["E"] > 4e4].tolist() == pytest.approx([-50000], rel=size)


@pytest.mark.parametrize(
    "change",
    [
        ("W 0.25", "W 0.26"), ("E 12 ", "E 13 "), ("P 1 0 14 0.5", "P 1 0 14 0.4"), ("E -3", "E -2"), ("nan", "1"),
        ("-50000", "-50001"), ("1063.16", "1063.18"), ("1 2212 300", "1 2212 301"),
    ],
)
def test_verify_sees_what_is_said_of_events(tmp_path, change):
    "A weight, a number, a beam, pz along the beam or E that is another one."
    assert MANY.count(change[0]) == 1
    (tmp_path / "a.hepmc").write_text(MANY)
    (tmp_path / "other.hepmc").write_text(MANY.replace(*change))
    compress_files([tmp_path / "a.hepmc"], tmp_path / "a.hepae", particles="all")
    assert verify_file([tmp_path / "other.hepmc"], tmp_path / "a.hepae")["violations"] > 0


def test_tables_without_place_for_events_say_so(tmp_path):
    "Parquet keeps beams that all events share, and nothing else of them; that is said once."
    said = []
    compress_files([DY], tmp_path / "x.hepae", particles=5)
    decompress_file(tmp_path / "x.hepae", tmp_path / "x.parquet", remark=said.append)
    assert len(said) == 1 and "weights (Weight)" in said[0] and "no place" in said[0]
    compress_files([tmp_path / "x.parquet"], tmp_path / "y.hepae")
    decompress_file(tmp_path / "y.hepae", tmp_path / "y.hepmc")
    with pyhepmc.open(tmp_path / "y.hepmc") as f:
        assert {(b.pid, b.status) for e in f for b in e.beams} == {(2212, 4)}
    (tmp_path / "a.hepmc").write_text(MANY)
    compress_files([tmp_path / "a.hepmc"], tmp_path / "a.hepae", particles="all")
    decompress_file(tmp_path / "a.hepae", tmp_path / "a.parquet")
    assert not [k for k in schema_of(read(tmp_path / "a.parquet")).source.branches if k.startswith("beam")]


def test_analyse_does_not_blame_the_compression(tmp_path):
    "A file without weights or origins is compared with one that has them as if both had none, and that is said."
    text = gzip.decompress(DY.read_bytes()).decode()
    few = text[: text.index("\nE 5 ") + 1] + "HepMC::Asciiv3-END_EVENT_LISTING\n\n"
    (tmp_path / "a.hepmc").write_text(
        "\n".join(f"W {0.5 + (k % 3)}" if line.startswith("W 1") else line for k, line in enumerate(few.split("\n")))
    )
    table = read(tmp_path / "a.hepmc", "cartesian").drop(columns="prompt")
    with open(tmp_path / "b.hepmc", "w") as f:
        write_hepmc([with_events(with_schema(table, infer_schema(table, "GeV")), None)], f)
    for other in ("b.hepmc", "b.parquet"):
        if other == "b.parquet":
            write(table, tmp_path / other)
        said = []
        page = tmp_path / "page.html" if other == "b.hepmc" else None  # one is enough: its pictures take seconds
        facts = analyse_events(tmp_path / "a.hepmc", tmp_path / other, page, remark=said.append)
        assert [facts[k]["weighted"] for k in ("before", "after")] == [False, False]
        assert any("has no weights" in r and other in r for r in facts["remarks"]) and any(
            "does not say where particles come from" in r for r in facts["remarks"]
        )
        assert facts["before"]["pairs"] == facts["after"]["pairs"] and all(
            r in said and (page is None or r in page.read_text()) for r in facts["remarks"]
        )
    compress_files([tmp_path / "a.hepmc"], tmp_path / "a.hepae", particles="all")
    decompress_file(tmp_path / "a.hepae", tmp_path / "back.hepmc")
    for other in ("back.hepmc", "a.hepae"):
        facts = analyse_events(tmp_path / "a.hepmc", tmp_path / other)
        assert facts["remarks"] == [] and [facts[k]["weighted"] for k in ("before", "after")] == [True, True]
        assert facts["before"]["pairs"] == facts["after"]["pairs"] == 5
    compress_files([tmp_path / "a.hepmc"], tmp_path / "whole.hepae", "1e-3")
    decompress_file(tmp_path / "whole.hepae", tmp_path / "whole.hepmc.gz")
    facts = analyse_events(tmp_path / "a.hepmc", tmp_path / "whole.hepmc.gz")
    assert facts["remarks"] == [] and [facts[k]["weighted"] for k in ("before", "after")] == [True, True]
    assert facts["before"]["pairs"] == facts["after"]["pairs"] == facts["matched"]["in order"] == 5
    assert facts["residuals"]["m_ll"]["max"] < 3e-4 and facts["residuals"]["eta_l1"]["max"] < 1e-3

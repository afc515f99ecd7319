"""Whole Drell-Yan HepMC files: bytes an event of hepae and its rivals, speed, memory, and what a bound does to physics.

    python tests/benchmarks/hepmc_files.py [FILE] [--events 400] [--seed 150] [--bounds 1e-3,1e-4] [--repeat 3]
    [--csv FILE] [--real FOLDER] [--rivals | --no-rivals]

FILE is HepMC text; without it `hepae sample` makes the events. Sizes are of files; those of columns have no header,
and say nothing of names. *Columns* are those that hepae makes of a file (graph as steps, attributes as numbers), each
packed by itself: by pcodec, or by the best of pcodec, xz and zstd of the bytes in order of significance. Within a bound
they are the bins that hepae chooses, too: log pt, η, φ, masses that are not frequent, places. Rivals that keep records
(hepmc_rivals.py) round as they can: float32 is cut to the bits a bound needs, ProMC has one multiplier for all; the
share of particles that end up beyond the bound is said. RNTuple is truncated by ROOT 6.40 (PyPI `root`) and left out
without it.
CPU seconds are of a whole command in a process of its own, start of Python and all: for hepae medians of --repeat, for
others of one run. Memory is the peak of that process, for the file and for five times its events. A target stands
beside each figure that has one.
"""

import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pyhepmc

from hepae.bench.compressors import PCODEC, SHUFFLED, XZ
from hepae.codec.datasets import regrouped_datasets, write_datasets
from hepae.codec.event_bounds import GrowingBins, binned, event_bound, kept_masses
from hepae.codec.event_chunks import in_units, pack_events
from hepae.codec.event_streams import APART
from hepae.codec.graph_tables import tags_in
from hepae.codec.particle_masses import rounded_masses
from hepae.core import HepaeError
from hepae.dataset import Dataset, joined_datasets
from hepae.files.compression import compress_files, verify_file
from hepae.files.reading import read
from hepae.hepmc.files import read_events
from hepae.hepmc.unpacking import pieces
from hepae.hepmc.whole_files import read_whole
from hepae.physics.dilepton import dileptons
from hepae.physics.drell_yan import EDGES, selected_pairs
from hepae.toy.generator import write_sample
from hepmc_rivals import (
    MULTIPLIER,
    beyond_bound,
    cut,
    kept_bits,
    promc_sizes,
    protobuf_file,
    rntuple_size,
    truncated_size,
)

HEPAE = [sys.executable, "-c", "from hepae.cli.main import main; main()"]
TARGETS = {  # must and aim, kB an event
    ("hepae", "exact"): (32, 28), ("hepae", "1e-3"): (7.2, 5.0), ("hepae", "1e-4"): (10, 7.5),
    ("hepae --keep final", "1e-3"): (1.45, None),
}
PARTS = ["graph and kinds", "colour flow", "momenta", "masses", "places", "rest"]
# a small process starts the command, so that its peak is not that of this one
LAUNCH = """
import json, resource, subprocess, sys
with open(sys.argv[1], "wb") as out: subprocess.run(sys.argv[2:], stdout=out, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


def measured(command: list, output: Path | str = os.devnull) -> tuple[float, float]:
    "CPU seconds and peak MB of a command; its standard output goes into a file."
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    run = [sys.executable, "-S", "-c", LAUNCH, str(output), *map(str, command)]
    return tuple(json.loads(subprocess.run(run, capture_output=True, text=True, check=True, env=env).stdout))


def repeated(text: bytes, times: int) -> bytes:
    "The same events over and over."
    begin, end = text.index(b"\nE ") + 1, text.rfind(b"\nHepMC::") + 1
    return text[:begin] + text[begin:end] * times + text[end:]


# ---- columns, each by itself

def part_of(table: str, column: str) -> str:
    "Which of PARTS a column belongs to."
    if "flow" in column: return "colour flow"
    if table == "particles":
        if column in ("px", "py", "pz", "E", "way", "bin0", "bin1", "bin2"): return "momenta"
        return "masses" if column in ("m", "mass bin") else "graph and kinds"
    if table == "vertices": return "graph and kinds" if column == "status" else "places"
    return "rest"


def narrow(x: np.ndarray) -> np.ndarray:
    "Integers in the smallest dtype that holds them."
    if x.dtype == bool: return x.astype("u1")
    if x.dtype.kind not in "iu" or not len(x): return x
    return x.astype(np.promote_types(np.min_scalar_type(x.min()), np.min_scalar_type(x.max())))


def binned_columns(d: Dataset, asked: str) -> Dataset:
    "A dataset whose momenta, masses and places are bins."
    bound, p = in_units(event_bound(asked), d["events"]), d["particles"]
    pid, m, momenta = p["pid"].to_numpy(), p["m"].to_numpy(), p[["px", "py", "pz", "E"]].to_numpy()
    b = binned(pid, m, momenta, bound)
    kept = kept_masses(pid, m) | (b.way == APART)
    found = {"way": b.way} | {f"bin{k}": b.bins[:, k] for k in range(3)}
    found |= {"m": np.where(kept, m, 0), "mass bin": rounded_masses(m, kept, bound)[1]}
    found |= {n: np.where(b.way == APART, p[n], 0) for n in ("px", "py", "pz", "E")}
    places = GrowingBins(bound.place, bound.momenta)
    v = d["vertices"].assign(**{n: places.bins(d["vertices"][n].to_numpy()) for n in "xyzt"})
    return replace(d, tables=d.tables | {"particles": p.assign(**found), "vertices": v})


def column_sizes(d: Dataset) -> dict[str, dict[str, int]]:
    "Bytes of the parts of an event, for pcodec and for the best packer of each column."
    found = {way: dict.fromkeys(PARTS, 0) for way in ("columns, pcodec", "columns, best packer")}
    for table, t in d.tables.items():
        for name, x in t.items():
            if x.dtype.kind not in "biuf": packed = [len(gzip.compress("\n".join(x).encode()))] * 2
            else:
                x = narrow(x.to_numpy())
                sizes = [len(way[0](x, False)) if len(x) else 0 for way in (PCODEC, XZ, SHUFFLED)]
                packed = [sizes[0], min(sizes)]
            for way, size in zip(found, packed): found[way][part_of(table, name)] += size
    counts = {n: narrow(c.rows) for n, c in d.collections.items()}
    for way in found: found[way]["graph and kinds"] += sum(len(PCODEC[0](x, False)) for x in counts.values())
    return found


# ---- hepae, part by part

def without(d: Dataset, columns: list[str]) -> Dataset:
    "A dataset whose particles lack some columns."
    return replace(d, tables=d.tables | {"particles": d["particles"].drop(columns=columns)})


def packed_size(parts: list[Dataset], tables: list[str]) -> int:
    "Bytes of some tables in a file of their own."
    file = io.BytesIO()
    kept = [Dataset({n: d[n] for n in tables}, {n: c for n, c in d.collections.items() if n in tables}) for d in parts]
    write_datasets(kept, file, events=len(parts[0]))
    return len(file.getvalue())


def hepae_parts(parts: list[Dataset], asked: str, total: int) -> dict[str, int]:
    "Bytes of the parts of an event in a file of so many bytes; what is none of them is the rest."
    bound, found, packed = event_bound(asked), dict.fromkeys(PARTS, 0), []
    for d in regrouped_datasets(parts):
        flow = [f"{kind}:{n}" for n in tags_in(d["particles"].columns) for kind in ("attribute", "value1")]
        p, (graph, momenta) = pack_events(d, bound)
        bare = len(pack_events(without(d, flow), bound)[1][0])
        for name, size in zip(PARTS, (bare, len(graph) - bare, len(momenta))): found[name] += size
        packed.append(p)
    events = packed_size(packed, ["events"])
    for name in ("masses", "places"): found[name] = packed_size(packed, ["events", name]) - events
    found["graph and kinds"] += packed_size(packed, ["events", "vertices"]) - events
    return found | {"rest": total - sum(found.values())}


# ---- physics

def faster_than_light(path: Path) -> int:
    "How many particles have |p| > E (1 + 1e-12)."
    found = 0
    for events in read_events(path, attributes=False):
        px, py, pz, E = (events.particles[n].to_numpy() for n in ("px", "py", "pz", "E"))
        found += int((np.sqrt(px * px + py * py + pz * pz) > E * (1 + 1e-12)).sum())
    return found


def electron_pairs(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    "The electron pair of each event, and the bins of the Drell-Yan histogram that the selected ones are in."
    table = read(path, "cartesian")
    return dileptons(table, choice="first")[0], np.searchsorted(EDGES, selected_pairs(table)["m_reco"], side="right")


def moved_pairs(before: tuple, after: tuple) -> dict[str, float]:
    "How far pairs moved, at most."
    (a, bins), (b, bins_too) = before, after
    found = {"relative change of m_ee": (b["m_ll"] / a["m_ll"] - 1).abs().max()}
    found |= {"change of pt_ee, GeV": (b["pt_ll"] - a["pt_ll"]).abs().max()}
    found |= {"change of phi*": (b["phistar"] - a["phistar"]).abs().max()}
    return found | {"events in another bin of m_ee": (bins != bins_too).sum()}


def objects(event) -> tuple[list, list]:
    "All that pyhepmc offers of an event, as numbers and as arrays."
    p, v = event.numpy.particles, event.numpy.vertices
    owners = [event, *event.particles, *event.vertices]
    graph = [[(q.id, [x.id for x in q.particles_in], [x.id for x in q.particles_out]) for q in event.vertices]]
    said = [event.event_number, event.momentum_unit, event.length_unit, list(event.weights)]
    said += [graph, [{k: str(x) for k, x in o.attributes.items()} for o in owners]]
    return said, [p.pid, p.status, p.px, p.py, p.pz, p.e, p.generated_mass, v.status, v.x, v.y, v.z, v.t]


def unequal_events(a: Path, b: Path) -> int:
    "How many events of two files pyhepmc finds unequal in any object, or has only in one."
    unequal = 0
    with pyhepmc.open(a) as one, pyhepmc.open(b) as other:
        while True:
            x, y = one.read(), other.read()
            if x is None or y is None: return unequal + (x is not y)
            (said, arrays), (said_too, arrays_too) = objects(x), objects(y)
            same = x == y and said == said_too
            unequal += not (same and all(np.array_equal(*pair) for pair in zip(arrays, arrays_too)))


# ---- all together

class Figures(list):
    "Rows of way, bound, figure, value; said as they come."

    def add(self, way: str, bound: str, figure: str, value: float, target: str = "") -> None:
        self.append({"way": way, "bound": bound, "figure": figure, "value": float(f"{value:.5g}")})
        print(f"{way:24} {bound:6} {figure:34} {value:10.4g}  {target}", flush=True)


def bytes_of_text(text: Path, n: int, folder: Path, figures: Figures) -> None:
    "Compressors of bytes."
    figures.add("text", "exact", "kB an event", text.stat().st_size / n / 1e3)
    for name, command in {"gzip -6": ["gzip", "-6c"], "xz -6": ["xz", "-6c", "-T1"],
                          "zstd -19": ["zstd", "-19", "-qc", "--single-thread"]}.items():
        s, peak = measured([*command, text], folder / "packed")
        figures.add(name, "exact", "kB an event", (folder / "packed").stat().st_size / n / 1e3)
        figures.add(name, "exact", "compress, events/s", n / s)
        figures.add(name, "exact", "compress, peak MB", peak)
    try: import bz3
    except ImportError: return print("bzip3: not installed (pip install bzip3)")
    with open(text, "rb") as file, open(folder / "packed", "wb") as out: bz3.compress_file(file, out, 2**27)
    figures.add("bzip3", "exact", "kB an event", (folder / "packed").stat().st_size / n / 1e3)


def bytes_of_columns(parts: list[Dataset], bounds: list[str], n: int, figures: Figures) -> None:
    "Columns, each packed by itself."
    d = joined_datasets(parts)
    for bound in ["exact", *bounds]:
        for way, sizes in column_sizes(d if bound == "exact" else binned_columns(d, bound)).items():
            figures.add(way, bound, "kB an event", sum(sizes.values()) / n / 1e3)
            if bound in ("exact", "1e-3"):
                for part, size in sizes.items(): figures.add(way, bound, part, size / n / 1e3)


def bytes_of_protobuf(text: Path, n: int, figures: Figures) -> None:
    "HepMC3's protobuf."
    found = protobuf_file(list(read_events(text)))
    for name, size in {"raw": len(found), "xz": len(lzma.compress(found, preset=6))}.items():
        figures.add(f"HepMC3 protobuf, {name}", "exact", "kB an event", size / n / 1e3)


def bytes_of_rntuple(d: Dataset, bounds: list[str], n: int, figures: Figures) -> None:
    "RNTuple of double, of float32, which is within each bound down to 1e-6, and truncated as each bound needs."
    figures.add("RNTuple double", "exact", "kB an event", rntuple_size(d, 64) / n / 1e3)
    single, momenta = rntuple_size(d, 32), d["particles"][["px", "py", "pz"]]
    for bound in bounds:
        if float(bound) >= 1e-6: figures.add("RNTuple float32", bound, "kB an event", single / n / 1e3)
        bits = kept_bits(float(bound))
        if (size := truncated_size(d, bits)) is None: print("RNTuple, truncated: no ROOT 6.40 (pip install root)")
        else: figures.add("RNTuple truncated", bound, "kB an event", size / n / 1e3)
        figures.add("RNTuple truncated", bound, "share of particles beyond the bound",
                    beyond_bound(momenta, cut(momenta.to_numpy(), bits), float(bound)))


def bytes_of_promc(text: Path, d: Dataset, n: int, figures: Figures) -> None:
    "ProMC's layout, our writer."
    for name, size in promc_sizes(list(read_events(text))).items():
        figures.add(f"ProMC's layout, {name}", "1e-3", "kB an event", size / n / 1e3)
    momenta = d["particles"][["px", "py", "pz"]]
    rounded = np.rint(momenta.to_numpy() * MULTIPLIER) / MULTIPLIER
    figures.add("ProMC's layout, zip", "1e-3", "share of particles beyond the bound",
                beyond_bound(momenta, rounded, 1e-3))


def bytes_of_records(text: Path, parts: list[Dataset], bounds: list[str], n: int, figures: Figures) -> None:
    "Rivals that keep an event as a record."
    d = joined_datasets(parts)
    bytes_of_protobuf(text, n, figures)
    bytes_of_rntuple(d, bounds, n, figures)
    bytes_of_promc(text, d, n, figures)


def command_of(text: Path, bound: str, output: Path, *others: str) -> list:
    "The command that compresses."
    asked = [] if bound == "exact" else ["--bound", bound]
    return [*HEPAE, "compress", text, "-o", output, "-q", "--force", *asked, *others]


def bytes_of_hepae(text: Path, parts: list[Dataset], bounds: list[str], folder: Path, figures: Figures) -> None:
    "Files of hepae, and what a bound moved."
    n, pairs, before = sum(map(len, parts)), electron_pairs(text), faster_than_light(text)
    for bound in ["exact", *bounds]:
        small, back = folder / f"{bound}.hepae", folder / "back.hepmc"
        measured(command_of(text, bound, small))
        target = TARGETS.get(("hepae", bound))
        figures.add("hepae", bound, "kB an event", small.stat().st_size / n / 1e3,
                    f"must {target[0]}, aim {target[1]}" if target else "")
        if bound in ("exact", "1e-3"):
            for part, size in hepae_parts(parts, bound, small.stat().st_size).items():
                figures.add("hepae", bound, part, size / n / 1e3)
        measured([*HEPAE, "decompress", small, "-o", back, "-q", "--force"])
        if bound == "exact":
            figures.add("hepae", bound, "text differs", text.read_bytes() != back.read_bytes(), "must 0")
            figures.add("hepae", bound, "events unequal under pyhepmc", unequal_events(text, back), "must 0")
        for name, x in moved_pairs(pairs, electron_pairs(back)).items():
            aim = "must 3e-4" if (name, bound) == ("relative change of m_ee", "1e-3") else ""
            figures.add("hepae", bound, name, x, aim)
        figures.add("hepae", bound, "particles with |p| > E, more", faster_than_light(back) - before, "must 0")
    figures.add("text", "exact", "particles with |p| > E", before)
    measured(command_of(text, "1e-3", folder / "final.hepae", "--keep", "final"))
    figures.add("hepae --keep final", "1e-3", "kB an event", (folder / "final.hepae").stat().st_size / n / 1e3,
                "must 1.45")


def speed_and_memory(text: Path, n: int, repeat: int, folder: Path, figures: Figures) -> None:
    "CPU seconds and memory of hepae's commands."
    more, small, back = folder / "more.hepmc", folder / "speed.hepae", folder / "back.hepmc"
    more.write_bytes(repeated(text.read_bytes(), 5))
    xz = max((f["value"] for f in figures if (f["way"], f["figure"]) == ("xz -6", "compress, events/s")), default=0)
    least = {"compress": f"must {max(60, 5 * xz):.0f} (60, 5 times xz -6)", "decompress": "must 100"}
    for bound in ("exact", "1e-3"):
        for source, times, tries in ((text, 1, repeat), (more, 5, 1)):
            commands = [command_of(source, bound, small), [*HEPAE, "decompress", small, "-o", back, "-q", "--force"]]
            for verb, command in zip(least, commands):
                name, runs = verb if times == 1 else f"{verb} of 5 times", [measured(command) for _ in range(tries)]
                s, peak = np.array(runs).T
                figures.add("hepae", bound, f"{name}, events/s", times * n / np.median(s), least[verb])
                figures.add("hepae", bound, f"{name}, peak MB", peak.max(), "must 500")


# ---- files of other people

def share_of_gzip(path: Path, small: Path, figures: Figures) -> None:
    "A file as a share of its text packed by gzip -6; what verify says."
    text = b"".join(pieces(path))
    packed = len(gzip.compress(text, 6, mtime=0))
    figures.add(path.name, "exact", "MB of text", len(text) / 1e6)
    figures.add(path.name, "exact", "MB of gzip -6", packed / 1e6)
    for bound, asked, most in (("exact", None, 0.6), ("1e-3", "1e-3", 1 / 7)):
        compress_files([path], small, asked, force=True)
        figures.add(path.name, bound, "share of gzip -6", small.stat().st_size / packed, f"at most {most:.3g}")
        figures.add(path.name, bound, "differences", verify_file([path], small)["violations"], "must 0")


def shares_of_gzip(folder: Path, figures: Figures) -> None:
    "Each file of a folder; those that are no HepMC are named."
    with tempfile.TemporaryDirectory() as made:
        for path in sorted(folder.iterdir()):
            try: share_of_gzip(path, Path(made) / "small.hepae", figures)
            except HepaeError as e: print(f"not compressed: {e}")


def all_of_a_file(file: Path | None, events: int, seed: int, bounds: list[str], repeat: int, rivals: bool,
                  figures: Figures) -> None:
    "A file, or a sample."
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if file is None: write_sample(file := folder / "dy.hepmc", events, seed)
        parts = list(read_whole([file]))
        n = sum(map(len, parts))
        figures.add("text", "exact", "events", n)
        for name in ("particles", "vertices"):
            figures.add("text", "exact", f"{name} an event", sum(len(d[name]) for d in parts) / n)
        bytes_of_hepae(file, parts, bounds, folder, figures)
        if rivals:
            bytes_of_text(file, n, folder, figures)
            bytes_of_columns(parts, bounds, n, figures)
            bytes_of_records(file, parts, bounds, n, figures)
        if repeat: speed_and_memory(file, n, repeat, folder, figures)


@click.command(help=__doc__)
@click.argument("file", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--events", default=400, show_default=True)
@click.option("--seed", default=150, show_default=True)
@click.option("--bounds", default="1e-3,1e-4", show_default=True)
@click.option("--repeat", default=3, show_default=True, help="0: no speed and no memory.")
@click.option("--rivals/--no-rivals", default=True, show_default=True)
@click.option("--real", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of HepMC files.")
@click.option("--csv", type=click.Path(path_type=Path), help="Write the figures here, too.")
def main(file, events, seed, bounds, repeat, rivals, real, csv):
    "Print a line a figure."
    figures, bounds = Figures(), bounds.split(",")
    pyhepmc.Setup.print_warnings = False
    if real: shares_of_gzip(real, figures)
    else: all_of_a_file(file, events, seed, bounds, repeat, rivals, figures)
    if csv: pd.DataFrame(figures).to_csv(csv, index=False)


if __name__ == "__main__":
    main()

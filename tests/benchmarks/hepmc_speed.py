"""Reading HepMC files against a loop over pyhepmc that fills the same columns, and the memory it takes.

    python tests/benchmarks/hepmc_speed.py [FILE ...] [--events 400] [--repeat 5]

Without files: Drell-Yan events of the committed sample, repeated, in both formats, and the real files of
HEPAE_TESTDATA if they are there, repeated to 400 events at least. Text is unpacked beforehand.
Seconds are of one process on its CPUs (all threads together), the least of alternating runs after a warm-up. Two
loops over pyhepmc: one takes the columns that `evt.numpy` offers (ids, momenta,
mass, places, weights), against our tables without attributes; one fills production and end vertex of each particle,
too, as our tables do. Memory is the peak resident size of a process that reads
the particles of the files named, or of the sample at 1× and 10×.
"""

import gzip
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pyhepmc

from hepae.hepmc.files import read_events, read_particles, write_events
from hepae.hepmc.unpacking import pieces

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "drell_yan.hepmc.gz"
TESTDATA = Path(os.environ.get("HEPAE_TESTDATA") or ROOT.parent / "shared" / "data") / "hepmc"
REAL = ["events.eeH.hepmc3.zst", "sk_example_HS.hepmc.zst", "inputIO6.hepmc", "inputConvert1.hepmc"]


def repeated(text: bytes, events: int) -> bytes:
    "The same events over and over, until there are enough."
    begin, end = text.index(b"\nE ") + 1, text.rfind(b"\nHepMC::") + 1
    begin, end = begin, end if end > begin else len(text)
    return text[:begin] + text[begin:end] * max(1, -(-events // text.count(b"\nE "))) + text[end:]


def offered(event) -> tuple:
    "The columns that evt.numpy has."
    p, v = event.numpy.particles, event.numpy.vertices
    return (
        p.id, p.pid, p.status, p.px, p.py, p.pz, p.e, p.generated_mass, v.id, v.status, v.x, v.y, v.z, v.t,
        np.array(event.weights),
    )


def begins_and_ends(event) -> tuple:
    "The vertices where each particle begins and ends."
    production, end = np.zeros(len(event.particles), int), np.zeros(len(event.particles), int)
    for vertex in event.vertices:
        for q in vertex.particles_in:
            end[q.id - 1] = vertex.id
        for q in vertex.particles_out:
            production[q.id - 1] = vertex.id
    return production, end


def columns(path: Path) -> int:
    "What evt.numpy offers, event by event."
    with pyhepmc.open(path) as file:
        return sum(len(offered(event)) > 0 for event in file)


def graph(path: Path) -> int:
    "The same, and where each particle begins and ends."
    with pyhepmc.open(path) as file:
        return sum(len(offered(event) + begins_and_ends(event)) > 0 for event in file)


READERS = {
    "tables": lambda path: sum(len(e) for e in read_events(path, attributes=False)),
    "with attributes": lambda path: sum(len(e) for e in read_events(path)),
    "50 particles": lambda path: sum(1 for _ in read_particles(path, 50)),
    "pyhepmc": columns,
    "pyhepmc + graph": graph,
}


def seconds(read, path: Path) -> float:
    "CPU time of one call."
    start = time.process_time()
    read(path)
    return time.process_time() - start


# VmHWM and not getrusage: the latter begins with the size of the process that forked this one
CHILD = """
import sys
from hepae.hepmc.files import read_particles
entries = 0
for table in read_particles(sys.argv[1], 50): entries = table.attrs["hepae_schema"]["source"]["entries"]
print(entries, next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def memory(path: Path) -> tuple[int, float]:
    "Events, and peak MB, of reading the first 50 particles of each."
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
    events, peak = map(int, done.stdout.split())
    return events, peak / 1024


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--events", default=400, show_default=True)
@click.option("--repeat", default=5, show_default=True)
@click.option("--only-memory", is_flag=True, help="Leave out the speed.")
def main(files, events, repeat, only_memory):
    "Print one line a file and reader, then the memory."
    pyhepmc.Setup.print_warnings = False
    if not files and not TESTDATA.is_dir():
        print("skipped: real files, no folder of them in HEPAE_TESTDATA")
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for name, source in [
            ("drell_yan.hepmc3", SAMPLE),
            *((f.name, f) for f in files or [TESTDATA / n for n in REAL if (TESTDATA / n).exists()]),
        ]:
            if only_memory:
                break
            made[name] = Path(folder) / f"{name}.txt"
            made[name].write_bytes(repeated(b"".join(pieces(source)), events))
        if made:
            made["drell_yan.hepmc2"] = Path(folder) / "drell_yan.hepmc2.txt"
            write_events(read_events(made["drell_yan.hepmc3"]), made["drell_yan.hepmc2"], 2)
        for name, path in made.items():
            n, best = READERS["tables"](path), dict.fromkeys(READERS, np.inf)
            for _ in range(repeat):
                for reader, read in READERS.items():
                    best[reader] = min(best[reader], seconds(read, path))
            print(f"{name}: {n} events, {path.stat().st_size / 1e6:.1f} MB of text")
            for reader, s in best.items():
                print(f"  {reader:16} {n / s:8.0f} events/s")
            print(
                f"  ratio {best['pyhepmc'] / best['tables']:.1f} (columns), "
                f"{best['pyhepmc + graph'] / best['tables']:.1f} (columns and graph), "
                f"{best['pyhepmc + graph'] / best['with attributes']:.1f} (we read the attributes, too)"
            )
        text = gzip.decompress(SAMPLE.read_bytes())
        for times in () if files else (1, 10):
            (path := Path(folder) / f"{times}.hepmc").write_bytes(repeated(text, 340 * times))
            print(
                "memory: {} events, {:.0f} MB of text, peak {:.0f} MB".format(
                    *(found := memory(path))[:1], path.stat().st_size / 1e6, found[1]
                )
            )
        for path in files:
            print(
                "memory: {}: {} events, {:.0f} MB in the file, peak {:.0f} MB".format(
                    path.name, *(found := memory(path))[:1], path.stat().st_size / 1e6, found[1]
                )
            )


if __name__ == "__main__":
    main()

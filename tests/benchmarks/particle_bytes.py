"""Bytes an event of final-state particles in a .hepae file: total and by column, beside other compressors, and what
the bound does to the mass of the electron pair.

    python tests/benchmarks/particle_bytes.py [FILE] [--particles 20,50,100,all] [--events 2000] [--bounds
    1e-3,1e-4,exact] [--text 100] [--csv FILE]

FILE is a HepMC file or a table of particles (default: data/drell_yan_50.hepae; its numbers are on a quantiser
already, which makes 'exact' easy for others). For the figures of whole final states: `hepae sample -o dy.hepmc.zst
--events 2000
--seed 102`. The text of the same particles is packed for the first --text events. The same command prints the same
bytes each time.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd

from hepae.bench.particle_bytes import bounded, column_bytes, compared, spectrum_change
from hepae.codec.tables import compress, decompress
from hepae.files.reading import read_chunks
from hepae.io.chunks import joined
from hepae.physics.particles import physicality
from hepae.schema import event_offsets, schema_of, with_schema

DATA = Path(__file__).resolve().parents[2] / "data" / "drell_yan_50.hepae"


def first_events(table: pd.DataFrame, n: int) -> pd.DataFrame:
    "The first n events."
    schema = schema_of(table)
    return with_schema(
        table[table.index.get_level_values(0) < n],
        replace(schema, source=replace(schema.source, entries=min(n, schema.source.entries))),
    )


def particles_of(path: Path, particles: int | None, events: int) -> pd.DataFrame:
    "The first events of a file."
    chunks = []
    for chunk in read_chunks([path], "on-shell", particles=particles):
        chunks.append(chunk)
        if len(chunk) and chunk.index.get_level_values(0)[-1] >= events:
            break
    return first_events(joined(chunks), events)


def by_column(table: pd.DataFrame, bounds: list[str]) -> None:
    "Bytes an event of each column, and how long it took."
    found = pd.DataFrame({b: column_bytes(bounded(table, b)) for b in bounds})
    print("\nbytes an event, by column\n" + found.round(1).to_string())
    n = len(event_offsets(table)) - 1
    start = time.process_time()
    data = compress(bounded(table, bounds[0]), "schema")
    middle = time.process_time()
    decompress(data)
    print(
        f"{bounds[0]}: written with {n / (middle - start):,.0f} events/s, read with "
        f"{n / (time.process_time() - middle):,.0f} events/s of CPU time"
    )


def pair_mass(table: pd.DataFrame, bound: str) -> None:
    "The spectrum of the pair before and after."
    back = decompress(compress(bounded(table, bound), "schema"))
    change = spectrum_change(table, back)
    print(
        f"\nmass of the electron pair at {bound}, bins of the analysis with 100 events or more\n"
        + change.to_string(index=False)
    )
    print(
        f"largest change {change['change'].abs().max():.2%}; particles with |p| > E(1 + 1e-12): "
        f"{physicality(table).loc['all', '|p| > E']} before, {physicality(back).loc['all', '|p| > E']} "
        f"after; masses equal: {bool((table['m'].to_numpy() == back['m'].to_numpy()).all())}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=DATA)
    parser.add_argument("--particles", default="20,50,100,all")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--bounds", default="1e-3,1e-4,exact")
    parser.add_argument("--text", type=int, default=100)
    parser.add_argument("--csv", type=Path, help="write the bytes an event here, too")
    args = parser.parse_args()
    bounds, before, kept = args.bounds.split(","), None, []
    for asked in args.particles.split(","):
        table = particles_of(args.file, None if asked == "all" else int(asked), args.events)
        n = len(event_offsets(table)) - 1
        if before is not None and len(table) == before:
            continue  # the file has no more particles
        before = len(table)
        print(f"\n== {args.file.name}, {asked} particles: {n} events, {len(table) / n:.1f} particles an event")
        found = {n: compared(table, bounds, text=False)}
        print("\nbytes an event\n" + found[n].round(1).to_string())
        if args.text:
            found[min(n, args.text)] = compared(first_events(table, args.text), ["exact"])
            print(
                f"\nthe first {min(n, args.text)} events, with text\n" + found[min(n, args.text)].round(1).to_string()
            )
        for events, t in found.items():
            kept += [
                {"particles": asked, "events": events, "codec": c, "bound": b, "bytes_an_event": round(x, 1)}
                for (c, b), x in t.stack().items()
            ]
        by_column(table, bounds)
    pair_mass(table, "1e-3")
    if args.csv:
        pd.DataFrame(kept).to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()

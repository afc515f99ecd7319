"""Bits a jet, everything counted: hepae with and without order and with a learned model, every rival that is installed, and the entropy estimate, which no codec had a part in.

    python tests/benchmarks/bits_per_jet.py [TABLE …] [--dims 4D] [--rows N] [--bounds 1e-3] [--model FOLDER …]

Without a table: the jets of data/jets.root. For the figures of 200,000 jets, make them first: `hepae sample -o pythia.root --events 200000`. With --rows, jets are drawn at random. Rows are compared without their events, which
rivals cannot keep; what a whole file with its events costs is printed below. The same command gives the same bytes each time.
"""
import argparse
from functools import partial
from pathlib import Path

from hepae.codec.bench import FLOOR, bench, codecs, with_model
from hepae.codec.model import FILE, load_model
from hepae.codec.header import with_bounds
from hepae.codec.tables import compress
from hepae.codec.trainer import autoencoder_of
from hepae.io.files import read
from hepae.schema import schema_of, with_schema

JETS = Path(__file__).resolve().parents[2] / "data" / "jets.root"
SHOWN = ["codec", "bytes", "bits_per_row", "bits_without_model", "violations", "lossless", "note"]


def contestants(folders: list[Path]) -> list:
    "All that are installed, and those of trained models."
    models = [load_model(f) if (f / FILE).is_file() else partial(autoencoder_of, f) for f in folders]
    return list(codecs(with_model(f"model {f.name}", m) for f, m in zip(folders, models)).values())


def compare(path: Path, dims: str, rows: int | None, bound: str, folders: list[Path]) -> None:
    "Print one table."
    table = read(path, dims if path.suffix == ".root" else None)
    schema = with_bounds(schema_of(table), bound)
    table = with_schema(table.sample(rows, random_state=41).sort_index() if rows else table, schema)
    result = bench(table, contestants(folders), [None]).sort_values("bits_per_row")
    floor = result.loc[result["codec"] == FLOOR, "bits_per_row"].iloc[0]
    print(f"\n{path.name}: {len(table):,} jets, " + ", ".join(f"{c.name} {c.bound}" for c in schema.columns))
    print(result[SHOWN].assign(above_floor=(result["bits_per_row"] / floor - 1).map("{:+.2%}".format)).round(3).to_string(index=False))
    if table.index.nlevels > 1:
        for order in ("", "events"): print(f"with events{', order within them free' * bool(order)}: {8 * len(compress(table, unordered=order)) / len(table):.3f} bits a jet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", type=Path, default=[JETS])
    parser.add_argument("--dims", default="4D")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--bounds", default="1e-3")
    parser.add_argument("--model", type=Path, action="append", default=[])
    args = parser.parse_args()
    for path in args.tables: compare(path, args.dims, args.rows, args.bounds, args.model)


if __name__ == "__main__": main()

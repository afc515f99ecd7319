"""Bits a jet, everything counted: hepae with and without order and with a learned model, every rival that is
installed, and the entropy estimate, which no codec had a part in.

    python tests/benchmarks/bits_per_jet.py [TABLE …] [--dims 4D] [--rows 28000] [--bounds 1e-3] [--model FOLDER …]

Without a table: the jets of data/jets.root. For the figures of 200,000 jets, make them first: `hepae sample -o
pythia.root --events 200000`. With --rows, jets are drawn at random. Rows are compared without their events, which
rivals cannot keep; what a file with its events costs is printed below, for the jets of whole events. The same
command gives the same bytes each time. bits_per_toy_jet.py does the same with jets of 27 variables.
"""

import argparse
from functools import partial
from pathlib import Path

import pandas as pd

from hepae.bench.contestants import codecs, with_model
from hepae.bench.race import ESTIMATE, below_estimate, bench
from hepae.codec.bound_text import with_bounds
from hepae.codec.learned.trainer import autoencoder_of
from hepae.codec.shared_model import FILE, load_model
from hepae.codec.tables import compress
from hepae.files.reading import read
from hepae.schema import schema_of, with_schema

JETS = Path(__file__).resolve().parents[2] / "data" / "jets.root"
SHOWN = [
    "codec", "bytes", "overhead", "bits_per_row", "bits_of_rows", "mean_error", "max_error", "violations",
    "lossless", "version", "note",
]


def contestants(folders: list[Path]) -> list:
    "All that are installed, and those of trained models."
    models = [load_model(f) if (f / FILE).is_file() else partial(autoencoder_of, f) for f in folders]
    return list(codecs(with_model(f"model {f.name}", m) for f, m in zip(folders, models)).values())


def first_events(table: pd.DataFrame, rows: int | None) -> pd.DataFrame:
    "The whole events among the first rows: rows drawn at random are none."
    if not rows or rows >= len(table):
        return table
    entry = table.index.get_level_values(0)
    part = table[entry < entry[rows]]
    return with_schema(part, schema_of(table))


def compare(path: Path, dims: str, rows: int | None, bound: str, folders: list[Path]) -> None:
    "Print one table."
    table = read(path, dims if path.suffix == ".root" else None)
    schema = schema_of(table) if bound == "schema" else with_bounds(schema_of(table), bound)
    table = with_schema(table, schema)
    drawn = with_schema(
        table.sample(rows, random_state=41).sort_index() if rows and rows < len(table) else table, schema
    )
    result = bench(drawn, contestants(folders), [None]).sort_values("bits_per_row")
    estimate = result.loc[result["codec"] == ESTIMATE, "bits_per_row"].iloc[0]
    print(f"\n{path.name}: {len(drawn):,} jets, " + ", ".join(f"{c.name} {c.bound}" for c in schema.columns))
    beside = (result["bits_per_row"] / estimate - 1).map("{:+.2%}".format)
    print(result[SHOWN].assign(beside_estimate=beside).round(4).to_string(index=False))
    for sentence in below_estimate(result):
        print(sentence)
    if table.index.nlevels == 1:
        return
    whole = first_events(table, rows)
    for order in ("", "events"):
        bits = 8 * len(compress(whole, "schema", unordered=order)) / len(whole)
        print(f"{len(whole):,} jets with their events{', order within them free' * bool(order)}: {bits:.3f} bits a jet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", type=Path, default=[JETS])
    parser.add_argument("--dims", default="4D")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--bounds", default="1e-3")
    parser.add_argument("--model", type=Path, action="append", default=[])
    args = parser.parse_args()
    for path in args.tables:
        compare(path, args.dims, args.rows, args.bounds, args.model)


if __name__ == "__main__":
    main()

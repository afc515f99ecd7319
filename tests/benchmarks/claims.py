"""The figures of "Does the network work for compression?": bytes, error, effect on physics and seconds of each method.

    python tests/benchmarks/claims.py [NAME …] [--csv nbs/claims.csv] [--json]

NAME is a line's `name`, as `jets4/codec`, or the beginning of some. Bytes are those of a row (jet or event), with all
that a reader needs but the weights of networks, which have a column of their own (bytes a row, shared by these rows).
`outside` is the share of rows that break the bound in the worst column, `error` the median of |Δpt|/pt, `effect` what
happened to the mass of pairs: the 68% quantile of |Δm|/m. `seconds` is CPU time of packing a thousand rows on one core:
of all figures only this one depends on the machine.
"""

import argparse
import gzip
import json
import lzma
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import hepae
from hepae.bench.rivals import rival
from hepae.codec.bound_text import with_bounds
from hepae.codec.packets import PacketCodec, PacketReader, PacketWriter
from hepae.codec.tables import compress, decompress, learn_model
from hepae.files.decompression import decompress_file
from hepae.files.reading import read
from hepae.hepmc.unpacking import pieces
from hepae.learning.trained import TrainedModel
from hepae.metrics import bound_violations
from hepae.physics.cuts import split_by_event
from hepae.physics.dijets import dijet_mass
from hepae.physics.dilepton import dileptons
from hepae.schema import infer_schema, schema_of, with_schema

ROOT = Path(__file__).resolve().parents[2]
BOUND = "1e-3"
RIVALS = ("xz", "quantise+pcodec", "SZ3", "zfp")


def jets(file: str, dims: str) -> pd.DataFrame:
    "Jets of a file with their bounds, and events numbered one after the other."
    table = read(ROOT / "data" / file, dims)
    table = table[np.isfinite(table.to_numpy(float)).all(axis=1)]
    return with_schema(table, with_bounds(schema_of(table), BOUND if dims != "27D" else "schema"))


def particles() -> pd.DataFrame:
    "50 particles of 1,000 events."
    table = read(ROOT / "data/drell_yan_50.hepae")
    some = table[table.index.get_level_values(0) < 1000]
    return with_schema(some, with_bounds(schema_of(table), BOUND))


# name → table, whose pairs have a mass, folder of a network
DATA = {
    "jets4": (lambda: jets("jets.root", "E4D"), "jets", "4D/AE_3D_200"),
    "jets27": (lambda: jets("jets_27D.root", "27D"), "jets", "27D/AE_27_14"),
    "particles50": (particles, "particles", None),
}


def masses(table: pd.DataFrame, kind: str) -> np.ndarray:
    "The mass of the pair of each event that has one."
    if kind == "jets": return dijet_mass(table)[0]["mjj"].to_numpy()
    return dileptons(table, choice="first")[0]["m_ll"].to_numpy()


def line(table: pd.DataFrame, back: pd.DataFrame, size: float, seconds: float, kind: str, weights: float = 0) -> dict:
    "A line of the table."
    back = with_schema(back.set_axis(table.index), schema_of(table))
    with np.errstate(all="ignore"): ratio = masses(back, kind) / masses(table, kind) - 1
    there, rows = np.isfinite(ratio), len(table) if kind == "jets" else table.index.get_level_values(0).nunique()
    return {
        "bytes": size / rows, "weights": weights / rows,
        "outside": float(bound_violations(table, back).max() / len(table)),
        "error": float(np.median(np.abs(back["pt"] / table["pt"] - 1))),
        "effect": float(np.quantile(np.abs(ratio[there]), 0.68)), "seconds": 1000 * seconds / rows,
    }


def timed(work, *given):
    "What a call returns, and its CPU time."
    start = time.process_time()
    return work(*given), time.process_time() - start


def with_codec(table: pd.DataFrame, kind: str) -> dict:
    "A `.hepae` file, with events."
    data, seconds = timed(compress, table, "schema")
    return line(table, decompress(data), len(data), seconds, kind)


def with_rival(table: pd.DataFrame, kind: str, name: str) -> dict:
    "Another compressor, column by column within the same bounds; events are left out, in its favour."
    rows = with_schema(table.reset_index(drop=True), schema_of(table))
    data, seconds = timed(rival(name).compress, rows)
    return line(table, rival(name).decompress(data), len(data), seconds, kind)


def with_network(table: pd.DataFrame, kind: str, folder: str) -> dict:
    "The committed network's latent variables as float32, and its weights."
    model = TrainedModel.load(ROOT / folder)
    latents, seconds = timed(model.encode, table)
    weights = (ROOT / folder / "weights.safetensors").stat().st_size
    return line(table, model.decode(latents), 4 * latents.size, seconds, kind, weights)


def with_latents(table: pd.DataFrame, kind: str, folder: str) -> dict:
    "The same, each latent variable within 0.001 of its spread, in a `.hepae` file without events."
    model = TrainedModel.load(ROOT / folder)
    latents = model.encode(table).reset_index(drop=True).astype("f4")
    latents = with_schema(latents, infer_schema(latents))
    data, seconds = timed(compress, latents, {c: f"abs:{1e-3 * s:.6g}" for c, s in latents.std().items()})
    weights = (ROOT / folder / "weights.safetensors").stat().st_size
    back = model.decode(decompress(data).set_axis(table.index))
    return line(table, back, len(data), seconds, kind, weights)


def in_packets(table: pd.DataFrame, kind: str) -> dict:
    "Packets of ten events of the test sample, with a density of the training sample."
    split = split_by_event(table, 41)
    codec = PacketCodec(learn_model(table[split["train"]]), schema_of(table))
    test = table[split["test"]]
    events = [e for _, e in test.groupby(level=0)]

    def packed() -> bytes:
        writer = PacketWriter(codec, 10)
        return b"".join(map(writer.push, events)) + writer.flush()

    data, seconds = timed(packed)
    back = pd.concat([pd.DataFrame(e) for e in PacketReader(codec).pull(data).values()])[list(table)]
    return line(test, back, len(data), seconds, kind, len(codec.model.to_bytes()))


def whole_events(bound: str | None) -> dict:
    "Whole HepMC events, with graph, weights and attributes; errors of momenta are those of their particles."
    path = ROOT / "data/drell_yan.hepmc.gz"
    data, seconds = timed(hepae.compress, path, bound)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "e.hepae").write_bytes(data)
        decompress_file(Path(folder) / "e.hepae", Path(folder) / "e.hepmc")
        before, after = (read(p, "on-shell", particles=50) for p in (path, Path(folder) / "e.hepmc"))
    with np.errstate(all="ignore"): ratio = masses(after, "particles") / masses(before, "particles") - 1
    rows, there = before.index.get_level_values(0).nunique(), np.isfinite(ratio)
    return {
        "bytes": len(data) / rows, "weights": 0.0,
        "error": float(np.median(np.abs(after["pt"].to_numpy() / before["pt"].to_numpy() - 1))),
        "effect": float(np.quantile(np.abs(ratio[there]), 0.68)), "seconds": 1000 * seconds / rows,
    }


def packed_text(pack) -> dict:
    "The text of whole HepMC events through a packer."
    text = b"".join(pieces(ROOT / "data/drell_yan.hepmc.gz"))
    data, seconds = timed(pack, text)
    rows = text.count(b"\nE ")
    return {
        "bytes": len(data) / rows, "weights": 0.0, "outside": 0.0, "error": 0.0, "effect": 0.0,
        "seconds": 1000 * seconds / rows,
    }


def methods() -> dict:
    "Name → how its figures are made."
    found = {}
    for name, (make, kind, folder) in DATA.items():
        found[f"{name}/codec"] = lambda make=make, kind=kind: with_codec(make(), kind)
        for other in RIVALS:
            found[f"{name}/{other}"] = lambda make=make, kind=kind, other=other: with_rival(make(), kind, other)
        if not folder: continue
        found[f"{name}/network"] = lambda make=make, kind=kind, folder=folder: with_network(make(), kind, folder)
        found[f"{name}/network, latents rounded"] = (
            lambda make=make, kind=kind, folder=folder: with_latents(make(), kind, folder)
        )
    found["events/codec"] = lambda: whole_events(BOUND)
    found["events/codec, without loss"] = lambda: whole_events(None)
    found["events/gzip"] = lambda: packed_text(gzip.compress)
    found["events/xz"] = lambda: packed_text(lzma.compress)
    found["jets4/packets of ten events"] = lambda: in_packets(jets("jets.root", "E4D"), "jets")
    return found


def main() -> None:
    "Print the figures, or put them into a CSV."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="lines, or the beginnings of their names; none: all")
    parser.add_argument("--csv", type=Path, help="write this file, too")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    wanted = {n: m for n, m in methods().items() if not args.names or n.startswith(tuple(args.names))}
    if not wanted: parser.error(f"no such line; choose from {', '.join(methods())}")
    lines = []
    for name, made in wanted.items():
        command = f"python tests/benchmarks/claims.py '{name}'"
        lines.append({"name": name, **{k: float(f"{v:.4g}") for k, v in made().items()}, "command": command})
        if not args.json: print(*(f"{k} {v}" for k, v in list(lines[-1].items())[:-1]), sep="  ", flush=True)
    if args.json: print(json.dumps(lines, indent=1))
    if args.csv: pd.DataFrame(lines).to_csv(args.csv, index=False)


if __name__ == "__main__":
    main()

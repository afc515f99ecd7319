"""Writes the golden files of format version 1 that are not there. What is committed is never written again: later
versions must read it.

`from_zero` is written by versions before the angles' variants 11 and 12 only: angles from 0 and from −π in bins of
variants 1 and 0."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from arrays import arrays_of

from hepae.codec.bound_text import with_bounds
from hepae.codec.learned.trainer import best_density
from hepae.codec.learned.bins import bins_of
from hepae.codec.learned.training import train_rate_distortion
from hepae.codec.tables import compress, decompress, learn_model
from hepae.files.reading import read
from hepae.schema import Column, Schema, Source, event_index, schema_of, with_events, with_schema

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]
from codec_damage import momenta, units  # noqa: E402


def jets(n: int, dims: str = "4D") -> pd.DataFrame:
    "The first jets of the sample, events included."
    table = read(HERE.parents[1] / "data" / "jets.root", dims).iloc[:n]
    schema = schema_of(table)
    return with_schema(
        table,
        Schema(
            schema.columns,
            schema.name,
            Source(**{**schema.source.__dict__, "entries": int(table.index.get_level_values(0)[-1]) + 3}),
        ),
    )


def odd() -> pd.DataFrame:
    "All dtypes and bounds, and values that are no plain numbers."
    r, n = np.random.default_rng(1), 400
    strange = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, 3e38, np.pi, -999.0])
    kinds = [
        ("f2", "rel:1e-2", "continuous"), ("f4", "abs:1e-3", "periodic"), ("f4", "bits:9", "continuous"),
        ("f8", "rel:1e-4", "continuous"), ("f8", "exact", "continuous"), ("f8", "abs:0.5", "continuous"),
        ("i2", "exact", "integer"), ("u8", "exact", "integer"), ("?", "exact", "flag"),
        ("f4", "rel:1e-6", "continuous"),
    ]
    columns = {}
    for k, (dtype, *_) in enumerate(kinds):
        x = r.normal(size=n) * 10.0 ** (k % 4) if dtype[0] == "f" else r.integers(0, 99, n)
        with np.errstate(all="ignore"):
            columns[f"c{k}"] = (np.where(r.random(n) < 0.05, r.choice(strange, n), x) if dtype[0] == "f" else x).astype(
                dtype
            )
    columns["c7"][:3] = [2**64 - 1, 2**63, 0]
    columns["steps"] = np.cumsum(r.integers(0, 5, n)).astype("i8")
    columns["text"] = np.round(r.normal(size=n), 4)
    columns["zeros"] = np.where(r.random(n) < 0.4, 0, r.normal(size=n)).astype("f4")
    schema = [Column(f"c{k}", str(np.dtype(d)), kind=kind, bound=b) for k, (d, b, kind) in enumerate(kinds)] + [
        Column("steps", "int64", kind="integer", bound="exact"),
        Column("text", "float64", bound="exact"),
        Column("zeros", bound="abs:1e-3"),
    ]
    return with_schema(
        pd.DataFrame(columns, index=pd.Index(r.integers(-9, 10**9, n), name="number")), Schema(tuple(schema))
    )


def particles() -> pd.DataFrame:
    """Particles by falling momentum, 40 an event: steps beside a spline, and masses that follow from the kind of
    particle."""
    r, masses = np.random.default_rng(2), {22: 0.0, 211: 0.13957, -211: 0.13957, 2212: 0.93827, 11: 0.000511}
    eta, p = r.normal(0, 3, 2000), -np.sort(-r.lognormal(0, 1.5, (50, 40)), axis=1).ravel()
    table = pd.DataFrame(
        {
            "pid": r.choice([*masses], 2000).astype("int32"),
            "pt": p / np.cosh(eta),
            "eta": eta,
            "phi": r.uniform(-np.pi, np.pi, 2000),
        },
        index=event_index(np.arange(0, 2001, 40)),
    )
    table["m"] = table["pid"].map(masses)
    table.iloc[1980:1983, 1:3] = [[0.0, np.inf], [np.nan, 1.0], [1.0, -np.inf]]
    table.iloc[1990, 4] = -0.1
    bounds = {
        "pid": ("integer", "exact"),
        "pt": ("continuous", "rel:1e-3"),
        "eta": ("continuous", "abs:1e-3"),
        "phi": ("periodic", "abs:1e-3"),
        "m": ("continuous", "exact"),
    }
    return with_schema(
        table,
        Schema(
            tuple(Column(c, str(table[c].dtype), "", *bounds[c]) for c in table), source=Source("HepMC", entries=52)
        ),
    )


def leptons() -> pd.DataFrame:
    "The same, with prompt: electrons are finer than their bins."
    table, schema = particles(), schema_of(particles())
    table["prompt"] = np.random.default_rng(3).random(2000) < 0.8
    return with_schema(
        table, Schema((*schema.columns, Column("prompt", "bool", kind="flag", bound="exact")), source=schema.source)
    )


def frequent() -> pd.DataFrame:
    """Labels, a sentinel, the masses of two leptons, two labels that lie in one bin, and a circle with a value of
    its own."""
    r, n = np.random.default_rng(4), 600
    columns = {
        "label": r.choice([0.1, 0.7, 1.3], n),
        "score": np.where(r.random(n) < 0.2, -999.25, r.normal(size=n)),
        "mass": np.where(r.random(n) < 0.5, 0.105658, np.where(r.random(n) < 0.5, 0.000511, r.lognormal(0, 1, n))),
        "pair": r.choice([5.001, 5.002], n),
        "phi": np.where(r.random(n) < 0.1, 3.125, r.uniform(-np.pi, np.pi, n)),
        "bits": np.where(r.random(n) < 0.1, 91.1876, r.lognormal(4, 1, n)),
    }
    bounds = {
        "label": ("continuous", "abs:0.4"),
        "score": ("continuous", "abs:1e-2"),
        "mass": ("continuous", "rel:1e-2"),
        "pair": ("continuous", "abs:0.1"),
        "phi": ("periodic", "abs:1e-2"),
        "bits": ("continuous", "bits:6"),
    }
    return with_schema(
        pd.DataFrame(columns).astype({"score": "f4", "phi": "f4"}),
        Schema(tuple(Column(c, "float32" if c in ("score", "phi") else "float64", "", *bounds[c]) for c in columns)),
    )


def texts() -> pd.DataFrame:
    "Text, numbers and flags with gaps, dates, categories, Python's own values, under an index of text with a name."
    r, n = np.random.default_rng(5), 200
    pick = lambda *values: [values[k] for k in r.integers(0, len(values), n)]
    columns = {
        "trigger": pd.Series(pick("HLT_mu26", "HLT_e26_täght", None), dtype="str"),
        "count": pd.Series(pick(1, 2, None), dtype="Int64"),
        "good": pd.Series(pick(True, False, None), dtype="boolean"),
        "time": pd.Series(pd.date_range("2024-03-31", periods=n, freq="7min")),
        "zone": pd.Series(pd.date_range("2024-03-31", periods=n, freq="7min", tz="Europe/Zurich")),
        "stream": pd.Series(pick("physics", "calibration"), dtype="category"),
        "runs": pd.Series(pd.Categorical(r.integers(452000, 452009, n))),
        "any": pd.Series(pick("x", 3, None, 2.5, True, b"y"), dtype=object),
        "swapped": pd.Series(r.integers(0, 999, n).astype(">i4")),
        "pt": pd.Series(r.exponential(30, n).astype("f4")),
    }
    table = pd.DataFrame(columns)
    table.loc[3, "time"] = pd.NaT
    return table.set_index(pd.Index([f"file{k // 50}.root" for k in range(n)], dtype="str", name="file"))


def of_events() -> pd.DataFrame:
    "Particles of which each event has a number and a weight, one event none."
    r = np.random.default_rng(6)
    facts = pd.DataFrame(
        {"weight": r.normal(1, 0.1, 19), "run": np.arange(19) // 8, "met": r.exponential(30, 19).astype("f4")},
        index=np.delete(np.arange(20), 7),
    )
    return with_events(particles().iloc[:800], facts)


def angles() -> pd.DataFrame:
    "Angles from −π and from 0, in bins as they are and moved, and other columns with moved bins."
    r, n = np.random.default_rng(7), 600
    low = r.exponential(0.3, n).clip(0, 3)
    even = (r.permutation(n) + 0.5) / n * 2 * np.pi
    columns = {
        "phi": even - np.pi,
        "around": even[::-1],
        "near": low,
        "far": 6.28 - 2 * low,
        "abs": r.exponential(1, n),
        "rel": 20 + r.exponential(3, n),
        "bits": 20 + r.exponential(3, n),
    }
    bounds = {
        "phi": "abs:1e-3",
        "around": "abs:1e-3",
        "near": "abs:0.3",
        "far": "abs:0.3",
        "abs": "abs:0.5",
        "rel": "rel:0.1",
        "bits": "bits:2",
    }
    kind = lambda c: "periodic" if c in ("phi", "around", "near", "far") else "continuous"
    return with_schema(
        pd.DataFrame(columns).astype("f4"), Schema(tuple(Column(c, "float32", "", kind(c), bounds[c]) for c in columns))
    )


def dithered() -> pd.DataFrame:
    "The angles and other columns, with a sentinel among measured values and fine mantissas."
    table, schema = angles(), schema_of(angles())
    x = np.random.default_rng(8).lognormal(4, 1, len(table))
    table["score"] = np.where(np.arange(len(table)) % 5 == 0, -999.25, x).astype("f4")
    table["fine"] = x.astype("f4")
    more = Column("score", "float32", bound="abs:1e-2"), Column("fine", "float32", bound="bits:20")
    return with_schema(table, Schema((*schema.columns, *more)))


def later() -> dict:
    "Files with what came after the first release."
    return {
        "frequent": compress(frequent(), "schema"),
        "texts": compress(texts(), "pt=1e-3", rows=80),
        "of_events": compress(of_events(), "schema", rows=300),
        "angles": compress(angles(), "schema"),
        "units": compress(units(), "schema", rows=250, dither=9),
        "momenta": compress(momenta(), "schema", rows=250),
        "dithered": compress(dithered(), "schema", rows=250, dither=7),
    }


def made() -> dict:
    "Name → (bytes of a file, the shared model's bytes or None)."
    flat = jets(20000).reset_index(drop=True)
    train, some = flat.iloc[:15000], flat.iloc[15000:16000]
    shared = learn_model(train)
    events, _ = best_density(jets(15000), jets(20000).iloc[15000:], epochs=2)
    autoencoder, _ = train_rate_distortion(*bins_of(train)[:3], latent=2, epochs=2)
    exact = with_schema(jets(600), with_bounds(schema_of(jets(600)), "exact"))
    empty = with_schema(
        pd.DataFrame({"pt": np.zeros(0, "f4")}, index=event_index(np.zeros(5, int))),
        Schema((Column("pt"),), source=Source(entries=4)),
    )
    return {
        "rows": (compress(some, "schema"), None),
        "events": (compress(jets(1000), "schema"), None),
        "chunks": (compress(jets(1000, "E4D"), "schema", rows=300), None),
        "unordered_events": (compress(jets(1000), "schema", unordered="events"), None),
        "unordered_table": (compress(some, "schema", unordered="table"), None),
        "exact": (compress(exact, "schema"), None),
        "odd": (compress(odd(), "schema"), None),
        "empty": (compress(empty, "schema"), None),
        "shared": (compress(some, "schema", predictor=shared, embed=False), shared.to_bytes()),
        "inside": (compress(jets(300), "schema", predictor=events), None),
        "autoencoder": (compress(some, "schema", predictor=autoencoder), None),
        "particles": (compress(particles(), "schema"), None),
        "leptons": (compress(leptons(), "schema"), None),
    } | {name: (data, None) for name, data in later().items()}


if __name__ == "__main__":
    for name, (data, model) in made().items():
        path = HERE / f"{name}.v1.hepae"
        if path.exists():
            continue
        path.write_bytes(data)
        if model:
            (HERE / f"{name}.v1.model").write_bytes(model)
        from hepae.codec.shared_model import model_from_bytes

        back = decompress(data, model_from_bytes(model) if model else None)
        np.savez_compressed(HERE / f"{name}.v1.npz", **arrays_of(back))

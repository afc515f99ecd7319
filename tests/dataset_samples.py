"""Small datasets that use all that format version 2 describes."""

import io
import json

import numpy as np
import pandas as pd

from hepae.codec.datasets import write_datasets
from hepae.dataset import Collection, Dataset
from hepae.schema import Column, Schema, with_schema


def with_bounds(table: pd.DataFrame, **bounds) -> pd.DataFrame:
    "A table with these bounds of some columns; all else is exact."
    kinds = {"phi": "periodic"} | {c: "integer" for c in table if table[c].dtype.kind in "iu"}
    columns = [Column(c, str(table[c].dtype), "", kinds.get(c, "continuous"), bounds.get(c, "exact")) for c in table]
    return with_schema(table, Schema(tuple(columns)))


def places(rng: np.random.Generator, rows: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    "For each row a place among the rows of another table in the same event, −1 where it has none; which row that is."
    many, first = np.repeat(there, rows), np.repeat(np.cumsum(there) - there, rows)
    place = np.where(many > 0, rng.integers(0, 2**20, len(many)) % np.maximum(many, 1), -1)
    return place, np.where(place >= 0, first + place, -1)


def mothers(rng: np.random.Generator, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    "The same, where it is a row before in the same table."
    ranks = np.arange(rows.sum()) - np.repeat(np.cumsum(rows) - rows, rows)
    place = np.where(ranks > 0, rng.integers(0, 2**20, len(ranks)) % np.maximum(ranks, 1), -1)
    return place, np.where(place >= 0, np.arange(len(ranks)) - ranks + place, -1)


def particles(rng: np.random.Generator, rows: np.ndarray) -> pd.DataFrame:
    "Particles that carry off a part of what their mother had."
    place, at = mothers(rng, rows)
    pt, eta = rng.exponential(50, len(at)) + 1, rng.normal(0, 2, len(at))
    pid = rng.choice([11, -11, 22, 211, -211], len(at))
    for i in np.flatnonzero(at >= 0):
        pt[i], eta[i] = pt[at[i]] * rng.uniform(0.97, 1), eta[at[i]] + rng.normal(0, 0.01)
        if rng.random() < 0.7:
            pid[i] = pid[at[i]]
    table = pd.DataFrame({"pid": pid.astype("i4"), "pt": pt.astype("f4"), "eta": eta.astype("f4")})
    odd = rng.random(len(place)) < 0.01  # some mean rows after their own, or none
    return table.assign(mother=np.where(odd, rng.integers(-3, 9, len(place)), place).astype("i2"))


def events_of(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "A row an event: numbers, text, gaps."
    met, phi = rng.exponential(30, n), rng.uniform(-np.pi, np.pi, n)
    table = pd.DataFrame({"number": np.arange(n) * 3 + 7, "met": met.astype("f4"), "phi": phi.astype("f4")})
    odd = np.where(rng.random(n) < 0.05, rng.choice([np.nan, np.inf, -0.0, 1e300], n), rng.normal(0, 1, n))
    table = with_bounds(table.assign(weight=odd, flag=rng.random(n) < 0.1), met="rel:1e-3", phi="abs:1e-3")
    schema = table.attrs
    table["stream"] = rng.choice(["", "e", "µ", "jets and met"], n)
    table["lumi"] = pd.array(rng.integers(0, 9, n), "Int32").copy()
    table.loc[:3, "lumi"] = pd.NA
    table.attrs = schema
    return table


def physics(seed: int, n: int = 120) -> Dataset:
    "Events with jets, their cells, generated jets (which jets mean), particles with mothers, runs, documents."
    rng = np.random.default_rng(seed)
    jets, gen, own = rng.poisson(3, n), rng.poisson(4, n), rng.poisson(7, n)
    generated = pd.DataFrame({"pt": rng.exponential(40, gen.sum()), "eta": rng.normal(0, 2, gen.sum())}).astype("f4")
    index, at = places(rng, jets, gen)
    odd = rng.random(len(index)) < 0.01
    index[odd] = np.repeat(gen, jets)[odd]  # one past the last
    found = {c: np.where(at >= 0, x[np.maximum(at, 0)], 1) for c, x in generated.items()} if gen.sum() else {}
    table = pd.DataFrame(
        {
            "index": index.astype("i4"),
            "pt": found["pt"] * rng.normal(1, 0.02, len(at)),
            "eta": found["eta"] + rng.normal(0, 0.01, len(at)),
            "score": rng.choice([-999.25, 0.5], len(at)),
        }
    ).astype({"pt": "f4", "eta": "f4", "score": "f4"})
    cells = rng.poisson(2, len(at))
    energy = np.repeat(table["pt"].to_numpy(), cells) * rng.beta(2, 5, cells.sum())
    tables = {
        "events": events_of(rng, n),
        "jets": with_bounds(table, pt="rel:1e-3", eta="abs:1e-3", score="abs:1e-2"),
        "cells": pd.DataFrame({"E": energy.astype("f4"), "layer": rng.integers(0, 4, cells.sum()).astype("i1")}),
        "generated": generated,
        "particles": particles(rng, own),
        "runs": pd.DataFrame({"run": [284500, 284501], "name": ["a", "b"]}),
    }
    belong = {
        "jets": Collection("events", jets), "cells": Collection("jets", cells),
        "generated": Collection("events", gen), "particles": Collection("events", own),
    }
    return Dataset(tables, belong, {"title": "Dijets, √s = 13 TeV".encode(), "empty": b""})


def in_units(seed: int, n: int = 120) -> Dataset:
    "The same, with jets' pt in units of eta: where that is not above 0, pt is exact."
    d = physics(seed, n)
    d.tables["jets"] = with_bounds(d.tables["jets"], pt="sigma:0.05*eta", eta="rel:1e-2", score="abs:1e-2")
    return d


def with_momenta(seed: int, n: int = 120) -> Dataset:
    "The same, with an azimuth of each jet, so that pairs have masses."
    d = physics(seed, n)
    jets = d.tables["jets"].drop(columns="score")
    phi = np.random.default_rng(seed).uniform(-np.pi, np.pi, len(jets)).astype("f4")
    d.tables["jets"] = with_bounds(jets.assign(phi=phi), pt="rel:1e-2", eta="abs:1e-2", phi="abs:1e-2")
    return d


def corrected(seed: int, n: int = 120) -> Dataset:
    "The same, with columns of jets and particles that follow from others."
    d, rng = physics(seed, n), np.random.default_rng(seed)
    jets = d.tables["jets"]
    raw, phi = rng.normal(0.05, 0.02, len(jets)), rng.uniform(-np.pi, np.pi, len(jets))
    more = {"raw": raw, "pt_raw": jets["pt"] * (1 - raw), "copy": jets["eta"], "phi": phi}
    more["px"] = jets["pt"] * np.cos(phi)
    jets = jets.assign(**{name: x.astype("f4") for name, x in more.items()})
    jets.loc[::40, "px"] = np.float32(-999)
    d.tables["jets"] = with_bounds(jets, pt="rel:1e-3", eta="abs:1e-3", copy="abs:1e-3", px="rel:1e-3")
    d.tables["generated"]["twice"] = 2 * d.tables["generated"]["pt"]
    return d


def matched(seed: int, n: int = 300) -> Dataset:
    "Events with jets, and trigger objects that are jets in another order, measured again, and some that are none."
    rng = np.random.default_rng(seed)
    jets = rng.poisson(3, n)
    size, ends = int(jets.sum()), np.concatenate([[0], np.cumsum(jets)])
    table = {"pt": 20 + rng.exponential(40, size), "eta": rng.normal(0, 2, size), "phi": rng.uniform(-3.1, 3.1, size)}
    table = pd.DataFrame(table).astype("f4")
    order = np.concatenate([a + rng.permutation(b - a) for a, b in zip(ends, ends[1:])]).astype(int)
    kept = rng.random(size) < 0.8
    near = table.iloc[order[kept]].reset_index(drop=True) + rng.normal(0, 0.005, (int(kept.sum()), 3)).astype("f4")
    near.loc[::9, "eta"], near.loc[3:4, "phi"] = np.float32(4.9), np.nan
    event = np.repeat(np.arange(n), jets)
    tables = {
        "events": pd.DataFrame({"run": rng.integers(0, 5, n)}), "jets": table,
        "trigger": with_bounds(near, pt="rel:1e-3", eta="abs:1e-3", phi="abs:1e-3"),
    }
    belong = {"jets": Collection("events", jets),
              "trigger": Collection("events", np.bincount(event[order[kept]], minlength=n))}
    return Dataset(tables, belong, {})


def copies(seed: int, n: int = 300) -> Dataset:
    "Rows that repeat others: each pair of muons four times, every other time the other way round; vertices of tracks."
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0, 40, (2, n // 4, 2))
    pairs = np.stack([np.hstack([first, second]), np.hstack([second, first])] * 2, 1).reshape(-1, 4)
    table = pd.DataFrame(pairs, columns=["px1", "py1", "px2", "py2"])
    table = table.assign(charge=np.resize([1, -1], len(table)), m=np.repeat(rng.normal(91, 3, n // 4).round(6), 4))
    table.loc[rng.random(len(table)) < 0.05, "m"] = np.nan  # is no decimal number: it escapes
    rows = rng.poisson(6, len(table))
    vertices = rng.normal(0, 30, 40).astype("f4")
    which = np.cumsum(rng.random(rows.sum()) < 0.3) % 40
    tracks = pd.DataFrame({"z": vertices[which], "q": rng.integers(0, 2, len(which))})
    return Dataset({"events": table, "tracks": tracks}, {"tracks": Collection("events", rows)}, {})


def wide(seed: int, n: int = 60) -> Dataset:
    "Many columns of alike names, and a document that says them once more: the header is written in columns."
    rng = np.random.default_rng(seed)
    rows = rng.poisson(2, n)
    names = [f"HLT_Jet{30 * k}_Mu{k % 7}" for k in range(120)]
    table = pd.DataFrame(rng.random((n, len(names))) < rng.random(len(names)), columns=names)
    jets = {f"jets_{c}": rng.normal(k, 1 + k, rows.sum()).astype("f4") for k, c in enumerate(["pt", "eta", "phi", "m"])}
    branches = [{"name": c, "type": "bool"} for c in names] + [{"name": c, "tables": [1]} for c in jets]
    documents = {"tree.json": {"trees": branches, "µ": 1.5e-3, "none": [None, [], {}]}}
    text = {name: json.dumps(x, ensure_ascii=False, separators=(",", ":")).encode() for name, x in documents.items()}
    tables = {"events": table, "jets": pd.DataFrame(jets)}
    return Dataset(tables, {"jets": Collection("events", rows)}, text | {"title": b"{ no JSON"})


def whatever(seed: int) -> Dataset:
    "A few tables of a few columns of any numbers, nested as it happens."
    r = np.random.default_rng(seed)
    tables, belong = {"t0": pd.DataFrame({"e": r.integers(-5, 5, r.integers(0, 30))})}, {}
    for k in range(1, r.integers(1, 6)):
        parent = r.choice(["", *tables])
        rows = r.integers(0, 4, len(tables[parent])) if parent else None
        n = int(rows.sum()) if parent else int(r.integers(0, 9))
        columns = {}
        for j, kind in enumerate(r.choice(["f4", "f8", "f2", "i1", "u8", "?", "i8"], r.integers(1, 5))):
            size = np.dtype(kind).itemsize
            columns[f"c{j}"] = r.random(n) < 0.1 if kind == "?" else np.frombuffer(r.bytes(n * size), kind)
        tables[f"t{k}"] = pd.DataFrame(columns).assign(which=r.integers(-1, 4, n))
        if parent:
            belong[f"t{k}"] = Collection(str(parent), rows)
    return Dataset(tables, belong, {"note": r.bytes(9)})


def written(d: Dataset, **how) -> bytes:
    "A dataset as a file."
    file = io.BytesIO()
    write_datasets([d], file, **how)
    return file.getvalue()


def same_columns(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    "The same names, dtypes and values, bit for bit."
    if list(one) != list(other) or list(one.dtypes) != list(other.dtypes) or len(one) != len(other):
        return False
    plain = lambda x: isinstance(x.dtype, np.dtype) and x.dtype.kind in "biuf"
    return all(
        one[c].to_numpy().tobytes() == other[c].to_numpy().tobytes() if plain(one[c]) else one[c].equals(other[c])
        for c in one
    )


def same(one: Dataset, other: Dataset) -> bool:
    "The same tables, what belongs to what, documents."
    if list(one.tables) != list(other.tables) or one.documents != other.documents:
        return False
    if one.collections.keys() != other.collections.keys():
        return False
    for name, c in one.collections.items():
        if c.parent != other.collections[name].parent or c.rows.tolist() != other.collections[name].rows.tolist():
            return False
    return all(same_columns(table, other[name]) for name, table in one.tables.items())

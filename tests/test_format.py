"""FORMAT.md suffices: `other_reader.py`, written from it alone, gives the numbers of `decompress`, bit for bit.

The tables are small and so made that the planner uses all that FORMAT.md describes: `test_what_the_tables_use`
holds them to that.
"""

from functools import cache
from pathlib import Path

import numpy as np
import other_reader
import pandas as pd
import pytest
from codec_damage import momenta, units, with_labels
from golden.arrays import arrays_of, plain_array

from hepae.codec.bound_text import with_bounds as bounded_schema
from hepae.codec.tables import compress, decompress
from hepae.schema import Column, Schema, event_index, schema_of, with_events, with_schema

GOLDEN = Path(__file__).parent / "golden"
REAL = "continuous"


def with_bounds(table: pd.DataFrame, **bounds) -> pd.DataFrame:
    "A table with the schema that these (kind, bound) make."
    return with_schema(table, Schema(tuple(Column(c, str(table[c].dtype), "", *bounds[c]) for c in table)))


def events(rng: np.random.Generator, n: int, most: int = 5) -> pd.MultiIndex:
    "n rows in events of up to so many, some without any."
    edges = np.cumsum(rng.integers(0, most + 1, n))
    return event_index(np.concatenate([[0], edges[edges < n], [n]]))


def jets(rng: np.random.Generator, n: int = 600, index=None, dtype: str = "float32") -> pd.DataFrame:
    "pt, eta, phi and the E of a mass."
    pt, eta, phi = rng.exponential(40, n) + 20, rng.normal(0, 1.5, n), rng.uniform(-np.pi, np.pi, n)
    E = np.sqrt((pt * np.cosh(eta)) ** 2 + rng.exponential(5, n) ** 2)
    return pd.DataFrame({"pt": pt, "eta": eta, "phi": phi, "E": E}, index=index).astype(dtype)


JETS = {"pt": (REAL, "rel:1e-3"), "eta": (REAL, "abs:1e-3"), "phi": ("periodic", "abs:1e-3"), "E": (REAL, "bits:10")}


def relatives(rng: np.random.Generator, index: pd.MultiIndex) -> pd.DataFrame:
    "Columns that follow the row before in the event, the place in it, the rows of it, and phi of its first row."
    entry, place = (index.get_level_values(k).to_numpy() for k in range(2))
    x = rng.normal(0, 100, len(index))
    for i in np.flatnonzero(place):
        x[i] = 0.9 * x[i - 1] - 3 * rng.random()
    size = np.bincount(entry)[entry]
    phi = rng.uniform(-np.pi, np.pi, entry[-1] + 1)[entry] + rng.normal(0, 0.02, len(index))
    table = {
        "x": x,
        "y": 10 * place + rng.normal(0, 0.1, len(index)),
        "z": 10 * size + rng.normal(0, 0.1, len(index)),
        "phi": (phi + np.pi) % (2 * np.pi) - np.pi,
    }
    return with_bounds(
        pd.DataFrame(table, index=index).astype("float32"),
        x=(REAL, "abs:1e-2"),
        y=(REAL, "abs:1e-2"),
        z=(REAL, "abs:1e-2"),
        phi=("periodic", "abs:1e-3"),
    )


def signs(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "Numbers of both signs and none near 0; what is nearer comes late, as do zeros of both signs, infinities, NaN."
    v = rng.choice([-1, 1], n) * rng.lognormal(0, 2, n)
    v[300:304] = [0.0, -0.0, 1e-7, -1e-7]
    v[304:308] = [np.inf, -np.inf, np.nan, 6e4]
    near = v * (1 + 0.003 * rng.normal(0, 1, n))
    table = pd.DataFrame(
        {
            "exact": v,
            "rel": v,
            "near": near,
            "bits": v,
            "half": v,
            "few": v,
            "zeros": np.where(rng.random(n) < 0.4, 0, v),
        }
    )
    table = table.astype(
        {
            "exact": "float32",
            "rel": "float32",
            "near": "float32",
            "bits": "float64",
            "half": "float16",
            "few": "float16",
            "zeros": "float32",
        }
    )
    return with_bounds(
        table,
        exact=(REAL, "exact"),
        rel=(REAL, "rel:1e-3"),
        near=(REAL, "rel:1e-3"),
        bits=(REAL, "bits:5"),
        half=(REAL, "exact"),
        few=(REAL, "rel:1e-3"),
        zeros=(REAL, "rel:1e-2"),
    )


def near(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "Two columns of both signs, one near the other."
    x = rng.choice([-1, 1], n) * rng.lognormal(0, 1, n)
    return with_bounds(
        pd.DataFrame({"x": x, "y": x * (1 + 0.03 * rng.normal(0, 1, n))}).astype("float32"),
        x=(REAL, "rel:1e-3"),
        y=(REAL, "rel:1e-3"),
    )


def lossless(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "Exact columns: sorted, with zeros, signed, decimal, integers, flags."
    table = pd.DataFrame(
        {
            "time": np.sort(np.round(rng.normal(0, 100, n), 3)).astype("float32"),
            "signed": rng.normal(0, 1, n).astype("float32"),
            "zeros": np.where(rng.random(n) < 0.6, 0, rng.exponential(10, n)),
            "decimal": np.round(rng.normal(0, 10, n), 2),
            "tenth": np.round(rng.normal(0, 10, n), 1).astype("float32"),
            "double": rng.normal(0, 1, n),
            "half": rng.normal(0, 1, n).astype("float16"),
            "turn": rng.uniform(-np.pi, np.pi, n),
            "count": np.cumsum(rng.integers(0, 5, n)) * 1024,
            "pdg": rng.choice([-211, 211, 11, -11, 22, 2112], n).astype("int32"),
            "wide": rng.integers(0, 2**64, n, dtype="uint64"),
            "small": rng.integers(-128, 128, n).astype("int8"),
            "good": rng.random(n) < 0.3,
        }
    )
    integers, periodic, flags = ("count", "pdg", "wide", "small"), ("turn",), ("good",)
    return with_bounds(
        table,
        **{
            c: (
                "integer" if c in integers else "periodic" if c in periodic else "flag" if c in flags else REAL,
                "exact",
            )
            for c in table
        },
    )


def bounded(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "Bounds at the edges of quantisers, angles of all ranges, escapes."
    kinds, table = {}, {}
    for dtype, bounds in {
        "float16": ("rel:3e-3", "rel:1e-3", "abs:0.5"),
        "float32": ("rel:2e-7", "rel:1e-6", "rel:0.5", "bits:1", "abs:1e-9"),
        "float64": ("rel:4e-16", "rel:1e-7", "bits:52", "abs:1e-17"),
    }.items():
        for bound in bounds:
            v = (rng.choice([-1, 1], n) * rng.lognormal(0, 3, n)).astype(dtype)
            v[:5] = [0, -0.0, np.nan, np.inf, np.finfo(dtype).smallest_subnormal]
            table[f"{dtype} {bound}"], kinds[f"{dtype} {bound}"] = v, (REAL, bound)
    for bound in ("abs:1e-3", "abs:0.1", "abs:1e-12", "abs:3.1", "abs:3.2"):
        for low, high in ((-np.pi, np.pi), (0, 2 * np.pi), (-20, 20)):
            table[f"phi {bound} {low}"], kinds[f"phi {bound} {low}"] = rng.uniform(low, high, n), ("periodic", bound)
    return with_bounds(pd.DataFrame(table), **kinds)


def particles(rng: np.random.Generator, n: int, each: int = 25) -> pd.DataFrame:
    """Particles by falling momentum, the mass from the kind of particle; a few of other kinds late, and values
    that no quantiser holds."""
    masses = {22: 0.0, 211: 0.13957, -211: 0.13957, 2212: 0.93827, 11: 0.000511}
    eta = np.round(rng.normal(0, 3, n), 2)
    p = -np.sort(-rng.lognormal(0, 1.5, (n // each, each)), axis=1).ravel()
    table = pd.DataFrame(
        {"pid": rng.choice([*masses], n).astype("int32"), "pt": p / np.cosh(eta), "eta": eta},
        index=event_index(np.arange(0, n + 1, each)),
    )
    table["m"], table["prompt"], table["phi"] = (
        table["pid"].map(masses),
        rng.random(n) < 0.8,
        rng.uniform(-np.pi, np.pi, n),
    )
    table.loc[(n // each - 1,), ["pid", "m"]] = [321, 0.49368]
    table.iloc[-3:, 1:3] = [[0.0, np.inf], [np.nan, -np.inf], [1e-320, 2.0]]
    table.iloc[-9, 3] = -0.1
    return with_bounds(
        table.astype({"pid": "int32"}),
        pid=("integer", "exact"),
        pt=(REAL, "rel:1e-3"),
        eta=(REAL, "abs:1e-3"),
        m=(REAL, "exact"),
        prompt=("flag", "exact"),
        phi=("periodic", "abs:1e-3"),
    )


def far(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "Integers so large that the place on a spline goes beyond 64 bits, and what follows them."
    x = rng.uniform(-1, 1, n) * 2.0**49
    return with_bounds(
        pd.DataFrame({"x": x.astype("int64"), "y": (x / 2.0**49 + 0.001 * rng.normal(0, 1, n)).astype("float32")}),
        x=("integer", "exact"),
        y=(REAL, "abs:1e-5"),
    )


def moved(rng: np.random.Generator, n: int) -> pd.DataFrame:
    "Columns that bins as they are would shift: many values in few bins; angles of both ranges, with and without."
    low, even = rng.exponential(0.3, n).clip(0, 3), (rng.permutation(n) + 0.5) / n * 2 * np.pi
    table = pd.DataFrame(
        {
            "phi": even - np.pi,
            "around": even[::-1],
            "near": low,
            "far": 6.28 - 2 * low,
            "abs": rng.exponential(1, n),
            "rel": 20 + rng.exponential(3, n),
            "bits": 20 + rng.exponential(3, n),
        }
    ).astype("float32")
    angles = {"phi": "abs:1e-3", "around": "abs:1e-3", "near": "abs:0.3", "far": "abs:0.3"}
    return with_bounds(
        table,
        **{c: ("periodic", b) for c, b in angles.items()},
        abs=(REAL, "abs:0.5"),
        rel=(REAL, "rel:0.1"),
        bits=(REAL, "bits:2"),
    )


def texts(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Text, gaps, dates, categories, Python's own values; of the index one level is numbers, the others are text
    and times."""
    pick = lambda *values: [values[k] for k in rng.integers(0, len(values), n)]
    times = pd.date_range("2024-03-31", periods=n, freq="7min")
    table = pd.DataFrame(
        {
            "text": pd.Series(pick("a", "bä", "", None), dtype="str"),
            "count": pd.Series(pick(1, 2**60, None), dtype="Int64"),
            "real": pd.Series(pick(1.5, None), dtype="Float32"),
            "good": pd.Series(pick(True, False, None), dtype="boolean"),
            "time": times,
            "zone": times.tz_localize("UTC").tz_convert("Asia/Tokyo"),
            "length": times - times[0],
            "stream": pd.Series(pick("p", "c", None), dtype="category"),
            "run": pd.Categorical(rng.integers(5, 9, n)),
            "any": pd.Series(pick("x", 3, -(2**70), None, 2.5, True, b"y"), dtype=object),
            "swapped": rng.integers(0, 999, n).astype(">i4"),
            "pt": rng.exponential(30, n).astype("f4"),
        }
    )
    table.loc[3, "time"] = pd.NaT
    return table.set_index(
        pd.MultiIndex.from_arrays(
            [np.arange(n) // 7, [f"file{k // 50}" for k in range(n)], times], names=["run", "file", None]
        )
    )


def curve(rng: np.random.Generator, n: int = 800) -> pd.DataFrame:
    "A column that is nearly a function of another, which no formula says."
    x = rng.exponential(40, n) + 10
    table = pd.DataFrame({"x": x, "y": np.log(x) ** 3 * rng.normal(1, 1e-3, n)}).astype("f4")
    return with_bounds(table, x=(REAL, "exact"), y=(REAL, "exact"))


def partly(rng: np.random.Generator, n: int = 900) -> pd.DataFrame:
    "Columns that often hold what another one holds, or the row before in the event."
    x, y = rng.normal(0, 1, (2, n))
    often = lambda share, a, b: np.where(rng.random(n) < share, a, b)
    table = pd.DataFrame({"x": x, "y": often(0.4, x, y), "z": often(0.5, np.roll(x, 1), y), "n": 0}).astype("f4")
    table["n"] = often(0.3, 1000 * np.arange(n), rng.integers(-(2**40), 2**40, n))
    table["m"] = often(0.6, table["n"], rng.integers(-(2**40), 2**40, n))
    table.loc[::80, "x"] = np.float32(np.inf)
    table.index = events(rng, n)
    kinds = {c: (REAL, "exact") for c in "xyz"} | {c: ("integer", "exact") for c in "nm"}
    return with_bounds(table, **kinds)


def uneven(rng: np.random.Generator, n: int = 1500) -> pd.DataFrame:
    "A column that is as wide as two flags say, and one as wide as it is large."
    x, z, k, s = *rng.normal(0, 1, (2, n)), *rng.integers(0, 2, (2, n))
    y = np.exp(x) * 100 + rng.normal(0, 1, n) * (0.1 + np.exp(x)) * np.where(k, 1, 6) * np.where(s, 1, 4)
    total = (np.exp(x) + np.exp(z)) * rng.normal(100, 2, n)
    table = pd.DataFrame({"k": k, "s": s, "x": x, "z": z, "y": y, "total": total})
    kinds = {c: ("integer", "exact") for c in "ks"} | {c: (REAL, "abs:1e-3") for c in "xz"}
    return with_bounds(table, **kinds, y=(REAL, "abs:1e-2"), total=(REAL, "abs:1e-2"))


def decimals(rng: np.random.Generator, n: int = 300) -> pd.DataFrame:
    "Doubles that were text of 8, 9 and 15 digits behind the point, and a few that were none."
    x = rng.normal(0, 1, n)
    table = pd.DataFrame({f"d{k}": np.round(x * 10 ** (12 - k), k) for k in (8, 9, 11, 15)})
    table.iloc[::100, :] = [[1 / 3, np.nan, 2 / 3, np.inf]]
    return with_bounds(table, **{name: (REAL, "exact") for name in table})


def with_bound(table: pd.DataFrame, bound: str) -> pd.DataFrame:
    "The table with another bound."
    return with_schema(table, bounded_schema(schema_of(table), bound))


def of_events(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    "The table, with a number and a weight for all events but one."
    numbers = np.delete(np.arange(table.index.levels[0][-1] + 1), 3)
    return with_events(
        table, pd.DataFrame({"weight": rng.normal(1, 0.1, len(numbers)), "number": numbers // 9}, index=numbers)
    )


def tables() -> dict[str, tuple[pd.DataFrame, dict]]:
    "Tables, and how each is compressed."
    rng = np.random.default_rng(41)
    eventful = with_bounds(jets(rng, 600, events(rng, 600)), **JETS)
    flat = with_bounds(jets(rng), **JETS)
    exact = with_bounds(jets(rng), **{c: ("periodic" if c == "phi" else REAL, "exact") for c in JETS})
    few = with_bounds(jets(rng, 100, rng.permutation(100)), **JETS)
    related = relatives(rng, events(rng, 600))
    late = relatives(rng, events(rng, 600))
    crowd = relatives(rng, event_index(np.concatenate([[0, 100, 180], np.arange(190, 601, 10)])))
    odd = late.index.to_frame().to_numpy()
    odd[590:, 1] = rng.integers(0, 9, 10)
    late.index = pd.MultiIndex.from_arrays(odd.T, names=late.index.names)
    stepped = with_bounds(jets(rng, 300, np.arange(300) * -3 + 7), **JETS)
    three = with_bounds(
        jets(
            rng,
            200,
            pd.MultiIndex.from_arrays(
                [np.sort(rng.integers(0, 9, 200)), np.arange(200) // 3, rng.integers(-(2**62), 2**62, 200)],
                names=["run", "event", "id"],
            ),
        ),
        **JETS,
    )
    new = np.random.default_rng(42)
    later = {
        "moved": (moved(new, 600), {}),
        "labels": (with_labels(new, 600), {}),
        "dithered": (moved(new, 600), {"dither": 7, "rows": 250}),
        "units": (units(), {"rows": 250}),
        "momenta": (momenta(), {"rows": 250}),
        "partly": (partly(np.random.default_rng(47)), {}),
        "partly in chunks": (partly(np.random.default_rng(48)), {"rows": 400}),
        "partly without order": (partly(np.random.default_rng(49)), {"unordered": "events"}),
        "uneven": (uneven(np.random.default_rng(46)), {}),
        "curve": (curve(np.random.default_rng(43)), {}),
        "curve without order": (curve(np.random.default_rng(44)), {"unordered": "table"}),
        "all momenta": (momenta(), {}),
        "massless table": (exact.drop(columns="E"), {"unordered": "table"}),
        "massless events as table": (eventful.drop(columns="E"), {"unordered": "table", "rows": 300}),
        "decimals": (decimals(np.random.default_rng(45)), {}),
        "rounded momenta": (with_bound(momenta(), "1e-3"), {}),
        "coarse momenta": (with_bound(momenta(), "bits:4"), {}),
        "momenta without order": (momenta(), {"unordered": "table"}),
        "dithered units": (units(), {"dither": 8}),
        "units without order": (units(), {"unordered": "table"}),
        "dithered near 0": (moved(np.random.default_rng(7), 600), {"dither": 6}),
        "dithered bounds": (bounded(new, 150), {"dither": 2**63 - 1}),
        "dithered particles": (particles(new, 1000), {"dither": 0}),
        "dithered labels": (with_labels(new, 600), {"dither": 1}),
        "labels in chunks": (with_labels(new, 600), {"rows": 200}),
        "labels as table": (with_labels(new, 600), {"unordered": "table"}),
        "texts": (texts(new, 200), {"rows": 70}),
        "of events": (of_events(new, eventful), {"rows": 200}),
        "of unordered events": (of_events(new, eventful), {"unordered": "events"}),
    }
    return later | {
        "crowd": (crowd, {}),
        "crowd without order": (crowd, {"unordered": "events"}),
        "events": (eventful, {}),
        "unordered events": (eventful, {"unordered": "events"}),
        "chunks": (eventful, {"rows": 100}),
        "flat": (flat, {}),
        "table": (flat, {"unordered": "table"}),
        "table in chunks": (flat, {"unordered": "table", "rows": 200}),
        "exact table": (exact, {"unordered": "table"}),
        "events as table": (eventful, {"unordered": "table", "rows": 300}),
        "odd index": (few, {}),
        "steps of index": (stepped, {"rows": 100}),
        "three levels": (three, {"rows": 100}),
        "relatives": (related, {}),
        "odd rows late": (late, {"rows": 300}),
        "signs": (signs(rng, 500), {}),
        "signs, then zeros": (signs(rng, 500), {"rows": 250}),
        "near": (near(rng, 600), {}),
        "lossless": (lossless(rng, 600), {}),
        "lossless in chunks": (lossless(rng, 600), {"rows": 250}),
        "bounds": (bounded(rng, 150), {}),
        "particles": (particles(rng, 3000), {}),
        "particles in chunks": (particles(rng, 2000), {"rows": 1000}),
        "far": (far(rng, 2000), {}),
        "one row": (flat.iloc[:1], {}),
        "none": (flat.iloc[:0], {}),
    }


TABLES = tables()


@cache
def packed(name: str) -> bytes:
    "The table as a file, made once."
    table, choice = TABLES[name]
    return compress(table, "schema", **choice)


def arrays_in(found: dict) -> dict[str, np.ndarray]:
    "What the other reader found, named and told as `arrays_of` does."
    arrays = {f"index {k}": plain_array(x) for k, x in enumerate(found["index"])} | {
        f"column {c}": plain_array(x) for c, x in found["columns"].items()
    }
    facts = found["facts"]
    return arrays | (
        {"number of event": facts["index"][0]} | {f"event {c}": x for c, x in facts["columns"].items()} if facts else {}
    )


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    "Names, dtypes, bits; the other reader knows no dtypes of pandas."
    expected = {name: x for name, x in expected.items() if not name.startswith("dtype ")}
    assert [*found] == [*expected]
    for name, x in expected.items():
        assert found[name].dtype == x.dtype and found[name].tobytes() == x.tobytes(), name


@pytest.mark.parametrize("name", TABLES)
def test_other_reader(name):
    "The other reader gives what decompress gives."
    table, data = TABLES[name][0], packed(name)
    expected = decompress(data)
    assert_same(arrays_in(other_reader.read(data)), arrays_of(expected))
    assert len(expected) == len(table)


EARLIER = [
    "angles", "chunks", "dithered", "empty", "events", "exact", "frequent", "from_zero", "leptons", "odd", "of_events",
    "momenta", "particles", "rows", "texts", "units", "unordered_events", "unordered_table",
]


@pytest.mark.parametrize("name", EARLIER)
def test_golden_files(name):
    "The other reader reads the files of earlier versions."
    found = other_reader.read((GOLDEN / f"{name}.v1.hepae").read_bytes())
    with np.load(GOLDEN / f"{name}.v1.npz", allow_pickle=False) as expected:
        assert_same(arrays_in(found), {name: expected[name] for name in expected.files})


def bins_used(head: dict) -> set[str]:
    "Which variants of which quantisers."
    found = set()
    for (_, dtype, _, kind, bound), variant in zip(head["columns"], head["variants"]):
        mode, x = bound.partition(":")[::2]
        turn = mode == "abs" and kind == "periodic" and float(x) < np.pi
        if dtype[:5] != "float":
            continue
        if turn and variant > 15:
            found.add(f"moved turn from {'0' if variant >= 1040 else 'minus pi'}")
        elif turn:
            found.add(f"turn {variant}")
        else:
            usual = f"moved {mode}" if variant > 15 else f"variant {min(variant, 2)}"
            found.add("long decimals" if variant >= 2068 else usual)
    return found


def used(data: bytes) -> set[str]:
    "What of FORMAT.md a file uses."
    found, blocks = set(), other_reader.blocks(data)
    head = other_reader.described(blocks[0][1])
    for k, ((_, shift, _, frequent), splines, scale, ranges, _, period, zeros, taken, hole, *lookup) in zip(
        head["order"], head["plan"]
    ):
        parents = (
            {"row before" if p >= 10000 else "column" if p >= 0 else p for p, *_ in splines},
            {"row before" if p >= 10000 else "column" if p >= 0 else p for p, *_ in ranges},
        )
        found |= {f"spline {p}" for p in parents[0]} | {f"range {p}" for p in parents[1]}
        found |= {
            name
            for name, used in {
                "atoms": frequent,
                "ranges": len(ranges) > 1,
                "period": period and splines,
                "zeros": zeros,
                "steps": taken == 2,
                "steps and spline": taken == 2 and splines,
                "lookup": lookup and lookup[0],
                "same": lookup[1:],
                "hole": hole,
                "spline and hole": splines and hole,
                "fine scale": splines and scale >= 4,
                "coarse scale": splines and scale < 4,
            }.items()
            if used
        }
    found |= {f"formula {name}" for _, name, *_ in head["formulas"]}
    found |= bins_used(head) | {name for name in ("fine", "plain", "events") if head[name]}
    for kind, payload, *_ in blocks:
        if kind != b"C":
            continue
        numbers, *sections = other_reader.sections(payload, *other_reader.leb128(payload, 0)[::-1])
        n, entries, kind, *own = other_reader.numbers(numbers)
        told = other_reader.told_apart(sections, kind, head)
        found |= ({"frequent"} if any(told["frequent"]) else set()) | (
            {"texts"} if any(len(x) > 1 for x in told["texts"]) else set()
        )
        found |= (
            {f"index {kind}"}
            | ({"escapes"} if sections[-1] else set())
            | ({"loose rows"} if head["unordered"] == "table" and own[-1] else set())
        )
    return found | (
        {"wide places"} if any(b - a > 128 << 10 for edges in head["keys"] for a, b in zip(edges, edges[1:])) else set()
    )


def test_what_the_tables_use():
    "The tables leave nothing out, so that the tests above say something."
    wanted = {
        "index 0", "index 1", "index 2", "escapes", "loose rows", "wide places", "atoms", "ranges", "period",
        "zeros", "steps", "steps and spline", "lookup", "same", "fine", "hole", "spline and hole", "fine scale",
        "coarse scale", "frequent", "texts", "plain", "events", "variant 0", "variant 2", "turn 0", "turn 1",
        "turn 11", "turn 12", "moved turn from minus pi", "moved turn from 0", "moved abs", "moved rel",
        "moved bits", "spline column", "spline row before", "spline -1", "spline -2", "range column",
        "range row before", "range -1", "range -2", "range -3", "long decimals", "formula times", "formula reduced",
        "formula length", "formula azimuth",
    }
    earlier = [used((GOLDEN / f"{name}.v1.hepae").read_bytes()) & {"turn 0", "turn 1"} for name in EARLIER]
    assert wanted - set().union(*earlier, *(used(packed(name)) for name in TABLES)) == set()


def test_damage_is_seen():
    "Magic, digests, the end block: any byte that is changed, any that is missing."
    data = compress(TABLES["steps of index"][0], **TABLES["steps of index"][1])
    blocks = other_reader.blocks(data)
    for at in [0, 9, 10, 11, 30, blocks[1][2] + 40, blocks[-1][2], blocks[-1][2] + 3, len(data) - 12, len(data) - 1]:
        with pytest.raises(other_reader.NotHepae):
            other_reader.read(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    for missing in (1, 12, len(data) - blocks[-1][2], len(data) - 10, len(data)):
        with pytest.raises(other_reader.NotHepae):
            other_reader.read(data[: len(data) - missing])
    with pytest.raises(other_reader.NotHepae):
        other_reader.read(data[: blocks[1][2]] + data[blocks[2][2] :])
    with pytest.raises(other_reader.NotHepae):
        other_reader.read(data + b"\0")

"""Every constant that decides something has a value on each side of it: cuts, bounds, limits of the codec, pairs
of jets."""

import numpy as np
import pandas as pd
import pytest
from conftest import hepae

from hepae.codec import bounds, chunk_rows, refinement, row_index
from hepae.codec.tables import compress, decompress
from hepae.core import HepaeError, UsageError
from hepae.io.wanted import leading_rows
from hepae.metrics import within_bound
from hepae.physics.cuts import filter_events
from hepae.physics.dijets import dijet_mass, match_jets
from hepae.schema import Column, Schema, event_index, parse_bound, with_schema


def below(x: float) -> float:
    return float(np.nextafter(x, -np.inf))


def above(x: float) -> float:
    return float(np.nextafter(x, np.inf))


# ---- cuts ----

GOOD = {
    "pt": 30.0,
    "m": 5.0,
    "E": 60.0,
    "eta": 0.5,
    "EMFrac": 0.5,
    "NegativeE": 0.0,
    "OotFracClusters10": 0.0,
    "OotFracClusters5": 0.0,
    "Width": 0.1,
    "WidthPhi": 0.1,
    "Timing": 0.0,
    "LArQuality": 0.1,
    "HECQuality": 0.1,
    "HECFrac": 0.1,
    "AverageLArQF": 0.1,
}
UNITS = {"pt": "GeV", "m": "GeV", "E": "GeV", "NegativeE": "GeV"}


def kept(name: str, **changed) -> bool:
    "Does a jet that is good but for these values pass a filter?"
    rows = pd.DataFrame([GOOD, GOOD | changed])
    rows = with_schema(rows, Schema(tuple(Column(c, "float64", UNITS.get(c, "")) for c in rows)))
    return len(filter_events(rows, name)[0]) == 2


# the cleaning cuts of the ancestors' study: |x| below so much
SYMMETRIC = [
    ("jets", "EMFrac", 5.0), ("jets", "NegativeE", 300.0), ("jets", "Width", 5.0), ("jets", "WidthPhi", 5.0),
    ("jets", "Timing", 125.0), ("jets", "HECQuality", 2.5), ("mc", "EMFrac", 2.0), ("mc", "NegativeE", 60.0),
    ("mc", "Timing", 120.0),
]


@pytest.mark.parametrize("name, column, edge", SYMMETRIC)
def test_cuts_on_both_signs(name, column, edge):
    for sign in (-1, 1):
        assert kept(name, **{column: sign * below(edge)}) and not kept(name, **{column: sign * edge})


ONE_SIDED = [
    ("jets", "OotFracClusters10", above(-0.1), -0.1), ("jets", "OotFracClusters5", above(-0.1), -0.1),
    ("jets", "Width", below(-1.0), -1.0), ("jets", "Width", above(-1.0), -1.0),
    ("jets", "LArQuality", below(4.0), 4.0), ("mc", "LArQuality", below(2.0), 2.0),
    ("mc", "m", above(0.001), 0.001), ("physical", "pt", above(0.0), 0.0), ("physical", "m", 0.0, below(0.0)),
    ("physical", "E", above(0.0), 0.0),
]


@pytest.mark.parametrize("name, column, inside, outside", ONE_SIDED)
def test_cuts_on_one_side(name, column, inside, outside):
    assert kept(name, **{column: inside}) and not kept(name, **{column: outside})


TOGETHER = [  # what is dropped, and what each value must become for the jet to be kept
    ({"EMFrac": below(0.05), "eta": 2.0}, {"EMFrac": 0.05, "eta": below(2.0)}),
    ({"EMFrac": -below(0.05), "eta": -2.0}, {"EMFrac": -0.05, "eta": -below(2.0)}),
    (
        {"AverageLArQF": above(0.8), "EMFrac": above(0.95), "LArQuality": above(0.8), "eta": below(2.8)},
        {"AverageLArQF": 0.8, "EMFrac": 0.95, "LArQuality": 0.8, "eta": 2.8},
    ),
    ({"AverageLArQF": above(0.8), "EMFrac": above(0.95), "LArQuality": above(0.8), "eta": -below(2.8)}, {"eta": -2.8}),
    (
        {"AverageLArQF": above(0.8), "HECQuality": above(0.5), "HECFrac": above(0.5)},
        {"AverageLArQF": 0.8, "HECQuality": 0.5, "HECFrac": 0.5},
    ),
    (
        {"AverageLArQF": above(0.8), "HECQuality": -above(0.5), "HECFrac": -above(0.5)},
        {"HECQuality": -0.5, "HECFrac": -0.5},
    ),
]


@pytest.mark.parametrize("bad, mends", TOGETHER)
def test_cuts_of_several_variables(bad, mends):
    assert not kept("jets", **bad)
    for column, value in mends.items():
        assert kept("jets", **bad | {column: value}), column


def test_a_cut_in_another_unit():
    "300 GeV are 300,000 MeV, and not 300."
    rows = pd.DataFrame({"NegativeE": [299_999.0, -299_999.0, 300_000.0, 300.0]})
    rows = with_schema(rows, Schema((Column("NegativeE", "float64", "MeV"),)))
    assert filter_events(rows, "jets")[0]["NegativeE"].tolist() == [299_999.0, -299_999.0, 300.0]


# ---- bounds ----


@pytest.mark.parametrize(
    "text", ["exact", "abs:5e-324", "abs:1e300", "rel:5e-324", f"rel:{below(1.0)!r}", "bits:1", "bits:52"]
)
def test_bounds_that_are_some(text):
    parse_bound(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "exact:1", "abs:0", "abs:-1", "abs:inf", "abs:nan", "abs:", "rel:0", "rel:1", "rel:nan", "bits:0",
        "bits:53", "bits:1.5", "bits:-1", "1e-3", "pt:1",
    ],
)
def test_bounds_that_are_none(text):
    with pytest.raises(UsageError, match="bound"):
        parse_bound(text)


@pytest.mark.parametrize("kind", ["continuous", "periodic"])
@pytest.mark.parametrize(
    "bound, x, limit",
    [
        ("abs:0.25", 3.0, 0.25), ("abs:0.25", -3.0, 0.25), ("abs:0.25", 0.0, 0.25), ("rel:0.125", 2.0, 0.25),
        ("rel:0.125", -2.0, 0.25), ("bits:4", 2.5, 0.125), ("bits:4", -2.5, 0.125),
    ],
)
def test_exactly_the_bound_and_just_beyond(bound, x, limit, kind):
    column = Column("x", "float64", kind=kind, bound=bound)
    for sign in (-1, 1):
        assert within_bound([x], [x + sign * limit], column).all()
        beyond = x + sign * limit
        beyond = float(np.nextafter(beyond, sign * np.inf))
        assert abs(beyond - x) > limit and not within_bound([x], [beyond], column).any()


def test_nothing_but_the_value_is_exact():
    column = Column("x", "float64", bound="exact")
    assert within_bound([1.0, np.nan, np.inf, -0.0], [1.0, np.nan, np.inf, -0.0], column).all()
    assert not within_bound([1.0, 1.0, 0.0, np.inf, np.nan], [above(1.0), below(1.0), -0.0, -np.inf, 1.0], column).any()


@pytest.mark.parametrize("bound", ["abs:1", "rel:0.5", "bits:3"])
def test_what_is_not_finite_has_no_error(bound):
    column = Column("x", "float64", bound=bound)
    assert not within_bound([np.nan, 1.0, np.inf, np.inf, 1e308], [1.0, np.nan, 1e308, -np.inf, np.inf], column).any()


# ---- quantisers ----


def mode(bound: str, kind: str = "continuous", dtype: str = "float64") -> str:
    return bounds.quantiser_of(Column("x", dtype, kind=kind, bound=bound)).mode


def test_relative_bins_end_where_an_octave_has_too_many():
    e = np.log(2) / bounds.MOST_BINS / 2  # about the bound of so many bins
    sizes = [float(e * (1 + d)) for d in np.linspace(-1e-4, 1e-4, 41)]
    bins = [bounds.bins_for(s - 1.01 * np.finfo("f8").eps / 2) for s in sizes]
    assert bounds.MOST_BINS == 65536 and min(bins) <= 65536 < max(bins)
    for s, n in zip(sizes, bins):
        assert mode(f"rel:{s!r}") == ("rel" if n <= 65536 else "bits"), (s, n)


def test_circles_end_where_their_bins_do():
    smallest = bounds.TURN / bounds.MOST_TURN
    assert bounds.MOST_TURN == 2.0**38
    assert mode(f"abs:{above(smallest)!r}", "periodic") == "turn" and mode(f"abs:{smallest!r}", "periodic") == "abs"
    assert mode(f"abs:{below(np.pi)!r}", "periodic") == "turn" and mode(f"abs:{np.pi!r}", "periodic") == "abs"


@pytest.mark.parametrize("dtype, mantissa", [("float16", 10), ("float32", 23), ("float64", 52)])
def test_mantissas_end(dtype, mantissa):
    assert mode(f"bits:{mantissa - 1}", dtype=dtype) == "bits" and mode(f"bits:{mantissa}", dtype=dtype) == "exact"
    eps = float(np.finfo(dtype).eps)
    assert mode(f"rel:{2 * eps!r}", dtype=dtype) == "exact" and mode(f"rel:{2 * above(eps)!r}", dtype=dtype) in (
        "rel",
        "bits",
    )


# ---- finer bins of prompt leptons ----


def refined(x: np.ndarray, column: Column) -> tuple[np.ndarray, np.ndarray]:
    "Values of a column by their bins, and by parts of bins."
    schema = Schema(
        (
            Column("pid", "int32", kind="integer", bound="exact"),
            Column("prompt", "bool", kind="flag", bound="exact"),
            column,
        )
    )
    quantisers = [bounds.quantiser_of(c) for c in schema.columns]
    where = refinement.refinement_of(schema, quantisers)
    original = {0: np.full(len(x), 11, "i4"), 1: np.ones(len(x), bool), 2: x}
    q, escapes = bounds.quantise(x, column, quantisers[2])
    back = original | {2: np.where(escapes, x, quantisers[2].values(q))}
    finer = dict(back)
    refinement.decode_refinement(
        refinement.encode_refinement(original, back, where, schema, quantisers), finer, where, schema, quantisers
    )
    return back[2], finer[2]


@pytest.mark.parametrize(
    "bound, low, high",
    [
        ("abs:1e-3", 0, 10), ("abs:1e-3", 4096, 16384), ("abs:0.02", 65536, 300_000), ("rel:1e-3", 1, 1e5),
        ("rel:0.3", 1, 1e5), ("abs:1e-3", -3.1416, 3.1416),
    ],
)
def test_parts_of_bins_keep_the_bound(bound, low, high):
    "Where a dtype's own steps are as wide as the parts, a part may lead beyond the bound: then it is not taken."
    column = Column("pt", "float32", bound=bound)
    x = np.random.default_rng(5).uniform(low, high, 40_000).astype("f4")
    coarse, finer = refined(x, column)
    size = parse_bound(bound)[1] * (np.abs(x.astype("f8")) if bound.startswith("rel") else 1)
    assert (np.abs(finer.astype("f8") - x) <= size).all()
    assert np.abs(finer.astype("f8") - x).mean() <= np.abs(coarse.astype("f8") - x).mean()


def test_parts_outside_the_bound_are_not_taken():
    "A part that would break the bound (here: of a value that escaped far from its bin) is 0."
    column, quantiser = (
        Column("pt", "float32", bound="abs:1e-3"),
        bounds.quantiser_of(Column("pt", "float32", bound="abs:1e-3")),
    )
    x, v = np.array([1.0, 1.0, 1.0], "f4"), np.array([1.0004, 1.0015, 1.5], "f4")
    assert (refinement._part(x, v, column, quantiser, 16) != 0).tolist() == [True, True, False]


# ---- limits of files ----


def events(*sizes: int) -> pd.DataFrame:
    n = sum(sizes)
    table = pd.DataFrame(
        {"pt": np.arange(n, dtype="f4"), "eta": np.zeros(n, "f4")},
        index=event_index(np.concatenate([[0], np.cumsum(sizes)])),
    )
    return table


@pytest.mark.parametrize("limit, most", [("MOST_ROWS", 10), ("MOST_VALUES", 20)])
def test_a_chunk_has_so_many_rows_and_no_more(monkeypatch, limit, most):
    "Writer and reader refuse the same."
    just, more = compress(events(10)), compress(events(11))
    monkeypatch.setattr(chunk_rows, limit, most)
    assert len(decompress(compress(events(10)))) == len(decompress(just)) == 10
    with pytest.raises(HepaeError, match="too large"):
        compress(events(11))
    with pytest.raises(HepaeError, match="damaged"):
        decompress(more)


def test_events_are_counted_up_to_a_limit(monkeypatch):
    "Further ones are numbers in the index, and come back all the same."
    monkeypatch.setattr(row_index, "MOST_EVENTS", 5)
    index = event_index(np.array([0, 0, 0, 0, 0, 0, 2]))
    assert row_index.index_offsets(index, 0, 7) is not None and row_index.index_offsets(index, 0, 8) is None
    for empty in (5, 6, 50):
        table = pd.DataFrame({"pt": np.ones(2, "f4")}, index=event_index(np.array([0] * (empty + 1) + [2])))
        pd.testing.assert_index_equal(decompress(compress(table, "schema")).index, table.index, exact=False)


# ---- what a table is compared with ----


def test_verify_compares_dtypes(tmp_path):
    "The same numbers as another dtype are another file."
    table = pd.DataFrame({"x": np.arange(50, dtype="f4")})
    for name, dtype in (("a", "f4"), ("b", "f8")):
        table.astype(dtype).to_parquet(tmp_path / f"{name}.parquet")
    assert hepae("compress", tmp_path / "a.parquet", "-o", tmp_path / "a.hepae").returncode == 0
    assert hepae("verify", tmp_path / "a.parquet", tmp_path / "a.hepae").returncode == 0
    done = hepae("verify", tmp_path / "b.parquet", tmp_path / "a.hepae")
    assert done.returncode != 0 and "dtype" in done.stderr, done.stderr


# ---- jets ----


def test_the_leading_jet_is_a_number_if_there_is_one():
    nan = np.nan
    pt = np.array([nan, 5.0, 3.0, 4.0, nan, 7.0, nan, nan, 1.0])
    entry = np.array([0, 0, 0, 1, 1, 1, 2, 2, 3])
    assert np.array_equal(pt[leading_rows(pt, entry)], [5.0, 7.0, nan, 1.0], equal_nan=True)
    assert leading_rows(np.array([2.0, above(2.0)]), np.array([0, 0])).tolist() == [1]
    assert leading_rows(np.array([above(2.0), 2.0]), np.array([0, 0])).tolist() == [0]


def jets(rows: list[tuple[float, float, float]], *sizes: int) -> pd.DataFrame:
    "Massless jets (pt, eta, phi) in events."
    table = pd.DataFrame(
        [r + (0.0,) for r in rows],
        columns=["pt", "eta", "phi", "m"],
        index=event_index(np.concatenate([[0], np.cumsum(sizes)])),
    )
    return table


def test_pairs_are_the_two_hardest():
    "The third jet counts as soon as it is harder than the second."
    for third, mass in ((below(50.0), 100.0), (above(50.0), np.sqrt(2) * 50)):
        made, facts = dijet_mass(
            jets(
                [
                    (50.0, 0.0, 0.0), (50.0 if mass == 100 else below(50.0), 0.0, np.pi), (third, 0.0, np.pi / 2),
                    (9.0, 0.0, 0.0),
                ],
                3,
                0,
                1,
            )
        )
        np.testing.assert_allclose(made["mjj"], mass, rtol=1e-9)
        assert facts == {"events": 3, "pairs": 1, "fewer than two jets": 2}


def test_jets_match_within_the_radius_and_not_at_it():
    a = jets([(50.0, 0.0, 3.12), (40.0, 1.0, 0.0)], 2)
    for shift, found in ((0.0499, [0, 1]), (0.0501, [])):
        b = a.assign(phi=a["phi"] + shift - 2 * np.pi * (a["phi"] + shift > np.pi))
        assert match_jets(a, b)[0].tolist() == found
    b = a.assign(eta=a["eta"] + [0.0, 0.25])
    assert match_jets(a, b, 0.25)[0].tolist() == [0] and match_jets(a, b, above(0.25))[0].tolist() == [0, 1]

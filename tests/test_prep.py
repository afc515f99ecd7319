"What must hold for cuts and normalisations whatever the values: round trips, domains, hostile dictionaries, splits."

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hepae.core import HepaeError, UsageError, to_json
from hepae.files.reading import read
from hepae.learning.prep import RECIPES, Normaliser, count_nonfinite, filter_events, fit_normaliser, split_by_event
from hepae.physics.cuts import FILTERS
from hepae.schema import PRESETS, event_index, event_offsets, infer_schema, preset, schema_of, variable, with_schema

settings.register_profile("hepae", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("hepae")

# where jets have been seen, with room around it: MeV, mm, ns
COUNTS = ("N90Constituents", "FracSamplingMaxIndex")
RANGES = {
    "pt": (9.5, 7e6),
    "E": (9.5, 7e6),
    "m": (-0.045, 7e6),
    "eta": (-4.9, 4.9),
    "phi": (-3.15, 3.15),
    "ActiveArea": (0, 2),
    "ActiveArea4vec_eta": (-5.2, 5.2),
    "ActiveArea4vec_m": (0, 1),
    "ActiveArea4vec_phi": (-3.15, 3.15),
    "ActiveArea4vec_pt": (0, 2),
    "AverageLArQF": (0, 65535),
    "NegativeE": (-3e6, 0),
    "HECQuality": (-2, 2),
    "LArQuality": (-1, 4),
    "Width": (-1, 5),
    "WidthPhi": (-1, 5),
    "CentroidR": (1, 1e4),
    "DetectorEta": (-4.9, 4.9),
    "LeadingClusterCenterLambda": (-50, 1e4),
    "LeadingClusterPt": (1, 7e6),
    "LeadingClusterSecondLambda": (0, 1e7),
    "LeadingClusterSecondR": (0, 1e7),
    "N90Constituents": (0, 200),
    "EMFrac": (-5, 5),
    "HECFrac": (-5, 5),
    "Timing": (-125, 125),
    "OotFracClusters10": (-0.1, 1.5),
    "OotFracClusters5": (-0.1, 1.5),
    "JetGhostArea": (0.01, 0.01),
    "BchCorrCell": (-0.1, 1),
    "Jvt": (-0.1, 1),
    "JVFCorr": (-1, 1),
    "JvtRpt": (0, 1e3),
    "FracSamplingMax": (-1, 2),
    "FracSamplingMaxIndex": (0, 23),
}


def spread(parts, name, unit):
    "Numbers in [−1, 1], tiny ones included, spread over the range of a variable: in decades if it is positive."
    low, high = RANGES[name]
    x = low * (high / low) ** np.abs(parts) if low > 0 else np.clip(parts * max(-low, high), low, high)
    return np.float32(np.rint(x) if name in COUNTS else x / 1000 if unit == "GeV" else x)


@st.composite
def jets(draw):
    "A table of some preset of jets, in MeV or GeV, with values all over the ranges."
    names, unit = (
        preset(draw(st.sampled_from(sorted(p for p in PRESETS if "pid" not in PRESETS[p])))),
        draw(st.sampled_from(["MeV", "GeV"])),
    )
    elements, fill = st.floats(-1, 1, width=32, allow_subnormal=False), st.sampled_from([0, 0.5, 1])
    parts = draw(arrays("f4", (draw(st.integers(1, 6)), len(names)), elements=elements, fill=fill)).astype("f8")
    units = {name: variable(name, energy_unit=unit).unit for name in names}
    table = pd.DataFrame({name: spread(parts[:, i], name, units[name]) for i, name in enumerate(names)})
    return with_schema(table, infer_schema(table, unit))


def worst_error(fitted, table, dtype):
    "Largest error of a round trip through an array of `dtype`, in units of what each value is measured from."
    y = fitted.forward(table).astype(dtype)
    x = table.to_numpy("f8")
    back = np.column_stack([s.inverse(y[:, i]) for i, s in enumerate(fitted.scales)])
    return (np.abs(back - x) / (np.abs(x) + origins(fitted) + 1e-30)).max()


def origins(fitted):
    "How far from zero the point is from which each scale measures: its centre, or the zero of its logarithm."
    return np.array([abs(s.a) if s.g == "identity" else s.c / s.u for s in fitted.scales])


def assert_same(back, table, fitted):
    "The same float32 values bit for bit, but for those that are next to nothing beside their origin."
    tiny = np.abs(table.to_numpy("f8")) < 1e-6 * origins(fitted)
    assert ((back.to_numpy() == table.to_numpy()) | tiny).all()


@pytest.mark.parametrize("recipe", RECIPES)
@given(table=jets())
def test_inverse_undoes_forward(recipe, table):
    fitted = fit_normaliser(table, recipe)
    assert worst_error(fitted, table, "f8") <= 1e-12
    assert worst_error(fitted, table, "f4") <= 1e-6
    back = fitted.inverse(fitted.forward(table).astype("f4"))
    assert list(back.dtypes) == list(table.dtypes)
    assert schema_of(back).columns == schema_of(table).columns
    for name in set(COUNTS) & set(table.columns):
        assert (back[name] == table[name]).all()


@pytest.mark.parametrize("recipe", RECIPES)
@given(table=jets())
def test_float64_arrays_give_float32_tables_back_bit_for_bit(recipe, table):
    fitted = fit_normaliser(table, recipe)
    assert_same(fitted.inverse(fitted.forward(table)), table, fitted)


@pytest.mark.parametrize("recipe", ["log", "custom"])
@given(table=jets())
def test_float32_arrays_keep_the_digits_of_the_smallest_jets(recipe, table):
    table = with_schema(more := table.assign(Timing=np.float32(0.5)), schema_of(more))  # not a four-vector alone
    fitted = fit_normaliser(table, recipe)
    back = fitted.inverse(fitted.forward(table).astype("f4"))
    for name in {"pt", "E", "m"} & set(table.columns):
        x = table[name].to_numpy("f8")
        assert (np.abs(back[name].to_numpy("f8") - x) <= 1e-6 * np.abs(x) + 1e-37).all()


@pytest.mark.parametrize("recipe", RECIPES)
@given(table=jets(), far=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=29, max_size=29))
def test_inverse_of_anything_finite_is_finite(recipe, table, far):
    fitted = fit_normaliser(table, recipe)
    assert count_nonfinite(fitted.inverse(np.array([far[: len(fitted.names)]]))) == {}


@pytest.mark.parametrize("recipe", RECIPES)
@given(table=jets())
def test_a_normaliser_survives_json(recipe, table):
    fitted = fit_normaliser(table, recipe)
    again = Normaliser.from_dict(json.loads(to_json(fitted.to_dict())))
    assert again == fitted
    assert (again.forward(table) == fitted.forward(table)).all()


@pytest.mark.parametrize("recipe", RECIPES)
@given(table=jets(), column=st.integers(0, 28), value=st.sampled_from([np.nan, np.inf, -np.inf]))
def test_domain_is_where_forward_works(recipe, table, column, value):
    "A row is refused by name exactly if it is not in the domain."
    fitted = fit_normaliser(table, recipe)
    assert fitted.in_domain(table).all()
    name = table.columns[column % len(table.columns)]
    bad = table.copy()
    bad.loc[0, name] = value
    assert fitted.in_domain(bad).tolist() == [False] + [True] * (len(table) - 1)
    with pytest.raises(HepaeError, match=f"{name} in 1 of {len(table)} rows.*finite"):
        fitted.forward(bad)


def test_values_outside_a_logarithm_are_counted_and_mended():
    table = pd.DataFrame({"pt": [0.0, -1.0, 5.0], "NegativeE": [-1.0, 2.0, 1.0], "CentroidR": [1.0, 2.0, 0.0]})
    fitted = fit_normaliser(table.head(1).assign(pt=1.0), "custom")
    with pytest.raises(HepaeError) as error:
        fitted.forward(table)
    for words in ("pt in 2 of 3", "NegativeE in 2 of 3", "CentroidR in 1 of 3"):
        assert words in str(error.value)
    mend = str(error.value).split("the filter '")[1].split("'")[0]
    good = pd.concat([table, pd.DataFrame({"pt": [1.0], "NegativeE": [0.5], "CentroidR": [3.0]})], ignore_index=True)
    assert len(fitted.forward(filter_events(good, mend)[0])) == 1


def test_statistics_are_those_of_the_rows_given():
    "Normalising with the evaluated data's own statistics is one of the mistakes not to repeat."
    train, other = pd.DataFrame({"eta": [1.0, 2.0, 3.0]}), pd.DataFrame({"eta": [7.0, 9.0]})
    assert fit_normaliser(train).forward(other)[:, 0] == pytest.approx((np.array([7, 9]) - 2) / np.sqrt(2 / 3))


def test_constant_empty_and_huge_columns():
    n = 1000
    table = pd.DataFrame(
        {"JetGhostArea": np.full(n, 0.01, "f4"), "x": np.full(n, np.nan), "y": np.linspace(-1e300, 1e300, n)}
    )
    for recipe in RECIPES:
        fitted = fit_normaliser(table, recipe)
        y = fitted.forward(table.assign(x=0.0))
        assert (y[:, 0] == 0).all() and np.isfinite(y).all()
        with pytest.raises(HepaeError, match="x in 1000 of 1000 rows"):
            fitted.forward(table)


words = st.text(max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda x: st.lists(x, max_size=3) | st.dictionaries(words, x, max_size=3),
    max_leaves=6,
)


@given(part=st.sampled_from(["recipe", "schema", "scales", "g", "c", "a", "b", "u", "names"]), value=json_values)
def test_hostile_dictionaries_are_refused_or_sound(part, value):
    table = pd.DataFrame({"pt": [30.0, 50.0], "m": [1.0, 4.0]})
    data = fit_normaliser(table, "log-standard").to_dict()
    if part in data:
        data[part] = value
    else:
        data["scales"][0][part] = value
    try:
        fitted = Normaliser.from_dict(data)
    except HepaeError:
        return
    assert len(fitted.scales) == len(fitted.names)
    assert all(np.isfinite([s.a, s.b, s.c, s.u]).all() and s.b for s in fitted.scales)
    assert fitted.names != ["pt", "m"] or np.isfinite(fitted.inverse(np.zeros((3, 2))).to_numpy()).all()


@given(entries=st.lists(st.integers(0, 400), min_size=1, max_size=300), seed=st.integers(0, 2**40), data=st.data())
def test_split_is_by_event_and_stays_when_rows_go(entries, seed, data):
    index = pd.MultiIndex.from_arrays([entries, range(len(entries))], names=["entry", "subentry"])
    table = pd.DataFrame({"pt": np.arange(len(entries), dtype="f4")}, index=index)
    table, _ = filter_events(table, "none")  # attaches the schema, with its number of entries
    split = split_by_event(table, seed)
    assert (sum(mask.astype(int) for mask in split.values()) == 1).all()
    owner = pd.Series(np.select(list(split.values()), [0, 1, 2]), index=index.get_level_values(0))
    assert (owner.groupby(level=0).nunique() == 1).all()
    rows = np.array(data.draw(st.lists(st.booleans(), min_size=len(table), max_size=len(table))), bool)
    for name, mask in split_by_event(table[rows], seed).items():
        assert (mask == split[name][rows]).all()
    for name, mask in split_by_event(table[::-1], seed).items():
        assert (mask == split[name][::-1]).all()


@pytest.mark.parametrize("n", [20_000, 1_000_000, 1_000_001, 3_000_000])
def test_split_has_its_fractions(n):
    for seed, fractions in [(41, (0.8, 0.1, 0.1)), (3, (0.5, 0.25, 0.25))]:
        split = split_by_event(pd.DataFrame({"pt": np.ones(n, "f4")}), seed, fractions)
        assert [m.mean() for m in split.values()] == pytest.approx(fractions, abs=1e-9 if n <= 1_000_000 else 2e-3)


def test_split_seeds_are_independent():
    table = pd.DataFrame({"pt": np.ones(50_000, "f4")})
    one, two = (split_by_event(table, seed)["test"] for seed in (41, 42))
    assert (one & two).mean() == pytest.approx(0.01, abs=0.002)


def test_split_is_the_same_for_ever():
    "A model folder keeps its seed, not its rows: this split must never change."
    split = split_by_event(pd.DataFrame({"pt": np.ones(20, "f4")}), 41)
    assert [np.flatnonzero(split[name]).tolist() for name in ("valid", "test")] == [[14, 17], [3, 15]]


@given(table=jets(), name=st.sampled_from(sorted(FILTERS)))
def test_filters_keep_events_and_add_up(table, name):
    offsets = np.array([0, 0, len(table), len(table)])
    table = with_schema(table.set_index(event_index(offsets)), schema_of(table))
    try:
        kept, report = filter_events(table, name)
    except HepaeError as e:
        assert "no row of" in str(e)
        return
    assert report["before"] - report["after"] == sum(c["removed"] for c in report["cuts"])
    assert len(event_offsets(kept)) >= 3 and schema_of(kept).columns == schema_of(table).columns
    assert filter_events(kept, name)[1]["after"] == len(kept)
    assert json.loads(to_json(report)) == report


@pytest.mark.parametrize("wrong", ["", "jet", "finite,", "jets;mc", "finite,Jets", "pt > 3 TeV", "pz > 3"])
def test_unknown_filters_are_wrong_usage(wrong):
    with pytest.raises(UsageError):
        filter_events(pd.DataFrame({"pt": [1.0]}), wrong)


@pytest.fixture(scope="module")
def atlas_jets(testdata):
    "The 130 real ATLAS jets with all 29 variables, in MeV."
    tree, c = uproot.open(testdata("root/jets_10_events.root"))["CollectionTree"], "AntiKt4EMTopoJets"
    branch = {v: b for v in preset("29D") for b in (f"{c}AuxDyn.{v}", f"{c}Aux./{c}Aux.{v}") if b in tree}
    branches = {v: tree[b].array() for v, b in branch.items()}
    counts = ak.to_numpy(ak.num(branches["pt"]))
    index = event_index(np.append(0, np.cumsum(counts)))
    table = pd.DataFrame({v: ak.to_numpy(ak.flatten(b)) for v, b in branches.items()}, index=index)
    return with_schema(table, infer_schema(table, "MeV"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_real_atlas_jets_come_back(atlas_jets, recipe):
    table = atlas_jets
    fitted = fit_normaliser(table, recipe)
    y = fitted.forward(table)
    assert_same(fitted.inverse(y), table, fitted)
    assert worst_error(fitted, table, "f4") <= 1e-6
    assert np.abs(y).max() < 12


@pytest.mark.parametrize("recipe", ["standard", "log", "custom", "log-standard"])
@pytest.mark.parametrize("which", [pytest.param("real", marks=pytest.mark.real), "toy"])
def test_each_variable_comes_back_to_a_millionth(request, which, recipe):
    """Relative to the value itself, zeros exactly; but for what is below 1e-18 of the largest, where float64 has
    no digits left beside a centre."""
    real, toy = "atlas_jets", Path(__file__).parents[1] / "data" / "jets_27D.root"
    table = request.getfixturevalue(real) if which == "real" else read(toy, "29D")
    fitted = fit_normaliser(table, recipe)
    back = fitted.inverse(fitted.forward(table))
    for name in table:
        x, y = table[name].to_numpy("f8"), back[name].to_numpy("f8")
        assert (y[x == 0] == 0).all(), name
        assert (np.abs(y - x) <= 1e-6 * np.abs(x) + 1e-18 * np.abs(x).max()).all(), name


def test_real_atlas_jets_pass_the_filters(atlas_jets):
    table = atlas_jets
    kept, report = filter_events(table, "finite,jets,mc")
    assert not any(c["missing"] for c in report["cuts"])
    assert 120 <= len(kept) <= 130
    assert min(m.sum() for m in split_by_event(table).values()) > 0


@pytest.mark.parametrize("recipe", RECIPES)
def test_real_trigger_jets_come_back(testdata, recipe):
    tree = uproot.open(testdata("root/uproot-issue-816.root"))["AnalysisMiniTree"]
    table = pd.DataFrame({v: ak.to_numpy(ak.flatten(tree[f"trigger_akt4_pf_{v}"].array())) for v in preset("4D")})
    table = with_schema(table, infer_schema(table, "MeV"))
    assert table["m"].min() < 0
    fitted = fit_normaliser(table, recipe)
    assert_same(fitted.inverse(fitted.forward(table)), table, fitted)
    assert worst_error(fitted, table, "f4") <= 1e-6

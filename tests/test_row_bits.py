"Bits of rows: their sum is the size of a file, with compiled loops and without, with events and without."

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepae.codec import probabilities
from hepae.codec.bound_text import with_bounds
from hepae.codec.row_bits import excess_bits, row_bits
from hepae.codec.tables import learn_model, write_tables
from hepae.files.reading import read
from hepae.schema import infer_schema, schema_of, with_schema


def jets_27D():
    "The committed toy jets, with the bounds of their schema."
    return read("data/jets_27D.root", "27D")


def coded_bits(table, model) -> float:
    "What the values of a table take in a file."
    facts = write_tables([table], io.BytesIO(), predictor=model, embed=False)
    return 8.0 * (facts["sections"]["C"] - facts["index_bytes"])


def test_sum_is_the_size_of_the_file():
    "On 27 variables in events, escapes among them."
    jets = jets_27D()
    first, second = jets.iloc[:2500], jets.iloc[2500:]
    model = learn_model(first)
    total = row_bits(second, model).to_numpy().sum()
    assert total == pytest.approx(coded_bits(second, model), rel=0.02)


def test_without_compiled_loops(monkeypatch):
    "The definition in numpy prices each value alike."
    jets = jets_27D().iloc[:600]
    model = learn_model(jets)
    fast = row_bits(jets, model)
    monkeypatch.setattr(probabilities, "loops", lambda: None)
    pd.testing.assert_frame_equal(row_bits(jets, model), fast)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.1), st.sampled_from(["abs:1e-2", "rel:1e-3", "exact"]))
def test_any_values(seed, missing, bound):
    "Gaussians and what does not fit them: every price is positive and finite, and rows may come in any order."
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"a": random.normal(size=400), "b": random.integers(-9, 9, 400)})
    table.loc[random.random(400) < missing, "a"] = np.nan
    table = with_schema(table, with_bounds(infer_schema(table), {"a": bound, "b": "exact"}))
    model = learn_model(table.iloc[:200])
    bits = row_bits(table, model)
    assert (bits > 0).all().all() and np.isfinite(bits).all().all()
    if bound != "exact": assert (bits["a"][table["a"].isna()] > 64).all()  # no bin holds it: it is stored
    if any(p.steps for p in model.plan): return  # what a value costs depends on the row before
    order = random.permutation(400)
    moved = with_schema(table.iloc[order].reset_index(drop=True), schema_of(table))
    np.testing.assert_array_equal(row_bits(moved, model), bits.to_numpy()[order])


def test_excess_of_a_sample_over_itself():
    "Nothing is left where each group is its own reference."
    random = np.random.default_rng(2)
    size = np.repeat([1.0, 2.0, 3.0], 30)
    bits = 10 * size + random.normal(size=90)
    excess = excess_bits(bits, size, bits, size, 3)
    for s in (1.0, 2.0, 3.0): assert excess[size == s].mean() == pytest.approx(0, abs=1e-12)

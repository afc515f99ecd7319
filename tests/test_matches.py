"""Objects of two collections that are the same: what comes back, and what only the codec sees."""

import io

import awkward as ak
import numpy as np
import pytest
from dataset_samples import matched, same_columns, written

import hepae
from hepae.codec.container import DATASETS, Reader
from hepae.codec.dataset_header import HIDDEN, tables_from_dict
from hepae.codec.datasets import read_datasets
from hepae.core import HepaeError
from hepae.dataset import joined_datasets


def headers(data: bytes) -> list:
    return tables_from_dict(Reader(io.BytesIO(data), DATASETS).facts)


@pytest.mark.parametrize("events", [None, 300])
def test_matches_come_and_go_unseen(events, monkeypatch):
    d = matched(1, 600)
    data = written(d, events=events)
    hidden = {t.name: [t.header.schema.names[j] for j in t.hidden] for t in headers(data)}
    assert sum(map(len, hidden.values())) == 1
    chunks = [*read_datasets(io.BytesIO(data))]
    assert len(chunks) == (1 if events is None else 2)
    back = joined_datasets(chunks)
    assert {n: list(t) for n, t in back.tables.items()} == {n: list(t) for n, t in d.tables.items()}
    assert same_columns(back.tables["jets"], d.tables["jets"])
    monkeypatch.setattr("hepae.codec.dataset_plan.likely_matches", lambda *_: [])
    without = written(d, events=events)
    assert len(data) < 0.96 * len(without)
    other = joined_datasets([*read_datasets(io.BytesIO(without))])
    assert all(same_columns(back.tables[n], other.tables[n]) for n in d.tables)


def test_chunks_side_by_side_are_the_same_bytes():
    assert written(matched(2, 600), events=300) == written(matched(2, 600), events=300, threads=3)


def test_trees_show_no_more_than_they_have(tmp_path):
    d = matched(3, 600)
    arrays = {f"{name}_{c}": ak.unflatten(d.tables[name][c].to_numpy(), d.collections[name].rows)
              for name in ("jets", "trigger") for c in ("pt", "eta", "phi")}
    events = ak.zip(arrays, depth_limit=1)
    path = tmp_path / "t.hepae"
    hepae.compress(events, output=path)
    assert any(t.hidden for t in headers(path.read_bytes()))
    with hepae.open(path) as file:
        tree = file[next(iter(file.keys()))]
        assert sorted(tree.keys()) == sorted(arrays) and "→" not in str(hepae.inspect(path))
        found = tree.arrays(["trigger_eta"], entry_start=100, entry_stop=200)["trigger_eta"]
    assert ak.array_equal(found, events["trigger_eta"][100:200], equal_nan=True)
    back = hepae.decompress(path.read_bytes())
    for name in arrays: assert ak.array_equal(back[name], events[name], equal_nan=True)


def test_inspect_does_not_show_them(tmp_path):
    (tmp_path / "d.hepae").write_bytes(written(matched(1)))
    facts = hepae.inspect(tmp_path / "d.hepae")
    assert [[c["name"] for c in t["columns"]] for t in facts["tables"]] == [list(t) for t in matched(1).tables.values()]


def test_a_hidden_column_must_mean_rows():
    facts = Reader(io.BytesIO(written(matched(1))), DATASETS).facts
    tables_from_dict(facts)
    (t,) = [t for t in facts["tables"] if max(t["variants"]) >= HIDDEN]
    j = int(np.argmax(t["variants"]))
    t["variants"][j] -= HIDDEN
    t["variants"][0] += HIDDEN
    with pytest.raises(HepaeError, match="damaged header"): tables_from_dict(facts)


def test_collections_that_have_nothing_in_common_are_left_alone():
    d = matched(4)
    r = np.random.default_rng(0)
    d.tables["trigger"]["eta"] = r.normal(0, 2, len(d.tables["trigger"])).astype("f4")
    assert not any(t.hidden for t in headers(written(d)))

"""Files of version 2: read by a second reader, written from FORMAT.md alone, as by this one; golden files come back
for ever; damaged ones end in one sentence."""

import io
from functools import cache
from pathlib import Path

import numpy as np
import other_datasets
import other_reader
import pytest
from dataset_damage import DatasetJudge, honest_datasets, whole
from dataset_samples import copies, corrected, in_units, matched, physics, same, whatever, wide, written
from codec_damage import campaign
from golden.arrays import plain_array

from hepae.codec.container import DATASETS, Reader
from hepae.codec.dataset_header import tables_from_dict
from hepae.core import HepaeError
from hepae.dataset import Dataset

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(p.name.removesuffix(".v2.hepae") for p in GOLDEN.glob("*.v2.hepae"))


def agrees(found: dict, d: Dataset) -> None:
    "The second reader finds what this one does."
    assert list(found["tables"]) == list(d.tables) and found["documents"] == d.documents
    assert found["rows"] == {name: c.rows.tolist() for name, c in d.collections.items()}
    for name, table in d.tables.items():
        columns = found["tables"][name]
        assert [c for c in columns if c in table] == list(table), name
        for c in table:
            mine, its = plain_array(table[c]), plain_array(columns[c])
            text = mine.dtype.kind == "U"
            assert np.array_equal(mine, its) if text else mine.tobytes() == its.astype(mine.dtype).tobytes(), (name, c)


@cache
def file(kind: str, seed: int) -> bytes:
    "A file, written once."
    if kind == "dithered":
        return written(physics(seed), events=50, dither=seed)
    if kind == "units":
        return written(in_units(seed), events=50, dither=seed if seed % 2 else None)
    if kind == "corrected":
        return written(corrected(seed), events=60 if seed % 2 else None)
    if kind == "matched":
        return written(matched(seed), events=100 if seed % 2 else None)
    if kind == "copies":
        return written(copies(seed), events=200 if seed % 2 else None)
    if kind == "wide":
        return written(wide(seed), events=25)
    if kind == "physics":
        return written(physics(seed), events=50 if seed % 2 else None)
    return written(whatever(seed), events=7 if seed % 2 else None)


SEEDS = [("physics", k) for k in range(3)] + [("whatever", k) for k in range(25)]
SEEDS += [("dithered", 3), ("units", 4), ("units", 5), ("copies", 0), ("copies", 1), ("wide", 0)]
SEEDS += [("corrected", 0), ("corrected", 1), ("matched", 0), ("matched", 1)]


@pytest.mark.parametrize("kind, seed", SEEDS)
def test_a_second_reader(kind, seed):
    data = file(kind, seed)
    agrees(other_datasets.read(data), whole(data))


def test_what_the_files_use():
    "All that section 8 describes."
    heads = [t for seed in range(3) for t in other_datasets.read(file("physics", seed))["heads"]]
    order = other_datasets.read(file("physics", 0))["order"]
    assert order != sorted(order)
    assert any(t["links"] for t in heads) and any(max(t["groups"]) > 1 for t in heads)
    assert any(columns for t in heads for _, _, columns in t["references"])
    assert any(r >= 0 for t in heads for r in t["before"])
    packed = [t for seed in range(2) for t in other_datasets.read(file("copies", seed))["heads"]]
    assert any(len(t["packed"]) and t["groups"][t["packed"][0]] > 1 for t in packed)
    follow = {c for t in other_datasets.read(file("corrected", 0))["heads"] for c, *_ in t["formulas"]}
    assert len(follow) > 2
    assert any(t["hidden"] for t in other_datasets.read(file("matched", 0))["heads"])
    assert any(t["plain"] for t in heads) and any(t["frequent"] for t in heads)
    header = other_reader.blocks(file("wide", 0), 2)[0][1]
    assert header[:1] == b"\x07" and set(other_datasets.read(file("wide", 0))["documents"]) == {"tree.json", "title"}


def test_there_are_golden_files():
    assert len(NAMES) == 9


@pytest.mark.parametrize("name", NAMES)
def test_golden(name):
    "Values, bit for bit, and a second reader's."
    data = (GOLDEN / f"{name}.v2.hepae").read_bytes()
    d = whole(data)
    agrees(other_datasets.read(data), d)
    with np.load(GOLDEN / f"{name}.v2.npz", allow_pickle=False) as expected:
        found = arrays_of_dataset(d)
        assert [*found] == expected.files
        for what, x in found.items():
            assert x.dtype == expected[what].dtype and x.tobytes() == expected[what].tobytes(), what


def arrays_of_dataset(d: Dataset) -> dict[str, np.ndarray]:
    "What stands beside a golden file."
    found = {f"{name} {c}": plain_array(x) for name, table in d.tables.items() for c, x in table.items()}
    found |= {f"dtype {name} {c}": np.array(str(x)) for name, t in d.tables.items() for c, x in t.dtypes.items()}
    found |= {f"rows {name} of {c.parent}": c.rows for name, c in d.collections.items()}
    return found | {f"document {name}": np.frombuffer(x, np.uint8) for name, x in d.documents.items()}


@pytest.fixture(scope="module")
def judge():
    return DatasetJudge(honest_datasets())


def test_what_is_damaged_has_all_there_is(judge):
    "Among the files that are damaged are some with each thing that the format describes."
    tables = [t for data in judge.files.values() for t in tables_from_dict(Reader(io.BytesIO(data), DATASETS).facts)]
    bounds = " ".join(c.bound for t in tables for c in t.header.schema.columns)
    assert all(kind in bounds for kind in ("abs:", "rel:", "sigma:", "exact"))
    for has in (lambda t: t.packed, lambda t: t.header.keep, lambda t: t.header.dither is not None,
                lambda t: t.references, lambda t: t.counter >= 0, lambda t: t.links):
        assert any(map(has, tables))


@pytest.mark.parametrize("files", [400, pytest.param(5000, marks=pytest.mark.slow)])
def test_damaged_files(judge, files):
    "Half of them by accident, half by attack; some of the attacks give a dataset, no accident does."
    judge.counts.clear()
    campaign(judge, files, seed=files, weigh=20)
    assert not judge.wrong, [w for w, _ in judge.wrong[:10]]
    refused = sum(n for what, n in judge.counts.items() if what.endswith("refused"))
    assert refused > 0.6 * files and judge.counts["attacked: read"] > files / 40, judge.counts


def test_every_cut(judge):
    data = judge.files["empty"]
    for k in range(len(data)):
        with pytest.raises(HepaeError):
            whole(data[:k])


def test_the_judge_sees_what_is_wrong(judge):
    data, other = judge.files["physics"], judge.files["small"]
    assert judge._outcome(lambda: whole(other), judge.tables[data]) == "WRONG: silent corruption"
    assert judge._outcome(lambda: whole(data), judge.tables[data]) == "read"
    assert same(judge.tables[data], whole(data))

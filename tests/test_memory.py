"""Peak memory of commands on forged files, one of each kind: below 300 MB, and a sentence.
`benchmarks/forged_files.py` has more of them."""

import sys
from pathlib import Path

import pytest
from conftest import ROOT
from peaks import Scales

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
from forged_files import FORGED, MOST, zeros  # noqa: E402

DECOMPRESSED = [
    "events_24.hepae", "empty_events.hepae", "ended_events.hepae", "ended_16.hepae", "ended_100.hepae",
    "ended_index.hepae", "zeros.hepae", "rows_of_100.hepae", "facts.hepae", "frequent.hepae", "dicts.hepae",
    "columns.hepae",
]
COMPRESSED = [
    "basket.root", "entries.root", "block.root", "counts.hepmc", "claim.npz", "bytes.pkl", "wide.csv",
    "lists.parquet",
]


@pytest.fixture(scope="module")
def scales():
    with Scales() as found:
        yield found


def taken(scales, tmp_path: Path, name: str, *arguments) -> None:
    "Assert that a command on a forged file takes little memory, and fails with one sentence."
    (path := tmp_path / name).write_bytes(FORGED[name]())
    found = scales(*[path if a == "FILE" else a for a in arguments])
    assert found.good and found.code in (1, 2), found
    assert found.peak < MOST, found


@pytest.mark.parametrize("name", DECOMPRESSED)
def test_decompress_takes_little_memory(scales, tmp_path, name):
    taken(scales, tmp_path, name, "decompress", "FILE", "-o", tmp_path / "o.csv")


@pytest.mark.parametrize("name", COMPRESSED)
def test_compress_takes_little_memory(scales, tmp_path, name):
    every = ["--particles", "all"] if name.endswith("hepmc") else []
    taken(scales, tmp_path, name, "compress", "FILE", "-o", tmp_path / "o.hepae", "-q", *every)


@pytest.mark.parametrize("kind", ["root", "parquet", "pkl"])
def test_as_many_values_as_a_small_chunk_may_have_take_little_memory(scales, tmp_path, kind):
    (path := tmp_path / "zeros.hepae").write_bytes(zeros(2**18, 16, 2**22))
    found = scales("decompress", path, "-o", tmp_path / f"o.{kind}")
    assert found.good and not found.code and found.peak < MOST, found


def test_a_tree_that_its_branches_contradict_is_named(scales, tmp_path):
    "It claims 2⁴⁰ entries, its branches a thousand."
    (path := tmp_path / "tree.root").write_bytes(FORGED["tree.root"]())
    found = scales("compress", path, "-o", tmp_path / "o.hepae", "-q")
    assert found.code == 1 and "has 1000 entries, its tree Events has 1099511627776" in found.said, found


def test_the_scales_see_memory_that_is_taken(scales, tmp_path):
    "A table of 50 MB weighs more than a small one."
    for n, name in ((1, "small"), (800_000, "large")):
        (tmp_path / f"{name}.csv").write_text("a,b,c,d\n" + "1.5,2.25,3.125,4.0625\n" * n)
    small, large = (
        scales("extract", tmp_path / f"{n}.csv", "-o", tmp_path / f"{n}.pkl", "-q") for n in ("small", "large")
    )
    assert small.peak + 5 < large.peak

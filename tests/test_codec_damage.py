"Damaged and hostile `.hepae` files: refused with a sentence, never wrong numbers, a hang, or memory without end."

import io

import numpy as np
import pandas as pd
import pytest
from codec_damage import Judge, blocks_of, campaign, deflated_raw, honest_files, jets, with_facts

from hepae.codec.chunk_rows import MOST_ROWS
from hepae.codec.container import MAGIC, VERSION, Reader, Writer
from hepae.codec.sections import put_json, put_numbers, put_sections, take_numbers, take_sections
from hepae.codec.tables import compress, decompress, read_rows
from hepae.core import HepaeError
from hepae.schema import events_of, infer_schema


@pytest.fixture(scope="module")
def judge():
    return Judge(honest_files())


@pytest.mark.parametrize("files", [800, pytest.param(8000, marks=pytest.mark.slow)])
def test_damaged_files(judge, files):
    "Half of them by accident, half by attack; some of the attacks give a table, no accident does."
    judge.counts.clear()
    campaign(judge, files, seed=files, weigh=20)
    assert not judge.wrong, [w for w, _ in judge.wrong[:10]]
    refused = sum(n for what, n in judge.counts.items() if what.endswith("refused"))
    assert refused > 0.7 * files and judge.counts["attacked: read"] > files / 40, judge.counts
    assert {k.split(":")[0] for k in judge.counts} >= {
        "truncated", "flipped", "spliced", "foreign", "huge block", "blocks moved", "attacked",
    }


def test_the_judge_sees_what_is_wrong(judge):
    "A reader that checks nothing would be found out."
    data, other = judge.files["ordered"], judge.files["flat"]
    table = judge.tables[data]
    assert judge._outcome(lambda: decompress(other), table) == "WRONG: silent corruption"
    assert judge._outcome(lambda: decompress(data), table) == "read"
    assert judge._outcome(lambda: [][0], None).startswith("WRONG: IndexError")
    assert judge._memory(lambda: np.zeros(2**20)) > 2**23


@pytest.mark.parametrize("name", ["one", "empty", "table"])
def test_every_cut(judge, name):
    data = judge.files[name]
    for k in range(len(data)):
        with pytest.raises(HepaeError):
            decompress(data[:k])


def test_every_bit(judge):
    data = bytearray(judge.files["one"])
    for k in range(8 * len(data)):
        data[k // 8] ^= 1 << k % 8
        with pytest.raises(HepaeError):
            decompress(bytes(data))
        data[k // 8] ^= 1 << k % 8
    assert len(decompress(bytes(data))) == 1


@pytest.mark.parametrize("what", ["rows", "wide", "events", "header"])
def test_claims(judge, what):
    "A few bytes that claim to be very much take little memory."
    reader = Reader(io.BytesIO(judge.files["one" if what != "events" else "empty"]))
    facts, (payload,) = reader.facts, reader.chunks()
    (count,), at = take_numbers(payload, 1)
    parts = take_sections(payload, count, at)
    if what == "rows":
        parts[0] = put_numbers([2**40, *take_numbers(parts[0], 4)[0][1:]])
    if what == "events":
        parts[0] = put_numbers([0, 2**31, 1, 2**31])
    if what == "wide":
        facts |= {
            "columns": [[f"c{k}", *facts["columns"][0][1:]] for k in range(4096)],
            "order": list(range(4096)),
            "low": [0] * 4096,
            "plan": facts["plan"][:1] * 4096,
        }
        parts[0] = put_numbers([MOST_ROWS, *take_numbers(parts[0], 4)[0][1:]])
    if what == "header":
        facts |= {"name": "x" * 2**25}
    writer = Writer(io.BytesIO())
    writer.header(facts)
    writer.chunk(put_numbers([count]) + put_sections(parts), 1)
    writer.end(1)

    def refused():
        with pytest.raises(HepaeError):
            decompress(writer.file.getvalue())

    assert judge._memory(refused) < 100 << 20


def parts_of(payload: bytes) -> list[bytes]:
    "The sections of a chunk."
    (count,), at = take_numbers(payload, 1)
    return take_sections(payload, count, at)


def forged(facts: dict, chunks: list[list[bytes]], rows: list[int], events: int) -> bytes:
    "A file with this header and these sections, and checksums that fit."
    writer = Writer(io.BytesIO())
    writer.header(facts)
    for parts, n in zip(chunks, rows):
        writer.chunk(put_numbers([len(parts)]) + put_sections(parts), n)
    writer.end(events)
    return writer.file.getvalue()


@pytest.mark.parametrize(
    "counts, numbers, values",
    [
        ([1], [2**64], 4), ([1], [2**70 - 1], 4), ([2], [4, 4], 8), ([2], [6, 4], 8),
        ([2], [2**64 - 2, 2**64 - 1], 8), ([1025], range(0, 2050, 2), 4100), ([1], [4], 3), ([1], [4], 5),
        ([0], [], 2**26), ([1, 1], [4], 4),
    ],
)
def test_frequent_values_that_are_none(judge, counts, numbers, values):
    """Bins beyond 64 bits, twice, in disorder (after they wrap around, too), too many, values that are too short
    or too long."""
    table = pd.DataFrame({"x": np.linspace(0, 1, 20).astype("f4")})
    reader = Reader(io.BytesIO(compress(table, "abs:1e-2")))
    parts = parts_of(*reader.chunks())
    assert reader.facts["frequent"] and len(parts) == 5

    def read(section: bytes):
        return decompress(forged(reader.facts, [[parts[0], section, *parts[2:]]], [20], 0))

    honest = deflated_raw(put_numbers([1, 2 * 29]) + np.float32([0.58]).tobytes())
    assert np.float32(0.58) in read(honest)["x"].to_numpy()
    for section in (deflated_raw(put_numbers([*counts, *numbers]) + bytes(values)), honest + b"x", honest[:-1], b"x"):

        def refused():
            with pytest.raises(HepaeError):
                read(section)

        assert judge._memory(refused) < 10 << 20


def test_frequent_values_of_other_columns(judge):
    "Integers and flags have none; a table without columns neither, however long its list is."
    table = pd.DataFrame({"n": np.arange(20), "x": np.linspace(0, 1, 20).astype("f4")})
    reader = Reader(io.BytesIO(compress(table, "abs:1e-2")))
    parts = parts_of(*reader.chunks())
    bad = deflated_raw(put_numbers([1, 0, 4]) + bytes(8))
    with pytest.raises(HepaeError):
        decompress(forged(reader.facts, [[parts[0], bad, *parts[2:]]], [20], 0))
    facts = reader.facts | {"columns": [], "order": [], "variants": [], "plan": []}
    data = forged(facts, [[parts[0], deflated_raw(bytes(2**26)), b"", b"", b""]], [20], 0)

    def refused():
        with pytest.raises(HepaeError):
            decompress(data)

    assert judge._memory(refused) < 10 << 20


@pytest.mark.parametrize(
    "change",
    [
        {"shared": 1, "plan": []}, {"extra": 1}, {"events": {}}, {"events": None}, {"frequent": 0},
        {"plain": {"columns": {}}}, {"variants": [2064] * 4}, {"codec": "other"}, {"unordered": "rows"},
    ],
)
def test_headers_that_ask_for_other_sections(judge, change):
    "A model that is not there, sections that are not there, or are there and not expected; what no version knows."
    table = with_facts(np.random.default_rng(4), jets(np.random.default_rng(3), 60))
    reader = Reader(io.BytesIO(compress(table, "schema")))
    parts, rows, events = parts_of(*reader.chunks()), [60], events_of(table)
    assert events_of(decompress(forged(reader.facts, [parts], rows, len(events)))).equals(events.rename_axis("entry"))
    with pytest.raises(HepaeError):
        decompress(forged(reader.facts | change, [parts], rows, len(events)))
    if not {"events", "unordered", "variants", "frequent"} & {*change}:
        inner = reader.facts | {"events": reader.facts["events"] | change}
        with pytest.raises(HepaeError):
            decompress(forged(inner, [parts], rows, len(events)))


def test_events_follow_each_other():
    "A chunk may not say that its events are others than those after the chunk before."
    reader = Reader(
        io.BytesIO(
            compress(with_facts(np.random.default_rng(4), jets(np.random.default_rng(3), 300)), "schema", rows=100)
        )
    )
    chunks = [parts_of(c) for c in reader.chunks()]
    rows = [n for _, n in reader.end.chunks]
    assert len(decompress(forged(reader.facts, chunks, rows, reader.end.events))) == 300
    for wrong in (chunks[1:], chunks[:1] + chunks, chunks[::-1]):
        counts = [take_numbers(c[0], 1)[0][0] for c in wrong]
        with pytest.raises(HepaeError, match="follow each other"):
            decompress(forged(reader.facts, wrong, counts, reader.end.events))


def test_index_of_another_file():
    "Some rows of a file are those rows, or an error, whatever its index says."
    rng = np.random.default_rng(3)
    flat = jets(rng, 400).reset_index(drop=True)
    one, two = (blocks_of(compress(flat, "schema", rows=rows)) for rows in (100, 130))
    for k in (len(one) - 1, 3):
        spliced = b"".join([*one[:k], two[min(k, len(two) - 1)], *one[k + 1 :]])
        with pytest.raises(HepaeError):
            read_rows(io.BytesIO(spliced), 0, 400)


def test_header_that_reaches_outside(judge):
    "Paths, classes and code in a header are text: nothing is opened or called."
    reader = Reader(io.BytesIO(judge.files["one"]))
    facts = reader.facts | {"name": "../../etc/passwd", "__class__": "os.system", "model": "/etc/passwd"}
    writer = Writer(io.BytesIO())
    writer._put(MAGIC + bytes([VERSION]))
    writer._block(b"H", put_json(facts))
    for payload in reader.chunks():
        writer.chunk(payload, 1)
    writer.end(1)
    with pytest.raises(HepaeError, match="shared model"):
        decompress(writer.file.getvalue())


def test_tables_that_were_refused_once():
    "Whatever can be written can be read."
    far = pd.DataFrame(
        {"pt": np.float32([1, 2])},
        index=pd.MultiIndex.from_arrays([[7, 40_000_000], [0, 1]], names=["entry", "subentry"]),
    )
    pd.testing.assert_index_equal(decompress(compress(far, "schema")).index, far.index, exact=False)
    fine = pd.DataFrame({"phi": np.linspace(-3, 3, 50)})
    fine.attrs = {"hepae_schema": infer_schema(fine).with_bounds({"phi": "abs:1e-13"}).to_dict()}
    assert np.abs(decompress(compress(fine, "schema")) - fine).to_numpy().max() <= 1e-13

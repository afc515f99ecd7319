"""Writes the golden files of whole events that are not there. What is committed is never written again: later versions
must read it."""

import io
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]
from golden.arrays import arrays_of_events  # noqa: E402
from test_whole_events import DY, FOOT, HEAD, odd_events  # noqa: E402

from hepae.codec.datasets import write_datasets  # noqa: E402
from hepae.codec.event_bounds import EventBound  # noqa: E402
from hepae.codec.event_chunks import coding_for  # noqa: E402
from hepae.hepmc.event_layout import Kept  # noqa: E402
from hepae.hepmc.whole_files import read_whole  # noqa: E402


def written(path: Path, n: int, bound: EventBound, kept: Kept = Kept(), events: int | None = None) -> bytes:
    "The first events of a file."
    first = next(read_whole([path], kept=kept)).between(0, n)
    write_datasets([first], file := io.BytesIO(), events=events, coding=coding_for(first, bound))
    return file.getvalue()


def odd(bound: EventBound) -> bytes:
    "Odd events, within a bound."
    path = HERE / "odd_events.hepmc"
    path.write_text(HEAD + "".join(odd_events().values()) + FOOT)
    try:
        return written(path, 99, bound, events=7)
    finally:
        path.unlink()


FILES = {
    "odd": lambda: odd(EventBound()),
    "odd_bounded": lambda: odd(EventBound(1e-2, conserve=True)),
    "exact": lambda: written(DY, 1, EventBound(), Kept("decays")),
    "bounded": lambda: written(DY, 1, EventBound(1e-3)),
    "conserved": lambda: written(DY, 2, EventBound(1e-3, conserve=True), Kept("decays"), 1),
    "final": lambda: written(DY, 3, EventBound(1e-3), Kept("final", ("flow1", "flow2"), True), 2),
}

for name, make in FILES.items():
    path = HERE / f"{name}.events.hepae"
    if path.exists():
        continue
    path.write_bytes(make())
    np.savez_compressed(HERE / f"{name}.events.npz", **arrays_of_events(path.read_bytes()))
    print(name, path.stat().st_size)

"""Jets a second of the toy detector (`hepae sample --detector`), and how long 100,000 take.

    python tests/benchmarks/detector_speed.py [--events 800] [--workers 1 2]

Each line is one run into a temporary file: its time with the start of the workers and the pool of soft collisions,
which each worker makes once, and without them (the time of a run of one block is taken off).
The last column is for 100,000 jets, start included. Other work on the machine shows in all but the CPU time of a
jet, which is that of this process and so known without further workers only.
"""

import argparse
import tempfile
import time
from pathlib import Path

from hepae.toy.collisions import Recipe
from hepae.toy.detector import write_detector_jets

JETS = 100_000


def timed(path: Path, events: int, workers: int) -> tuple[float, float, int]:
    "Seconds, seconds of CPU and jets of one run."
    start, cpu = time.perf_counter(), time.process_time()
    made = write_detector_jets(path, events, None, Recipe(), workers, force=True)
    return time.perf_counter() - start, time.process_time() - cpu, made["jets"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=800)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    args = parser.parse_args()
    block = Recipe().block_events
    if args.events <= block * max(args.workers):
        parser.error(f"--events {args.events}: give more than {block * max(args.workers)}")
    print(
        f"{'workers':>7} {'jets':>7} {'seconds':>8} {'start':>7} {'jets/s':>7} {'CPU a jet':>10} {'100,000 jets':>13}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for workers in args.workers:
            # in this process the pool stays, so its time is that of the first run only
            first, _, jets_first = timed(Path(folder) / "first.root", block * workers, workers)
            seconds, cpu, jets = timed(Path(folder) / "jets.root", args.events, workers)
            rate = jets / seconds if workers == 1 else (jets - jets_first) / max(seconds - first, 1e-9)
            start = max(first - jets_first / rate, 0.0)
            print(
                f"{workers:7} {jets:7,} {seconds:8.1f} {start:6.1f}s {rate:7.1f} "
                f"{f'{1e3 * cpu / jets:.1f} ms' if workers == 1 else '-':>10} {(start + JETS / rate) / 60:9.1f} min"
            )


if __name__ == "__main__":
    main()

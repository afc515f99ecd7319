"""The Drell-Yan histograms of a HepMC file, once by hepae and once by a plain pyhepmc loop over the same events: do
they agree, and how long does each take?

    hepae sample -o dy.hepmc.gz --events 1000
    python tests/benchmarks/drell_yan.py dy.hepmc.gz --events 1000

Both read the text once, without a warm-up beyond the imports; the loop stops as soon as it has the leptons, hepae
makes a table of all final-state particles.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from test_physics_events import by_a_loop  # noqa: E402

from hepae.physics.drell_yan import histograms_of, selected_pairs  # noqa: E402
from hepae.report.event_chunks import particle_chunks  # noqa: E402
from hepae.schema import schema_of  # noqa: E402


def main() -> None:
    "Print the comparison."
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument(
        "file", nargs="?", type=Path, default=Path(__file__).resolve().parents[2] / "data" / "drell_yan.hepmc.gz"
    )
    ask.add_argument("--events", type=int, default=1000, help="how many of the first events")
    given = ask.parse_args()
    begin, found, n = time.perf_counter(), {}, 0
    for table in particle_chunks(given.file, given.events):
        found, n = histograms_of(selected_pairs(table)), schema_of(table).source.entries
        break
    middle = time.perf_counter()
    loop = by_a_loop(given.file, most=given.events)
    end = time.perf_counter()
    for channel, name in ((11, "d01 (ee)"), (13, "d02 (mumu)")):
        mine = found[channel].sums[1:-1]
        apart = np.abs(mine[:, 0] - loop[channel]).max()
        print(
            f"{name}: {int(mine[:, 4].sum())} of {n} events selected, sum of weights {mine[:, 0].sum():.6f} "
            f"and {loop[channel].sum():.6f}, bins differ by at most {apart:.1e}"
        )
    print(f"hepae {n / (middle - begin):.0f} events/s, pyhepmc loop {n / (end - middle):.0f} events/s")


if __name__ == "__main__":
    main()

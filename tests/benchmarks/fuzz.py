"""Damaged `.hepae` files by the thousand: `python tests/benchmarks/fuzz.py --files 20000 --seed 1`.

Half of them are accidents (cut, flipped, spliced, …), half are attacks with checksums that fit. Exit code 1 if one
is read wrongly, fails otherwise than with HepaeError, hangs, or takes too much memory; the worst are kept with
--keep FOLDER."""

import argparse
import faulthandler
import resource
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from codec_damage import Judge, campaign, honest_files
from dataset_damage import DatasetJudge, honest_datasets

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--files", type=int, default=20_000)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--attacks", type=float, default=0.5, help="fraction of files whose checksums fit")
parser.add_argument("--keep", type=Path, help="folder for files that went wrong")
parser.add_argument("--datasets", action="store_true", help="files of version 2")
options = parser.parse_args()

warnings.simplefilter("error")  # a warning would be printed beside the sentence
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
began = time.perf_counter()
judge = DatasetJudge(honest_datasets(options.seed)) if options.datasets else Judge(honest_files(options.seed))
for done in range(0, options.files, 1000):
    faulthandler.dump_traceback_later(600, exit=True)  # native code that never returns
    campaign(judge, min(1000, options.files - done), options.seed * 1_000_000 + done, options.attacks)
    print(f"\r{done + 1000} files, {len(judge.wrong)} wrong", end="", file=sys.stderr, flush=True)
faulthandler.cancel_dump_traceback_later()
print(file=sys.stderr)
for what, n in sorted(judge.counts.items()):
    print(f"{n:7d}  {what}")
print(
    f"{options.files} files in {time.perf_counter() - began:.0f} s; the slowest took {judge.slowest:.2f} s, "
    f"the largest {judge.largest >> 20} MB (honest files up to {judge.honest >> 20} MB)"
)
for what, n in Counter(w[:150] for w, _ in judge.wrong).most_common():
    print(f"{n:7d}  {what}")
if options.keep:
    options.keep.mkdir(exist_ok=True)
    for k, (_, data) in enumerate(judge.wrong):
        (options.keep / f"{k}.hepae").write_bytes(data)
sys.exit(bool(judge.wrong))

"""A scan whose workers, scheduler or own process are killed loses no finished point, and gives the numbers of one
that was left in peace."""

import json
import os
import signal
import time
import warnings
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from conftest import hepae, one_sentence, started, started_hepae, with_torch
from test_learner import made_up_jets

from hepae.core import HepaeError
from hepae.files.reading import write

with warnings.catch_warnings():
    # fastai 2.8, while it is imported, uses what torch 2.13 deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from hepae.bench.scan import scan

pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")
GRID = 'recipe = "AE_3D_50"\nlatent = [1, 2, 3]\nwidth = [10, 20]\nepochs = 8\nlr = 1e-2\nbs = 64\n'


@pytest.fixture(scope="module")
def jets(tmp_path_factory) -> Path:
    "A table of 2000 jets in a file."
    path = tmp_path_factory.mktemp("scan") / "jets.parquet"
    write(made_up_jets(2000), path)
    return path


@pytest.fixture(scope="module")
def grid(jets) -> Path:
    path = jets.with_name("grid.toml")
    path.write_text(GRID)
    return path


@pytest.fixture(scope="module")
def in_peace(jets, grid) -> Path:
    "The scan in one process, never interrupted."
    scan(jets, jets.with_name("in_peace"), grid, workers=0)
    return jets.with_name("in_peace")


def lines(folder: Path) -> dict[str, dict]:
    "What the points came to, without the seconds that they took."
    found = {p.stem: json.loads(p.read_text()) for p in (folder / "points").glob("*.json")}
    for line in found.values():
        line["result"].pop("seconds", None)
    return found


def weights(folder: Path) -> dict[str, bytes]:
    return {p.parent.name: p.read_bytes() for p in (folder / "points").glob("*/weights.safetensors")}


def stamps(folder: Path) -> dict[Path, int]:
    "When each file of the points was last written."
    return {p: p.stat().st_mtime_ns for p in (folder / "points").rglob("*") if p.is_file() and p.suffix != ".lock"}


def test_worker_killed(jets, grid, in_peace):
    """One of two workers is killed after the first point: its point is tried again, and all is as in one process,
    bit for bit."""
    from dask import config
    from distributed import default_client

    kept, killed, folder = {}, [], jets.with_name("killed")

    def kill(line):
        if killed:
            return
        kept.update({p: t for p, t in stamps(folder).items() if line["name"] in str(p)})
        killed.append(psutil.Process(min(default_client().run(os.getpid).values())))
        killed[0].send_signal(signal.SIGKILL)

    with_torch()
    with config.set({"distributed.worker.multiprocessing-method": "forkserver"}):  # imports cost seconds in each
        table = scan(jets, folder, grid, workers=2, progress=kill)
    assert len(killed) == 1 and not killed[0].is_running()
    assert set(table["status"]) == {"done"} and len(table) == 6
    assert lines(folder) == lines(in_peace) and weights(folder) == weights(in_peace)
    assert len(kept) >= 4 and all(p.stat().st_mtime_ns == t for p, t in kept.items())


def test_again(jets, grid, in_peace):
    "A scan that is complete writes no point again, and a table and a picture that were lost are there again."
    before = stamps(in_peace)
    for name in ("scan.csv", "scan.png"):
        (in_peace / name).unlink()
    table = scan(jets, in_peace, grid, workers=2)
    assert stamps(in_peace) == before
    assert pd.read_csv(in_peace / "scan.csv")["name"].tolist() == table["name"].tolist()
    assert (in_peace / "scan.png").read_bytes()[:4] == b"\x89PNG"


def test_point_that_kills_its_worker(jets, tmp_path):
    "It is tried some times, then reported; the others are done."
    from dask import config

    (tmp_path / "grid.toml").write_text(GRID.replace("[10, 20]", "10").replace("[1, 2, 3]", "[1, 2]"))
    (tmp_path / "deadly.py").write_text(f"""
import os, signal, sys, types

# in place of the training: torch takes seconds to import, anew after each death
def _on_worker(settings, folder, source):
    if settings["latent"] == 2:
        open({str(tmp_path / "deaths")!r}, "a").write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    result = {{"latent": 1, "valid_mse": 0.5, "scaled pt": 0.5}}
    return dict(name="one", settings=settings, status="done", reason="", result=result)

sys.modules["hepae.bench.scan"] = types.ModuleType("hepae.bench.scan")
sys.modules["hepae.bench.scan"]._on_worker = _on_worker
""")
    with config.set({"distributed.worker.preload": [str(tmp_path / "deadly.py")]}):
        table = scan(jets, tmp_path / "scan", tmp_path / "grid.toml", workers=1)
    assert table["status"].tolist() == ["done", "failed"] and table["latent"].tolist() == [1, 2]
    assert table["reason"][1] == "its worker died 4 times" and (tmp_path / "deaths").read_text() == "xxxx"
    table = scan(jets, tmp_path / "scan", tmp_path / "grid.toml", workers=0)
    assert table["status"].tolist() == ["done", "done"]


def wait_for(condition, seconds: float = 60) -> None:
    "Until something has happened; the limit is for a test that hangs."
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_scan_killed(jets, grid, in_peace, tmp_path):
    "kill -9 of the scan itself, with its workers at work: the same command goes on."
    folder = tmp_path / "scan"
    process = started_hepae("scan", jets, "-o", folder, "--grid", grid, "--workers", 1)
    wait_for(lambda: len(list(folder.glob("points/*.json"))) >= 2)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.join()
    # they end with it
    wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in workers))
    kept = {p: t for p, t in stamps(folder).items() if p.with_suffix(".json") in folder.glob("points/*.json")}
    assert 2 <= len(kept) < 6
    done = hepae("scan", jets, "-o", folder, "--grid", grid, "--workers", 0)
    assert done.returncode == 0, done.stderr
    assert all(p.stat().st_mtime_ns == t for p, t in kept.items())
    assert lines(folder) == lines(in_peace) and weights(folder) == weights(in_peace)


def dask(command: str, *arguments: str) -> None:
    "`dask scheduler` or `dask worker`, without a word."
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    import_module(f"distributed.cli.dask_{command}").main([*arguments, "--no-dashboard"])


def test_scheduler_killed(jets, grid, tmp_path):
    "The scheduler of a real cluster dies: that is said, and what is finished is kept."
    place, said = tmp_path / "scheduler.json", tmp_path / "said"
    running = [started(dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place))]
    try:
        wait_for(lambda: place.exists() and place.read_text().endswith("}"))
        worker = ("--scheduler-file", str(place), "--nthreads", "1", "--no-nanny", "--death-timeout", "5")
        running.append(started(dask, "worker", *worker))
        address = json.loads(place.read_text())["address"]
        command = ("scan", jets, "-o", tmp_path / "scan", "--grid", grid, "--dask", address)
        process = started_hepae(*command, said=said)
        wait_for(lambda: list(tmp_path.glob("scan/points/*.json")))
        running[0].kill()
        process.join(60)
        assert process.exitcode == 1
        one_sentence(said.with_suffix(".err").read_text(), "the Dask scheduler is gone", "start the same scan again")
    finally:
        for p in running:
            p.kill()
            p.join()
    assert len(pd.read_csv(tmp_path / "scan" / "scan.csv")) >= 1


def test_failed_points(jets, tmp_path):
    "What diverges or is impossible is a line with its reason; only if all fail, the command fails."
    (tmp_path / "some.toml").write_text('epochs = 1\nlatent = [2]\nlr = [1e-3, 1e30]\nrecipe = ["AE_3D_50", "AE_5D"]')
    reasons = scan(jets, tmp_path / "some", tmp_path / "some.toml", workers=0)["reason"]
    assert len(reasons) == 4 and reasons[0] == ""
    assert (
        sum("the training diverged" in r for r in reasons) == 1
        and sum("--recipe AE_5D: unknown" in r for r in reasons) == 2
    )
    (tmp_path / "all.toml").write_text('epochs = 1\nbs = 1\nrecipe = "AE_bn"')
    done = hepae("scan", jets, "-o", tmp_path / "all", "--grid", tmp_path / "all.toml", "--workers", 0, "-q")
    assert (
        done.returncode == 1
        and "batch normalisation needs at least two rows" in done.stderr
        and "all 1 points failed" in done.stderr
    )


def test_bad_toml(jets, tmp_path):
    "An unknown setting is wrong usage, and begins no folder; what else can be wrong is in nbs/bench/08_scan."
    (tmp_path / "bad.toml").write_text("latnet = 3")
    done = hepae("scan", jets, "-o", tmp_path / "scan", "--grid", tmp_path / "bad.toml")
    assert done.returncode == 2 and not (tmp_path / "scan").exists()
    one_sentence(done.stderr, "bad.toml: does not know latnet; choose of recipe, latent, normalisation")


def test_another_table(jets, grid, in_peace, tmp_path):
    "The folder is of one table."
    write(made_up_jets(1000), tmp_path / "other.parquet")
    with pytest.raises(HepaeError, match="is a scan of another table, whose rows is 2000 where this has 1000"):
        scan(tmp_path / "other.parquet", in_peace, grid, workers=0)

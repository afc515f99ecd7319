"""Imports run in one direction through the house, and reading a file brings in no network library."""
import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hepae"

# rooms in the order of imports: each may import those before it
ORDER = ["core", "schema", "kinematics", "cuts", "particles", "metrics", "dilepton", "jets", "blocks", "sample",
         "calorimeter", "showers", "pulses", "topojets", "collisions", "detector", "cluster", "io.containers",
         "io.unpickle", "io.pickles", "io.tables", "io.root", "io.hepmc_text", "io.hepmc_events", "io.hepmc_graph",
         "io.hepmc3", "io.hepmc2", "io.hepmc_facts", "io.hepmc_final", "io.hepmc_write", "io.hepmc",
         "io.hepmc_survey", "io.hepmc_particles", "io.files", "quantile", "prep", "coordinates", "style", "physics",
         "events", "yoda", "drell_yan", "pairs", "plots", "spectra", "trends", "report", "architecture", "data",
         "attention", "models", "losses", "eventlosses", "trained", "callbacks", "ranks", "learner", "codec.bounds",
         "codec.entropy", "codec.container", "codec.network", "codec.predictor", "codec.plan", "codec.density",
         "codec.planner", "codec.frequent", "codec.balance", "codec.fine", "codec.model", "codec.plain",
         "codec.header", "codec.keys", "codec.tables", "codec.learned", "codec.trainer", "codec.rounding",
         "codec.rivals", "codec.files", "codec.estimate", "codec.bench", "codec.equal_bytes", "codec.particle_bytes",
         "cost", "event_chunks", "matching", "compare", "event_tables", "event_report", "analysis", "eventstudy", "points", "scan", "cli"]
JUDGES = ["metrics", "physics", "particles", "dilepton", "jets", "events", "yoda", "drell_yan", "pairs", "plots", "spectra", "trends", "report", "style"]
NETWORKS = {"data", "attention", "models", "losses", "eventlosses", "trained", "callbacks", "ranks", "learner", "eventstudy", "scan"}
LIGHT = ["core", "cluster", "schema", "kinematics", "blocks", "cuts", "quantile", "prep", "coordinates", "architecture", "metrics", "physics", "particles", "dilepton", "jets", "events", "yoda", "drell_yan", "plots", "spectra", "trends", "report", "sample", "calorimeter", "showers", "pulses", "topojets", "collisions", "detector", "io.containers", "io.unpickle", "io.pickles", "io.tables", "io.root", "io.hepmc_text", "io.hepmc_events", "io.hepmc_graph", "io.hepmc3", "io.hepmc2", "io.hepmc_facts", "io.hepmc_final", "io.hepmc_write", "io.hepmc", "io.hepmc_survey", "io.hepmc_particles", "io.files", "codec.bounds", "codec.entropy", "codec.container", "codec.network", "codec.predictor", "codec.plan", "codec.density", "codec.planner", "codec.frequent", "codec.balance", "codec.fine", "codec.model", "codec.plain", "codec.header", "codec.keys", "codec.tables", "codec.rounding", "codec.rivals", "codec.files", "codec.estimate", "codec.bench", "codec.equal_bytes", "codec.particle_bytes", "event_chunks", "matching", "compare", "event_tables", "event_report", "points", "cli"]
HEAVY = ("torch", "fastai", "torchvision")


def rooms() -> dict[str, Path]:
    "Module name → file."
    return {".".join(p.relative_to(PACKAGE).with_suffix("").parts): p for p in PACKAGE.rglob("*.py") if not p.stem.startswith("_")}


def imported(name: str, path: Path) -> set[str]:
    "The rooms that a room imports, at any place in it."
    base, found = name.split(".")[:-1], set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            up = base[:len(base) - (node.level - 1)] if node.level else []
            module = ".".join(up + (node.module or "").split(".")) if node.level else (node.module or "")
            module = module.removeprefix("hepae.") if not node.level else module
            if node.level or (node.module or "").startswith("hepae"):
                found |= {module} | {f"{module}.{a.name}".lstrip(".") for a in node.names}
        elif isinstance(node, ast.Import): found |= {a.name.removeprefix("hepae.") for a in node.names if a.name.startswith("hepae.")}
    return found & set(ORDER)


def test_every_room_has_its_place():
    "A new room is put into the order (and into the map of CONTRIBUTING.md)."
    assert sorted(rooms()) == sorted(ORDER)
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    assert not [r for r in ORDER if f"| {r} |" not in contributing]


@pytest.mark.parametrize("name", ORDER)
def test_directions(name):
    "A room imports only rooms before it."
    before = set(ORDER[:ORDER.index(name)])
    assert imported(name, rooms()[name]) <= before


@pytest.mark.parametrize("name", JUDGES)
def test_judges_know_no_networks(name):
    "What compares tables never imports what makes them."
    assert not imported(name, rooms()[name]) & (NETWORKS | {"analysis"})


def loaded(code: str) -> set[str]:
    "The top-level modules in memory after running `code` in a fresh process."
    done = subprocess.run([sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_light_rooms():
    "Reading, writing and judging tables needs no torch."
    found = loaded("\n".join(f"import hepae.{name}" for name in LIGHT))
    assert not found & set(HEAVY)


@pytest.mark.parametrize("arguments", [["--help"], ["inspect", "data/jets.root"], ["train", "--help"]])
def test_light_commands(arguments):
    "--help and inspect import neither torch nor fastai; --help not even pandas."
    code = f"import os; os.chdir({str(ROOT)!r})\nfrom hepae.cli import main\ntry: main({arguments!r})\nexcept SystemExit as e: assert not e.code, e.code"
    heavy = set(HEAVY) | ({"pandas", "uproot", "matplotlib"} if "--help" in arguments else set())
    assert not loaded(code) & heavy


def test_nothing_imports_torchvision():
    "torchvision's CPU build does not import everywhere, and nothing here needs it."
    assert "torchvision" not in loaded("import hepae.learner, hepae.analysis")

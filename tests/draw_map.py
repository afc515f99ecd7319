"""Draw the map of CONTRIBUTING.md from the notebooks and their imports, so that it stays true.

    python tests/draw_map.py

Rewrites what stands between the marks `<!-- map -->` and `<!-- end of map -->`: a picture of the wings and what
they import, and a line
a module. A test fails where the committed map is another one.
"""

import json
from itertools import product
from pathlib import Path

import test_imports as package

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- map -->\n", "<!-- end of map -->\n"
# whose imports are not drawn
EVERYBODYS = {"core", "variables", "columns", "event_rows", "schema", "dataset", "arguments", "names"}
JOBS = {
    "core": "errors, whole files, seeds, the record of a run",
    "variables": "what is known about each variable by its name",
    "columns": "name, dtype, unit, kind and bound of a column",
    "event_rows": "which event a row belongs to; one row an event",
    "dataset": "several tables over the same events, and documents",
    "schema": "what the columns of a table mean; offers the three above, too",
    "arguments": "arguments of a dataclass, in the signature of every function that takes them",
    "names": "lists of names in a sentence, and what a mistyped one may have meant",
    "physics": "what physicists compute: four-momenta, cuts, pairs, jets, event shapes, the Drell-Yan analysis",
    "metrics": "two tables in numbers: residuals, broken bounds, bytes",
    "toy": "simulated input: PYTHIA 8 and a toy calorimeter",
    "io": "ROOT, parquet, CSV, pickle, ragged text, npz ↔ tables",
    "hepmc": "HepMC2 and HepMC3 text ↔ tables",
    "plots": "pictures of tables",
    "learning": "tables → trained models",
    "codec": "bounds → integers → probabilities → bytes → container",
    "codec.learned": "training the models that the codec may use",
    "files": "the one door: what is it, read, write, extract, compress, decompress, verify",
    "report": "pages about one or two of anything",
    "bench": "rivals behind the codec's contract, estimates, races, scans",
    "cli": "arguments and exit codes",
}


def imports_of_wings() -> dict[str, set[str]]:
    "Which wings the modules of a wing import, but for those that everybody needs."
    found = {wing: set() for wing in package.WINGS}
    for module in package.MODULES:
        found[package.wing_of(module)] |= {package.wing_of(m) for m in package.imported(module)}
    return {wing: wings - EVERYBODYS - {wing} for wing, wings in found.items()}


def without_detours(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    "Only arrows that no longer way replaces."
    reached = {wing: set(wings) for wing, wings in imports.items()}
    for middle, wing in product(package.WINGS, repeat=2):
        if middle in reached[wing]:
            reached[wing] |= reached[middle]
    return {wing: {w for w in wings if not any(w in reached[v] for v in wings)} for wing, wings in imports.items()}


def picture() -> list[str]:
    "A mermaid graph: arrows go from what is imported to what imports it, as the data do."
    lines = ["```mermaid", "graph LR"]
    for wing, wings in without_detours(imports_of_wings()).items():
        lines += [f"    {w} --> {wing}" for w in sorted(wings, key=package.WINGS.index)]
    return [*lines, "```"]


def promise(module: str) -> str:
    "The line under the title of a module's notebook."
    first = json.loads(package.SOURCES[module].read_text())["cells"][0]["source"]
    return next(line for line in "".join(first).split("\n") if line.startswith("> "))[2:].rstrip(".")


def map_lines() -> list[str]:
    "Wings, picture, modules."
    wings = [f"| `{wing}` | {JOBS[wing]} |" for wing in package.WINGS]
    modules = [f"| {m} | {promise(m)} |" for m in sorted(package.MODULES, key=package.place)]
    table = ["| wing | its one job |", "|---|---|", *wings, ""]
    return [*table, *picture(), "", "| module | what it does |", "|---|---|", *modules]


def with_map(text: str) -> str:
    "CONTRIBUTING.md with the map of today."
    before, _, rest = text.partition(START)
    return before + START + "\n".join(map_lines()) + "\n" + END + rest.partition(END)[2]


def main() -> None:
    "Write CONTRIBUTING.md."
    path = ROOT / "CONTRIBUTING.md"
    path.write_text(with_map(path.read_text()))


if __name__ == "__main__":
    main()

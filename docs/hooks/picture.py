"""Draw the picture of the first page from committed measurements, for light and for dark pages."""

import csv
import io
from pathlib import Path

from matplotlib.figure import Figure
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
EVENTS = [  # way, bound, label
    ("text", "exact", "HepMC text"), ("gzip -6", "exact", "gzip"), ("xz -6", "exact", "xz"),
    ("bzip3", "exact", "bzip3"), ("columns, best packer", "exact", "columns, best packer"),
    ("hepae", "exact", "hepae, without loss"), ("hepae", "1e-3", "hepae, within 10⁻³")]
JETS = [("xz", "xz, without loss"), ("pcodec", "pcodec, without loss"), ("zfp", "zfp"), ("blosc2", "blosc2"),
        ("SZ3", "SZ3"), ("truncation+pcodec", "rounded bits + pcodec"), ("density", "hepae")]
OURS, OTHERS = "#3f76c5", "#9aa3ad"


def on_files(files, config):
    "Each drawing twice: dark ink on light pages, light ink on dark ones."
    events = {(r["way"], r["bound"]): float(r["value"]) for r in rows("hepmc/file_compression.csv")
              if r["figure"] == "kB an event"}
    jets = {r["codec"]: float(r["bits_per_row"]) / 8 for r in rows("27D/bytes.csv")
            if r["bound"] == "1e-3" and r["bits_per_row"]}
    for name, ink in (("light", "#1d2530"), ("dark", "#e3e7ee")):
        both = {"events": drawn([(label, events[way, bound]) for way, bound, label in EVENTS], ink,
                                "kB an event: Drell-Yan, HepMC"),
                "jets": drawn([(label, jets[codec]) for codec, label in JETS], ink,
                              "bytes a jet of 27 variables, within 10⁻³")}
        for what, svg in both.items(): files.append(File.generated(config, f"{what}_{name}.svg", content=svg))
    return files


def drawn(named: list[tuple[str, float]], ink: str, title: str) -> str:
    "Bars as SVG."
    figure = Figure((4.7, 2.9))
    bars(figure.subplots(), named, ink, title)
    figure.tight_layout()
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()


def rows(path: str) -> list[dict]:
    "A table of measurements."
    with open(ROOT / path, newline="") as file: return list(csv.DictReader(file))


def bars(ax, named: list[tuple[str, float]], ink: str, title: str) -> None:
    "Horizontal bars with their values; ours in colour."
    labels, values = zip(*named)
    ax.barh(labels, values, color=[OURS if "hepae" in label else OTHERS for label in labels], height=0.68)
    for place, value in enumerate(values):
        ax.text(value, place, f" {value:.3g}", va="center", color=ink, fontsize=9)
    ax.invert_yaxis()
    ax.set_title(title, fontsize=10, color=ink, loc="left")
    ax.tick_params(colors=ink, length=0, labelsize=9)
    ax.set_xticks([])
    ax.set_xlim(0, max(values) * 1.15)
    ax.spines[:].set_visible(False)

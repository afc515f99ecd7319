"""What one or several networks cost jets of 27 variables: residuals, dijet mass, truncation at equal bytes, CPU
time and memory.

    hepae train data/jets_27D.root --dims 27D --filter finite,jets --recipe AE_bn_LeakyReLU --latent 14
    --normalisation log-standard -o runs/z14
    python 27D/27D_analysis.py data/jets_27D.root runs/z14 runs/z20 -o runs/report

writes a folder with report.html and the numbers behind it: residuals.csv, baselines.csv, dijet_mass.csv,
equal_bytes.csv, cost.csv, memory.csv. Everything is judged by test rows, if the networks were trained on this table,
and by all rows if not. Any number of variables will do, also 25D and 29D.
"""

import sys
from pathlib import Path

import click
import pandas as pd
import torch

from hepae.bench.equal_bytes import beside, equal_bytes
from hepae.core import HepaeError, naming, run_record, whole
from hepae.files.reading import read
from hepae.learning.cost import cpu_per_jet, memory_trace
from hepae.learning.prep import filter_events, refuse_nonfinite
from hepae.learning.trained import TrainedModel
from hepae.metrics import (
    Summary, bytes_on_disk, residuals, sigma_error, standardised_error, summarise, with_error)
from hepae.physics.dijets import dijet_mass
from hepae.plots.comparison import plot_histograms, plot_residuals
from hepae.plots.trends import plot_against_latent, plot_memory, plot_rate
from hepae.report.analysis import baseline_section, remarks_on, unseen
from hepae.report.page import analysis_report

LATENT = """σ and mean of the residuals of each variable for networks of different latent size, with their errors; open
circles are the half width of the central 68%, which single jets do not move."""
MASS = """The invariant mass of the two jets of highest pt of each event, before and after. {counts}. Mean and σ are of
the masses themselves; the residual is (after − before)/before of the same event, which shows much smaller
shifts than the two means could."""
BYTES = """The same {jets} jets, without their events, against the bytes they take. **Networks**: latents as float32 or
float16, packed without loss. **truncation**: mantissas rounded to k bits. Both are packed by the better of zstd
(bytes shuffled) and pcodec. **hepae**: a `.hepae` file whose bounds are those of the schema times one factor,
chosen so that it has the bytes of the latents. Integers stay exact in the last two. The bytes of the networks
themselves are not counted, since one may serve many files: {network}. Plot and tables show the half width of
the central 68% of the residuals, since σ is at the mercy of single jets where a variable is almost 0; the
tables are at equal bytes: of each way the largest file that takes no more bytes than the latents."""
COST = """CPU time per jet in microseconds, one thread, batches of {batch:,} jets, after two calls that were
not counted,
in eval mode without gradients: the least and the median of seven calls. Encoding a table includes checks and
normalisation. The figures are those of the machine and the hour."""
MEMORY = """Resident memory of this process while the table streams through encode and decode in chunks of
{rows:,} jets;
what it holds before the first chunk is Python, its libraries and the table itself."""


def by_latent(models: dict[str, TrainedModel], tables: dict[str, Summary]) -> dict[str, dict[int, Summary]]:
    "Summaries in lines of the same recipe and normalisation, by latent size; the first counts where two are alike."
    lines = {}
    for name, model in models.items():
        kind = f"{model.config.get('training', {}).get('recipe', 'network')}, {model.normaliser.recipe}"
        lines.setdefault(kind, {}).setdefault(model.latent, tables[name])
    return lines


def mass_section(original: pd.DataFrame, outputs: dict[str, pd.DataFrame]) -> tuple[list, pd.DataFrame]:
    "The dijet mass before and after: items of the report, and their numbers."
    before, counts = dijet_mass(original)
    if len(before) < 2:
        return [
            f"Of {counts['events']:,} events {counts['pairs']} have two jets or more: no dijet mass."
        ], pd.DataFrame()
    after = {name: dijet_mass(table)[0] for name, table in outputs.items()}
    found = {name: residuals(before, table) for name, table in after.items()}
    lines = {"input": before["mjj"]} | {name: table["mjj"] for name, table in after.items()}
    numbers = pd.DataFrame(
        {
            name: {
                "mean": x.mean(),
                "mean_error": x.sem(),
                "sigma": x.std(),
                "sigma_error": sigma_error(x.to_numpy(float)),
            }
            for name, x in lines.items()
        }
    ).T.rename_axis("table")
    shown = pd.DataFrame(
        {
            "mean": [with_error(*x) for x in numbers[["mean", "mean_error"]].values],
            "σ": [with_error(*x) for x in numbers[["sigma", "sigma_error"]].values],
        },
        index=numbers.index,
    )
    summary = pd.concat({name: summarise(r) for name, r in found.items()}).droplevel(1).add_prefix("residual_")
    words = MASS.format(
        counts=f"{counts['pairs']:,} events have a pair; "
        f"in {counts['fewer than two jets']:,} fewer than two jets are left among these rows"
    )
    return [
        words, plot_histograms(before, after, bins=40), (shown, "mass, in the unit of the table"),
        plot_residuals(found),
    ], numbers.join(summary)


def bytes_section(
    rows: pd.DataFrame, models: dict[str, TrainedModel], folders: dict[str, Path], most: int
) -> tuple[list, pd.DataFrame]:
    "Networks, truncation and codec at equal bytes: items of the report, and their numbers."
    points = equal_bytes(rows.iloc[:most], models)
    network = {name: bytes_on_disk(folders[name] / "weights.safetensors") for name in models}
    words = BYTES.format(
        jets=f"{min(most, len(rows)):,}", network=", ".join(f"{n:,} ({name})" for name, n in network.items())
    )
    tables = [
        (beside(points, way, "q68"), f"68% half width at the bytes of {way}")
        for name in models
        for way in (f"{name}, float32", f"{name}, float16")
    ]
    networks = points["way"].str.rpartition(",")[0].map(network)
    return [words, plot_rate(points, "q68"), *tables], points.assign(network_bytes=networks.astype("Int64"))


def cost_section(
    rows: pd.DataFrame, table: pd.DataFrame, models: dict[str, TrainedModel], batch: int
) -> tuple[list, pd.DataFrame, pd.DataFrame]:
    "CPU time and memory: items of the report, and their numbers."
    batch = min(batch, len(table))
    costs = pd.concat({name: cpu_per_jet(model, table, batch) for name, model in models.items()}, names=["model"])
    chunks = lambda: (table.iloc[i : i + batch] for i in range(0, len(table), batch))  # noqa: E731
    traces = {name: memory_trace(model, chunks()) for name, model in models.items()}
    memory = pd.concat(traces, names=["model"]).droplevel(1).reset_index()
    return (
        [COST.format(batch=batch), costs, MEMORY.format(rows=batch), plot_memory(traces)],
        costs.reset_index(),
        memory,
    )


def analyse(
    path: Path,
    folders: list[Path],
    output: Path,
    dims: str | None,
    container: str | None,
    filter_name: str | None,
    most: int,
    batch: int,
    equal: bool,
    cost: bool,
    force: bool,
) -> None:
    "The report and its numbers, in a folder."
    places = {f.name: f for f in folders}
    if len(places) < len(folders):
        raise HepaeError("two models have the same folder name; rename one")
    models = {name: TrainedModel.load(f) for name, f in places.items()}
    table = read(path, dims or next(iter(models.values())).schema.names, container=container)
    with naming(path):
        if filter_name:
            table, _ = filter_events(table, filter_name)
        refuse_nonfinite(table)
    rows, judged = unseen(table, models)
    outputs = {name: m.reconstruct(rows) for name, m in models.items()}
    tables = {name: summarise(residuals(rows, out)) for name, out in outputs.items()}
    numbers = {"residuals": pd.concat(tables, names=["model", "variable"]).reset_index()}
    *section, baselines = baseline_section(table, models)
    more, numbers["baselines"] = [tuple(section)], baselines.reset_index()
    if said := remarks_on(models): more.append(("Remarks on the trainings", ["\n\n".join(said)]))
    if len({m.latent for m in models.values()}) > 1:
        more.append(("Residuals against latent size", [LATENT, plot_against_latent(by_latent(models, tables))]))
    items, numbers["dijet_mass"] = mass_section(rows, outputs)
    more.append(("Dijet mass", items))
    if equal:
        items, numbers["equal_bytes"] = bytes_section(rows, models, places, most)
        more.append(("At equal bytes", items))
    if cost:
        items, numbers["cost"], numbers["memory"] = cost_section(rows, table, models, batch)
        more.append(("Cost", items))
    facts = {
        "input": path.name,
        "jets in the table": len(table),
        "judged by": judged,
        "filter": filter_name or "none",
        "recipe": {name: m.config.get("training", {}).get("recipe", "") for name, m in models.items()},
        "MSE of standardised variables": {
            name: with_error(*standardised_error(rows, out)) for name, out in outputs.items()},
        "latent": {name: m.latent for name, m in models.items()},
    }
    logs = {name: m.log for name, m in models.items() if m.log is not None and len(m.log)}
    with whole(output, force) as new:
        new.mkdir()
        analysis_report(
            new / "report.html", rows, outputs, logs or None, facts, run_record(command="27D_analysis"), more=more
        )
        for name, t in numbers.items():
            t.to_csv(new / f"{name}.csv", index=name == "dijet_mass", lineterminator="\n", float_format="%.6g")


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    help=__doc__.split("\n\n")[0]
    + "\n\nTABLE is a ROOT file or a table of jets, MODELS are folders of trained networks.",
)
@click.argument("table", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="A folder for report.html and the CSV files."
)
@click.option("--dims", help="Variables to read.  [default: those of the first model]")
@click.option("--container", help="Container of jets, where a file has several.")
@click.option(
    "--filter",
    "filter_name",
    default=None,
    help="Event filters, as for hepae train: finite, jets, mc, …; use the same as for the training, "
    "so that its test rows are recognised.",
)
@click.option("--rows", "most", default=10_000, show_default=True, help="Most jets for the comparison at equal bytes.")
@click.option("--batch", default=4096, show_default=True, help="Jets at a time, for the cost.")
@click.option(
    "--equal-bytes/--no-equal-bytes",
    "equal",
    default=True,
    show_default=True,
    help="Compare with truncation and with the codec at equal bytes.",
)
@click.option("--cost/--no-cost", default=True, show_default=True, help="Measure CPU time and memory.")
@click.option("--force", is_flag=True, help="Replace the folder.")
def main(table, models, output, **choice):
    torch.set_num_threads(1)
    try:
        analyse(table, list(models), output, **choice)
    except HepaeError as e:
        click.echo(f"27D_analysis: {e}", err=True)
        sys.exit(e.exit_code)
    click.echo(f"{output}: report.html and {', '.join(sorted(p.name for p in output.glob('*.csv')))}")


if __name__ == "__main__":
    main()

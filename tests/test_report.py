"The report as a file: self-contained, harmless whatever the names are, and made of any table."

import re
import subprocess
import sys
import warnings
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from hepae.core import HepaeError, UsageError, rng
from hepae.metrics import bound_violations, residuals, summarise
from hepae.plots.comparison import plot_corner, plot_correlation, plot_histograms, plot_preview, plot_residuals
from hepae.plots.style import png
from hepae.report.page import analysis_report, write_report
from hepae.schema import VARIABLES, event_index, infer_schema, preset, schema_of, with_schema

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title>",
    "{{ 1237*4327 }}",
    "${x}",
    "$\\frac{",
    "_hidden",
    "a\nb\x00",
    "名前",
    "x" * 300,
    "100%",
    "{numbers}",
]


def table(names: list[str], n: int, seed: int = 41) -> pd.DataFrame:
    "A table with every kind of variable."
    g = rng(seed)

    def values(name):
        _, _, kind, bound = VARIABLES.get(name, ("", "", "continuous", "rel:1e-3"))
        if kind == "integer":
            return g.integers(0, 30, n).astype("i4")
        if kind == "periodic":
            return g.uniform(-np.pi, np.pi, n).astype("f4")
        return (g.exponential(20, n) if bound.startswith("rel") else g.normal(0, 1, n)).astype("f4")

    made = pd.DataFrame({name: values(name) for name in names}, index=event_index(np.arange(n + 1)))
    return with_schema(made, infer_schema(made, "GeV"))


def smeared(original: pd.DataFrame, size: float) -> pd.DataFrame:
    "Each column times (1 + size × normal), in its dtype."
    g = rng(1)
    out = {c: (original[c] * (1 + size * g.normal(0, 1, len(original)))).astype(original[c].dtype) for c in original}
    return with_schema(pd.DataFrame(out, index=original.index), schema_of(original))


class Page(HTMLParser):
    "Tags, their attributes, and the text of a page."

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.words.append(data)


def page_of(path) -> Page:
    "The page, once it has been found whole and harmless."
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == [] and "script" not in page.tags
    assert not [k for k, _ in page.attributes if k.startswith("on")]
    inside = ("data:image/png;base64,", "data:text/csv;base64,", "data:application/gzip;base64,", "#s")
    assert all(v.startswith(inside) for k, v in page.attributes if k in ("src", "href"))
    assert not re.search(r"@import|url\(", html)
    assert html.count("</style>") == 1
    return page


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr("hepae.report.page.png", lambda figure, dpi: png(figure, 30))


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_hostile_names_stay_words(tmp_path):
    names = table(HOSTILE, 300)
    models = {label: smeared(names, 0.01) for label in ("<b>$^{", "{latent}")}
    logs = {"<script>": pd.DataFrame({"epoch": [0, 1], "train_loss": [1.0, 0.5], "valid_loss": [1.0, np.nan]})}
    facts = {"latent": 3, "<i>recipe": "</dd><script>alert(2)</script>"}
    analysis_report(
        tmp_path / "r.html",
        names,
        models,
        logs,
        facts,
        {"command": "<svg onload=x>", "packages": {"<p>": "1"}},
        title="</title><script>",
    )
    page = page_of(tmp_path / "r.html")
    text = "".join(page.words)
    assert "<script>alert(1)</script>" in text and "{{ 1237*4327 }}" in text and str(1237 * 4327) not in text
    assert "b" not in page.tags and "svg" not in page.tags


@pytest.mark.parametrize("rows", [0, 1, 2, 40])
def test_few_rows(tmp_path, rows):
    jets = table(preset("4D"), rows)
    summary = analysis_report(tmp_path / "r.html", jets, {"A": smeared(jets, 0.01)})
    assert (summary["A"].n + summary["A"].excluded == rows).all()
    assert f"{rows}" in page_of(tmp_path / "r.html").words


def test_values_that_are_not_finite_are_counted(tmp_path):
    jets, out = table(preset("4D"), 100), smeared(table(preset("4D"), 100), 0.01)
    jets.iloc[0, 0], jets.iloc[1, 1], jets.iloc[2, 2] = np.nan, 0, np.inf
    out.iloc[3, 0], out.iloc[4, 3] = np.inf, 3e38
    summary = analysis_report(tmp_path / "r.html", jets, {"A": out})["A"]
    assert summary.excluded.tolist() == [2, 1, 1, 0]
    assert "excluded" in page_of(tmp_path / "r.html").words


def test_one_and_constant_columns(tmp_path):
    one = table(["pt"], 50)
    analysis_report(tmp_path / "one.html", one, {"same": one})
    constant = with_schema(table(preset("4D"), 50) * 0 + 1, schema_of(table(preset("4D"), 50)))
    analysis_report(tmp_path / "constant.html", constant, {"same": constant})
    for name in ("one.html", "constant.html"):
        page_of(tmp_path / name)


def test_27_variables_and_models_side_by_side(tmp_path, monkeypatch):
    pt = table(["pt"], 50)
    one = png(plot_histograms(pt, pt), 30)
    monkeypatch.setattr("hepae.report.page.png", lambda figure, dpi: one)  # drawing them takes long; 27D/ does
    jets = table(preset("27D"), 500)
    models = {f"z{z}": smeared(jets, 0.1 / z) for z in (8, 14)}
    facts = {"latent": {"z8": 8, "z14": 14}, "seconds": {"z8": 1.5, "z14": 2.5}}
    summary = analysis_report(tmp_path / "r.html", jets, models, facts=facts)
    page = page_of(tmp_path / "r.html")
    # corners in the five groups of physics
    assert page.tags.count("table") == 3 and page.tags.count("img") == 3 + 2 * 5
    assert any("27 → 14 (z14)" in w for w in page.words) and "1.5 (z8); 2.5 (z14)" in page.words
    assert summary["z14"].sigma.pt < summary["z8"].sigma.pt
    assert summary["z8"].loc["N90Constituents", "n"] == 500


def test_every_picture_says_what_it_is(tmp_path):
    jets = table(preset("E4D"), 200)
    analysis_report(tmp_path / "r.html", jets, {"A": smeared(jets, 0.01)})
    alts = [v for k, v in page_of(tmp_path / "r.html").attributes if k == "alt"]
    assert len(alts) == 4 and all("pt" in a or "Correlation" in a for a in alts)


def test_the_same_report_twice_is_the_same_file(tmp_path, monkeypatch):
    "Of one minute: the page says when it was made."
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    jets = table(preset("4D"), 200)
    for name in "ab":
        analysis_report(tmp_path / name, jets, {"A": smeared(jets, 0.01)}, record={"seed": 41})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_files_appear_whole_or_not_at_all(tmp_path):
    with pytest.raises(HepaeError, match="has no place in a report"):
        write_report(tmp_path / "r.html", "t", [("s", [3])])
    with pytest.raises(HepaeError, match="does not exist"):
        write_report(tmp_path / "no" / "r.html", "t", [])
    assert list(tmp_path.iterdir()) == []
    write_report(tmp_path / "r.html", "t", [("s", ["words"])])
    with pytest.raises(HepaeError, match="--force"):
        write_report(tmp_path / "r.html", "t", [])
    write_report(tmp_path / "r.html", "other", [], force=True)
    assert "other" in page_of(tmp_path / "r.html").words


def test_tables_that_do_not_match_are_refused(tmp_path):
    jets = table(preset("4D"), 50)
    for other, words in ((jets[1:], "50 rows"), (jets.drop(columns="m"), "lacks column m"), (jets[::-1], "row 0")):
        for compare in (residuals, bound_violations, plot_histograms):
            with pytest.raises(HepaeError, match=words):
                compare(jets, other)
        with pytest.raises(HepaeError, match=words):
            analysis_report(tmp_path / "r.html", jets, {"A": other})
    with pytest.raises(UsageError, match="nothing to plot"):
        analysis_report(tmp_path / "r.html", jets, {})
    assert list(tmp_path.iterdir()) == []


def test_plots_take_hostile_names():
    names = table(HOSTILE, 50)
    found = residuals(names, smeared(names, 0.1))
    preview = plot_preview(names, names, {"epoch": [0], "train_loss": [1.0], "valid_loss": [np.nan]})
    for figure in (
        plot_histograms(names, {"_$": names}), plot_residuals({"$x": found}), plot_corner(found, HOSTILE[:3]),
        plot_correlation({"$a": names, "_b": found}), preview,
    ):
        assert png(figure, 40).startswith(b"\x89PNG")


def test_nothing_stays_open_and_no_settings_change():
    script = """
import matplotlib
before = dict(matplotlib.rcParams)
import numpy as np, pandas as pd, sys
from hepae.plots.comparison import plot_histograms, plot_preview
t = pd.DataFrame(np.random.default_rng(0).random((50, 2)), columns=["pt", "eta"])
for _ in range(3): plot_preview(t, t, {"epoch": [0], "train_loss": [1.0]}), plot_histograms(t, t)
import matplotlib.pyplot as plt
changed = {k for k, v in before.items() if matplotlib.rcParams[k] != v} - {"backend", "backend_fallback"}
assert plt.get_fignums() == [] and not changed, changed
assert not {"torch", "fastai", "seaborn"} & set(sys.modules), "plots import too much"
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_summary_of_known_numbers():
    found = with_schema(pd.DataFrame({"eta": [-2.0, -1, 0, 1, 2, np.nan]}), infer_schema(pd.DataFrame({"eta": [0.0]})))
    row = summarise(found).loc["eta"]
    sigma = np.sqrt(2.5)
    expected = {
        "n": 5,
        "excluded": 1,
        "mean": 0,
        "sem": sigma / np.sqrt(5),
        "sigma": sigma,
        "sigma_error": np.sqrt((6.8 - 2**2) / (4 * 2 * 5)),  # μ₄ = (16 + 1 + 0 + 1 + 16)/5, σ² = 2
        "max_abs": 2,
    }
    assert row[list(expected)].to_dict() == pytest.approx(expected)
    assert row["q68"] == pytest.approx(0.68 * 2) and row["q95"] == pytest.approx(0.95 * 2)

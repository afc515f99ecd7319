"""The site of documentation: its links lead somewhere, its tutorials say what happens, and a browser can show it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser import PROGRAM, Browser
from tutorials import comparable, filled, workplace

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = (400, 1400)
SOME = ["index.html", "tutorials/root.html", "4D/index.html", "hepmc/file_compression.html", "nbs/codec/01_bounds.html",
        "FORMAT.html", "commands.html", "python.html", "CONTRIBUTING.html", "faq.html"]


@pytest.mark.parametrize("name", ["root", "python", pytest.param("hepmc", marks=pytest.mark.slow),
                                  pytest.param("training", marks=pytest.mark.slow)])
def test_tutorial(name, tmp_path, monkeypatch):
    "Every command of a tutorial runs, and says what stands under it."
    monkeypatch.chdir(workplace(tmp_path))
    path = ROOT / "docs" / "tutorials" / f"{name}.md"
    written = path.read_text()
    ran = filled(written, tmp_path)
    assert comparable(ran) == comparable(written), f"bring it up to date: python tests/tutorials.py {path}"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    "The site, built as `make docs` does: links that lead nowhere are errors."
    pytest.importorskip("material", reason="the site needs hepae[docs]")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    quiet = os.environ | {"PYTHONWARNINGS": "ignore", "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=quiet)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def browser():
    "A browser, if there is one."
    if PROGRAM is None: pytest.skip("no chromium to open pages with")
    pytest.importorskip("websocket", reason="speaking to chromium needs websocket-client")
    with Browser() as browser: yield browser


def opens_well(browser: Browser, page: Path, widths: tuple[int, ...]) -> None:
    "No complaint, nothing from elsewhere, and nothing that is wider than the window."
    for width in widths:
        browser.open(page.as_uri(), width)
        seen = browser.wider()
        assert seen["page"] <= width and not seen["wide"], (page.name, width, seen)
        assert not browser.complaints(), (page.name, browser.complaints())
        assert not [r for r in browser.requests() if not r.startswith(("file:", "data:"))], page.name


def pages(site: Path) -> list[str]:
    "Every page of the site but the one of a server for addresses that lead nowhere, which names what it needs from /."
    found = {p.relative_to(site).as_posix() for p in site.rglob("*.html")}
    return sorted(found - {"404.html"})


def test_pages(site, browser):
    "Some pages of each kind."
    assert set(SOME) <= set(pages(site))
    for name in SOME: opens_well(browser, site / name, WIDTHS)


@pytest.mark.slow
def test_all_pages(site, browser):
    "All of them."
    for name in pages(site): opens_well(browser, site / name, WIDTHS)


def test_nothing_is_forgotten(site):
    "Every notebook of the library and of the studies has its page, and every command its heading."
    from hepae.cli.main import cli

    made = set(pages(site))
    for folder in ("nbs", "4D", "27D", "hepmc"):
        for path in (ROOT / folder).rglob("*.ipynb"):
            name = path.relative_to(ROOT).with_suffix(".html").as_posix()
            assert ".ipynb_checkpoints" in name or name in made, name
    commands = (site / "commands.html").read_text()
    assert all(f'<h2 id="{name}">' in commands for name in cli.commands)
    assert "Sentinel" not in commands and "unpkg" not in (site / "index.html").read_text()


def test_formulas_need_no_program(site):
    "Formulas are in the page as MathML."
    page = (site / "4D" / "compression.html").read_text()
    assert "<math" in page and r"\log_2" not in re.sub(r"<pre.*?</pre>", "", page, flags=re.S)


def test_search(site, browser):
    "A word finds pages, also when the site is opened from disk."
    browser.open((site / "index.html").as_uri(), 1400)
    browser.evaluate("""document.querySelector("#__search").click(),
                        document.querySelector(".md-search__input").focus()""")
    browser.ask("Input.insertText", text="quantiser")
    found = browser.evaluate("""new Promise(done => {
      const look = setInterval(() => {
        const hits = [...document.querySelectorAll(".md-search-result__link")].map(a => a.getAttribute("href"))
        if (hits.length) { clearInterval(look); done(hits) }
      }, 100)
      setTimeout(() => { clearInterval(look); done([]) }, 60000)
    })""")
    assert any("01_bounds.html" in hit for hit in found), found
    assert not browser.complaints(), browser.complaints()

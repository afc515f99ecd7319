"""Pages that commands write, opened as their readers do: nothing is wider than the window, nothing complains, each
figure and table has its number and can be saved, and the page says how it was made."""

import base64
import io
import re
import sys
from pathlib import Path

import pandas as pd
import pytest
from browser import PROGRAM, Browser
from conftest import first_jets, hepae

from hepae.files.reading import write

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r'<a download="((?:figure|table)-\d+)\.(png|csv)" href="data:[\w/]+;base64,([^"]+)"')

SCROLLING = """[...document.querySelectorAll(".scroll")].filter(box => box.scrollWidth > box.clientWidth + 1).length"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    "A report about a network and a page of a race, written by the commands."
    folder = tmp_path_factory.mktemp("pages")
    write(first_jets(1500), folder / "my.root")
    asked = {"report": ["analyse", "my.root", "--model", ROOT / "4D" / "AE_3D_200", "-o", "report.html"],
             "race": ["bench", "my.root", "--codecs", "density,xz,blosc2", "--bounds", "1e-2,1e-3", "-o", "race.html"]}
    before = sys.argv
    for arguments in asked.values():
        sys.argv = ["hepae", *map(str, arguments)]
        try: done = hepae(*arguments, cwd=folder)
        finally: sys.argv = before
        assert done.returncode == 0, done.stderr
    return {name: folder / f"{name}.html" for name in asked}


@pytest.mark.parametrize("name", ["report", "race"])
def test_numbers_and_downloads(pages, name):
    "Figures and tables count from 1, and each can be saved: pictures as PNG, all numbers as CSV that pandas reads."
    html = pages[name].read_text()
    links = {(what, kind): base64.b64decode(data) for what, kind, data in LINK.findall(html)}
    for word in ("Figure", "Table"):
        numbers = [int(n) for n in re.findall(rf"<strong>{word} (\d+)\.</strong>", html)]
        assert numbers == list(range(1, len(numbers) + 1)) and numbers, word
    for number in range(1, html.count("<img") + 1):
        assert links[f"figure-{number}", "png"].startswith(b"\x89PNG")
    tables = [pd.read_csv(io.BytesIO(data)) for (_, kind), data in links.items() if kind == "csv"]
    assert tables and all(len(t) and t.shape[1] > 1 for t in tables)


@pytest.mark.parametrize("name, command", [("report", "analyse"), ("race", "bench")])
def test_how_it_was_made(pages, name, command):
    "Command line, time, processor and versions."
    html = pages[name].read_text()
    said = f"hepae {command} my.root --"
    named = (f"<dt>{x}</dt>" for x in ("date", "processor", "seed"))
    for words in ("command line", said, "UTC", "numpy (version)", *named):
        assert words in html, words


def test_words(pages):
    "A race has the ratio beside the bits, under words and not under names of columns."
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", pages["race"].read_text())
    assert {"ratio", "bits a row", "compress, MB/s"} <= set(heads)
    assert not [h for h in heads if "_" in h]


@pytest.mark.parametrize("name", ["report", "race"])
def test_in_a_browser(pages, name):
    "No complaint, no request, and nothing sticks out; from 800 pixels on tables need not scroll."
    if PROGRAM is None: pytest.skip("no chromium to open pages with")
    pytest.importorskip("websocket", reason="speaking to chromium needs websocket-client")
    with Browser() as browser:
        for width in (400, 800, 1400):
            browser.open(pages[name].as_uri(), width)
            seen = browser.wider()
            assert seen["page"] <= width and not seen["wide"], (width, seen)
            assert not browser.complaints(), browser.complaints()
            assert not [r for r in browser.requests() if not r.startswith(("file:", "data:"))]
            assert width < 800 or browser.evaluate(SCROLLING) == 0, width

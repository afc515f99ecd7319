"""Bring READMEs, notebooks and what they link to into the site from where they are; nothing is copied or executed."""

import base64
import html
import json
import re
from pathlib import Path, PurePosixPath
from textwrap import indent

from latex2mathml.converter import convert
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["FORMAT.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "data/README.md"]
STUDIES = {"4D": "Four variables of a jet", "27D": "27 variables of a jet", "hepmc": "Monte Carlo events"}
LINK = re.compile(r"(\]\()([^)#:\s]+)(#[^)\s]*)?(\))")
LARGEST = 300_000  # bytes of a linked file that the site carries
FILES = ["CITATION.cff", "LICENSE"]


def notebooks(folder: str) -> list[str]:
    "Paths of the notebooks of a folder, in the order of their names."
    return [p.relative_to(ROOT).as_posix() for p in sorted((ROOT / folder).glob("*.ipynb"))]


def wings() -> list[str]:
    "The wings of the library in the order of CONTRIBUTING's map, as folders of nbs/."
    rows = re.findall(r"^\| `([\w.]+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    return [r.replace(".", "/") for r in rows if (ROOT / "nbs" / r.replace(".", "/")).is_dir()]


def study_order(folder: str) -> list[str]:
    "The notebooks of a study as its README mentions them first, then the others."
    found = re.findall(r"\]\((\w+\.ipynb)\)", (ROOT / folder / "README.md").read_text())
    named = [f"{folder}/{name}" for name in dict.fromkeys(found)]
    return named + [p for p in notebooks(folder) if p not in named]


def page(path: str) -> str:
    "The name of a notebook's page."
    return path.replace(".ipynb", ".md")


def on_config(config):
    "Fill the menus of the studies and of the library; what is not in the repository leaves the menu."
    studies = [{STUDIES[f]: [f"{f}/README.md", *map(page, study_order(f))]} for f in STUDIES]
    rooms = [{w.replace("/", "."): list(map(page, notebooks(f"nbs/{w}")))} for w in wings()]
    core = [page(p) for p in notebooks("nbs") if p != "nbs/index.ipynb"]
    library = ["nbs/index.md", {"core": core}, *rooms]
    for section in config.nav:
        name, items = next(iter(section.items()))
        if name == "Studies": section[name] = studies
        elif name == "Library": section[name] = library
        elif isinstance(items, list): section[name] = [i for i in items if i not in PAGES or (ROOT / i).exists()]
    config.mdx_configs.setdefault("toc", {})["slugify"] = anchor
    config.extra["polyfills"] = ["worker.js"]  # the theme would fetch its own from elsewhere
    return config


def anchor(heading: str, separator: str) -> str:
    "The anchor that GitHub gives a heading, so that links work there and here."
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def on_files(files, config):
    "Add the pages, and the files that they link to."
    shown = [p for f in STUDIES for p in [f"{f}/README.md", *notebooks(f)]]
    shown += [p for f in ("", *wings()) for p in notebooks(f"nbs/{f}".rstrip("/"))]
    for path in FILES: files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    for path in [p for p in PAGES if (ROOT / p).exists()] + shown:
        text = (ROOT / path).read_text(encoding="utf-8")
        if path.endswith(".ipynb"):
            text, pictures = from_notebook(json.loads(text), PurePosixPath(path).stem, not path.startswith("nbs/"))
            for name, data in pictures.items():
                files.append(File.generated(config, f"{PurePosixPath(path).parent}/{name}", content=data))
        text, linked = with_links(text, PurePosixPath(path))
        files.append(File.generated(config, page(path), content=text))
        for other in linked:
            if files.get_file_from_path(other) is None:
                files.append(File.generated(config, other, abs_src_path=str(ROOT / other)))
    return files


def with_links(text: str, path: PurePosixPath) -> tuple[str, list[str]]:
    "A page's links to notebooks as links to their pages; and the other files that it links to."
    linked = []

    def mend(match):
        start, target, anchor, end = match.groups()
        place = (ROOT / path.parent / target).resolve()
        if target.endswith(".ipynb"):
            alike = [p.name for p in place.parent.glob(f"*_{place.name}")]  # 02_prep.ipynb is called prep.ipynb, too
            target = page(target if place.exists() or not alike else str(PurePosixPath(target).with_name(alike[0])))
        elif place.is_file() and place.suffix != ".md" and place.stat().st_size < LARGEST:
            linked.append(place.relative_to(ROOT).as_posix())
        return start + target + (anchor or "") + end

    return LINK.sub(mend, text), linked


def from_notebook(notebook: dict, stem: str, article: bool) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, with its pictures by name. Cells with `#| hide` stay away, as nbdev has it, and the code
    of an article is folded."""
    parts, pictures, heading, module = [], {}, stem, ""
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(for_markdown(source))
            heading = (re.findall(r"^#+ (.*)", source, re.M) or [heading])[-1]
            continue
        flags = re.findall(r"^#\s*\|\s*(\w+)(.*)", source, re.M)
        module = next((rest.strip() for flag, rest in flags if flag == "default_exp"), module)
        if cell["cell_type"] != "code" or {"hide", "default_exp"} & {flag for flag, _ in flags}: continue
        code = re.sub(r"^#\s*\|.*\n?", "", source, flags=re.M).strip("\n")
        if code: parts.append(folded(fenced(code, ".python")) if article else fenced(code, ".python"))
        parts += [output(o, stem, heading, pictures) for o in cell["outputs"]]
    if module: parts.insert(1, f"*Module* `hepae.{module}`{{ .module }}")
    return "\n\n".join(p for p in parts if p) + "\n", pictures


def for_markdown(text: str) -> str:
    "A list or table straight after a line of text needs an empty line in Python's Markdown."
    return re.sub(r"^((?![-*|#>\s]|\d+\.).+\n)(?=(?:[-*] |\|.*\|\n\|[-: |]+\n))", r"\1\n", text, flags=re.M)


def folded(text: str) -> str:
    "Code that a reader may unfold."
    return '??? quote "Code"\n\n' + indent(text, "    ")


def fenced(text: str, kind: str) -> str:
    "Text in a box, fenced by more backticks than it has."
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in re.findall("`+", text) or [""]))
    return f"{fence} {{ {kind} }}\n{text}\n{fence}"


def output(out: dict, stem: str, heading: str, pictures: dict[str, bytes]) -> str:
    "What a cell showed: its picture, its HTML, or its text."
    data = {kind: "".join(d) if isinstance(d, list) else d for kind, d in out.get("data", {}).items()}
    if "image/png" in data:
        name = f"{stem}_{len(pictures) + 1}.png"
        pictures[name] = base64.b64decode(data["image/png"])
        return f"![{heading.replace('`', '')}, picture {len(pictures)}]({name}){{ .figure }}"
    if "text/html" in data:
        kept = re.sub(r"<style.*?</style>", "", data["text/html"], flags=re.S)
        return f'<div class="shown" data-search-exclude>\n{re.sub(chr(10) + r"{2,}", chr(10), kept)}\n</div>'
    if "text/markdown" in data: return data["text/markdown"]
    text = "".join(out.get("text", "")) or data.get("text/plain", "")
    plain = re.sub(r"\x1b\[[\d;]*m", "", text).rstrip()
    return fenced(plain, '.text .shown data-search-exclude=""') if plain else ""


def on_page_markdown(markdown, page, config, files):
    "A drawing that GitHub makes by a program of others becomes a table; lists and tables get their empty line."
    return for_markdown(re.sub(r"```mermaid\n(.*?)```", as_table, markdown, flags=re.S))


def as_table(match: re.Match) -> str:
    "The arrows of a graph as a table: who is used by whom."
    used = {}
    for one, other in re.findall(r"([\w.]+) --> ([\w.]+)", match[1]): used.setdefault(one, []).append(f"`{other}`")
    rows = [f"| `{one}` | {', '.join(others)} |" for one, others in used.items()]
    return "\n".join(["| wing | is imported by |", "|---|---|", *rows])


def on_page_content(content, page, config, files):
    "Formulas as MathML, which browsers draw themselves; tables in boxes that scroll."
    formula = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.S)
    content = formula.sub(lambda m: convert(html.unescape(m[2]), "block" if m[1] == "div" else "inline"), content)
    return content

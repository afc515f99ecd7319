"""Write reference pages from what the code says of itself: `::: hepae NAME …` functions, `::: --help` commands."""

import inspect
import re
from textwrap import dedent

import click
from fastcore.docments import docments

import hepae
from hepae.cli.main import cli

FUNCTIONS = re.compile(r"^::: hepae (.+)$", re.M)
COMMANDS = re.compile(r"^::: --help$", re.M)


def on_page_markdown(markdown, page, config, files):
    "Fill in the lines that ask for functions or commands."
    markdown = FUNCTIONS.sub(lambda m: "\n".join(map(function, filter(offered, m[1].split()))), markdown)
    return COMMANDS.sub(lambda m: "\n\n".join(command(n, c) for n, c in cli.commands.items()), markdown)


def offered(name: str) -> bool:
    "Does this version of the package have it?"
    return hasattr(hepae, name)


def function(name: str) -> str:
    "Heading, docstring, and a table of the parameters of a function."
    called = getattr(hepae, name)
    rows = ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    rows += [parameter(p, known) for p, known in docments(called, full=True, returns=True).items()]
    said = inspect.cleandoc(called.__doc__ or "")
    return f"## hepae.{name}\n\n{said}\n\n" + "\n".join(rows) + "\n"


def parameter(name: str, known) -> str:
    "A row of the table."
    empty, default = inspect.Parameter.empty, known.get("default", inspect.Parameter.empty)
    kind = "" if known.anno is empty else known.anno
    kind = kind if isinstance(kind, str) else inspect.formatannotation(kind)
    meaning = re.sub(r"\s+", " ", known.docment or "")
    cells = ["returns" if name == "return" else f"`{name}`", f"`{kind}`" if kind else "",
             "" if default is empty else f"`{default!r}`", meaning]
    return f"| {' | '.join(c.replace('|', chr(92) + '|') for c in cells)} |"


def command(name: str, known: click.Command) -> str:
    "Heading, usage, help and a table of the options of a command."
    context = click.Context(known, info_name=f"hepae {name}", max_content_width=110, help_option_names=["-h", "--help"])
    usage = known.get_usage(context).removeprefix("Usage: ")
    parts = [f"## {name}", f"```console\n$ {usage}\n```", *map(paragraph, dedent(known.help or "").split("\n\n"))]
    rows = [record for p in known.get_params(context) if (record := p.get_help_record(context))]
    table = [f"| `{opts}` | {escaped(said)} |" for opts, said in rows]
    return "\n\n".join([*parts, "\n".join(["| option | |", "|---|---|", *table])])


def paragraph(text: str) -> str:
    "One of help's paragraphs; lines after a `\\b` stay as they are."
    if "\b" in text: return "```text\n" + dedent(text.replace("\b", "").strip("\n")) + "\n```"
    return escaped(" ".join(text.split()))


def escaped(text: str) -> str:
    "Help is plain text: what Markdown would read as its own stands as itself."
    return re.sub(r"([*_<|`\\])", r"\\\1", text).replace("\\<", "&lt;").replace("[", "&#91;")

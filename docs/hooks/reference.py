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
    "Heading, docstring and the parameters of a function."
    called = getattr(hepae, name)
    known = docments(called, full=True, returns=True).items()
    said = inspect.cleandoc(called.__doc__ or "")
    return f"## hepae.{name}\n\n{said}\n\n" + "\n".join(parameter(p, facts) for p, facts in known) + "\n"


def parameter(name: str, known) -> str:
    "A line of the list: name, type, default and meaning, as far as they are known."
    empty, default, kind = inspect.Parameter.empty, known.get("default", inspect.Parameter.empty), known.anno
    kind = kind if isinstance(kind, str) else "" if kind in (empty, type(None)) else inspect.formatannotation(kind)
    shown = f" = `{default!r}`" if default is not empty and not callable(default) else ""
    meaning = re.sub(r"\s+", " ", known.docment or "")
    first = "- returns" if name == "return" else f"- **{name}**"
    typed = f" `{kind}`" if kind and kind != "function" else ""
    return first + typed + shown + (f": {meaning}" if meaning else "")


def command(name: str, known: click.Command) -> str:
    "Heading, usage, help and the options of a command."
    context = click.Context(known, info_name=f"hepae {name}", max_content_width=110, help_option_names=["-h", "--help"])
    usage = known.get_usage(context).removeprefix("Usage: ")
    parts = [f"## {name}", f"```console\n$ {usage}\n```", *map(paragraph, dedent(known.help or "").split("\n\n"))]
    rows = [record for p in known.get_params(context) if (record := p.get_help_record(context))]
    return "\n\n".join([*parts, "\n".join(f"- `{option}`: {escaped(said)}" for option, said in rows)])


def paragraph(text: str) -> str:
    "One of help's paragraphs; lines after a `\\b` stay as they are."
    if "\b" in text: return "```text\n" + dedent(text.replace("\b", "").strip("\n")) + "\n```"
    return escaped(" ".join(text.split()))


def escaped(text: str) -> str:
    "Help is plain text: what Markdown would read as its own stands as itself."
    return re.sub(r"([*_<|`\\])", r"\\\1", text).replace("\\<", "&lt;").replace("[", "&#91;")

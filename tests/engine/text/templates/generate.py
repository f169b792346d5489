#!/usr/bin/env python3
"""Writes expected.json: what Jinja2, set up as Hugging Face transformers sets it up, makes of every
template here with every conversation, and of every snippet. Needs python3-jinja2; run it after adding
a template, a conversation or a snippet. An expected text of null is an error."""

import datetime
import json
import pathlib

import jinja2
import jinja2.ext
import jinja2.sandbox

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2025, 3, 7, 14, 5, 9)


class Generation(jinja2.ext.Extension):
    """{% generation %} marks the assistant's text for training masks; it renders as its body."""

    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def raise_exception(message):
    raise jinja2.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def render(text, variables):
    try:
        return environment().from_string(text).render(**variables)
    except Exception:
        return None


def main():
    tools = json.loads((HERE / "tools.json").read_text())
    conversations = json.loads((HERE / "conversations.json").read_text())
    templates = {}
    for path in sorted(HERE.glob("*.jinja")):
        templates[path.stem] = outputs = {}
        for name, conversation in conversations.items():
            variables = {
                "messages": conversation["messages"],
                "tools": tools if "tools" in conversation else None,
                "documents": None,
                "add_generation_prompt": conversation.get("add_generation_prompt", True),
                "bos_token": "<bos>",
                "eos_token": "<eos>",
            }
            outputs[name] = render(path.read_text(), {**variables, **conversation.get("extra", {})})
    context = json.loads((HERE / "snippet_context.json").read_text())
    lines = (HERE / "snippets.txt").read_text().rstrip("\n").split("\n")
    snippets = [[text, render(text, context)] for text in (s.replace("⏎", "\n") for s in lines)]
    expected = {"templates": templates, "snippets": snippets}
    (HERE / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
